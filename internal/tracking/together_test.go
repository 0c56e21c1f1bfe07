package tracking_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// atOnce makes calls that all wait for the database before any is stored.
func (b bench) atOnce(calls ...func() error) []error {
	b.t.Helper()
	busy, free := make(chan struct{}), make(chan struct{})
	blocked := make(chan error, 1)
	go func() {
		blocked <- b.db.Write(b.ctx, func(*sqldb.Tx) error {
			close(busy)
			<-free
			return nil
		})
	}()
	<-busy
	failures := make([]error, len(calls))
	var waiting, group sync.WaitGroup
	for i, call := range calls {
		waiting.Add(1)
		group.Go(func() {
			waiting.Done()
			failures[i] = call()
		})
	}
	waiting.Wait()
	close(free)
	group.Wait()
	b.must(<-blocked)
	return failures
}

func point(value float64, step int64) tracking.Batch {
	return tracking.Batch{Metrics: []tracking.Metric{metric("loss", value, step, step)}}
}

func (b bench) steps(run string) (steps []int64) {
	b.t.Helper()
	points, err := b.History(b.ctx, ws, run, "loss", series.Window{})
	b.must(err)
	for _, p := range points {
		steps = append(steps, p.Step)
	}
	return steps
}

// Each of the calls that are stored together has an outcome of its own.
func TestOneRefusedAmongThoseStoredTogether(t *testing.T) {
	each(t, func(b bench) {
		good, gone, foreign := b.run(tracking.NewRun{}), b.run(tracking.NewRun{}), b.run(tracking.NewRun{})
		b.must(b.Delete(b.ctx, ws, gone.ID))
		job := atelier.WithActor(b.ctx, atelier.Actor{Kind: atelier.JobActor, ID: "j", Workspace: ws})
		left, leave := context.WithCancel(b.ctx)
		leave()
		log := func(ctx context.Context, ws, id string, step int64) func() error {
			return func() error { return b.Log(ctx, ws, id, point(1, step)) }
		}
		failures := b.atOnce(log(b.ctx, ws, good.ID, 1), log(b.ctx, ws, gone.ID, 2), log(b.ctx, ws, "nowhere", 3),
			log(b.ctx, ws, good.ID, 4), log(job, ws, foreign.ID, 5), log(b.ctx, "two", good.ID, 6), log(left, ws, good.ID, 7), log(b.ctx, ws, good.ID, 8))
		for i, code := range []atelier.Code{"", atelier.Precondition, atelier.NotFound, "", atelier.Forbidden, atelier.NotFound, "", ""} {
			if i == 6 {
				if !errors.Is(failures[i], context.Canceled) {
					t.Errorf("who left was told %v", failures[i])
				}
			} else if code == "" && failures[i] != nil || code != "" && atelier.CodeOf(failures[i]) != code {
				t.Errorf("call %d: %v; want %q", i, failures[i], code)
			}
		}
		if got := fmt.Sprint(b.steps(good.ID)); got != "[1 4 8]" {
			t.Errorf("the run has the steps %s", got)
		}
		for _, id := range []string{gone.ID, foreign.ID} {
			if got := b.steps(id); len(got) > 0 {
				t.Errorf("the run of a refused call has the steps %v", got)
			}
		}
	})
}

// A call that the database does not take fails alone.
func TestOneFailsAmongThoseStoredTogether(t *testing.T) {
	each(t, func(b bench) {
		good, bad := b.run(tracking.NewRun{}), b.run(tracking.NewRun{})
		b.must(b.db.Write(b.ctx, func(tx *sqldb.Tx) error {
			statements := []string{`CREATE TRIGGER refuse BEFORE INSERT ON latest_metrics WHEN NEW.run_id = '` + bad.ID + `' BEGIN SELECT RAISE(ABORT, 'no'); END`}
			if tx.Engine() == sqldb.Postgres {
				statements = []string{`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$`,
					`CREATE TRIGGER refuse BEFORE INSERT ON latest_metrics FOR EACH ROW WHEN (NEW.run_id = '` + bad.ID + `') EXECUTE FUNCTION refuse()`}
			}
			for _, statement := range statements {
				if _, err := tx.Exec(b.ctx, statement); err != nil {
					return err
				}
			}
			return nil
		}))
		failures := b.atOnce(
			func() error { return b.Log(b.ctx, ws, good.ID, point(1, 1)) },
			func() error { return b.Log(b.ctx, ws, bad.ID, point(1, 2)) },
			func() error { return b.Log(b.ctx, ws, good.ID, point(1, 3)) })
		if failures[0] != nil || failures[1] == nil || failures[2] != nil {
			t.Errorf("got %v", failures)
		}
		if got := fmt.Sprint(b.steps(good.ID)); got != "[1 3]" {
			t.Errorf("the run has the steps %s", got)
		}
	})
}

// A run that is deleted or purged while points wait takes none of them; one whose
// deletion is undone, because the transaction fails, takes them all.
func TestDeletionAmongThoseStoredTogether(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		b.must(b.Log(b.ctx, ws, run.ID, point(1, 0)))
		var calls []func() error
		for step := range int64(20) {
			calls = append(calls, func() error { return b.Log(b.ctx, ws, run.ID, point(1, step+1)) })
		}
		calls = append(calls, func() error { return b.Delete(b.ctx, ws, run.ID) })
		failures := b.atOnce(calls...)
		stored := 1
		for _, err := range failures[:20] {
			if err == nil {
				stored++
			} else if atelier.CodeOf(err) != atelier.Precondition {
				t.Error(err)
			}
		}
		if got := b.steps(run.ID); len(got) != stored || failures[20] != nil {
			t.Errorf("%d points are there, and %d were acknowledged; deletion: %v", len(got), stored, failures[20])
		}
		b.refused(b.Log(b.ctx, ws, run.ID, point(1, 50)), atelier.Precondition, "deleted")
		b.must(b.Restore(b.ctx, ws, run.ID))
		b.must(b.Log(b.ctx, ws, run.ID, point(1, 51)))
		b.must(b.Delete(b.ctx, ws, run.ID))
		_, err := b.Purge(b.ctx, ws, tracking.Purge{DeletedBefore: run.StartedAt.AddDate(1, 0, 0)})
		b.must(err)
		b.refused(b.Log(b.ctx, ws, run.ID, point(1, 52)), atelier.NotFound, "not found")
	})
}

// Points of one caller stay in the order in which it logged them, with whatever
// others do; the last one is the latest.
func TestManyWhoLogAtOnce(t *testing.T) {
	each(t, func(b bench) {
		const callers, calls = 8, 40
		shared := b.run(tracking.NewRun{})
		runs := make([]string, callers)
		for i := range runs {
			runs[i] = b.run(tracking.NewRun{}).ID
		}
		var group sync.WaitGroup
		for i, own := range runs {
			group.Go(func() {
				for step := range int64(calls) {
					value := float64(i*calls) + float64(step)
					for _, err := range []error{b.Log(b.ctx, ws, own, point(value, step)), b.Log(b.ctx, ws, shared.ID, point(value, int64(i*calls)+step))} {
						if err != nil {
							t.Error(err)
						}
					}
					read, err := b.Run(b.ctx, ws, own)
					if err != nil || read.Metrics["loss"].Step != step || float64(read.Metrics["loss"].Value) != value {
						t.Errorf("after step %d of run %d the latest is %v, %v", step, i, read.Metrics["loss"], err)
					}
				}
			})
		}
		group.Wait()
		for i, id := range append(runs, shared.ID) {
			want := calls
			if i == callers {
				want *= callers
			}
			got := b.steps(id)
			for at, step := range got {
				if step != int64(at) {
					t.Errorf("run %d has step %d in place %d", i, step, at)
				}
			}
			if len(got) != want {
				t.Errorf("run %d has %d points, want %d", i, len(got), want)
			}
		}
	})
}
