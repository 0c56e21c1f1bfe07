package series

import (
	"context"
	"fmt"
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

// History returns the points of a series by time, step and value, from the
// offset-th on; at most limit of them, or all for limit 0.
func History(ctx context.Context, tx *sqldb.Tx, ws, run, key string, offset, limit int) ([]Point, error) {
	query := `SELECT timestamp_ms, step, value, is_nan FROM metric_points
		WHERE workspace_id = $1 AND run_id = $2 AND key = $3
		ORDER BY timestamp_ms, step, value, is_nan`
	args := []any{ws, run, key}
	if limit > 0 || offset > 0 {
		if limit <= 0 {
			limit = 1 << 31
		}
		query += ` LIMIT $4 OFFSET $5`
		args = append(args, limit, offset)
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
