package tracking

import (
	"context"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

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
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var source string
		err := rows.Scan(&source)
		for _, r := range blob.ReferencesIn(source) {
			found(r)
		}
		return err
	}, `SELECT DISTINCT source FROM datasets WHERE workspace_id = $1`, ws)
}
