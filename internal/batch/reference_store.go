package batch

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// References calls found with the model and the code of every deployment in a
// workspace: a job that is asked for tomorrow needs them, whatever was deleted.
func References(ctx context.Context, tx *sqldb.Tx, ws string, found func(blob.Reference)) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var settings, source string
		err := rows.Scan(&settings, &source)
		for _, r := range blob.ReferencesIn(settings + " " + source) {
			found(r)
		}
		return err
	}, `SELECT settings, source FROM batch_deployments WHERE workspace_id = $1`, ws)
}

// MayPurge refuses to let a run be removed for good while a deployment names it,
// as in runs:/RUN/model. It errs on the side of keeping.
func (s *Service) MayPurge(ctx context.Context, tx *sqldb.Tx, ws, run string) error {
	var of, name string
	err := tx.QueryRow(ctx, `SELECT endpoint, name FROM batch_deployments
		WHERE workspace_id = $1 AND (settings LIKE $2 OR source LIKE $2) ORDER BY endpoint, name LIMIT 1`, ws, "%"+run+"%").Scan(&of, &name)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return atelier.Errorf(atelier.Precondition, "The deployment %s of the batch endpoint %s names it.", name, of)
}

// RefuseFull refuses to delete a workspace that has batch endpoints.
func RefuseFull(ctx context.Context, tx *sqldb.Tx, ws string) error {
	return workspace.RefuseFull(ctx, tx, ws, "batch endpoints", "batch_endpoints", "1 = 1")
}
