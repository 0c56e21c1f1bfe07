package model

import (
	"context"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

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
