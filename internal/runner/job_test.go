package runner_test

import (
	"path/filepath"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/job"
)

func handleOf(folder string) compute.Handle { return compute.Handle(filepath.Base(folder)) }

func TestAJobRunsToItsEnd(t *testing.T) {
	w := newWorld(t)
	j := w.submit("echo hello; echo there >&2")
	j = w.finish(j.Name, job.Completed)
	if got := w.log(j.Name, job.CommandLog); got != "hello\nthere\n" {
		t.Errorf("log %q", got)
	}
	if j.ExitCode == nil || *j.ExitCode != 0 || j.Error != nil {
		t.Errorf("exit code %v, error %v", j.ExitCode, j.Error)
	}
}
