package tracking_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// sameNaN takes a NaN for what it is.
var sameNaN = cmp.Comparer(func(a, b series.Value) bool { return a == b || a.IsNaN() && b.IsNaN() })

// agree compares what the service answers, which remembers runs, with one that
// remembers nothing.
func (b bench) agree(after string, ids ...string) {
	b.t.Helper()
	fresh := bench{tracking.New(b.db, nil, b.bus), b.t, b.ctx, b.db, b.bus}
	for _, id := range ids {
		got, gotErr := b.Run(b.ctx, ws, id)
		want, wantErr := fresh.Run(b.ctx, ws, id)
		if diff := cmp.Diff(want, got, sameNaN); diff != "" || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
			b.t.Errorf("after %s: run %s: %s %v, %v", after, id, diff, gotErr, wantErr)
		}
	}
	q := tracking.Search{View: tracking.ViewAll, OrderBy: []string{"metrics.rmse"}}
	got, err := b.SearchRuns(b.ctx, ws, q)
	b.must(err)
	want, err := fresh.SearchRuns(b.ctx, ws, q)
	b.must(err)
	if diff := cmp.Diff(want, got, sameNaN); diff != "" {
		b.t.Errorf("after %s: %s", after, diff)
	}
}

func TestNothingOldIsRemembered(t *testing.T) {
	each(t, func(b bench) {
		experiment := b.populate()
		made, err := b.CreateLoggedModel(b.ctx, ws, tracking.NewLoggedModel{ExperimentID: experiment, Name: "m"})
		b.must(err)
		name, killed := "another name", tracking.Killed
		steps := []struct {
			name string
			do   func() error
		}{
			{"nothing", func() error { return nil }},
			{"a metric", func() error {
				return b.Log(b.ctx, ws, "id-4", tracking.Batch{Metrics: []tracking.Metric{metric("rmse", 7, 9, 9)}})
			}},
			{"a param", func() error { return b.Log(b.ctx, ws, "id-4", tracking.Batch{Params: pairs("new", "1")}) }},
			{"a tag", func() error { return b.Log(b.ctx, ws, "id-4", tracking.Batch{Tags: pairs("group", "other")}) }},
			{"a tag deleted", func() error { return b.DeleteTag(b.ctx, ws, "id-4", "group") }},
			{"an update", func() error {
				_, err := b.Update(b.ctx, ws, "id-4", tracking.UpdateRun{Name: &name, Status: &killed})
				return err
			}},
			{"inputs", func() error {
				return b.AddInputs(b.ctx, ws, "id-4", []tracking.Input{{Name: "d", Digest: "1", SourceType: "http", Source: "x", Schema: "s"}}, nil)
			}},
			{"an output", func() error {
				return b.AddOutputs(b.ctx, ws, "id-4", []tracking.ModelLink{{ModelID: made.ID, Step: 3}})
			}},
			{"deletion", func() error { return b.Delete(b.ctx, ws, "id-4") }},
			{"restoration", func() error { return b.Restore(b.ctx, ws, "id-4") }},
			{"the experiment's new name", func() error { return b.RenameExperiment(b.ctx, ws, experiment, "f") }},
			{"the experiment's deletion", func() error { return b.DeleteExperiment(b.ctx, ws, experiment) }},
			{"purge", func() error {
				_, err := b.Purge(b.ctx, ws, tracking.Purge{DeletedBefore: made.CreatedAt.AddDate(1, 0, 0)})
				return err
			}},
		}
		for _, step := range steps {
			b.agree("what came before "+step.name, "id-4", "id-5")
			b.must(step.do())
			b.agree(step.name, "id-4", "id-5")
		}
	})
}

// While some write and some read, nobody who was told of a write reads what was
// there before it.
func TestReadersSeeWhatWasAcknowledged(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{Experiment: "e"})
		q := tracking.Search{Experiments: []string{run.ExperimentID}}
		var readers sync.WaitGroup
		done := make(chan struct{})
		for range 2 {
			readers.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					if _, err := b.SearchRuns(b.ctx, ws, q); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for step := range int64(30) {
			b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Metrics: []tracking.Metric{metric("rmse", float64(step), step, step)}}))
			found, err := b.SearchRuns(b.ctx, ws, q)
			b.must(err)
			if got := found.Items[0].Metrics["rmse"].Step; got != step {
				t.Errorf("read step %d after step %d was written", got, step)
			}
		}
		close(done)
		readers.Wait()
	})
}
