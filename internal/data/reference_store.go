package data

import (
	"context"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// References calls found with the folder of every version in a workspace, and
// with what runs read: the lineage leads down to the bytes.
func References(ctx context.Context, tx *sqldb.Tx, ws string, found func(blob.Reference)) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var tree, path string
		err := rows.Scan(&tree, &path)
		for _, r := range blob.ReferencesIn(tree + " " + path) {
			found(r)
		}
		return err
	}, `SELECT tree, path FROM data_versions WHERE workspace_id = $1
		UNION ALL SELECT tree, path FROM data_uses WHERE workspace_id = $1`, ws)
}

// RefuseFull refuses to delete a workspace that has data assets.
func RefuseFull(ctx context.Context, tx *sqldb.Tx, ws string) error {
	return workspace.RefuseFull(ctx, tx, ws, "data assets", "data_assets", "1 = 1")
}
