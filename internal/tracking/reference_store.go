package tracking

import (
	"context"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RefuseFull refuses to delete a workspace that has runs, experiments or logged
// models, or files that belong to none.
func RefuseFull(ctx context.Context, tx *sqldb.Tx, ws string) error {
	for _, kept := range []struct{ noun, table, condition string }{
		{"runs", "runs", "1 = 1"}, {"experiments", "experiments", "id <> '" + DefaultExperimentID + "'"},
		{"logged models", "logged_models", "1 = 1"}, {"files", "artifacts", "1 = 1"},
	} {
		if err := workspace.RefuseFull(ctx, tx, ws, kept.noun, kept.table, kept.condition); err != nil {
			return err
		}
	}
	return nil
}

// References calls found with every object that a workspace's runs and logged
// models keep, deleted ones included, and with what datasets name as their source.
func References(ctx context.Context, tx *sqldb.Tx, ws string, found func(blob.Reference)) error {
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var r blob.Reference
		err := rows.Scan(&r.Hash)
		found(r)
		return err
	}, `SELECT DISTINCT hash FROM artifacts WHERE workspace_id = $1`, ws)
	if err != nil {
		return err
	}
	return datasetReferences(ctx, tx, ws, found)
}

// datasetReferences calls found with what datasets name as their source.
func datasetReferences(ctx context.Context, tx *sqldb.Tx, ws string, found func(blob.Reference)) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var source string
		err := rows.Scan(&source)
		for _, r := range blob.ReferencesIn(source) {
			found(r)
		}
		return err
	}, `SELECT DISTINCT source FROM datasets WHERE workspace_id = $1`, ws)
}
