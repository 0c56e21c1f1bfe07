package endpoint

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// fakeWorker speaks frames on a socket of its own, and answers as a test wants.
type fakeWorker struct {
	listener net.Listener
	answer   func(header scoreRequest, body []byte) (scoreResponse, []byte)
}

func newFakeWorker(t *testing.T, answer func(scoreRequest, []byte) (scoreResponse, []byte)) *fakeWorker {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "w"))
	if err != nil {
		t.Fatal(err)
	}
	w := &fakeWorker{listener, answer}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go w.converse(conn)
		}
	}()
	return w
}

// converse hangs up when the answer's status is 0.
func (w *fakeWorker) converse(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		var head [8]byte
		if _, err := io.ReadFull(reader, head[:]); err != nil {
			return
		}
		text := make([]byte, binary.BigEndian.Uint32(head[:]))
		body := make([]byte, binary.BigEndian.Uint32(head[4:]))
		io.ReadFull(reader, text)
		io.ReadFull(reader, body)
		var header scoreRequest
		if err := json.Unmarshal(text, &header); err != nil {
			return
		}
		answer, result := w.answer(header, body)
		if answer.Status == 0 {
			return
		}
		text, _ = json.Marshal(answer)
		frame := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
		frame = binary.BigEndian.AppendUint32(frame, uint32(len(result)))
		conn.Write(append(append(frame, text...), result...))
	}
}

// newPartsWorker answers every request in parts, as they come. At "break" it
// hangs up.
func newPartsWorker(t *testing.T, next <-chan string) *fakeWorker {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "w"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	send := func(conn net.Conn, header, body string) {
		frame := binary.BigEndian.AppendUint32(nil, uint32(len(header)))
		frame = binary.BigEndian.AppendUint32(frame, uint32(len(body)))
		conn.Write([]byte(string(frame) + header + body))
	}
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.Read(make([]byte, 4096))
		send(conn, `{"status": 201, "stream": true, "headers": [["x-mine", "yes"], ["content-length", "7"]]}`, "")
		for part := range next {
			if part == "break" {
				return
			}
			send(conn, "{}", part)
		}
		send(conn, `{"end": true}`, "")
		conn.Read(make([]byte, 1))
	}()
	return &fakeWorker{listener: listener}
}

func (w *fakeWorker) dial(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", w.listener.Addr().String())
}

// routed is an endpoint "doubler" with one deployment "blue" on a fake worker.
type routed struct {
	*fixture
	t    *testing.T
	key  string
	pool *pool
	hung chan struct{}
}

func newRouted(t *testing.T, settings RequestSettings, answer func(scoreRequest, []byte) (scoreResponse, []byte)) *routed {
	t.Helper()
	f := newFixture(t, sqldbtest.SQLite(t, clock.System{}))
	if _, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "doubler"}); err != nil {
		t.Fatal(err)
	}
	ask := f.scored(t, "blue")
	ask.RequestSettings = &settings
	d, err := f.CreateDeployment(f.ctx, f.ws, "doubler", ask, true)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := f.Credentials(f.ctx, f.ws, "doubler")
	if err != nil {
		t.Fatal(err)
	}
	r := &routed{fixture: f, t: t, key: keys.SecondaryKey, hung: make(chan struct{}, 1)}
	r.pool = f.router.pool(deploymentKey{f.ws, "doubler", "blue"})
	r.pool.configure(d.Settings, nil)
	if answer != nil {
		r.add("one", newFakeWorker(t, answer))
	}
	return r
}

func (r *routed) add(id string, w *fakeWorker) {
	r.pool.add(&backend{id: id, dial: w.dial, lost: func() {}, hung: func() { r.hung <- struct{}{} }})
}

// ask sends body to path with the headers, given in pairs.
func (r *routed) ask(path, body string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest("POST", "/workspaces/default/endpoints/doubler"+path, strings.NewReader(body)).WithContext(r.ctx)
	request.SetPathValue("endpoint", "doubler")
	request.SetPathValue("rest", strings.TrimPrefix(path, "/"))
	request.Header.Set("Authorization", "Bearer "+r.key)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	secret := func(req *http.Request) string { return strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ") }
	r.router.Handler(secret).ServeHTTP(answer, request)
	return answer
}

// listen serves the endpoint by HTTP, and returns its address.
func (r *routed) listen() string {
	secret := func(req *http.Request) string { return req.Header.Get("X-Key") }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.SetPathValue("endpoint", "doubler")
		req.SetPathValue("rest", strings.TrimPrefix(req.URL.Path, "/"))
		r.router.Handler(secret).ServeHTTP(w, req.WithContext(workspace.With(req.Context(), workspace.From(r.ctx))))
	}))
	r.t.Cleanup(server.Close)
	return server.URL
}

// request is a request with the endpoint's key to an address of listen.
func (r *routed) request(address, body string) *http.Request {
	request, err := http.NewRequestWithContext(r.t.Context(), "POST", address+"/score", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("X-Key", r.key)
	return request
}

// echo answers with what it was asked.
func echo(header scoreRequest, body []byte) (scoreResponse, []byte) {
	text, _ := json.Marshal(header)
	return scoreResponse{Status: 200, Headers: [][2]string{{"x-seen", string(text)}, {"x-twice", "a"}, {"x-twice", "b"}}}, body
}

func TestRouterPassesARequestOn(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	answer := r.ask("/score", "\x00\xffbinary", "X-Request-Id", "r-1", "Cookie", "atelier_session=secret", "X-Mine", "yes")
	if answer.Code != 200 || answer.Body.String() != "\x00\xffbinary" || answer.Header().Get("azureml-model-deployment") != "blue" {
		t.Fatalf("answered %d %q %v", answer.Code, answer.Body, answer.Header())
	}
	if got := answer.Header().Values("X-Twice"); len(got) != 2 {
		t.Errorf("a repeated header came as %q", got)
	}
	seen := answer.Header().Get("X-Seen")
	for _, want := range []string{`"path":"/score"`, `"timeout_ms":5000`, `"request_id":"r-1"`, `"x-mine":"yes"`} {
		if !strings.Contains(seen, want) {
			t.Errorf("the worker did not see %s in %s", want, seen)
		}
	}
	for _, secret := range []string{r.key, "atelier_session"} {
		if strings.Contains(seen, secret) {
			t.Errorf("the worker was shown a credential: %s", seen)
		}
	}
}

func TestAModelCannotSpeakForTheServer(t *testing.T) {
	r := newRouted(t, RequestSettings{}, func(scoreRequest, []byte) (scoreResponse, []byte) {
		return scoreResponse{Status: 101, Headers: [][2]string{{"set-cookie", "atelier_session=mine"}, {"content-length", "1"},
			{"transfer-encoding", "chunked"}, {"content-type", "text/html"}}}, []byte("<script>")
	})
	answer := r.ask("/score", "1")
	if answer.Code != 502 || answer.Header().Get("Set-Cookie") != "" || answer.Header().Get("Transfer-Encoding") != "" ||
		answer.Header().Get("Content-Length") != "8" || answer.Header().Get("Content-Security-Policy") != "sandbox" {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
}

func TestOtherSites(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	preflight := func(site, key string) *httptest.ResponseRecorder {
		request := httptest.NewRequest("OPTIONS", "/score", nil).WithContext(r.ctx)
		request.SetPathValue("endpoint", "doubler")
		request.SetPathValue("rest", "score")
		request.Header.Set("Origin", site)
		request.Header.Set("Access-Control-Request-Method", "POST")
		request.Header.Set("Access-Control-Request-Headers", "content-type, authorization")
		answer := httptest.NewRecorder()
		r.router.Handler(func(*http.Request) string { return key }).ServeHTTP(answer, request)
		return answer
	}
	if answer := preflight("https://a.example", ""); answer.Code != 401 {
		t.Errorf("a closed deployment: %d, want 401", answer.Code)
	}
	for _, origins := range []string{"https://a.example", "*", `https://b.example, https://[ab]\.example`} {
		r.pool.configure(Settings{EnvironmentVariables: map[string]string{originsVariable: origins}, RequestSettings: r.pool.settings}, nil)
		answer := preflight("https://a.example", "")
		if answer.Code != 200 || answer.Header().Get("Access-Control-Allow-Origin") != "https://a.example" ||
			answer.Header().Get("Access-Control-Allow-Methods") != "GET, POST" ||
			answer.Header().Get("Access-Control-Allow-Headers") != "authorization, content-type" {
			t.Errorf("%s: %d %v", origins, answer.Code, answer.Header())
		}
		scored := r.ask("/score", "1", "Origin", "https://a.example")
		if scored.Code != 200 || scored.Header().Get("Access-Control-Allow-Origin") != "https://a.example" || scored.Header().Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s: scored %d %v", origins, scored.Code, scored.Header())
		}
		if foreign := r.ask("/score", "1", "Origin", "https://evil.example.org"); origins != "*" && foreign.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: opened to another site: %v", origins, foreign.Header())
		}
	}
	if answer := preflight("https://c.example", ""); answer.Code != 401 {
		t.Errorf("another site: %d, want 401", answer.Code)
	}
	if err := checkVariables(map[string]string{originsVariable: "https://(a"}); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("a broken pattern: %v", err)
	}
}

func TestRouterAsksForAKey(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	token, err := r.Access.CreateToken(r.ctx, mustActor(t, r.ctx).ID, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := r.Access.CreateUser(r.ctx, "eve")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := r.Access.CreateToken(r.ctx, stranger.ID, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Access.SetMember(r.ctx, r.ws, "eve", access.Reader); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		secret string
		status int
	}{
		"no key":                 {"", 401},
		"a wrong key":            {"wrong", 401},
		"a key with a letter":    {r.key + "x", 401},
		"the key":                {r.key, 200},
		"a member's token":       {token.Secret, 200},
		"a reader's token":       {foreign.Secret, 403},
		"a key's hash, not it":   {strings.Repeat("0", 64), 401},
		"the key in other case ": {strings.ToUpper(r.key), 401},
	} {
		if answer := r.ask("/score", "1", "Authorization", "Bearer "+test.secret); answer.Code != test.status {
			t.Errorf("%s: %d %s, want %d", name, answer.Code, answer.Body, test.status)
		}
	}
	mode := TokenAuth
	if _, err := r.Update(r.ctx, r.ws, "doubler", UpdateEndpoint{AuthMode: &mode}); err != nil {
		t.Fatal(err)
	}
	if answer := r.ask("/score", "1"); answer.Code != 401 {
		t.Errorf("an endpoint for tokens takes a key: %d", answer.Code)
	}
}

func mustActor(t *testing.T, ctx context.Context) atelier.Actor {
	t.Helper()
	actor, ok := atelier.ActorFrom(ctx)
	if !ok {
		t.Fatal("nobody acts")
	}
	return actor
}

func TestRouterPicksTheDeployment(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	if answer := r.ask("/score", "1", "azureml-model-deployment", "blue"); answer.Code != 200 {
		t.Errorf("by name: %d", answer.Code)
	}
	if answer := r.ask("/score", "1", "azureml-model-deployment", "green"); answer.Code != 404 {
		t.Errorf("an unknown one: %d, want 404", answer.Code)
	}
	if _, err := r.Update(r.ctx, r.ws, "doubler", UpdateEndpoint{Traffic: &Traffic{}}); err != nil {
		t.Fatal(err)
	}
	if answer := r.ask("/score", "1"); answer.Code != 404 {
		t.Errorf("without traffic: %d, want 404", answer.Code)
	}
}

func TestRouterRefusesLargeBodies(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	if answer := r.ask("/score", strings.Repeat("x", 1000)); answer.Code != 200 {
		t.Errorf("at the limit: %d", answer.Code)
	}
	if answer := r.ask("/score", strings.Repeat("x", 1001)); answer.Code != 413 || !strings.Contains(answer.Body.String(), "at most 1000 bytes") {
		t.Errorf("above the limit: %d %s, want 413 and the limit", answer.Code, answer.Body)
	}
	request := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader(strings.Repeat("x", 1001))))
	request.ContentLength = -1
	if _, err := r.router.readBody(httptest.NewRecorder(), request, 0); statusOf(err) != 413 {
		t.Errorf("above the limit and without a length: %v, want 413", err)
	}
}

func TestRouterSaysWhenTheModelTakesTooLong(t *testing.T) {
	release := make(chan struct{})
	r := newRouted(t, RequestSettings{RequestTimeoutMS: 1}, func(header scoreRequest, body []byte) (scoreResponse, []byte) {
		switch string(body) {
		case "interrupted":
			return scoreResponse{Status: 500, TimedOut: true}, nil
		case "stuck":
			<-release
		}
		return echo(header, body)
	})
	for _, body := range []string{"interrupted", "stuck"} {
		if answer := r.ask("/score", body); answer.Code != 408 {
			t.Errorf("%s: %d %s, want 408", body, answer.Code, answer.Body)
		}
	}
	if busy, _ := r.pool.load(); busy != 1 {
		t.Errorf("%d places are taken while the model goes on, want 1", busy)
	}
	close(release)
	waitFor(t, "the place to be free again", func() bool { busy, _ := r.pool.load(); return busy == 0 })
}

func TestAWorkerThatNeverComesBackIsReported(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	r := newRouted(t, RequestSettings{RequestTimeoutMS: 1}, func(scoreRequest, []byte) (scoreResponse, []byte) {
		<-release
		return scoreResponse{}, nil
	})
	r.pool.patience = time.Millisecond
	if answer := r.ask("/score", "1"); answer.Code != 408 {
		t.Errorf("%d, want 408", answer.Code)
	}
	select {
	case <-r.hung:
	case <-t.Context().Done():
		t.Error("nobody was told that the worker hangs")
	}
}

// waitFor waits for something that another goroutine does.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-t.Context().Done():
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestRouterPassesTheModelsOwnFailuresOn(t *testing.T) {
	r := newRouted(t, RequestSettings{}, func(scoreRequest, []byte) (scoreResponse, []byte) {
		return scoreResponse{Status: 500, Headers: [][2]string{{"x-ms-run-function-failed", "True"}}}, []byte(`{"message": "no"}`)
	})
	answer := r.ask("/score", "1")
	if answer.Code != 500 || answer.Body.String() != `{"message": "no"}` || answer.Header().Get("x-ms-run-function-failed") != "True" ||
		answer.Header().Get("ms-azureml-model-error-statuscode") != "500" {
		t.Errorf("%d %s %v", answer.Code, answer.Body, answer.Header())
	}
	m := r.pool.stats.metrics()
	if m.Requests != 1 || m.Errors != 1 || m.Statuses["500"] != 1 {
		t.Errorf("counted %+v", m)
	}
}

func TestRouterWhenTheWorkerDies(t *testing.T) {
	r := newRouted(t, RequestSettings{}, func(header scoreRequest, body []byte) (scoreResponse, []byte) {
		if string(body) == "die" {
			return scoreResponse{}, nil // hangs up
		}
		return echo(header, body)
	})
	if answer := r.ask("/score", "1"); answer.Code != 200 {
		t.Fatalf("%d", answer.Code)
	}
	if answer := r.ask("/score", "die"); answer.Code != 502 || answer.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v, want 502 with Retry-After", answer.Code, answer.Header())
	}
	if answer := r.ask("/score", "1"); answer.Code != 200 {
		t.Errorf("after a broken connection: %d", answer.Code)
	}
}

// A worker that is away before anything was sent to it gives way to another.
func TestRouterTriesAnotherReplica(t *testing.T) {
	r := newRouted(t, RequestSettings{}, nil)
	if answer := r.ask("/score", "1"); answer.Code != 503 || answer.Header().Get("Retry-After") == "" {
		t.Errorf("without a replica: %d, want 503", answer.Code)
	}
	gone := newFakeWorker(t, echo)
	gone.listener.Close()
	r.add("gone", gone)
	r.add("here", newFakeWorker(t, echo))
	if answer := r.ask("/score", "1"); answer.Code != 200 {
		t.Errorf("with one replica of two: %d %s", answer.Code, answer.Body)
	}
}

// The deployment has one place, so one request is served, one waits, and the
// third is refused: twice the capacity, as in Azure.
func TestRouterBoundsTheQueue(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	r := newRouted(t, RequestSettings{MaxQueueWaitMS: 60_000}, func(header scoreRequest, body []byte) (scoreResponse, []byte) {
		started <- struct{}{}
		<-release
		return echo(header, body)
	})
	var callers sync.WaitGroup
	call := func() {
		if answer := r.ask("/score", "1"); answer.Code != 200 {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
	}
	callers.Go(call)
	<-started
	callers.Go(call)
	waitFor(t, "the second to wait", func() bool { _, waiting := r.pool.load(); return waiting == 1 })
	if answer := r.ask("/score", "1"); answer.Code != 429 || answer.Header().Get("Retry-After") == "" {
		t.Errorf("the third: %d %v, want 429 with Retry-After", answer.Code, answer.Header())
	}
	release <- struct{}{}
	<-started
	close(release)
	callers.Wait()
}

func TestARequestThatWaitsTooLongIsRefused(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	r := newRouted(t, RequestSettings{MaxQueueWaitMS: 1}, func(header scoreRequest, body []byte) (scoreResponse, []byte) {
		started <- struct{}{}
		<-release
		return echo(header, body)
	})
	var first sync.WaitGroup
	first.Go(func() { r.ask("/score", "1") })
	<-started
	if answer := r.ask("/score", "1"); answer.Code != 429 {
		t.Errorf("%d, want 429", answer.Code)
	}
	close(release)
	first.Wait()
}

func TestMirroredRequestsAreCopied(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	copies := make(chan string, 200)
	ask := r.scored(t, "green")
	d, err := r.CreateDeployment(r.ctx, r.ws, "doubler", ask, false)
	if err != nil {
		t.Fatal(err)
	}
	p := r.router.pool(deploymentKey{r.ws, "doubler", "green"})
	p.configure(d.Settings, nil)
	w := newFakeWorker(t, func(_ scoreRequest, body []byte) (scoreResponse, []byte) {
		copies <- string(body)
		return scoreResponse{Status: 500}, []byte("dropped")
	})
	p.add(&backend{id: "green", dial: w.dial, lost: func() {}, hung: func() {}})
	if _, err := r.Update(r.ctx, r.ws, "doubler", UpdateEndpoint{MirrorTraffic: &Traffic{"green": 50}}); err != nil {
		t.Fatal(err)
	}
	for len(copies) == 0 {
		if answer := r.ask("/score", "copy me"); answer.Code != 200 || answer.Body.String() != "copy me" {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
		if t.Context().Err() != nil {
			t.Fatal("nothing was copied")
		}
	}
	if got := <-copies; got != "copy me" {
		t.Errorf("the copy is %q", got)
	}
}

func TestInvokeNeedsNoKey(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	request := httptest.NewRequest("POST", "/?deployment=blue", strings.NewReader("hello")).WithContext(workspace.With(r.ctx, workspace.From(r.ctx)))
	request.SetPathValue("endpoint", "doubler")
	answer := httptest.NewRecorder()
	r.router.Invoke(answer, request)
	if answer.Code != 200 || answer.Body.String() != "hello" {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

func TestARemovedReplicaEndsItsLastRequestFirst(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	r := newRouted(t, RequestSettings{}, func(header scoreRequest, body []byte) (scoreResponse, []byte) {
		started <- struct{}{}
		<-release
		return echo(header, body)
	})
	status := make(chan int)
	go func() { status <- r.ask("/score", "1").Code }()
	<-started
	drained := r.pool.remove("one")
	select {
	case <-drained:
		t.Error("the replica counts as drained while a request is under way")
	default:
	}
	if answer := r.ask("/score", "1"); answer.Code != 503 {
		t.Errorf("a new request to a removed replica: %d, want 503", answer.Code)
	}
	close(release)
	if got := <-status; got != 200 {
		t.Errorf("the last request: %d", got)
	}
	<-drained
}

// A sender who leaves frees the request that waits, which never reaches the worker;
// the call under way goes on, and holds its place until it ends.
func TestASenderWhoLeavesIsNotServed(t *testing.T) {
	called, finish := make(chan string, 10), make(chan struct{})
	r := newRouted(t, RequestSettings{MaxConcurrentRequests: 1, RequestTimeoutMS: 60_000, MaxQueueWaitMS: 60_000}, func(header scoreRequest, body []byte) (scoreResponse, []byte) {
		called <- string(body)
		<-finish
		return echo(header, body)
	})
	address := r.listen()
	leave := func(body string) (cancel context.CancelFunc, left <-chan struct{}) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			if response, err := http.DefaultClient.Do(r.request(address, body).WithContext(ctx)); err == nil {
				response.Body.Close()
			}
		}()
		return cancel, done
	}
	leaveFirst, first := leave("first")
	if body := <-called; body != "first" {
		t.Fatalf("the worker got %q", body)
	}
	leaveSecond, second := leave("second")
	waitFor(t, "the second request to wait", func() bool { _, waiting := r.pool.load(); return waiting == 1 })
	leaveSecond()
	<-second
	waitFor(t, "the second request to leave the queue", func() bool { _, waiting := r.pool.load(); return waiting == 0 })
	leaveFirst()
	<-first
	if busy, _ := r.pool.load(); busy != 1 {
		t.Errorf("%d places are taken while the call goes on, want 1", busy)
	}
	close(finish)
	waitFor(t, "the place to be free", func() bool { busy, _ := r.pool.load(); return busy == 0 })
	if answer := r.ask("/score", "third"); answer.Code != 200 {
		t.Errorf("after them: %d %s", answer.Code, answer.Body)
	}
	if body := <-called; body != "third" {
		t.Errorf("the worker got %q", body)
	}
}
