package endpoint

import (
	"context"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// References calls found with the model and the code of every deployment in a
// workspace: a replica that starts tomorrow needs them, whatever was deleted.
func References(ctx context.Context, tx *sqldb.Tx, ws string, found func(blob.Reference)) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var settings, source string
		err := rows.Scan(&settings, &source)
		for _, r := range blob.ReferencesIn(settings + " " + source) {
			found(r)
		}
		return err
	}, `SELECT settings, source FROM deployments WHERE workspace_id = $1`, ws)
}
