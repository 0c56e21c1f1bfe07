package tracking

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking/filter"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

const (
	byMetric  = "latest_metrics_by_value (workspace_id=? AND experiment_id=? AND key=? AND is_nan=?"
	byParam   = "run_params_by_value (workspace_id=? AND key=? AND <expr>=?)"
	byTag     = "run_tags_by_value (workspace_id=? AND key=? AND <expr>=?)"
	byRun     = "SEARCH r USING INDEX sqlite_autoindex_runs_1 (workspace_id=? AND id=?)"
	byNewest  = "SEARCH r USING COVERING INDEX runs_by_experiment (workspace_id=? AND experiment_id=? AND lifecycle_stage=?)"
	isSorted  = "USE TEMP B-TREE FOR ORDER BY"
	wholeScan = "SCAN "
)

// The searches that matter begin with an index, whatever SQLite knows of the tables.
func TestPlansOfSearches(t *testing.T) {
	db := sqldbtest.SQLite(t, clock.System{})
	s := New(db, nil, event.NewBus())
	experiment := fewRuns(t, db, s)
	cases := []struct {
		filter, orderBy string
		limit           int
		has, hasNot     []string
	}{
		{"", "", 9, []string{byNewest}, []string{isSorted}},
		{"", "start_time DESC", 9, []string{byNewest}, []string{isSorted}},
		{"", "metrics.loss ASC", 9, []string{"SEARCH o0 USING COVERING INDEX " + byMetric, byRun}, []string{isSorted}},
		{"", "metrics.loss DESC", 9, []string{"SEARCH o0 USING COVERING INDEX " + byMetric, byRun}, []string{isSorted}},
		{"metrics.loss < 9 AND metrics.loss > 0", "metrics.loss DESC", 9, []string{"SEARCH o0 USING COVERING INDEX " + byMetric + " AND value>? AND value<?)", byRun}, []string{isSorted}},
		{"metrics.loss < 9", "", 9, []string{"SEARCH f USING COVERING INDEX " + byMetric + " AND value<?)", byRun}, nil},
		{"metrics.loss < 9", "", 1, []string{byNewest}, []string{isSorted}},
		{"metrics.loss = 9", "metrics.rmse", 9, []string{"SEARCH f USING COVERING INDEX " + byMetric + " AND value=?)", byRun}, nil},
		{"params.model = 'ridge'", "", 9, []string{"SEARCH f USING INDEX " + byParam, byRun}, nil},
		{"params.model = 'none' AND metrics.loss < 9", "end_time", 9, []string{"SEARCH f USING INDEX " + byParam, byRun}, nil},
		{"tags.group = 'a' AND run_name LIKE 'x%'", "", 9, []string{"SEARCH f USING INDEX " + byTag, byRun}, nil},
		{"run_id = 'x'", "", 9, []string{byRun}, nil},
	}
	for _, analysed := range []bool{false, true} {
		if analysed {
			if err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), "ANALYZE")
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range cases {
			q := Search{Experiments: []string{experiment}, Filter: c.filter, MaxResults: c.limit}
			if c.orderBy != "" {
				q.OrderBy = []string{c.orderBy}
			}
			plan := planOf(t, db, q)
			for _, want := range c.has {
				if !strings.Contains(plan, want) {
					t.Errorf("%q by %q, analysed %v: no %q in\n%s", c.filter, c.orderBy, analysed, want, plan)
				}
			}
			for _, bad := range append(c.hasNot, wholeScan) {
				if strings.Contains(plan, bad) {
					t.Errorf("%q by %q, analysed %v: %q in\n%s", c.filter, c.orderBy, analysed, bad, plan)
				}
			}
		}
	}
}

// fewRuns makes three runs and returns their experiment.
func fewRuns(t *testing.T, db *sqldb.DB, s *Service) string {
	t.Helper()
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
			VALUES ('one', 'one', '', '', '{}', '', 0, 0)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	experiment := ""
	for i := range 3 {
		run, err := s.StartRun(t.Context(), "one", NewRun{Experiment: "e", Tags: map[string]string{"group": "a"}})
		if err != nil {
			t.Fatal(err)
		}
		experiment = run.ExperimentID
		point := series.Point{Value: series.Value(i) + 1}
		err = s.Log(t.Context(), "one", run.ID, Batch{Metrics: []Metric{{Sample: series.Sample{Key: "loss", Point: point}}, {Sample: series.Sample{Key: "rmse", Point: point}}},
			Params: []Pair{{"model", "ridge"}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return experiment
}

func planOf(t *testing.T, db *sqldb.DB, q Search) string {
	t.Helper()
	var plan []string
	err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
		l, err := listRuns(tx, new(filter.Counts), "one", q)
		if err != nil {
			return err
		}
		queries, args, err := l.Explain(t.Context(), tx, listedRuns)
		if err != nil {
			return err
		}
		// The first statement usually fills the page; the others look for what is missing.
		return tx.Query(t.Context(), func(rows *sqldb.Rows) error {
			var id, parent, unused int
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			plan = append(plan, detail)
			return err
		}, "EXPLAIN QUERY PLAN "+queries[0], args[0]...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}

func TestSearchesEndInTime(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := New(db, nil, event.NewBus())
		experiment := fewRuns(t, db, s)
		s.searchTime = time.Nanosecond
		_, err := s.SearchRuns(t.Context(), "one", Search{Experiments: []string{experiment}})
		if atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(fmt.Sprint(err), "took longer") {
			t.Errorf("a search that takes too long: %v", err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := s.SearchRuns(gone, "one", Search{}); err == nil || strings.Contains(err.Error(), "took longer") {
			t.Errorf("a search whose client left: %v", err)
		}
	})
}
