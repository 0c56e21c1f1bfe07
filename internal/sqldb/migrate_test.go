package sqldb_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

// Chunks that were stored under workspace, run and key are found under the number
// of their series.
func TestSeriesGetNumbers(t *testing.T) {
	sqldbtest.EachTarget(t, func(t *testing.T, target string) {
		err := sqldb.MigrateTo(t.Context(), target, 7,
			`INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
				VALUES ('v', 'v', '', '', '{}', '', 0, 0), ('w', 'w', '', '', '{}', '', 0, 0)`,
			`INSERT INTO latest_metrics VALUES ('w', 'r', 'b', 'e', 3, 4, 0.5, FALSE, 2, 1), ('w', 'r', 'a', 'e', 1, 2, 0, TRUE, 1, 1),
				('v', 'r', 'a', 'e', 5, 6, 7, FALSE, 1, 1), ('v', 's', 'a', 'e', 8, 9, 10, FALSE, 0, 0)`,
			`INSERT INTO metric_chunks VALUES ('w', 'r', 'b', 0, 2, 1, 3, 4, 3, 4, 4, 4, '', 'small'),
				('w', 'r', 'b', 1, 1, 9, 1, 2, 2, 3, 2, 3, 'sum', 'full'),
				('w', 'r', 'a', 0, 1, 1, 1, 2, 1, 2, 2, 2, '', 'nan'), ('v', 'r', 'a', 0, 1, 1, 5, 6, 5, 6, 6, 6, '', 'other')`)
		if err != nil {
			t.Fatal(err)
		}
		db, err := sqldb.Open(t.Context(), target, clock.System{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		type stored struct {
			Workspace, Run, Key          string
			Time, Step                   int64
			Value                        float64
			IsNaN                        bool
			Last, Small                  int64
			Level, Number, Points        int64
			FirstTime, LastStep, MaxStep int64
			Summary, Data                string
		}
		var found []stored
		err = db.Read(t.Context(), func(tx *sqldb.Tx) error {
			return tx.Query(t.Context(), func(rows *sqldb.Rows) error {
				var s stored
				var summary, data []byte
				err := rows.Scan(&s.Workspace, &s.Run, &s.Key, &s.Time, &s.Step, &s.Value, &s.IsNaN, &s.Last, &s.Small,
					&s.Level, &s.Number, &s.Points, &s.FirstTime, &s.LastStep, &s.MaxStep, &summary, &data)
				s.Summary, s.Data = string(summary), string(data)
				found = append(found, s)
				return err
			}, `SELECT m.workspace_id, m.run_id, m.key, m.timestamp_ms, m.step, m.value, m.is_nan, m.last_chunk, m.small_chunks,
				c.level, c.number, c.points, c.first_time, c.last_step, c.max_step, c.summary, c.data
				FROM latest_metrics m JOIN metric_chunks c ON c.workspace_id = m.workspace_id AND c.series_id = m.series_id
				ORDER BY m.workspace_id, m.run_id, m.key, c.level`)
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []stored{
			{"v", "r", "a", 5, 6, 7, false, 1, 1, 0, 1, 1, 5, 6, 6, "", "other"},
			{"w", "r", "a", 1, 2, 0, true, 1, 1, 0, 1, 1, 1, 2, 2, "", "nan"},
			{"w", "r", "b", 3, 4, 0.5, false, 2, 1, 0, 2, 1, 3, 4, 4, "", "small"},
			{"w", "r", "b", 3, 4, 0.5, false, 2, 1, 1, 1, 9, 1, 3, 3, "sum", "full"},
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Error(diff)
		}
	})
}
