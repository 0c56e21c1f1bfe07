package fault_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-ml/atelier/internal/endpoint"
)

const scoring = `
import json, os, sys, time
def init():
    print("ready to double", os.environ.get("VERSION", "1"), flush=True)
def run(raw):
    question = json.loads(raw)
    if "sleep" in question:
        time.sleep(question["sleep"])
    if question.get("die"):
        os._exit(7)
    if question.get("hang"):
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass
    return {"answer": 2 * question["x"], "version": os.environ.get("VERSION", "1"), "pid": os.getpid()}
`

type deploymentAnswer struct {
	State string `json:"provisioning_state"`
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Replicas []struct {
		ID    string `json:"id"`
		State string `json:"state"`
		PID   int    `json:"pid"`

		Restarts *endpoint.Restarts `json:"restarts"`
	} `json:"replicas"`
}

// deploy makes the endpoint "doubler" with the deployment "blue" of a script,
// waits until it is ready, and returns the endpoint's key.
func (s *server) deploy(script string, settings map[string]any) (key string) {
	s.t.Helper()
	if err := s.ask("POST", workspacePath+"/online-endpoints", map[string]any{"name": "doubler"}, nil); err != nil {
		s.t.Fatal(err)
	}
	body := map[string]any{"name": "blue", "environment": "system", "environment_variables": map[string]string{"VERSION": "1"},
		"code_configuration": map[string]any{"code": s.upload(script), "scoring_script": "score.py"}}
	for name, value := range settings {
		body[name] = value
	}
	if err := s.ask("POST", workspacePath+"/online-endpoints/doubler/deployments?all_traffic=true", body, nil); err != nil {
		s.t.Fatal(err)
	}
	s.until("the deployment to be ready", func() bool { return s.deployment().State != "Creating" })
	var credentials endpoint.Credentials
	if err := s.ask("GET", workspacePath+"/online-endpoints/doubler/credentials", nil, &credentials); err != nil {
		s.t.Fatal(err)
	}
	return credentials.PrimaryKey
}

// upload stores score.py as a folder and returns its reference.
func (s *server) upload(script string) string {
	s.t.Helper()
	sum := sha256.Sum256([]byte(script))
	hash := hex.EncodeToString(sum[:])
	request, err := http.NewRequest("PUT", s.url+workspacePath+"/blobs/"+hash, strings.NewReader(script))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	response.Body.Close()
	var tree struct {
		ID string `json:"id"`
	}
	file := map[string]any{"path": "score.py", "sha256": hash, "size": len(script)}
	if err := s.ask("POST", workspacePath+"/trees", map[string]any{"files": []any{file}}, &tree); err != nil {
		s.t.Fatal(err)
	}
	return "azureml:" + tree.ID + ":1"
}

func (s *server) deployment() (d deploymentAnswer) {
	s.t.Helper()
	if err := s.ask("GET", workspacePath+"/online-endpoints/doubler/deployments/blue", nil, &d); err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *server) deploymentLog() string {
	s.t.Helper()
	var log struct {
		Content string `json:"content"`
	}
	if err := s.ask("GET", workspacePath+"/online-endpoints/doubler/deployments/blue/logs", nil, &log); err != nil {
		s.t.Fatal(err)
	}
	return log.Content
}

// score sends a scoring request and returns the status and the body.
func (s *server) score(key, body string) (int, string) {
	s.t.Helper()
	return s.scoreAt("doubler", key, body)
}

// scoreAt sends a scoring request to any endpoint.
func (s *server) scoreAt(name, key, body string) (int, string) {
	request, err := http.NewRequest("POST", s.url+"/workspaces/default/endpoints/"+name+"/score", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

// workerAnswers asks the worker itself, on its own socket, past the server.
func (s *server) workerAnswers() (pid int, err error) {
	sockets, err := filepath.Glob(s.data("tasks", "*", "worker.sock"))
	if err != nil || len(sockets) != 1 {
		return 0, fmt.Errorf("%d sockets: %v", len(sockets), err)
	}
	conn, err := net.Dial("unix", sockets[0])
	if err != nil {
		return 0, err
	}
	return endpoint.Healthy(conn, time.Now().Add(patience))
}

// The promise of serving: the server is killed, the worker does not notice, and
// the next server finds it and sends it requests as before.
func TestKillTheServerOfADeployedEndpoint(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key := s.deploy(scoring, nil)
	status, before := s.score(key, `{"x": 21}`)
	if status != 200 || !strings.Contains(before, `"answer": 42`) {
		t.Fatalf("scored %d %s\n%s", status, before, s.deploymentLog())
	}
	for range 3 {
		s.kill()
		pid, err := s.workerAnswers()
		if err != nil {
			t.Fatalf("the worker does not answer while the server is away: %v", err)
		}
		if !strings.Contains(before, fmt.Sprintf(`"pid": %d}`, pid)) {
			t.Errorf("another worker answers: %d, and before it was %s", pid, before)
		}
		s.start()
		s.until("the endpoint to be routed to", func() bool {
			status, after := s.score(key, `{"x": 21}`)
			return status == 200 && after == before
		})
	}
	if log := s.deploymentLog(); strings.Count(log, "ready to double") != 1 {
		t.Errorf("the worker was started more than once:\n%s", log)
	}
	if err := s.ask("DELETE", workspacePath+"/online-endpoints/doubler", nil, nil); err != nil {
		t.Fatal(err)
	}
	if status, answer := s.score(key, `{"x": 1}`); status != 401 {
		t.Errorf("the deleted endpoint answers %d %s, want 401", status, answer)
	}
	s.wantNothingLeft()
}

func TestAWorkerThatDiesInARequestIsRestarted(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key := s.deploy(scoring, nil)
	if status, answer := s.score(key, `{"die": true}`); status != http.StatusBadGateway {
		t.Errorf("a request that ends the worker answers %d %s, want 502", status, answer)
	}
	s.until("the worker to be back", func() bool { status, _ := s.score(key, `{"x": 1}`); return status == 200 })
	pid, err := s.workerAnswers()
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(pid, syscall.SIGKILL)
	s.until("the worker to be back again", func() bool {
		status, answer := s.score(key, `{"x": 1}`)
		return status == 200 && !strings.Contains(answer, fmt.Sprintf(`"pid": %d}`, pid))
	})
	if log := s.deploymentLog(); !strings.Contains(log, "ended (exit code 7)") {
		t.Errorf("the log does not say that the worker ended:\n%s", log)
	}
}

func TestARunnerThatDiesIsReplaced(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key := s.deploy(scoring, nil)
	first := s.deployment().Replicas[0].ID
	for _, pid := range s.running() {
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if bytes.Contains(command, []byte("runner\x00--dir")) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	s.until("another replica to answer", func() bool {
		status, _ := s.score(key, `{"x": 1}`)
		d := s.deployment()
		return status == 200 && len(d.Replicas) == 1 && d.Replicas[0].ID != first && d.State == "Succeeded"
	})
}

func TestAWorkerThatHangsIsReplaced(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key := s.deploy(scoring, map[string]any{
		"request_settings": map[string]int{"request_timeout_ms": 300},
		"liveness_probe":   map[string]int{"period": 1, "failure_threshold": 1}})
	if status, answer := s.score(key, `{"sleep": 5, "x": 1}`); status != http.StatusRequestTimeout {
		t.Errorf("a slow request answers %d %s, want 408", status, answer)
	}
	if status, answer := s.score(key, `{"x": 1}`); status != 200 {
		t.Errorf("after a slow request: %d %s", status, answer)
	}
	if status, answer := s.score(key, `{"hang": true}`); status != http.StatusRequestTimeout {
		t.Errorf("a request without end answers %d %s, want 408", status, answer)
	}
	s.until("a worker that answers", func() bool { status, _ := s.score(key, `{"x": 1}`); return status == 200 })
}

// While a deployment is updated, and scaled, and updated again, no request may
// fail.
func TestUpdatesDropNoRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key := s.deploy(scoring, map[string]any{"request_settings": map[string]int{"max_concurrent_requests_per_instance": 4, "max_queue_wait_ms": 5000}})
	var stop atomic.Bool
	var asked atomic.Int64
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for !stop.Load() {
				if status, answer := s.score(key, `{"x": 1, "sleep": 0.02}`); status != 200 {
					t.Errorf("during the update: %d %s", status, answer)
				}
				asked.Add(1)
			}
		})
	}
	for _, change := range []map[string]any{
		{"environment_variables": map[string]string{"VERSION": "2"}},
		{"instance_count": 2},
		{"environment_variables": map[string]string{"VERSION": "3"}, "instance_count": 1},
	} {
		before := asked.Load()
		if err := s.ask("PATCH", workspacePath+"/online-endpoints/doubler/deployments/blue", change, nil); err != nil {
			t.Fatal(err)
		}
		s.until("the update", func() bool {
			d := s.deployment()
			return d.State == "Succeeded" && asked.Load() > before+20
		})
	}
	s.until("the old replicas to end", func() bool { return len(s.deployment().Replicas) == 1 })
	stop.Store(true)
	callers.Wait()
	if _, answer := s.score(key, `{"x": 1}`); !strings.Contains(answer, `"version": "3"`) {
		t.Errorf("after the updates: %s", answer)
	}
}

func TestAScriptThatFailsShowsWhy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ script, code, said string }{
		"init":     {"def init():\n    raise ValueError('no weights')\ndef run(raw):\n    return 1\n", "UserScriptInitFailed", "ValueError: no weights"},
		"import":   {"import package_that_is_not_there\n", "UserScriptImportError", "ModuleNotFoundError"},
		"function": {"def init():\n    pass\n", "UserScriptFunctionNotFound", "no function run()"},
		"death":    {"import os\nos._exit(9)\n", "ResourceNotReady", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.deploy(test.script, nil)
			d := s.deployment()
			if d.State != "Failed" || d.Error == nil || d.Error.Code != test.code {
				text, _ := json.Marshal(d)
				t.Errorf("the deployment is %s, want Failed with %s", text, test.code)
			}
			if log := s.deploymentLog(); !strings.Contains(log, test.said) {
				t.Errorf("the log does not say %q:\n%s", test.said, log)
			}
			s.wantNothingLeft()
		})
	}
}
