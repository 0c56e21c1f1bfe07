package job_test

import (
	"fmt"
	"slices"
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

// An Azure cluster's file becomes a part of this machine, which says what of it holds.
func TestAClusterBecomesSlots(t *testing.T) {
	each(t, func(t *testing.T, b *bench) { // on a machine of two processors
		for name, test := range map[string]struct {
			ask     job.CreateCompute
			slots   int
			notices []string
		}{
			"plain": {job.CreateCompute{ComputeDefinition: job.ComputeDefinition{MaxInstances: 2}}, 2,
				[]string{"It is a part of the server's own machine: max_instances became 2 slots."}},
			"whole": {job.CreateCompute{ComputeDefinition: job.ComputeDefinition{Size: "Standard_DS3_v2", Tier: "dedicated", MinInstances: 1, MaxInstances: 4}}, 4,
				[]string{"Each job counts for a processor at least, and the machine has 2: no more of its jobs run at a time.",
					"It is a part of the server's own machine: max_instances became 4 slots.", "Without effect here: min_instances, size, tier."}},
			"with-slots": {job.CreateCompute{Slots: 1, ComputeDefinition: job.ComputeDefinition{MaxInstances: 4}}, 1,
				[]string{"It is a part of the server's own machine, with 1 slot; max_instances was 4."}},
		} {
			test.ask.Name, test.ask.Type = name, job.AmlCompute
			made, err := b.jobs.CreateCompute(b.ctx, b.ws.ID, test.ask)
			if err != nil || made.Slots != test.slots || !slices.Equal(made.Notices, test.notices) || made.Size != test.ask.Size || made.MinInstances != test.ask.MinInstances {
				t.Errorf("%s: made %+v, %v", name, made, err)
			}
		}
		for _, wrong := range []job.ComputeDefinition{{MinInstances: 3, MaxInstances: 2}, {MinInstances: -1}, {MaxInstances: -1}} {
			if _, err := b.jobs.CreateCompute(b.ctx, b.ws.ID, job.CreateCompute{Name: "wrong", Type: job.AmlCompute, ComputeDefinition: wrong}); atelier.CodeOf(err) != atelier.Invalid {
				t.Errorf("a cluster of %+v: %v", wrong, err)
			}
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
