package series

import (
	"context"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

const sizeOfChunks = `SELECT CAST(COALESCE(SUM(LENGTH(c.data) + LENGTH(c.summary)), 0) AS BIGINT)`

// chunksOf are the chunks of a workspace with their series.
const chunksOf = ` FROM latest_metrics m JOIN metric_chunks c ON c.series_id = m.series_id WHERE m.workspace_id = $1`

// Bytes returns how much the points of a run take.
func Bytes(ctx context.Context, tx *sqldb.Tx, ws, run string) (bytes int64, err error) {
	err = tx.QueryRow(ctx, sizeOfChunks+chunksOf+` AND m.run_id = $2`, ws, run).Scan(&bytes)
	return bytes, err
}

// ofExperiment restricts chunksOf to an experiment, unless it is "".
func ofExperiment(ws, experiment string) (tables string, args []any) {
	if experiment == "" {
		return chunksOf, []any{ws}
	}
	return chunksOf + ` AND m.experiment_id = $2`, []any{ws, experiment}
}

// sizesOfAll adds up the chunks of each series in the order in which they lie.
const sizesOfAll = `SELECT CAST(SUM(c.size) AS BIGINT), m.experiment_id FROM (
	SELECT series_id, SUM(LENGTH(data) + LENGTH(summary)) AS size FROM metric_chunks WHERE workspace_id = $1 GROUP BY series_id) AS c
	JOIN latest_metrics m ON m.series_id = c.series_id GROUP BY m.experiment_id`

// BytesByExperiment returns how much the points of each experiment take, or of
// the one with an id.
func BytesByExperiment(ctx context.Context, tx *sqldb.Tx, ws, experiment string) (map[string]int64, error) {
	sizes := map[string]int64{}
	tables, args := ofExperiment(ws, experiment)
	query := sizesOfAll
	if experiment != "" {
		query = sizeOfChunks + `, m.experiment_id` + tables + ` GROUP BY m.experiment_id`
	}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var n int64
		var id string
		err := rows.Scan(&n, &id)
		sizes[id] = n
		return err
	}, query, args...)
	return sizes, err
}

// BytesByRun calls found with how much the points of each run take; of one
// experiment, or of all for "".
func BytesByRun(ctx context.Context, tx *sqldb.Tx, ws, experiment string, found func(run string, bytes int64)) error {
	tables, args := ofExperiment(ws, experiment)
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var n int64
		var run string
		err := rows.Scan(&n, &run)
		found(run, n)
		return err
	}, sizeOfChunks+`, m.run_id`+tables+` GROUP BY m.run_id`, args...)
}
