package tracking_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// ended makes a run of the experiment "e" that ended so long ago, with a value of
// the metric acc, and deletes it if it is to be.
func (b bench) ended(name string, ago time.Duration, status tracking.RunStatus, acc float64, deleted bool) {
	b.t.Helper()
	at := time.Now().Add(-ago)
	b.run(tracking.NewRun{ID: name, Experiment: "e", Name: name, StartedAt: &at})
	if !math.IsInf(acc, -1) {
		b.must(b.Log(b.ctx, ws, name, tracking.Batch{Metrics: []tracking.Metric{metric("acc", acc, 0, 0)}}))
	}
	if status.Ended() {
		_, err := b.Update(b.ctx, ws, name, tracking.UpdateRun{Status: &status, EndedAt: &at})
		b.must(err)
	}
	if deleted {
		b.must(b.Delete(b.ctx, ws, name))
	}
}

// left returns the names of all runs, in order.
func (b bench) left() string {
	b.t.Helper()
	page, err := b.SearchRuns(b.ctx, ws, tracking.Search{View: tracking.ViewAll})
	b.must(err)
	var names []string
	for _, run := range page.Items {
		names = append(names, run.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestPurgePolicies(t *testing.T) {
	none := math.Inf(-1)
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	for name, c := range map[string]struct {
		policy tracking.Purge
		left   string
	}{
		"deleted":               {tracking.Purge{DeletedBefore: ago(-time.Hour)}, "best failed good nan none running"},
		"ended long ago":        {tracking.Purge{EndedBefore: ago(24 * time.Hour), IncludeActive: true}, "best good nan none poor running"},
		"only deleted ones":     {tracking.Purge{EndedBefore: ago(24 * time.Hour)}, "best failed good nan none poor running"},
		"status":                {tracking.Purge{EndedBefore: ago(0), Status: []tracking.RunStatus{tracking.Failed}, IncludeActive: true}, "best good nan none old poor running"},
		"best 2":                {tracking.Purge{Experiments: []string{"e"}, KeepBest: &tracking.Best{Count: 2, Metric: "acc", Order: tracking.Max}, IncludeActive: true}, "best good running"},
		"best 1 of the deleted": {tracking.Purge{Experiments: []string{"e"}, KeepBest: &tracking.Best{Count: 1, Metric: "acc", Order: tracking.Min}}, "best failed good nan none poor running"},
		"another experiment":    {tracking.Purge{Experiments: []string{"Default"}, DeletedBefore: ago(-time.Hour), IncludeActive: true}, "best failed good nan none old poor running"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(b bench) {
				b.ended("best", 0, tracking.Finished, 0.9, false)
				b.ended("good", 0, tracking.Finished, 0.8, false)
				b.ended("poor", 0, tracking.Finished, 0.1, true)
				b.ended("nan", 0, tracking.Finished, math.NaN(), false)
				b.ended("none", 0, tracking.Killed, none, false)
				b.ended("failed", 48*time.Hour, tracking.Failed, 0.2, false)
				b.ended("old", 48*time.Hour, tracking.Finished, 0.3, true)
				b.ended("running", 0, tracking.Running, 0.5, false)
				c.policy.DryRun = true
				foretold, err := b.Purge(b.ctx, ws, c.policy)
				b.must(err)
				if got := b.left(); got != "best failed good nan none old poor running" {
					t.Errorf("a dry run left %s", got)
				}
				c.policy.DryRun = false
				done, err := b.Purge(b.ctx, ws, c.policy)
				b.must(err)
				foretold.DryRun = false
				if diff := cmp.Diff(foretold, done); diff != "" {
					t.Errorf("the dry run foretold something else:\n%s", diff)
				}
				if got := b.left(); got != c.left {
					t.Errorf("left %s; want %s", got, c.left)
				}
			})
		})
	}
}

func TestPurgeNeedsARule(t *testing.T) {
	each(t, func(b bench) {
		b.ended("one", 0, tracking.Finished, 1, true)
		best := func(n int, metric string, order tracking.Order) *tracking.Best {
			return &tracking.Best{Count: n, Metric: metric, Order: order}
		}
		for want, policy := range map[string]tracking.Purge{
			"No rule says":            {IncludeActive: true, Experiments: []string{"e"}},
			"none is named":           {KeepBest: best(1, "acc", tracking.Max)},
			"0 is not a number":       {Experiments: []string{"e"}, KeepBest: best(0, "acc", tracking.Max)},
			"keep_best.metric":        {Experiments: []string{"e"}, KeepBest: best(1, "", tracking.Max)},
			"is not an order":         {Experiments: []string{"e"}, KeepBest: best(1, "acc", "up")},
			"has the metric \"typo\"": {Experiments: []string{"e"}, KeepBest: best(1, "typo", tracking.Max)},
			"'status'":                {DeletedBefore: time.Now(), Status: []tracking.RunStatus{"DONE"}},
		} {
			_, err := b.Purge(b.ctx, ws, policy)
			b.refused(err, atelier.Invalid, want)
		}
		_, err := b.Purge(b.ctx, ws, tracking.Purge{DeletedBefore: time.Now(), Experiments: []string{"nowhere"}})
		b.refused(err, atelier.NotFound, "nowhere")
		if got := b.left(); got != "one" {
			t.Errorf("left %s", got)
		}
	})
}

// A parent goes with its children, and stays with one that stays.
func TestPurgeKeepsParents(t *testing.T) {
	each(t, func(b bench) {
		for i, parent := range []string{"", "a0", "a1", "a0"} {
			tags := map[string]string{}
			if parent != "" {
				tags[tracking.TagParent] = parent
			}
			b.run(tracking.NewRun{ID: fmt.Sprint("a", i), Name: fmt.Sprint("a", i), Experiment: "e", Tags: tags})
		}
		for _, run := range []string{"a0", "a1", "a2"} {
			b.must(b.Delete(b.ctx, ws, run))
		}
		for _, dryRun := range []bool{true, false} {
			done := b.purge(time.Hour, dryRun)
			if done.Runs != 2 || done.Kept != 1 || done.Reasons[0] != (tracking.Kept{ID: "a0", Name: "a0", Reason: "It is the parent of the run a3, which stays."}) {
				t.Errorf("purged %+v", done)
			}
		}
		b.must(b.Delete(b.ctx, ws, "a3"))
		if done := b.purge(time.Hour, false); done.Runs != 2 || b.left() != "" {
			t.Errorf("purged %+v, left %s", done, b.left())
		}
	})
}

// Any text may be said to be a parent, however long: it is kept, and found.
func TestAParentsNameMayBeLong(t *testing.T) {
	each(t, func(b bench) {
		var long strings.Builder // which no compression makes short
		for i := range 2000 {
			fmt.Fprintf(&long, "%04x", i*i*40503%65536)
		}
		run := b.run(tracking.NewRun{Tags: map[string]string{tracking.TagParent: long.String()}})
		b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Tags: []tracking.Pair{{Key: tracking.TagParent, Value: long.String()}}}))
		got, err := b.Run(b.ctx, ws, run.ID)
		b.must(err)
		if got.ParentRunID != long.String() {
			t.Errorf("the parent has %d characters, want %d", len(got.ParentRunID), long.Len())
		}
		b.must(b.Delete(b.ctx, ws, run.ID))
		if done := b.purge(time.Hour, false); done.Runs != 1 {
			t.Errorf("purged %+v", done)
		}
	})
}

func TestPurgeExperiments(t *testing.T) {
	each(t, func(b bench) {
		empty := b.rows()
		doomed, model := b.fullRun()
		stays := b.run(tracking.NewRun{Experiment: "stays"})
		alone, err := b.CreateLoggedModel(b.ctx, ws, tracking.NewLoggedModel{ExperimentID: doomed.ExperimentID, Name: "alone"})
		b.must(err)
		purge := func(dryRun bool, names ...string) tracking.Purged {
			t.Helper()
			done, err := b.PurgeExperiments(b.ctx, ws, tracking.PurgeExperiments{DeletedBefore: time.Now().Add(time.Hour), Experiments: names, DryRun: dryRun})
			b.must(err)
			return done
		}
		_, err = b.PurgeExperiments(b.ctx, ws, tracking.PurgeExperiments{DeletedBefore: time.Now(), Experiments: []string{"vision"}})
		b.refused(err, atelier.Precondition, "not deleted")
		if done := purge(false); done.Experiments != 0 {
			t.Errorf("purged %+v, and nothing is deleted", done)
		}
		b.must(b.DeleteExperiment(b.ctx, ws, doomed.ExperimentID))

		b.must(b.AddInputs(b.ctx, ws, stays.ID, nil, []tracking.ModelLink{{ModelID: model.ID}}))
		if done := purge(true); done.Experiments != 0 || done.Kept != 1 || !strings.Contains(done.Reasons[0].Reason, stays.ID) {
			t.Errorf("purged %+v, and another run uses a model of it", done)
		}
		b.must(b.Delete(b.ctx, ws, stays.ID))
		_, err = b.Purge(b.ctx, ws, tracking.Purge{Experiments: []string{"stays"}, DeletedBefore: time.Now().Add(time.Hour)})
		b.must(err)

		for _, dryRun := range []bool{true, false} {
			if done := purge(dryRun, "vision"); done.Experiments != 1 || done.Runs != 1 || done.LoggedModels != 2 || done.Objects != 2 {
				t.Errorf("purged %+v", done)
			}
		}
		_, err = b.Experiment(b.ctx, ws, doomed.ExperimentID)
		b.refused(err, atelier.NotFound, doomed.ExperimentID)
		_, err = b.LoggedModel(b.ctx, ws, alone.ID)
		b.refused(err, atelier.NotFound, alone.ID)
		if diff := cmp.Diff(empty, b.rows()); diff != "" {
			t.Errorf("rows are left (-want +got):\n%s", diff)
		}
	})
}
