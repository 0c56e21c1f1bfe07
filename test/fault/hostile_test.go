package fault_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute/process"
)

// hostile does what no scoring script should, on demand.
const hostile = `
import json, os, sys, time
def init():
    pass
def eat(_):
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20) * 8))
def fork(_):
    if os.fork() == 0:
        os.setsid()
        time.sleep(100000)
    return "forked"
def shout(size):
    line = "x" * 999
    for _ in range(size):
        print(line)
    return "shouted"
class Thing:
    pass
def run(raw):
    question = json.loads(raw)
    return DEEDS[question["do"]](question.get("to"))
def hang(_):
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
def exit(code):
    sys.exit(code)
def signal_all(_):
    os.kill(-1, 9)
def close_all(_):
    os.closerange(3, 1000)
    return "closed"
def recurse(n):
    return recurse(n)
DEEDS = {"eat": eat, "fork": fork, "shout": shout, "hang": hang, "exit": exit, "abort": lambda _: os.abort(),
    "kill": signal_all, "close": close_all, "recurse": recurse, "nan": lambda _: [float("nan")], "bytes": lambda _: b"\x00\xff",
    "object": lambda _: Thing(), "set": lambda _: {1, 2}, "surrogate": lambda _: "\ud800", "none": lambda _: None, "echo": lambda x: x,
    "header": lambda _: bad_header(), "raise": lambda _: 1 / 0}
def bad_header():
    from azureml.contrib.services.aml_response import AMLResponse
    return AMLResponse("x", 200, {"x-bad": "a\r\nset-cookie: b"})
`

// neighbour sends requests to an endpoint of its own from now on, and returns what
// stops it and tells how many there were.
func (s *server) neighbour() (stop func() int64) {
	s.t.Helper()
	if err := s.ask("POST", workspacePath+"/online-endpoints", map[string]any{"name": "quiet"}, nil); err != nil {
		s.t.Fatal(err)
	}
	body := map[string]any{"name": "blue", "environment": "system",
		"request_settings":   map[string]int{"max_queue_wait_ms": 20_000, "request_timeout_ms": 20_000},
		"code_configuration": map[string]any{"code": s.upload(scoring), "scoring_script": "score.py"}}
	if err := s.ask("POST", workspacePath+"/online-endpoints/quiet/deployments?all_traffic=true", body, nil); err != nil {
		s.t.Fatal(err)
	}
	path := workspacePath + "/online-endpoints/quiet/deployments/blue"
	s.until("the neighbour", func() bool { return s.deploymentState(path) == "Succeeded" })
	var done atomic.Bool
	var asked atomic.Int64
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			for !done.Load() {
				status, answer := s.scoreAt("quiet", s.token, `{"x": 21}`)
				if status != http.StatusOK || !strings.Contains(answer, "42") {
					s.t.Errorf("the neighbour was disturbed: %d %s", status, answer)
				}
				asked.Add(1)
			}
		})
	}
	return func() int64 {
		done.Store(true)
		callers.Wait()
		var d deploymentAnswer
		if err := s.ask("GET", path, nil, &d); err != nil || len(d.Replicas) != 1 || d.Replicas[0].Restarts != nil {
			s.t.Errorf("the neighbour is %+v, error %v", d, err)
		}
		return asked.Load()
	}
}

// do has the hostile script do something.
func (s *server) do(key, what string, to any) (int, string) {
	s.t.Helper()
	question, err := json.Marshal(map[string]any{"do": what, "to": to})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.score(key, string(question))
}

// back waits until the deployment answers again.
func (s *server) back(key, after string) {
	s.t.Helper()
	s.until("the worker after "+after, func() bool {
		status, answer := s.do(key, "echo", "here")
		return status == http.StatusOK && answer == `"here"`
	})
}

// Whatever a scoring script does, its requests get the answer that was promised, its
// deployment comes back, and the deployment beside it answers every request.
func TestAHostileScriptHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key := s.deploy(hostile, map[string]any{
		"resources":        map[string]any{"limits": map[string]string{"memory": "256Mi"}},
		"request_settings": map[string]int{"request_timeout_ms": 5000, "max_queue_wait_ms": 5000},
		"liveness_probe":   map[string]int{"period": 1, "failure_threshold": 2}})
	stop := s.neighbour()
	script, unsaid := "unexpected error occurred in scoring script", "unexpected internal error"
	for _, test := range []struct {
		do, said string
		to       any
		status   int
	}{
		{do: "nan", status: 200, said: "NaN"},
		{do: "bytes", status: 500, said: unsaid},
		{do: "object", status: 500, said: unsaid},
		{do: "set", status: 500, said: unsaid},
		{do: "surrogate", status: 200, said: `"\ud800"`},
		{do: "none", status: 200, said: "{}"},
		{do: "raise", status: 500, said: script},
		{do: "recurse", status: 500, said: script},
		{do: "header", status: 500},
		{do: "exit", to: 0, status: 500, said: script},
		{do: "exit", to: 3, status: 500, said: script},
		{do: "fork", status: 200},
		{do: "shout", to: 40_000, status: 200, said: "shouted"},
		{do: "close", status: 502},
		{do: "abort", status: 502, said: "ended before it answered"},
		{do: "eat", status: 502, said: "ended before it answered"},
		{do: "hang", status: 408, said: "request_timeout_ms"},
		{do: "kill", status: 200},
	} {
		if test.do == "kill" && process.Confines() != nil {
			continue // it would end this test
		}
		if status, answer := s.do(key, test.do, test.to); status != test.status || !strings.Contains(answer, test.said) {
			t.Errorf("%s answers %d %s, want %d with %q", test.do, status, answer, test.status, test.said)
		}
		s.back(key, test.do)
		if test.do == "shout" {
			s.until("the log to say what is left out", func() bool { return strings.Contains(s.deploymentLog(), "bytes are left out") })
		}
	}
	t.Logf("%d requests of the neighbour", stop())
}

// A worker that the system ended for its memory is back after a pause, and everybody
// who looks is told why it ended, how often, and when it comes back.
func TestRestartsAreExplained(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key := s.deploy(hostile, map[string]any{"resources": map[string]any{"limits": map[string]string{"memory": "256Mi"}}})
	for n, code := range []string{"WorkerEnded", "OutOfMemory"} {
		s.do(key, []string{"abort", "eat"}[n], nil)
		var d deploymentAnswer
		s.until("the restart to be told", func() bool {
			d = s.deployment()
			return len(d.Replicas) == 1 && d.Replicas[0].Restarts != nil && d.Replicas[0].Restarts.Count == n+1
		})
		if r := d.Replicas[0].Restarts; r.Reason.Code != code || !r.NextAt.After(r.At) || d.State != "Succeeded" {
			t.Errorf("after %s: the deployment is %s, its replica %+v", code, d.State, r)
		}
		s.back(key, code)
	}
	if log := s.deploymentLog(); !strings.Contains(log, "more memory than the 256Mi") || !strings.Contains(log, "It starts again in") {
		t.Errorf("the log does not say why:\n%s", log)
	}
}

// A script that takes too much while it loads fails its deployment, with the reason.
func TestAScriptThatLoadsTooMuchFails(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy("def init():\n    kept = [bytearray(b'x' * (1 << 20)) for _ in range(100000)]\ndef run(raw):\n    return 1\n",
		map[string]any{"resources": map[string]any{"limits": map[string]string{"memory": "128Mi"}}})
	if d := s.deployment(); d.State != "Failed" || d.Error == nil || d.Error.Code != "OutOfMemory" || !strings.Contains(d.Error.Message, "128Mi") {
		t.Errorf("the deployment is %s: %+v", d.State, d.Error)
	}
	s.wantNothingLeft()
}

// What a worker forks ends with it, however it hides.
func TestForksEndWithTheirWorker(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key := s.deploy(hostile, map[string]any{"request_settings": map[string]int{"request_timeout_ms": 2000},
		"resources":      map[string]any{"limits": map[string]string{"memory": "256Mi"}},
		"liveness_probe": map[string]int{"period": 1, "failure_threshold": 1}})
	stop := s.neighbour()
	before := len(s.running())
	for range 5 {
		s.do(key, "fork", nil)
	}
	if now := len(s.running()); now < before+5 {
		t.Errorf("%d processes run, %d before the forks", now, before)
	}
	s.do(key, "abort", nil)
	s.back(key, "abort")
	if now := len(s.running()); now > before {
		t.Errorf("%d processes run, %d before the forks", now, before)
	}
	t.Logf("%d requests of the neighbour", stop())
	if err := s.ask("DELETE", workspacePath+"/online-endpoints/doubler", nil, nil); err != nil {
		t.Fatal(err)
	}
	s.until("the processes to end", func() bool { return len(s.running()) <= before-2 })
}
