package job_test

import (
	"testing"

	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/job"
)

func TestTheQueueSaysWhatRunsAndWhyTheRestWaits(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		asks := func(cpus int) func(s *job.Spec) {
			return func(s *job.Spec) { s.Resources.CPUs = cpus }
		}
		b.run()
		b.submit("first", fake.Script{Hang: true}, asks(2))
		b.await("first", job.Running)
		b.submit("second", fake.Script{}, asks(2))
		b.submit("urgent", fake.Script{}, func(s *job.Spec) { s.QueueSettings.Priority = "high" })
		q, err := b.jobs.Queue(b.ctx, b.ws.ID)
		if err != nil {
			t.Fatal(err)
		}
		if q.Machine.CPUs != 2 || q.Taken.CPUs != 2 || len(q.Running) != 1 || q.Running[0].Name != "first" || q.Running[0].Why != nil {
			t.Errorf("queue %+v", q)
		}
		if len(q.Waiting) != 2 || q.Waiting[0].Name != "urgent" || q.Waiting[0].Priority != "high" || q.Waiting[1].Asks.CPUs != 2 {
			t.Fatalf("waiting %+v", q.Waiting)
		}
		if why := q.Waiting[1].Why; why == nil || why.Cause != "resources" || why.Ahead != 1 {
			t.Errorf("why %+v", why)
		}
		elsewhere, err := b.jobs.Queue(b.ctx, "another")
		if err != nil || len(elsewhere.Running)+len(elsewhere.Waiting) != 0 || elsewhere.Others != (job.Others{Running: 1, Waiting: 2}) || elsewhere.Taken.CPUs != 2 {
			t.Errorf("of another workspace: %+v, %v", elsewhere, err)
		}
		b.jobs.Cancel(b.ctx, b.ws.ID, "first")
		b.await("second", job.Completed)
		b.await("urgent", job.Completed)
	})
}
