package job_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/job"
)

func TestAComputeHoldsAsManyJobsAsItHasSlots(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		must := func(c job.Compute, err error) job.Compute {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		if made := must(b.jobs.CreateCompute(b.ctx, b.ws.ID, job.CreateCompute{Name: "one", Type: job.LocalType})); made.Slots != 1 || made.State != "Running" {
			t.Errorf("made %+v", made)
		}
		on := func(s *job.Spec) { s.Compute = "azureml:one" }
		b.run()
		b.submit("first", fake.Script{Hang: true}, on)
		b.await("first", job.Running)
		b.submit("second", fake.Script{}, on)
		if why, err := b.jobs.Why(b.ctx, b.ws.ID, "second"); err != nil || why.Cause != "slots" {
			t.Errorf("why: %+v, %v", why, err)
		}
		if found := must(b.jobs.GetCompute(b.ctx, b.ws.ID, "one")); found.Running != 1 || found.Queued != 1 {
			t.Errorf("found %+v", found)
		}
		if err := b.jobs.DeleteCompute(b.ctx, b.ws.ID, "one"); atelier.CodeOf(err) != atelier.Precondition {
			t.Errorf("a compute with jobs was deleted: %v", err)
		}
		must(b.jobs.StopCompute(b.ctx, b.ws.ID, "one"))
		b.jobs.Cancel(b.ctx, b.ws.ID, "first")
		b.await("first", job.Canceled)
		if why, err := b.jobs.Why(b.ctx, b.ws.ID, "second"); err != nil || why.Cause != "stopped" {
			t.Errorf("why: %+v, %v", why, err)
		}
		must(b.jobs.StartCompute(b.ctx, b.ws.ID, "one"))
		b.await("second", job.Completed)
		if err := b.jobs.DeleteCompute(b.ctx, b.ws.ID, "one"); err != nil {
			t.Error(err)
		}
	})
}

func TestLimitsAreKeptPerWorkspace(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, want := range []job.WorkspaceLimits{{JobsPerMember: 1}, {JobsPerExperiment: 2}} {
			if _, err := b.jobs.SetLimits(b.ctx, b.ws.ID, want); err != nil {
				t.Fatal(err)
			}
			if got, err := b.jobs.Limits(b.ctx, b.ws.ID); err != nil || got != want {
				t.Errorf("limits %+v, %v, want %+v", got, err, want)
			}
		}
		if _, err := b.jobs.SetLimits(b.ctx, b.ws.ID, job.WorkspaceLimits{CPUsPerMember: -1}); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("a limit below none: %v", err)
		}
	})
}

// Either the job is refused, or the compute: no job waits for one that is gone.
func TestAComputeIsNotDeletedUnderAJobThatComes(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for round := range 30 {
			name := fmt.Sprintf("c%d", round)
			if _, err := b.jobs.CreateCompute(b.ctx, b.ws.ID, job.CreateCompute{Name: name, Type: job.LocalType}); err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			var submitted, deleted error
			group.Go(func() {
				_, submitted = b.jobs.Submit(b.ctx, b.ws.ID, job.Spec{Name: "job-" + name, Command: "x", Environment: environment.Spec{Reference: job.SystemEnvironment}, Compute: name})
			})
			group.Go(func() { deleted = b.jobs.DeleteCompute(b.ctx, b.ws.ID, name) })
			group.Wait()
			switch {
			case submitted == nil && atelier.CodeOf(deleted) == atelier.Precondition:
			case deleted == nil && atelier.CodeOf(submitted) == atelier.NotFound:
			default:
				t.Fatalf("round %d: the job: %v; the compute: %v", round, submitted, deleted)
			}
		}
	})
}
