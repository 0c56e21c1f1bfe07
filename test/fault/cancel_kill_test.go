package fault_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A command that will not end when it is asked to, and whatever dies while it is
// being canceled: the job is canceled, and nothing of it is left.
func TestKillWhileAJobIsCanceled(t *testing.T) {
	for _, victims := range []string{"server", "runner", "server and runner"} {
		t.Run(victims, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			job := s.submit(shell(`trap '' TERM`, `echo up`, `while :; do sleep 0.05; done`))
			s.until("the first line", func() bool { return s.log(job) == "up\n" })
			if err := s.ask("POST", workspacePath+"/jobs/"+job+"/cancel", nil, nil); err != nil {
				t.Fatal(err)
			}
			if status := s.job(job).Status; status != "CancelRequested" {
				t.Fatalf("the job is %s before it has ended", status)
			}
			if strings.Contains(victims, "server") {
				s.kill()
			}
			if strings.Contains(victims, "runner") {
				s.killOnly("runner")
			}
			if strings.Contains(victims, "server") {
				s.start()
			}
			s.until("the end of the job", func() bool { return s.job(job).Status != "CancelRequested" })
			if j := s.job(job); j.Status != "Canceled" || j.Error != nil {
				t.Errorf("the job is %s: %+v", j.Status, j.Error)
			}
			s.wantNothingLeft()
		})
	}
}

// A job that waits for its compute when the server dies waits on, is not forgotten
// and begins once.
func TestKillTheServerWhileAJobWaits(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	count := filepath.Join(t.TempDir(), "count")
	computes := workspacePath + "/computes"
	if err := s.ask("POST", computes, map[string]any{"name": "later", "type": "local"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.ask("POST", computes+"/later/stop", nil, nil); err != nil {
		t.Fatal(err)
	}
	var waits, canceled jobAnswer
	for _, job := range []*jobAnswer{&waits, &canceled} {
		err := s.ask("POST", workspacePath+"/jobs", map[string]any{"command": `echo once >> ` + count, "environment": "system", "compute": "azureml:later"}, job)
		if err != nil {
			t.Fatal(err)
		}
	}
	s.kill()
	s.start()
	if status := s.job(waits.Name).Status; status != "Queued" {
		t.Errorf("the job that waited is %s", status)
	}
	if err := s.ask("POST", workspacePath+"/jobs/"+canceled.Name+"/cancel", nil, nil); err != nil {
		t.Fatal(err)
	}
	s.kill()
	s.start()
	if err := s.ask("POST", computes+"/later/start", nil, nil); err != nil {
		t.Fatal(err)
	}
	s.finish(waits.Name)
	if j := s.job(canceled.Name); j.Status != "Canceled" {
		t.Errorf("the other job is %s", j.Status)
	}
	if text, _ := os.ReadFile(count); string(text) != "once\n" {
		t.Errorf("the command began %d times", strings.Count(string(text), "\n"))
	}
	s.wantNothingLeft()
}
