package data

import (
	"context"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

func insertUses(ctx context.Context, tx *sqldb.Tx, ws string, uses []Use) error {
	var rows [][]any
	for _, u := range uses {
		rows = append(rows, []any{ws, u.RunID, string(u.Direction), u.Name, u.Type, u.Path, u.Asset, u.Version, u.SourceRun,
			string(u.Tree), u.Reference.text(), sqldb.Micros(tx.Now())})
	}
	return tx.ExecEach(ctx, `INSERT INTO data_uses (workspace_id, run_id, direction, name, type, path, data_name, data_version,
		source_run, tree, reference, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, rows)
}

const useColumns = `run_id, direction, name, type, path, data_name, data_version, source_run, tree, reference, used_at`

// mostUses bounds the answer to "who used this?".
const mostUses = 1000

func selectUsesOfVersion(ctx context.Context, tx *sqldb.Tx, ws, name, version string) ([]Use, error) {
	return selectUses(ctx, tx, `workspace_id = $1 AND data_name = $2 AND data_version = $3 ORDER BY used_at DESC, run_id LIMIT $4`,
		ws, name, version, mostUses)
}

func selectUsesOfRun(ctx context.Context, tx *sqldb.Tx, ws, run string) ([]Use, error) {
	return selectUses(ctx, tx, `workspace_id = $1 AND run_id = $2 ORDER BY direction, name LIMIT $3`, ws, run, mostUses)
}

func selectUses(ctx context.Context, tx *sqldb.Tx, condition string, args ...any) ([]Use, error) {
	uses := []Use{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var u Use
		var at int64
		var reference string
		err := rows.Scan(&u.RunID, &u.Direction, &u.Name, &u.Type, &u.Path, &u.Asset, &u.Version, &u.SourceRun, &u.Tree, &reference, &at)
		if err != nil {
			return err
		}
		u.UsedAt = sqldb.Time(at)
		u.Reference, err = readReference(reference)
		uses = append(uses, u)
		return err
	}, `SELECT `+useColumns+` FROM data_uses WHERE `+condition, args...)
	return uses, err
}
