package tracking_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

const ws = "one"

// bench is a tracking service over a fresh database.
type bench struct {
	*tracking.Service
	t   *testing.T
	ctx context.Context
	db  *sqldb.DB
	bus *event.Bus
}

func each(t *testing.T, test func(b bench)) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		blobs, err := blob.OpenDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { blobs.Close() })
		makeWorkspaces(t, db, ws, "two")
		bus := event.NewBus()
		ctx := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: "u1", Name: "ada"})
		test(bench{tracking.New(db, blobs, bus), t, ctx, db, bus})
	})
}

func makeWorkspaces(t testing.TB, db *sqldb.DB, ids ...string) {
	t.Helper()
	for _, id := range ids {
		err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
				VALUES ($1, $1, '', '', '{}', '', 0, 0)`, id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (b bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// refused checks that err has the code and a fragment of its message.
func (b bench) refused(err error, code atelier.Code, fragment string) {
	b.t.Helper()
	if atelier.CodeOf(err) != code || !strings.Contains(err.Error(), fragment) {
		b.t.Errorf("error %v; want %s with %q", err, code, fragment)
	}
}

func (b bench) run(n tracking.NewRun) tracking.Run {
	b.t.Helper()
	run, err := b.StartRun(b.ctx, ws, n)
	b.must(err)
	return run
}

func metric(key string, value float64, step, at int64) tracking.Metric {
	return tracking.Metric{Sample: series.Sample{Key: key, Point: series.Point{Step: step, Timestamp: series.Timestamp(at), Value: series.Value(value)}}}
}

func pairs(keysAndValues ...string) []tracking.Pair {
	var list []tracking.Pair
	for i := 0; i < len(keysAndValues); i += 2 {
		list = append(list, tracking.Pair{Key: keysAndValues[i], Value: keysAndValues[i+1]})
	}
	return list
}

func TestRunRemembersWhatItLogged(t *testing.T) {
	each(t, func(b bench) {
		news := b.bus.Subscribe()
		defer news.Close()
		run := b.run(tracking.NewRun{Name: "first", Experiment: "diabetes", Tags: map[string]string{"team": "blue"}})
		b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{
			Metrics: []tracking.Metric{metric("loss", 0.5, 1, 1000), metric("loss", math.NaN(), 2, 2000), metric("up", math.Inf(1), 0, 1), metric("down", math.Inf(-1), 0, 1)},
			Params:  pairs("alpha", "0.1", "empty", ""),
			Tags:    pairs("note", "hello"),
		}))
		got, err := b.Run(b.ctx, ws, run.ID)
		b.must(err)
		if got.User != "ada" || got.ExperimentName != "diabetes" || got.Status != tracking.Running || got.ExperimentID != "1" {
			t.Errorf("run is %+v", got)
		}
		if diff := cmp.Diff(map[string]string{"alpha": "0.1", "empty": ""}, got.Params); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]string{"team": "blue", "note": "hello", "mlflow.runName": "first"}, got.Tags); diff != "" {
			t.Error(diff)
		}
		for key, want := range map[string]string{"loss": "NaN", "up": "Infinity", "down": "-Infinity"} {
			if got.Metrics[key].Value.String() != want {
				t.Errorf("metric %s is %v, want %s", key, got.Metrics[key].Value, want)
			}
		}
		notices, err := news.Next(b.ctx)
		b.must(err)
		for _, topic := range []string{"run", "metrics"} {
			if !slices.Contains(notices, event.Notice{Workspace: ws, Topic: topic, ID: run.ID}) {
				t.Errorf("no news %q among %v", topic, notices)
			}
		}
	})
}

func TestLatestIsByStepThenTimeThenValue(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		points := []tracking.Metric{metric("m", 5, 3, 10), metric("m", 9, 2, 99), metric("m", 4, 3, 10), metric("m", 6, 3, 9), metric("m", 5, 3, 10)}
		for _, point := range points { // one by one, so that the database compares
			b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Metrics: []tracking.Metric{point}}))
		}
		got, err := b.Run(b.ctx, ws, run.ID)
		b.must(err)
		if got.Metrics["m"].Value != 5 || got.Metrics["m"].Step != 3 {
			t.Errorf("latest is %+v, want value 5 at step 3", got.Metrics["m"])
		}
		history, err := b.History(b.ctx, ws, run.ID, "m", series.Window{})
		b.must(err)
		var values []float64
		for _, point := range history {
			values = append(values, float64(point.Value))
		}
		if diff := cmp.Diff([]float64{6, 4, 5, 9}, values); diff != "" {
			t.Errorf("history by time, step and value, each point once: %s", diff)
		}
		part, err := b.History(b.ctx, ws, run.ID, "m", series.Window{Offset: 1, Limit: 2})
		b.must(err)
		if diff := cmp.Diff(history[1:3], part); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBucketsOfAMetric(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Metrics: []tracking.Metric{
			metric("m", 4, 0, 10), metric("m", 2, 1, 11), metric("m", math.NaN(), 2, 12), metric("m", 8, 9, 13)}}))
		b.must(b.CompactAll(b.ctx))
		got, err := b.Buckets(b.ctx, ws, run.ID, "m", series.Range{Axis: series.BySteps}, 2)
		b.must(err)
		if len(got.Buckets) != 2 {
			t.Fatalf("buckets %+v", got.Buckets)
		}
		if first := got.Buckets[0]; first.From != 0 || first.To != 4 || first.Count != 3 || *first.Min != 2 || *first.Max != 4 || first.Mean != 3 || first.Last.Step != 2 {
			t.Errorf("the first is %+v", first)
		}
		if last := got.Buckets[1]; last.From != 5 || last.To != 9 || last.Count != 1 || last.Mean != 8 {
			t.Errorf("the last is %+v", last)
		}
		_, err = b.Buckets(b.ctx, ws, run.ID, "m", series.Range{}, 0)
		b.refused(err, atelier.Invalid, "'buckets'")
		_, err = b.Buckets(b.ctx, "two", run.ID, "m", series.Range{}, 1)
		b.refused(err, atelier.NotFound, "not found")
	})
}

func TestBatchIsStoredWholeOrNotAtAll(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Params: pairs("a", "1")}))
		b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Params: pairs("a", "1")})) // the same again is fine
		err := b.Log(b.ctx, ws, run.ID, tracking.Batch{
			Metrics: []tracking.Metric{metric("m", 1, 0, 0)}, Params: pairs("new", "x", "a", "2"), Tags: pairs("t", "x")})
		b.refused(err, atelier.Invalid, "Params were already logged='[{'key': 'a', 'old_value': '1', 'new_value': '2'}]'")
		got, err := b.Run(b.ctx, ws, run.ID)
		b.must(err)
		if len(got.Params) != 1 || len(got.Metrics) != 0 || got.Tags["t"] != "" {
			t.Errorf("part of a refused batch was stored: %+v", got)
		}
	})
}

func TestBatchLimits(t *testing.T) {
	many := func(n int) (list []tracking.Metric) {
		for i := range n {
			list = append(list, metric("m", float64(i), int64(i), 0))
		}
		return list
	}
	manyPairs := func(n int) (list []tracking.Pair) {
		for i := range n {
			list = append(list, tracking.Pair{Key: fmt.Sprint("k", i)})
		}
		return list
	}
	cases := []struct {
		name     string
		batch    tracking.Batch
		fragment string
	}{
		{"metrics", tracking.Batch{Metrics: many(1001)}, "at most 1000 metrics. Got 1001"},
		{"params", tracking.Batch{Params: manyPairs(101)}, "at most 100 params. Got 101"},
		{"tags", tracking.Batch{Tags: manyPairs(101)}, "at most 100 tags. Got 101"},
		{"in total", tracking.Batch{Metrics: many(950), Tags: manyPairs(51)}, "at most 1000 metrics, params and tags. Got 1001"},
		{"one param twice", tracking.Batch{Params: pairs("a", "1", "a", "2")}, "Duplicate parameter keys"},
		{"empty key", tracking.Batch{Params: pairs("", "1")}, "Missing value for required parameter 'params[0].key'"},
		{"long key", tracking.Batch{Tags: pairs(strings.Repeat("k", 251), "1")}, "length limit of 250"},
		{"absolute key", tracking.Batch{Params: pairs("/a", "1")}, "must not resolve to other names"},
		{"parent key", tracking.Batch{Metrics: []tracking.Metric{metric("../a", 1, 0, 0)}}, "must not resolve to other names"},
		{"doubled slash", tracking.Batch{Params: pairs("a//b", "1")}, "must not resolve to other names"},
		{"strange key", tracking.Batch{Params: pairs("a<b", "1")}, "may only contain alphanumerics"},
		{"negative time", tracking.Batch{Metrics: []tracking.Metric{metric("a", 1, 0, -1)}}, "'metrics[0].timestamp'"},
		{"NUL", tracking.Batch{Params: pairs("a", "x\x00y")}, "NUL"},
	}
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		for _, c := range cases {
			b.refused(b.Log(b.ctx, ws, run.ID, c.batch), atelier.Invalid, c.fragment)
		}
		b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Params: pairs("long", strings.Repeat("ä", 7000)), Tags: pairs("long", strings.Repeat("x", 9000), "grüße/a.b-c:d e", "")}))
		got, err := b.Run(b.ctx, ws, run.ID)
		b.must(err)
		if len([]rune(got.Params["long"])) != 6000 || len(got.Tags["long"]) != 8000 {
			t.Errorf("cut to %d and %d characters, want 6000 and 8000", len([]rune(got.Params["long"])), len(got.Tags["long"]))
		}
	})
}

func TestNameAndTagAreOneThing(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		if parts := strings.Split(run.Name, "-"); len(parts) != 3 || run.Tags[tracking.TagRunName] != run.Name {
			t.Errorf("made-up name %q, tags %v", run.Name, run.Tags)
		}
		name := "renamed"
		got, err := b.Update(b.ctx, ws, run.ID, tracking.UpdateRun{Name: &name})
		b.must(err)
		if got.Tags[tracking.TagRunName] != name || got.Status != tracking.Running {
			t.Errorf("after rename: %+v", got)
		}
		b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Tags: pairs(tracking.TagRunName, "by tag")}))
		got, err = b.Run(b.ctx, ws, run.ID)
		b.must(err)
		if got.Name != "by tag" {
			t.Errorf("name is %q after its tag was set", got.Name)
		}
		_, err = b.StartRun(b.ctx, ws, tracking.NewRun{Name: "a", Tags: map[string]string{tracking.TagRunName: "b"}})
		b.refused(err, atelier.Invalid, "with different values")
	})
}

func TestDeletedRunCanBeReadAndRestoredOnly(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		b.must(b.Delete(b.ctx, ws, run.ID))
		b.must(b.Delete(b.ctx, ws, run.ID)) // again is fine
		b.refused(b.Log(b.ctx, ws, run.ID, tracking.Batch{Tags: pairs("a", "b")}), atelier.Precondition, "must be in the 'active' state. Current state is deleted")
		got, err := b.Run(b.ctx, ws, run.ID)
		b.must(err)
		if got.LifecycleStage != tracking.Deleted {
			t.Errorf("stage %q", got.LifecycleStage)
		}
		for view, want := range map[tracking.View]int{tracking.ActiveOnly: 0, tracking.DeletedOnly: 1, tracking.ViewAll: 1} {
			page, err := b.SearchRuns(b.ctx, ws, tracking.Search{View: view})
			b.must(err)
			if len(page.Items) != want {
				t.Errorf("view %s finds %d runs, want %d", view, len(page.Items), want)
			}
		}
		b.must(b.Restore(b.ctx, ws, run.ID))
		b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Tags: pairs("a", "b")}))
	})
}

func TestJobTokenWritesOnlyToItsOwnRuns(t *testing.T) {
	each(t, func(b bench) {
		b.must(b.db.Write(b.ctx, func(tx *sqldb.Tx) error {
			_, err := tracking.CreateRun(b.ctx, tx, ws, tracking.NewRun{ID: "job-1", Experiment: "e", Status: tracking.Scheduled, User: "ada", Job: true})
			return err
		}))
		other := b.run(tracking.NewRun{Experiment: "e"})
		job := atelier.WithActor(b.ctx, atelier.Actor{Kind: atelier.JobActor, ID: "job-1", Name: "ada", Workspace: ws})
		b.must(b.Log(job, ws, "job-1", tracking.Batch{Tags: pairs("a", "b")}))
		child, err := b.StartRun(job, ws, tracking.NewRun{Tags: map[string]string{tracking.TagParent: "job-1"}})
		b.must(err)
		b.must(b.Log(job, ws, child.ID, tracking.Batch{Tags: pairs("a", "b")}))
		grandchild, err := b.StartRun(job, ws, tracking.NewRun{Tags: map[string]string{tracking.TagParent: child.ID}})
		b.must(err)
		stray, err := b.StartRun(job, ws, tracking.NewRun{})
		b.must(err)
		if grandchild.ParentRunID != child.ID || stray.ParentRunID != "job-1" {
			t.Errorf("parents %q and %q, want %q and the job's run", grandchild.ParentRunID, stray.ParentRunID, child.ID)
		}

		const only = "may write only to its own run"
		b.refused(b.Log(job, ws, other.ID, tracking.Batch{Tags: pairs("a", "b")}), atelier.Forbidden, only)
		b.refused(b.Delete(job, ws, other.ID), atelier.Forbidden, only)
		b.refused(b.PutArtifact(job, ws, other.ID, "a.txt", blob.Hash(strings.Repeat("0", 64)), 1), atelier.Forbidden, only)
		b.refused(b.Upload(job, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: other.ID}, "a.txt", strings.NewReader("x")), atelier.Forbidden, only)
		_, err = b.CreateLoggedModel(job, ws, tracking.NewLoggedModel{ExperimentID: other.ExperimentID, SourceRunID: other.ID})
		b.refused(err, atelier.Forbidden, only)
		b.refused(b.DeleteExperiment(job, ws, other.ExperimentID), atelier.Forbidden, "may not")
		if _, err := b.Run(job, ws, other.ID); err != nil {
			t.Errorf("a job may read other runs: %v", err)
		}
	})
}

func TestStatusTellsTimes(t *testing.T) {
	each(t, func(b bench) {
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		b.must(b.db.Write(b.ctx, func(tx *sqldb.Tx) error {
			if _, err := tracking.CreateRun(b.ctx, tx, ws, tracking.NewRun{ID: "job-1", Status: tracking.Scheduled}); err != nil {
				return err
			}
			if err := tracking.SetRunStatus(b.ctx, tx, ws, "job-1", tracking.Running, at); err != nil {
				return err
			}
			return tracking.SetRunStatus(b.ctx, tx, ws, "job-1", tracking.Failed, at.Add(time.Minute))
		}))
		run, err := b.Run(b.ctx, ws, "job-1")
		b.must(err)
		if !run.StartedAt.Equal(at) || run.EndedAt == nil || !run.EndedAt.Equal(at.Add(time.Minute)) || run.Status != tracking.Failed {
			t.Errorf("run is %+v", run)
		}
	})
}

func TestWorkspacesAreApart(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{Experiment: "e"})
		_, err := b.Run(b.ctx, "two", run.ID)
		b.refused(err, atelier.NotFound, "not found")
		page, err := b.SearchRuns(b.ctx, "two", tracking.Search{View: tracking.ViewAll})
		b.must(err)
		if len(page.Items) != 0 {
			t.Errorf("another workspace sees %d runs", len(page.Items))
		}
		b.refused(b.Log(b.ctx, "two", run.ID, tracking.Batch{Tags: pairs("a", "b")}), atelier.NotFound, "not found")
		second, err := b.StartRun(b.ctx, "two", tracking.NewRun{Experiment: "other"})
		b.must(err)
		if second.ExperimentID != "1" {
			t.Errorf("ids count from 1 in every workspace; got %s", second.ExperimentID)
		}
	})
}
