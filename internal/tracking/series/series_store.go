package series

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Append stores samples of a run. A point that is already there is not stored
// again, so that a client may send a batch twice.
func Append(ctx context.Context, tx *sqldb.Tx, ws, run string, samples []Sample) error {
	rows := make([][]any, len(samples))
	for i, sample := range samples {
		rows[i] = sampleRow(ws, run, sample)
	}
	err := tx.ExecEach(ctx, `INSERT INTO metric_points
		(workspace_id, run_id, key, timestamp_ms, step, value, is_nan)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, rows)
	if err != nil {
		return err
	}
	latest := latestOf(samples)
	rows = rows[:0]
	for _, sample := range latest {
		rows = append(rows, sampleRow(ws, run, sample))
	}
	return tx.ExecEach(ctx, `INSERT INTO latest_metrics
		(workspace_id, run_id, key, timestamp_ms, step, value, is_nan)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (workspace_id, run_id, key) DO UPDATE SET timestamp_ms = excluded.timestamp_ms,
			step = excluded.step, value = excluded.value, is_nan = excluded.is_nan
		WHERE (excluded.step, excluded.timestamp_ms, excluded.value)
			> (latest_metrics.step, latest_metrics.timestamp_ms, latest_metrics.value)`, rows)
}

func sampleRow(ws, run string, sample Sample) []any {
	value, isNaN := sample.stored()
	return []any{ws, run, sample.Key, int64(sample.Timestamp), sample.Step, value, isNaN}
}

// Remove deletes all that a run measured.
func Remove(ctx context.Context, tx *sqldb.Tx, ws, run string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM metric_points WHERE workspace_id = $1 AND run_id = $2`, ws, run); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM latest_metrics WHERE workspace_id = $1 AND run_id = $2`, ws, run)
	return err
}

// Key names a series.
type Key struct {
	Workspace, Run, Name string
}

// Window is a part of a series: Limit points from the Offset-th on. A Limit of 0
// means all the rest.
type Window struct {
	Offset, Limit int
}

// History returns the points of a series in the window, by time, step and value.
func History(ctx context.Context, tx *sqldb.Tx, key Key, window Window) ([]Point, error) {
	query := `SELECT timestamp_ms, step, value, is_nan FROM metric_points
		WHERE workspace_id = $1 AND run_id = $2 AND key = $3
		ORDER BY timestamp_ms, step, value, is_nan`
	args := []any{key.Workspace, key.Run, key.Name}
	if window != (Window{}) {
		query += ` LIMIT $4 OFFSET $5`
		args = append(args, cmp.Or(window.Limit, math.MaxInt32), window.Offset)
	}
	var points []Point
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		point, err := scanPoint(rows)
		points = append(points, point)
		return err
	}, query, args...)
	return points, err
}

func scanPoint(rows *sqldb.Rows, before ...any) (Point, error) {
	var point Point
	var value float64
	var isNaN bool
	err := rows.Scan(append(before, &point.Timestamp, &point.Step, &value, &isNaN)...)
	point.Value = fromStored(value, isNaN)
	return point, err
}

// Latest returns the latest point of every series of runs: run id, then key.
// runs has at most 150 elements.
func Latest(ctx context.Context, tx *sqldb.Tx, ws string, runs []string) (map[string]map[string]Point, error) {
	latest := map[string]map[string]Point{}
	args := []any{ws}
	marks := make([]string, len(runs))
	for i, run := range runs {
		args = append(args, run)
		marks[i] = fmt.Sprintf("$%d", i+2)
	}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var run, key string
		point, err := scanPoint(rows, &run, &key)
		if latest[run] == nil {
			latest[run] = map[string]Point{}
		}
		latest[run][key] = point
		return err
	}, `SELECT run_id, key, timestamp_ms, step, value, is_nan FROM latest_metrics
		WHERE workspace_id = $1 AND run_id IN (`+strings.Join(marks, ", ")+`)`, args...)
	return latest, err
}
