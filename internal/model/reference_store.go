package model

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RefuseFull refuses to delete a workspace that has registered models.
func RefuseFull(ctx context.Context, tx *sqldb.Tx, ws string) error {
	return workspace.RefuseFull(ctx, tx, ws, "registered models", "registered_models", "1 = 1")
}

// References calls found with the folder of every model's version in a workspace,
// and with the upload that it was registered from.
func References(ctx context.Context, tx *sqldb.Tx, ws string, found func(blob.Reference)) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var tree, path string
		err := rows.Scan(&tree, &path)
		for _, r := range blob.ReferencesIn(tree + " " + path) {
			found(r)
		}
		return err
	}, `SELECT tree, path FROM model_versions WHERE workspace_id = $1`, ws)
}

// MayPurge refuses to let a run be removed for good while a registered version
// says that it comes from the run, or from a logged model that the run made.
func (s *Service) MayPurge(ctx context.Context, tx *sqldb.Tx, ws, run string) error {
	var name, version string
	err := tx.QueryRow(ctx, `SELECT name, CAST(version AS TEXT) FROM model_versions WHERE workspace_id = $1 AND (run_id = $2 OR
		logged_model_id <> '' AND logged_model_id IN (SELECT id FROM logged_models WHERE workspace_id = $1 AND source_run_id = $2))
		ORDER BY name, version LIMIT 1`, ws, run).Scan(&name, &version)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return atelier.Errorf(atelier.Precondition, "Version %s of the model %s comes from it.", version, name)
}
