package upload

import (
	"context"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

const columns = `id, path, parts, secret, job, done, expires_at`

func insertUpload(ctx context.Context, tx *sqldb.Tx, ws string, u Upload) error {
	_, err := tx.Exec(ctx, `INSERT INTO uploads (workspace_id, `+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		ws, u.ID, u.Path, u.Parts, u.key, u.job, u.done, sqldb.Micros(u.ExpiresAt))
	return err
}

func scan(row interface{ Scan(...any) error }) (Upload, error) {
	var u Upload
	var expires int64
	err := row.Scan(&u.ID, &u.Path, &u.Parts, &u.key, &u.job, &u.done, &expires)
	u.ExpiresAt = sqldb.Time(expires)
	return u, err
}

func selectUpload(ctx context.Context, tx *sqldb.Tx, ws, id string) (Upload, error) {
	return scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM uploads WHERE workspace_id = $1 AND id = $2`, ws, id))
}

// selectUploads calls found with the uploads of every workspace.
func selectUploads(ctx context.Context, tx *sqldb.Tx, found func(Upload)) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		u, err := scan(rows)
		found(u)
		return err
	}, `SELECT `+columns+` FROM uploads`)
}

// markDone keeps the row, so that to complete the upload again finds it so.
func markDone(ctx context.Context, tx *sqldb.Tx, ws, id string) error {
	_, err := tx.Exec(ctx, `UPDATE uploads SET done = $3 WHERE workspace_id = $1 AND id = $2`, ws, id, true)
	return err
}

func deleteUpload(ctx context.Context, tx *sqldb.Tx, ws, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM uploads WHERE workspace_id = $1 AND id = $2`, ws, id)
	return err
}

func deleteExpired(ctx context.Context, tx *sqldb.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM uploads WHERE expires_at <= $1`, sqldb.Micros(tx.Now()))
	return err
}
