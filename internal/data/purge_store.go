package data

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Held calls found with the folder of every version in a workspace: what stays
// when runs, and with them the lineage, are removed for good.
func Held(ctx context.Context, tx *sqldb.Tx, ws string, found func(blob.Reference)) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var tree, path string
		err := rows.Scan(&tree, &path)
		for _, r := range blob.ReferencesIn(tree + " " + path) {
			found(r)
		}
		return err
	}, `SELECT tree, path FROM data_versions WHERE workspace_id = $1`, ws)
}

// MayPurge refuses to let a run be removed for good while a version says that it
// comes from the run.
func (s *Service) MayPurge(ctx context.Context, tx *sqldb.Tx, ws, run string) error {
	var name, version string
	err := tx.QueryRow(ctx, `SELECT name, version FROM data_versions WHERE workspace_id = $1 AND run_id = $2
		ORDER BY name, serial LIMIT 1`, ws, run).Scan(&name, &version)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return atelier.Errorf(atelier.Precondition, "Version %s of the data asset %s comes from it.", version, name)
}
