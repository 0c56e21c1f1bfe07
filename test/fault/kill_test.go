package fault_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// steps is how long the training job is.
const steps = 150

// training prints a line and logs a metric at every step, as a script with
// MLflow does, and keeps a file. It knows nothing of the server's end.
const training = `cat > train.py <<'END'
import json, os, time, urllib.request
address = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-batch"
for step in range(%d):
    metric = {"key": "loss", "value": 1.0 / (step + 1), "step": step, "timestamp": 1700000000000 + step}
    body = json.dumps({"run_id": os.environ["MLFLOW_RUN_ID"], "metrics": [metric]}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json",
        "Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]})
    urllib.request.urlopen(request).read()
    print("step", step, flush=True)
    time.sleep(0.01)
with open("outputs/model.txt", "w") as file:
    file.write("trained\n" * 100000)
END
python3 train.py`

// The promise of the product: kill -9 the server in the middle of a training
// job, again and again, and start it again. No line, no metric and no output is
// missing, and none is there twice.
func TestKillTheServerInTheMiddleOfAJob(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	name := s.submit(fmt.Sprintf(training, steps))
	for _, step := range []int{10, 60, 110} {
		s.until("the job to come on", func() bool { return strings.Contains(s.log(name), fmt.Sprintf("step %d\n", step)) })
		s.kill()
		s.start()
	}
	s.finish(name)

	var want strings.Builder
	for step := range steps {
		fmt.Fprintf(&want, "step %d\n", step)
	}
	if got := s.log(name); got != want.String() {
		t.Errorf("the log has %d lines, want %d:\n%s", strings.Count(got, "\n"), steps, got)
	}
	s.wantMetric(name)
	var model string
	if err := s.ask("GET", workspacePath+"/runs/"+name+"/artifacts/content?path=outputs/model.txt", nil, &model); err != nil {
		t.Error(err)
	}
	if model != strings.Repeat("trained\n", 100000) {
		t.Errorf("the output has %d bytes", len(model))
	}
	s.wantNothingLeft()
}

func (s *server) wantMetric(run string) {
	s.t.Helper()
	var series struct {
		Count  int `json:"count"`
		Points []struct {
			Step  int64   `json:"step"`
			Value float64 `json:"value"`
		} `json:"points"`
	}
	if err := s.ask("GET", workspacePath+"/runs/"+run+"/metrics?key=loss", nil, &series); err != nil {
		s.t.Fatal(err)
	}
	if series.Count != steps || len(series.Points) != steps {
		s.t.Fatalf("the metric has %d points, want %d", series.Count, steps)
	}
	for step, point := range series.Points {
		if point.Step != int64(step) || point.Value != 1.0/float64(step+1) {
			s.t.Errorf("point %d is %+v", step, point)
		}
	}
}

// A job ends while the server is down: the runner waits with the news.
func TestAJobThatEndsWhileTheServerIsDown(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	sign := filepath.Join(t.TempDir(), "ended")
	name := s.submit(shell(`echo before`, `while [ ! -e `+sign+`.go ]; do sleep 0.02; done`,
		`echo after; echo made > outputs/made`, `touch `+sign))
	s.until("the first line", func() bool { return s.log(name) == "before\n" })
	s.kill()
	touch(t, sign+".go")
	s.until("the command's end", func() bool { return exists(sign) })
	s.start()
	s.finish(name)
	if got := s.log(name); got != "before\nafter\n" {
		t.Errorf("log %q", got)
	}
	s.wantNothingLeft()
}

// The server and the runner are both killed, as when the machine loses power.
// The command must not run twice, and what it printed is kept.
func TestKillTheServerAndTheRunner(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	count := filepath.Join(t.TempDir(), "count")
	name := s.submit(shell(`echo once >> `+count, `echo printed`, `sleep 600`))
	s.until("the first line", func() bool { return s.log(name) == "printed\n" })
	s.kill()
	for _, pid := range s.running() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	s.start()
	s.until("the job's end", func() bool { return s.job(name).Status == "Failed" })
	if j := s.job(name); j.Error == nil || j.Error.Code != "RunnerLost" {
		t.Errorf("error %+v", j.Error)
	}
	if text, _ := os.ReadFile(count); string(text) != "once\n" {
		t.Errorf("the command ran %d times", strings.Count(string(text), "\n"))
	}
	if got := s.log(name); got != "printed\n" {
		t.Errorf("log %q", got)
	}
	s.wantNothingLeft()
}

// The server is killed while it launches and ends jobs: in each round after
// another number of them has begun. No job is lost and none runs twice.
func TestKillTheServerAtAnyMoment(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	count := filepath.Join(t.TempDir(), "count")
	begun := func() int {
		text, _ := os.ReadFile(count) // there is none before the first job begins
		return strings.Count(string(text), "\n")
	}
	var all []string
	for round := range 6 {
		before := begun()
		for range 3 {
			all = append(all, s.submit(shell(`echo $ATELIER_JOB_NAME >> `+count, `echo hello`, `echo made > outputs/made`)))
		}
		s.until("jobs to begin", func() bool { return begun() >= before+round%4 })
		s.kill()
		s.start()
	}
	for _, name := range all {
		s.finish(name)
		if got := s.log(name); got != "hello\n" {
			t.Errorf("%s: log %q", name, got)
		}
	}
	text, err := os.ReadFile(count)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if ran := strings.Count(string(text), name+"\n"); ran != 1 {
			t.Errorf("%s ran %d times", name, ran)
		}
	}
	s.wantNothingLeft()
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
