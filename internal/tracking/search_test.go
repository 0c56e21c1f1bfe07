package tracking_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// populate makes runs r0 to r9 a second apart. The even ones have the metric
// rmse, which is NaN for r8 and infinite for r6.
func (b bench) populate() string {
	b.t.Helper()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	experiment := ""
	for i := range 10 {
		at := start.Add(time.Duration(i) * time.Second)
		run := b.run(tracking.NewRun{ID: fmt.Sprintf("id-%d", i), Experiment: "e", Name: fmt.Sprint("r", i), StartedAt: &at})
		experiment = run.ExperimentID
		batch := tracking.Batch{Params: pairs("model", "ridge", "my key", "a*b"), Tags: pairs("group", fmt.Sprint("g", i%3))}
		if i >= 5 {
			batch.Params[0].Value = "Forest"
		}
		if i%2 == 0 {
			value := map[int]float64{6: math.Inf(1), 8: math.NaN()}[i]
			if value == 0 {
				value = float64(50 + i)
			}
			batch.Metrics = []tracking.Metric{metric("rmse", value, 0, 0)}
		}
		if i == 3 {
			batch.Tags = append(batch.Tags, pairs("only", "here")...)
		}
		b.must(b.Log(b.ctx, ws, run.ID, batch))
	}
	finished := tracking.Finished
	_, err := b.Update(b.ctx, ws, "id-1", tracking.UpdateRun{Status: &finished})
	b.must(err)
	b.must(b.AddInputs(b.ctx, ws, "id-2", []tracking.Input{{Name: "diabetes", Digest: "abc", SourceType: "http", Source: "x", Tags: map[string]string{tracking.TagContext: "train"}}}, nil))
	return experiment
}

// numbers returns the digits of the names of all runs that q finds, page by page.
func (b bench) numbers(q tracking.Search) string {
	b.t.Helper()
	var found []string
	for range 100 {
		page, err := b.SearchRuns(b.ctx, ws, q)
		b.must(err)
		for _, run := range page.Items {
			found = append(found, strings.TrimPrefix(run.Name, "r"))
		}
		if page.NextPageToken == "" {
			return strings.Join(found, " ")
		}
		q.PageToken, q.Skip = page.NextPageToken, 0
	}
	b.t.Fatal("the pages do not end")
	return ""
}

func TestFilters(t *testing.T) {
	cases := map[string]string{
		"metrics.rmse < 54":                                         "0 2",
		"metrics.rmse > 54":                                         "6",
		"metrics.rmse >= 54":                                        "4 6",
		"metrics.rmse != 50":                                        "2 4 6 8",
		"metrics.rmse = 50":                                         "0",
		"metrics.nothing != 1":                                      "",
		"params.model = 'Forest' AND tags.group = 'g0'":             "6 9",
		"params.model LIKE 'f%'":                                    "",
		"params.model LIKE 'F_rest'":                                "5 6 7 8 9",
		"params.model ILIKE 'f%'":                                   "5 6 7 8 9",
		"params.`my key` LIKE 'a*_'":                                "0 1 2 3 4 5 6 7 8 9",
		"params.`my key` LIKE 'a?b'":                                "",
		"tags.only IS NOT NULL":                                     "3",
		"tags.only IS NULL AND tags.group = 'g1'":                   "1 4 7",
		"tags.only != 'there'":                                      "3",
		"run_name = 'r1' AND status = 'FINISHED'":                   "1",
		"run_id IN ('id-1', 'id-7', 'nobody')":                      "1 7",
		"run_id NOT IN ('id-1', 'id-7')":                            "0 2 3 4 5 6 8 9",
		"run_id IN ('" + strings.Join(manyIDs(), "','") + "')":      "0 1 2 3 4 5 6 7 8 9",
		"start_time < 1767225602000":                                "0 1",
		"start_time >= 1767225609000":                               "9",
		"end_time > 0":                                              "1",
		"datasets.name = 'diabetes' AND dataset.context LIKE 'tr%'": "2",
		"datasets.digest IN ('abc')":                                "2",
		"attributes.user = 'ada' AND run_name = 'r4'":               "4",
		"name = 'r4''; DROP TABLE runs; --'":                        "",
	}
	each(t, func(b bench) {
		experiment := b.populate()
		for filter, want := range cases {
			q := tracking.Search{Experiments: []string{experiment}, Filter: filter, OrderBy: []string{"start_time ASC"}}
			if got := b.numbers(q); got != want {
				t.Errorf("%s: found %q, want %q", filter, got, want)
			}
			q.MaxResults, q.Skip = 1, 1 // a count is of all pages
			count, err := b.CountRuns(b.ctx, ws, q)
			b.must(err)
			if want := len(strings.Fields(want)); count != want {
				t.Errorf("%s: counted %d, want %d", filter, count, want)
			}
		}
	})
}

func manyIDs() (ids []string) {
	for i := range 500 {
		ids = append(ids, fmt.Sprint("id-", i))
	}
	return ids
}

func TestOrderIsTheSameOnPagesOfEverySize(t *testing.T) {
	cases := []struct {
		orderBy []string
		want    string
	}{
		{nil, "9 8 7 6 5 4 3 2 1 0"},
		{[]string{"start_time"}, "0 1 2 3 4 5 6 7 8 9"},
		{[]string{"metrics.rmse ASC"}, "0 2 4 6 8 9 7 5 3 1"},
		{[]string{"metrics.rmse DESC"}, "6 4 2 0 8 9 7 5 3 1"},
		{[]string{"params.model", "run_name DESC"}, "9 8 7 6 5 4 3 2 1 0"},
		{[]string{"params.model DESC", "run_name"}, "0 1 2 3 4 5 6 7 8 9"},
		{[]string{"tags.only DESC", "run_id"}, "3 0 1 2 4 5 6 7 8 9"},
		{[]string{"tags.group", "metrics.rmse DESC"}, "6 0 9 3 4 7 1 2 8 5"},
		{[]string{"end_time"}, "1 9 8 7 6 5 4 3 2 0"},
		{[]string{"end_time DESC"}, "1 9 8 7 6 5 4 3 2 0"},
		{[]string{"status", "params.nothing"}, "1 9 8 7 6 5 4 3 2 0"},
	}
	each(t, func(b bench) {
		experiment := b.populate()
		for _, c := range cases {
			for _, size := range []int{1, 2, 3, 7, 10, 11} {
				q := tracking.Search{Experiments: []string{experiment}, OrderBy: c.orderBy, MaxResults: size}
				if got := b.numbers(q); got != c.want {
					t.Errorf("%v, pages of %d: %s, want %s", c.orderBy, size, got, c.want)
				}
			}
		}
	})
}

func TestAListIsEnteredAnywhere(t *testing.T) {
	cases := map[string]tracking.Search{
		"9 8 7 6 5 4 3 2 1 0": {},
		"6 4 2 0 8 9 7 5 3 1": {OrderBy: []string{"metrics.rmse DESC"}},
		"3 0 1 2 4 5 6 7 8 9": {OrderBy: []string{"tags.only DESC", "run_id"}},
		"9 6 3 0":             {Filter: "tags.group = 'g0'"},
		"4 2 0":               {Filter: "metrics.rmse < 60", OrderBy: []string{"metrics.rmse DESC"}},
	}
	each(t, func(b bench) {
		experiment := b.populate()
		for all, q := range cases {
			want := strings.Fields(all)
			for skip := range len(want) + 2 {
				for _, size := range []int{1, 3, 100} {
					q.Experiments, q.Skip, q.MaxResults = []string{experiment}, skip, size
					if got := b.numbers(q); got != strings.Join(want[min(skip, len(want)):], " ") {
						t.Errorf("%+v: %s, want the end of %s", q, got, all)
					}
				}
			}
		}
		for _, skip := range []int{-1, 1_000_001} {
			if _, err := b.SearchRuns(b.ctx, ws, tracking.Search{Skip: skip}); atelier.CodeOf(err) != atelier.Invalid {
				t.Errorf("skipping %d: %v", skip, err)
			}
		}
	})
}

func TestPagesNeitherRepeatNorSkipWhileRunsCome(t *testing.T) {
	each(t, func(b bench) {
		experiment := b.populate()
		q := tracking.Search{Experiments: []string{experiment}, MaxResults: 4}
		first, err := b.SearchRuns(b.ctx, ws, q)
		b.must(err)
		b.run(tracking.NewRun{Experiment: "e", Name: "rnew"})
		b.must(b.Delete(b.ctx, ws, first.Items[0].ID))
		q.PageToken = first.NextPageToken
		if got := b.numbers(q); got != "5 4 3 2 1 0" {
			t.Errorf("after the first page came %s", got)
		}
	})
}

func TestBadPageTokens(t *testing.T) {
	each(t, func(b bench) {
		experiment := b.populate()
		page, err := b.SearchRuns(b.ctx, ws, tracking.Search{Experiments: []string{experiment}, MaxResults: 4, OrderBy: []string{"metrics.rmse"}})
		b.must(err)
		tokens := []string{"x", "%%%", page.NextPageToken + "A", page.NextPageToken[:10], page.NextPageToken, atelier.EncodePageToken(nil),
			atelier.EncodePageToken([]any{nil, nil}), atelier.EncodePageToken([]any{"a", "b"}), atelier.EncodePageToken([]any{1, 2, 3})}
		for _, token := range tokens {
			_, err := b.SearchRuns(b.ctx, ws, tracking.Search{Experiments: []string{experiment}, PageToken: token})
			b.refused(err, atelier.Invalid, "Invalid page token")
		}
		_, err = b.SearchRuns(b.ctx, ws, tracking.Search{MaxResults: 50_001})
		b.refused(err, atelier.Invalid, "max_results")
	})
}

func TestSearchLooksAtManyExperiments(t *testing.T) {
	each(t, func(b bench) {
		var ids []string
		for i := range 30 {
			run := b.run(tracking.NewRun{Experiment: fmt.Sprint("e", i), Name: fmt.Sprint("r", i)})
			ids = append(ids, run.ExperimentID)
		}
		for _, count := range []int{1, 16, 17, 29} {
			page, err := b.SearchRuns(b.ctx, ws, tracking.Search{Experiments: ids[:count]})
			b.must(err)
			if len(page.Items) != count {
				t.Errorf("%d experiments: found %d runs", count, len(page.Items))
			}
		}
		all, err := b.SearchRuns(b.ctx, ws, tracking.Search{})
		b.must(err)
		if len(all.Items) != 30 {
			t.Errorf("without experiments: found %d runs", len(all.Items))
		}
	})
}

func TestExperiments(t *testing.T) {
	each(t, func(b bench) {
		first, err := b.Experiment(b.ctx, ws, "0")
		b.must(err)
		if first.Name != "Default" || first.ArtifactLocation != "mlflow-artifacts:/0" {
			t.Errorf("default experiment is %+v", first)
		}
		made, err := b.CreateExperiment(b.ctx, ws, tracking.NewExperiment{Name: "e", Tags: map[string]string{"a": "b"}})
		b.must(err)
		_, err = b.CreateExperiment(b.ctx, ws, tracking.NewExperiment{Name: "e"})
		b.refused(err, atelier.Conflict, "already exists")
		run := b.run(tracking.NewRun{ExperimentID: made.ID})
		b.must(b.RenameExperiment(b.ctx, ws, made.ID, "f"))
		b.must(b.DeleteExperiment(b.ctx, ws, made.ID))
		gone, err := b.Run(b.ctx, ws, run.ID)
		b.must(err)
		if gone.LifecycleStage != tracking.Deleted || gone.ExperimentName != "f" {
			t.Errorf("the run of a deleted experiment is %+v", gone)
		}
		_, err = b.StartRun(b.ctx, ws, tracking.NewRun{ExperimentID: made.ID})
		b.refused(err, atelier.Precondition, "'active' state")
		_, err = b.CreateExperiment(b.ctx, ws, tracking.NewExperiment{Name: "f"})
		b.refused(err, atelier.Conflict, "already exists")
		b.must(b.RestoreExperiment(b.ctx, ws, made.ID))
		page, err := b.SearchExperiments(b.ctx, ws, tracking.Search{Filter: "tags.a = 'b' AND name LIKE 'f'"})
		b.must(err)
		if len(page.Items) != 1 || !cmp.Equal(page.Items[0].Tags, map[string]string{"a": "b"}) {
			t.Errorf("found %+v", page.Items)
		}
		b.refused(b.DeleteExperiment(b.ctx, ws, "0"), atelier.Invalid, "default experiment")
		for _, location := range []string{"/etc", "file:///etc", "../x", "s3://b/../c", "s3://b/%2e%2e/c", "s3://b#x", "s3://b?x=..", "\\\\host\\share", "C:\\x"} {
			_, err := b.CreateExperiment(b.ctx, ws, tracking.NewExperiment{Name: "at " + location, ArtifactLocation: location})
			b.refused(err, atelier.Invalid, "artifact location")
		}
	})
}

// Whoever asked may go away at any moment, also between a row and its reading.
func TestSearchEndsWithItsContext(t *testing.T) {
	each(t, func(b bench) {
		q := tracking.Search{Experiments: []string{b.populate()}}
		for i := range 100 {
			ctx, cancel := context.WithTimeout(b.ctx, time.Duration(i)*20*time.Microsecond)
			page, err := b.SearchRuns(ctx, ws, q)
			cancel()
			if err == nil && len(page.Items) != 10 {
				b.t.Errorf("a search that ended early found %d runs and no error", len(page.Items))
			}
		}
	})
}
