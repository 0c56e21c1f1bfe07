package runner

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/mlflow"
)

// relay is the server as the task's own processes see it: an address on
// loopback that forwards to the real one, with the task's token in place of the
// relay's own secret. While the server is away, it answers what logs to a run by
// itself, and keeps it in the queue; all other requests wait.
type relay struct {
	server *server
	queue  *queue
	known  knownRuns
	secret string
	dir    string
	http   *http.Server
	url    string
}

const (
	// heldInMemory is how much of a request's or an answer's body is kept in
	// memory; more goes to a file, or is passed on as it comes.
	heldInMemory = 1 << 20
	// relayTries is how often a fault of a living server is tried again.
	relayTries = 6
	// answerTime is how long the server may take for what the relay can answer.
	answerTime = 20 * time.Second
)

func startRelay(s *server, q *queue, dir string) (*relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{server: s, queue: q, known: knownRuns{runs: map[string]*mlflow.KnownRun{}}, secret: atelier.NewSecret("relay_"), dir: dir, url: "http://" + listener.Addr().String()}
	r.http = &http.Server{Handler: r}
	go r.http.Serve(listener)
	return r, nil
}

func (r *relay) close() error { return r.http.Close() }

func (r *relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if !r.allowed(request) {
		http.Error(w, `{"error_code":"UNAUTHENTICATED","message":"Only the job's own processes may use its relay."}`, http.StatusUnauthorized)
		return
	}
	if runnersOwn.MatchString(request.URL.Path) {
		http.Error(w, `{"error_code":"PERMISSION_DENIED","message":"Only the runner reports on its task."}`, http.StatusForbidden)
		return
	}
	if mlflow.BeginsUpload(request) {
		mlflow.RefuseUpload(w) // the parts would go past the relay, and be lost while the server is away
		return
	}
	body, err := spool(request.Body, r.dir)
	if err != nil {
		http.Error(w, `{"error_code":"BAD_REQUEST","message":"The request's body broke off."}`, http.StatusBadRequest)
		return
	}
	defer body.remove()
	run := mlflow.ReadsRun(request)
	switch {
	case mlflow.Deferrable(request):
		r.write(w, request, body)
	case run != "":
		r.readRun(w, request, body, run)
	default:
		r.wait(w, request, body)
	}
}

// readRun forwards the question. If the server is away, or writes still wait for it,
// it answers with what is known.
func (r *relay) readRun(w http.ResponseWriter, in *http.Request, body *spooled, run string) {
	if !r.queue.waits() {
		since := r.known.now()
		response, head, err := r.once(in, body)
		if err == nil {
			if response.StatusCode == http.StatusOK {
				r.known.learn(in, since, head)
			}
			answer(w, response, head)
			return
		}
		if in.Context().Err() != nil {
			return
		}
		if errors.Is(err, errFault) {
			r.forward(w, in, body)
			return
		}
	}
	if known, ok := r.known.answer(in, run); ok {
		w.Header().Set("Content-Type", "application/json")
		w.Write(known)
		return
	}
	r.wait(w, in, body)
}

// wait forwards the request once nothing is queued: it overtakes no write that
// was answered, and a read sees it.
func (r *relay) wait(w http.ResponseWriter, in *http.Request, body *spooled) {
	if err := r.queue.idle(in.Context()); err != nil {
		http.Error(w, `{"error_code":"TEMPORARILY_UNAVAILABLE","message":"The server is away."}`, http.StatusServiceUnavailable)
		return
	}
	r.forward(w, in, body)
}

// write forwards what logs to a run. If the server is away, or earlier writes
// still wait for it, the write joins the queue and is answered here.
func (r *relay) write(w http.ResponseWriter, in *http.Request, body *spooled) {
	if !r.queue.waits() {
		response, head, err := r.once(in, body)
		if err == nil {
			if response.StatusCode == http.StatusOK {
				r.noteWrite(in, body)
			}
			answer(w, response, head)
			return
		}
		if in.Context().Err() != nil {
			return
		}
		if errors.Is(err, errFault) {
			r.forward(w, in, body)
			return
		}
	}
	deferred, err := r.enqueue(in, body)
	switch {
	case err == nil:
		w.Header().Set("Content-Type", "application/json")
		w.Write(deferred.Answer)
	case isRefusal(err):
		mlflow.WriteError(w, err)
	default: // the disk is full, say: then the client waits, as it does for all else
		r.server.log.Warn("what a script logs cannot be kept; it waits for the server", "error", err)
		r.wait(w, in, body)
	}
}

// deferred reads the write, and checks it as far as that is possible here.
func (r *relay) deferred(in *http.Request, body *spooled) (mlflow.Deferred, error) {
	var text []byte
	if in.Method == http.MethodPost {
		var err error
		if text, err = body.text(); err != nil {
			return mlflow.Deferred{}, err
		}
	}
	return mlflow.Defer(in, text)
}

// noteWrite remembers a write that the server has.
func (r *relay) noteWrite(in *http.Request, body *spooled) {
	if d, err := r.deferred(in, body); err == nil {
		r.known.add(in, d)
	}
}

// enqueue keeps the write.
func (r *relay) enqueue(in *http.Request, body *spooled) (mlflow.Deferred, error) {
	d, err := r.deferred(in, body)
	if err != nil {
		return d, err
	}
	params := make([]paramOf, len(d.Params))
	for i, p := range d.Params {
		params[i] = paramOf{scope(in), d.Run, p.Key, p.Value}
	}
	err = r.queue.add(queuedWrite{Method: in.Method, Path: in.URL.RequestURI(), Header: endToEnd(in.Header), Run: d.Run, What: d.What}, body, params)
	if err == nil {
		r.known.add(in, d)
	}
	return d, err
}

// errFault is a server that is there and fails.
var errFault = errors.New("the server failed")

// once sends the request one time and reads its answer, or the beginning of a
// large one. The error is errFault, or means that the server is away.
func (r *relay) once(in *http.Request, body *spooled) (*http.Response, []byte, error) {
	ctx := in.Context()
	if body.path == "" { // a large one may take its time
		limited, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		ctx = limited
	}
	out := r.outgoing(in, body)
	response, err := r.server.try(ctx, out)
	if err != nil {
		r.server.note(true, err)
		r.server.look()
		return nil, nil, err
	}
	head, err := io.ReadAll(response.Body) // what a write is answered is short
	response.Body.Close()
	if err != nil {
		return nil, nil, err
	}
	response.Body = http.NoBody
	switch response.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return nil, nil, errors.New(response.Status)
	case http.StatusInternalServerError:
		return nil, nil, errFault
	}
	r.server.note(false, nil)
	return response, head, nil
}

// outgoing is the request as the server gets it. A run is created with an id from
// here, so that asking again, after an answer was lost, makes no second run.
func (r *relay) outgoing(in *http.Request, body *spooled) request {
	out := request{method: in.Method, path: in.URL.RequestURI(), header: endToEnd(in.Header), faults: relayTries}
	if mlflow.CreatesRun(in) && out.header.Get(mlflow.RunIDHeader) == "" {
		out.header.Set(mlflow.RunIDHeader, atelier.NewRunID(now()))
	}
	if body.size > 0 || in.ContentLength > 0 {
		out.body = body.open
	}
	return out
}

// runnersOwn are the routes by which a runner tells the server of its task. The
// token that the relay adds opens them, and the task's script has no business there.
var runnersOwn = regexp.MustCompile(`^/api/v1/workspaces/[^/]*/tasks/`)

// allowed accepts the secret as a bearer token and, for clients that know
// nothing else, as a password.
func (r *relay) allowed(request *http.Request) bool {
	given := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
	if _, password, ok := request.BasicAuth(); ok {
		given = password
	}
	return subtle.ConstantTimeCompare([]byte(given), []byte(r.secret)) == 1
}

// forward sends the request until it is answered. An answer that breaks off
// early, because the server was killed while it spoke, is asked for again; only
// one that is too large to hold is passed on as it comes.
func (r *relay) forward(w http.ResponseWriter, in *http.Request, body *spooled) {
	out, since := r.outgoing(in, body), r.known.now()
	for {
		response, err := r.server.send(in.Context(), out)
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				http.Error(w, `{"error_code":"TEMPORARILY_UNAVAILABLE","message":"The server is away."}`, http.StatusServiceUnavailable)
			}
			return
		}
		head, err := io.ReadAll(io.LimitReader(response.Body, heldInMemory))
		if err != nil && in.Method != http.MethodHead {
			response.Body.Close()
			if r.server.wait(in.Context(), firstPause) != nil {
				return
			}
			continue
		}
		if mlflow.CreatesRun(in) && response.StatusCode == http.StatusOK {
			r.known.learn(in, since, head)
		}
		answer(w, response, head)
		return
	}
}

func answer(w http.ResponseWriter, response *http.Response, head []byte) {
	defer response.Body.Close()
	for key, values := range endToEnd(response.Header) {
		w.Header()[key] = values
	}
	w.WriteHeader(response.StatusCode)
	if _, err := io.Copy(w, io.MultiReader(bytes.NewReader(head), response.Body)); err != nil {
		panic(http.ErrAbortHandler) // the reader must not take a part for the whole
	}
}

// endToEnd copies a header without what concerns one connection alone.
func endToEnd(header http.Header) http.Header {
	kept := header.Clone()
	for _, name := range strings.Split(header.Get("Connection"), ",") {
		kept.Del(strings.TrimSpace(name))
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Authorization", "Cookie", "Expect"} {
		kept.Del(name)
	}
	return kept
}

// spooled is a request's body, kept so that it can be sent again.
type spooled struct {
	head []byte
	path string // the whole body, when it does not fit in memory
	size int64
}

func spool(body io.Reader, dir string) (*spooled, error) {
	head, err := io.ReadAll(io.LimitReader(body, heldInMemory+1))
	if err != nil || len(head) <= heldInMemory {
		return &spooled{head: head, size: int64(len(head))}, err
	}
	file, err := os.CreateTemp(dir, "request-")
	if err != nil {
		return nil, err
	}
	s := &spooled{path: file.Name()}
	s.size, err = io.Copy(file, io.MultiReader(bytes.NewReader(head), body))
	if err = errors.Join(err, file.Close()); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

func (s *spooled) open() (io.ReadCloser, int64, error) {
	if s.path == "" {
		return io.NopCloser(bytes.NewReader(s.head)), s.size, nil
	}
	file, err := os.Open(s.path)
	return file, s.size, err
}

// text is the body in memory, which no writer of JSON makes too large for that.
func (s *spooled) text() ([]byte, error) {
	content, size, err := s.open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(io.LimitReader(content, min(size, maxFrame)))
}

// keep gives the body, which is a file, another name that lasts.
func (s *spooled) keep(path string) error {
	file, err := os.Open(s.path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close(), os.Link(s.path, path), syncFolder(filepath.Dir(path)))
}

func (s *spooled) remove() {
	if s.path != "" {
		os.Remove(s.path)
	}
}
