package model

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// RefuseFull refuses to delete a workspace that has registered models.
func RefuseFull(ctx context.Context, tx *sqldb.Tx, ws string) error {
	var full bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM registered_models WHERE workspace_id = $1)`, ws).Scan(&full)
	if err == nil && full {
		return atelier.Errorf(atelier.Precondition, "The workspace cannot be deleted: it still contains registered models.").
			WithHint("Remove them first, or delete it with everything in it.")
	}
	return err
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
