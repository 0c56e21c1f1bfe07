package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/mlflow"
)

const inRuns = "/workspaces/default/api/2.0/mlflow/runs/"

// nobody is an address at which no server listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

// recorder is a server that notes what it is told, in order.
type recorder struct {
	mu   sync.Mutex
	seen []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, fmt.Sprintf("%s %s %d %.40s", req.Method, strings.TrimPrefix(req.RequestURI, inRuns), len(body), body))
	fmt.Fprint(w, len(r.seen))
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

// comeBack tells the relay in dir where its server listens now.
func comeBack(t *testing.T, dir string, handler http.Handler) {
	t.Helper()
	upstream := httptest.NewServer(handler)
	t.Cleanup(upstream.Close)
	text, err := json.Marshal(map[string]string{"url": upstream.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "server.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

var logged = []struct{ method, path, body, answer string }{
	{"POST", inRuns + "log-metric", `{"run_id": "r", "key": "loss", "value": "NaN", "timestamp": 1, "step": 1}`, `{}`},
	{"POST", inRuns + "log-parameter", `{"run_id": "r", "key": "alpha", "value": "1"}`, `{}`},
	{"POST", inRuns + "log-batch", `{"run_id": "r", "metrics": [{"key": "loss", "value": 1, "timestamp": 2, "step": 2}], "params": [{"key": "alpha", "value": "1"}]}`, `{}`},
	{"POST", inRuns + "set-tag", `{"run_id": "r", "key": "note", "value": "x"}`, `{}`},
	{"PUT", "/workspaces/default/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/a%20b.txt", "content", `{}`},
	{"PUT", "/workspaces/default/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/large", strings.Repeat("x", 3*heldInMemory), `{}`},
	{"POST", inRuns + "update", `{"run_id": "r", "status": "FINISHED", "end_time": 5}`, `"status":"FINISHED"`},
}

func TestTheRelayAnswersWhatIsLoggedWhileTheServerIsAway(t *testing.T) {
	dir := t.TempDir()
	r := relayIn(t, dir, nobody(t), nil)
	for _, call := range logged {
		if status, text := ask(t, r, call.method, call.path, strings.NewReader(call.body)); status != 200 || !strings.Contains(text, call.answer) {
			t.Errorf("%s: %d %s", call.path, status, text)
		}
	}
	for body, want := range map[string]string{
		`{"run_id": "r", "key": "alpha", "value": "2"}`:    "Changing param values is not allowed",
		`{"run_id": "r", "key": "../alpha", "value": "2"}`: "must not resolve to other names",
		`{"run_id": "", "key": "alpha", "value": "2"}`:     "run_id",
		`{"run_id": "r", "key": "alpha", "value": `:        "Malformed",
		`{"run_id": "r", "value": "2"}`:                    "key",
	} {
		if status, text := ask(t, r, "POST", inRuns+"log-parameter", strings.NewReader(body)); status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	if status, text := ask(t, r, "PUT", "/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/%252e%252e%2fx", strings.NewReader("x")); status != 400 {
		t.Errorf("a path that leads out: %d %s", status, text)
	}

	read := make(chan string, 1)
	go func() {
		_, text := ask(t, r, "GET", inRuns+"get?run_id=r", nil)
		read <- text
	}()
	back := &recorder{}
	comeBack(t, dir, back)
	if text := <-read; text != fmt.Sprint(len(logged)+1) {
		t.Errorf("the read overtook what was logged before: it was request %s", text)
	}
	for i, call := range logged {
		if want := fmt.Sprintf("%s %s %d %.40s", call.method, strings.TrimPrefix(call.path, inRuns), len(call.body), call.body); back.all()[i] != want {
			t.Errorf("request %d is %s, want %s", i, back.all()[i], want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "queued-*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
	if info, err := os.Stat(filepath.Join(dir, "queue")); err != nil || info.Size() != 0 {
		t.Errorf("the queue is not empty: %v, %v", info, err)
	}
}

func TestTheQueueOutlivesItsRunner(t *testing.T) {
	dir := t.TempDir()
	add := func(q *queue, i int) {
		t.Helper()
		if err := q.add(queuedWrite{Method: "POST", Path: inRuns + fmt.Sprint(i)}, &spooled{head: []byte("body")}, nil); err != nil {
			t.Fatal(err)
		}
	}
	reopen := func() *queue {
		t.Helper()
		q, err := openQueue(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { q.close() })
		return q
	}
	first := reopen()
	for i := range 5 {
		add(first, i)
	}
	w, _, err := first.first()
	if err == nil {
		err = first.done(w)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "queued-77"), []byte("of no write"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "queue")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for torn := range 20 { // the runner died while it wrote
		if err := os.WriteFile(path, append(slices.Clone(whole), whole[:torn]...), 0o600); err != nil {
			t.Fatal(err)
		}
		q := reopen()
		if w, ok, err := q.first(); err != nil || !ok || w.Path != inRuns+"1" || len(q.pending) != 4 || q.size != int64(len(whole)) {
			t.Fatalf("torn at %d: %+v, %v, %v, %d wait", torn, w, ok, err, len(q.pending))
		}
	}
	q := reopen()
	add(q, 5)
	back := &recorder{}
	upstream := httptest.NewServer(back)
	defer upstream.Close()
	if err := os.WriteFile(filepath.Join(dir, compute.TaskFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(compute.Task{ServerURL: upstream.URL}, dir, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go q.ship(ctx, s, func(queuedWrite, string) {})
	if err := q.idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := 1; i <= 5; i++ {
		want = append(want, fmt.Sprintf("POST %d 4 body", i))
	}
	if !slices.Equal(back.all(), want) {
		t.Errorf("sent %v", back.all())
	}
	if exists, _ := filepath.Glob(filepath.Join(dir, "queued-*")); len(exists) > 0 {
		t.Errorf("files are left: %v", exists)
	}
}

func TestARefusedWriteIsReported(t *testing.T) {
	dir := t.TempDir()
	told := make(chan string, 1)
	r := relayIn(t, dir, nobody(t), func(w queuedWrite, why string) { told <- w.What + ": " + why })
	ask(t, r, "POST", inRuns+"log-parameter", strings.NewReader(`{"run_id": "r", "key": "alpha", "value": "1"}`))
	comeBack(t, dir, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error_code": "INVALID_PARAMETER_VALUE", "message": "It was 2."}`)
	}))
	if got := <-told; got != "param alpha = 1: It was 2." {
		t.Errorf("told %q", got)
	}
}

// When the disk has no room for it, a write waits for the server as it used to.
func TestAWriteThatCannotBeKeptWaits(t *testing.T) {
	dir := t.TempDir()
	r := relayIn(t, dir, nobody(t), nil)
	if err := r.queue.file.Close(); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() {
		status, text := ask(t, r, "POST", logged[0].path, strings.NewReader(logged[0].body))
		answered <- fmt.Sprint(status, text)
	}()
	comeBack(t, dir, &recorder{})
	if got := <-answered; got != "2001" {
		t.Errorf("answered %q", got)
	}
}

// An answer to runs/create that was lost must not leave a second run behind.
func TestACreatedRunHasOneIDHoweverOftenItIsAsked(t *testing.T) {
	var ids []string
	r := relayTo(t, func(w http.ResponseWriter, req *http.Request) {
		ids = append(ids, req.Header.Get(mlflow.RunIDHeader))
		if len(ids)%3 != 0 {
			panic(http.ErrAbortHandler)
		}
	})
	for range 2 {
		ask(t, r, "POST", inRuns+"create", strings.NewReader(`{}`))
	}
	if len(ids) != 6 || len(ids[0]) != 32 || ids[0] != ids[2] || ids[3] != ids[5] || ids[0] == ids[3] {
		t.Errorf("ids %v", ids)
	}
}
