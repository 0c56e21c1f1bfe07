package runner

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute"
)

// relayTo starts a relay before a server that handle answers for.
func relayTo(t *testing.T, handle http.HandlerFunc) *relay {
	t.Helper()
	upstream := httptest.NewServer(handle)
	t.Cleanup(upstream.Close)
	return relayIn(t, t.TempDir(), upstream.URL, nil)
}

// relayIn starts a relay in a task's folder, with a queue that sends until the
// test ends and tells refused.
func relayIn(t *testing.T, dir, address string, refused func(queuedWrite, string)) *relay {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, compute.TaskFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	task := compute.Task{Workspace: "default", ServerURL: address, Token: "real", ServerFile: filepath.Join(dir, "server.json")}
	s := newServer(task, dir, slog.New(slog.NewTextHandler(t.Output(), nil)))
	q, err := openQueue(dir)
	if err != nil {
		t.Fatal(err)
	}
	if refused == nil {
		refused = func(w queuedWrite, why string) { t.Errorf("refused %s: %s", w.What, why) }
	}
	r, err := startRelay(s, q, dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go q.ship(ctx, s, refused)
	t.Cleanup(func() {
		r.close()
		stop()
		<-q.stopped
		q.close()
	})
	return r
}

func ask(t *testing.T, r *relay, method, path string, body io.Reader) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+r.secret)
	request.Header.Set("X-Own", "kept")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestTheRelayChangesTheCredentialAndNothingElse(t *testing.T) {
	r := relayTo(t, func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, req.Method, " ", req.RequestURI, " ", req.Header.Get("Authorization"), " ", req.Header.Get("X-Own"), " ", string(body))
	})
	status, text := ask(t, r, "POST", "/a%2Fb?q=1%202", strings.NewReader("body"))
	if want := "POST /a%2Fb?q=1%202 Bearer real kept body"; status != http.StatusTeapot || text != want {
		t.Errorf("answer %d %q, want %q", status, text, want)
	}
}

func TestTheRelayKnowsItsOwn(t *testing.T) {
	r := relayTo(t, func(http.ResponseWriter, *http.Request) { t.Error("a stranger came through") })
	for _, authorization := range []string{"", "Bearer wrong", "Bearer real", "Bearer ", "Basic eDp5"} {
		request, _ := http.NewRequestWithContext(t.Context(), "GET", r.url, nil)
		request.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: status %d", authorization, response.StatusCode)
		}
	}
}

func TestTheRelayKeepsTheRunnersOwnRoutes(t *testing.T) {
	r := relayTo(t, func(_ http.ResponseWriter, req *http.Request) { t.Errorf("the server was asked for %s", req.URL.Path) })
	for _, path := range []string{"/api/v1/workspaces/default/tasks/job-1/report", "/api/v1/workspaces/default/%74asks/job-1/report"} {
		if status, text := ask(t, r, http.MethodPost, path, strings.NewReader(`{}`)); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

// A client that hears so sends the file in one request, which the relay can keep.
func TestTheRelayLetsNoPartsPass(t *testing.T) {
	r := relayTo(t, func(_ http.ResponseWriter, req *http.Request) { t.Errorf("the server was asked for %s", req.URL.Path) })
	for _, path := range []string{"/api/2.0/mlflow-artifacts/mpu/create/0/r/artifacts", "/workspaces/w/ajax-api/2.0/mlflow-artifacts/mpu/create/x"} {
		status, text := ask(t, r, http.MethodPost, path, strings.NewReader(`{"path": "x", "num_parts": 2}`))
		if status != http.StatusNotImplemented || !strings.Contains(text, `"message":"Multipart upload is not supported for the current artifact repository"`) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

// A server that is killed cuts answers off at any byte, and takes requests
// without answering them.
func TestTheRelayAsksAgainWhenTheAnswerBreaksOff(t *testing.T) {
	var tries atomic.Int32
	large := strings.Repeat("x", heldInMemory*2) // too large for memory, so it is spooled to a file
	r := relayTo(t, func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if string(body) != large {
			t.Errorf("try %d: the body has %d bytes", tries.Load(), len(body))
		}
		switch tries.Add(1) {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("half an"))
			panic(http.ErrAbortHandler)
		case 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, "a whole answer")
		}
	})
	if status, text := ask(t, r, "PUT", "/", strings.NewReader(large)); status != 200 || text != "a whole answer" {
		t.Errorf("answer %d %q", status, text)
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "request-*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

func TestTheRelayPassesALargeAnswerOn(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789"), heldInMemory/4)
	r := relayTo(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(large) })
	if status, text := ask(t, r, "GET", "/", nil); status != 200 || text != string(large) {
		t.Errorf("answer %d with %d bytes, want %d", status, len(text), len(large))
	}
}

// A fault that stays is the answer: a client must not wait for ever.
func TestTheRelayPassesOnAFaultThatStays(t *testing.T) {
	var tries atomic.Int32
	r := relayTo(t, func(w http.ResponseWriter, _ *http.Request) {
		tries.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	})
	if status, _ := ask(t, r, "GET", "/", nil); status != http.StatusInternalServerError || tries.Load() != relayTries+1 {
		t.Errorf("status %d after %d tries", status, tries.Load())
	}
}
