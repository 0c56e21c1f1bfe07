package fault_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// logging is a script that logs as the MLflow client does, once a file tells it
// to, and says with another file that all of it was answered.
const logging = `cat > log.py <<'END'
import json, os, pathlib, time, urllib.request
base, run, steps = os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_RUN_ID"], %d
def send(method, path, body):
    kind = "application/json" if method == "POST" else "application/octet-stream"
    request = urllib.request.Request(base + path, body, {"Content-Type": kind,
        "Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]}, method=method)
    return json.loads(urllib.request.urlopen(request).read() or b"{}")
def post(name, **body):
    return send("POST", "/api/2.0/mlflow/runs/" + name, json.dumps(body).encode())
def wait(name):
    while not os.path.exists("%[2]s." + name):
        time.sleep(0.01)
post("log-parameter", run_id=run, key="alpha", value="1")
print("ready", flush=True)
wait("go")
for step in range(steps):
    metric = {"key": "loss", "value": 1.0 / (step + 1), "step": step, "timestamp": 1700000000000 + step}
    post("log-batch", run_id=run, metrics=[metric])
post("log-parameter", run_id=run, key="alpha", value="2")
post("log-parameter", run_id=run, key="beta", value="3")
for value in "abc":
    post("set-tag", run_id=run, key="stage", value=value)
send("PUT", "/api/2.0/mlflow-artifacts/artifacts/" + os.environ["MLFLOW_EXPERIMENT_ID"] + "/" + run + "/artifacts/big.txt", b"0123456789" * 300000)
pathlib.Path("%[2]s.answered").touch()
%[3]s
END
python3 log.py`

// startLogging submits the script, kills the server and lets the script log.
func (s *server) startLogging(then string) (name string) {
	s.t.Helper()
	sign := filepath.Join(s.t.TempDir(), "sign")
	name = s.submit(fmt.Sprintf(logging, steps, sign, then))
	s.until("the script", func() bool { return strings.Contains(s.log(name), "ready\n") })
	s.kill()
	touch(s.t, sign+".go")
	s.until("the answers", func() bool { return exists(sign + ".answered") })
	return name
}

// wantLogged checks that all that the script logged is there once.
func (s *server) wantLogged(run string) {
	s.t.Helper()
	s.wantMetric(run)
	var seen struct {
		Params map[string]string `json:"params"`
		Tags   map[string]string `json:"tags"`
	}
	if err := s.ask("GET", workspacePath+"/runs/"+run, nil, &seen); err != nil {
		s.t.Fatal(err)
	}
	if seen.Params["alpha"] != "1" || seen.Params["beta"] != "3" || seen.Tags["stage"] != "c" {
		s.t.Errorf("params %v, tags %v", seen.Params, seen.Tags)
	}
	var file string
	if err := s.ask("GET", workspacePath+"/runs/"+run+"/artifacts/content?path=big.txt", nil, &file); err != nil || file != strings.Repeat("0123456789", 300000) {
		s.t.Errorf("the file has %d bytes: %v", len(file), err)
	}
	if got, want := s.log(run), "atelier: the server refused what was logged while it was away (param alpha = 2): Changing param values is not allowed"; !strings.Contains(got, want) {
		s.t.Errorf("what was refused is not in the job's log:\n%s", got)
	}
}

// A script logs, and ends, while there is no server. It is not held up, and what
// it logged is all there in the end.
func TestAScriptLogsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	name := s.startLogging(`post("update", run_id=run, status="FINISHED", end_time=1800000000000)`)
	s.start()
	s.finish(name)
	s.wantLogged(name)
	s.wantNothingLeft()
}

// Everything is killed after the script was answered. The next runner brings what
// the one before had promised.
func TestKillTheRunnerThatAnswered(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	name := s.startLogging(`time.sleep(600)`)
	for _, pid := range s.running() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	s.start()
	s.until("the job's end", func() bool { return s.job(name).Status == "Failed" })
	s.wantLogged(name)
	s.wantNothingLeft()
}

// The server is killed again and again while it is brought what was queued.
func TestKillTheServerWhileTheQueueIsShipped(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	name := s.startLogging(`pass`)
	for _, points := range []int{1, steps / 3, steps * 2 / 3} {
		s.start()
		s.until("some of the points", func() bool { return s.points(name) >= points })
		s.kill()
	}
	s.start()
	s.finish(name)
	s.wantLogged(name)
	s.wantNothingLeft()
}

// points counts the points that the server has.
func (s *server) points(run string) int {
	s.t.Helper()
	var series struct {
		Count int `json:"count"`
	}
	if err := s.ask("GET", workspacePath+"/runs/"+run+"/metrics?key=loss", nil, &series); err != nil {
		s.t.Fatal(err)
	}
	return series.Count
}
