package tracking

import (
	"context"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

func insertInputs(ctx context.Context, tx *sqldb.Tx, ws string, run Run, inputs []Input) error {
	runChanged(tx, ws, run.ID)
	var datasets, links [][]any
	for n, i := range inputs {
		if i.Tags == nil {
			i.Tags = map[string]string{}
		}
		datasets = append(datasets, []any{ws, run.ExperimentID, i.Name, i.Digest, i.SourceType, i.Source, i.Schema, i.Profile})
		links = append(links, []any{ws, run.ID, run.ExperimentID, i.Name, i.Digest, i.Context, sqldb.JSON(i.Tags), n + 1})
	}
	err := tx.ExecEach(ctx, `INSERT INTO datasets (workspace_id, experiment_id, name, digest, source_type, source, schema_text, profile)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`, datasets)
	if err != nil {
		return err
	}
	return tx.ExecEach(ctx, `INSERT INTO run_datasets (workspace_id, run_id, experiment_id, name, digest, context, tags, position)
		VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT COALESCE(MAX(position), 0) FROM run_datasets WHERE workspace_id = $1 AND run_id = $2) + $8)
		ON CONFLICT DO NOTHING`, links)
}

func selectDatasets(ctx context.Context, tx *sqldb.Tx, ws string, experiments []string) ([]DatasetSummary, error) {
	var found []DatasetSummary
	err := inChunks(experiments, func(marks string, args []any) error {
		return tx.Query(ctx, func(rows *sqldb.Rows) error {
			var d DatasetSummary
			err := rows.Scan(&d.ExperimentID, &d.Name, &d.Digest, &d.Context)
			found = append(found, d)
			return err
		}, `SELECT DISTINCT experiment_id, name, digest, context FROM run_datasets
			WHERE workspace_id = $1 AND experiment_id IN (`+marks+`)
			ORDER BY experiment_id, name, digest, context LIMIT 1000`, append([]any{ws}, args...)...)
	})
	return found, err
}
