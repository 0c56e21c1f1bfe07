package vault

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/workspace"
)

const secretColumns = `name, version, sealed, created_by, created_at, updated_by, updated_at, used_by, used_at`

func scanSecret(scan func(...any) error) (s Secret, err error) {
	var created, updated int64
	var used *int64
	err = scan(&s.Name, &s.Version, &s.sealed, &s.CreatedBy, &created, &s.UpdatedBy, &updated, &s.UsedBy, &used)
	s.CreatedAt, s.UpdatedAt, s.UsedAt = sqldb.Time(created), sqldb.Time(updated), sqldb.TimeOrNil(used)
	return s, err
}

func selectSecret(ctx context.Context, tx *sqldb.Tx, ws, name string) (Secret, error) {
	s, err := scanSecret(tx.QueryRow(ctx, `SELECT `+secretColumns+` FROM secrets WHERE workspace_id = $1 AND name = $2`, ws, name).Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return s, atelier.Errorf(atelier.NotFound, "There is no secret %q.", atelier.Clip(name, 130)).
			WithHint("`atelier secret set NAME` makes one; its value comes from standard input.")
	}
	return s, err
}

func selectSecrets(ctx context.Context, tx *sqldb.Tx, ws string) ([]Secret, error) {
	all := []Secret{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		s, err := scanSecret(rows.Scan)
		all = append(all, s)
		return err
	}, `SELECT `+secretColumns+` FROM secrets WHERE workspace_id = $1 ORDER BY name LIMIT 1000`, ws)
	return all, err
}

// setSecret makes the secret or its next version.
func setSecret(ctx context.Context, tx *sqldb.Tx, ws, name, sealed, by string) error {
	now := sqldb.Micros(tx.Now())
	_, err := tx.Exec(ctx, `INSERT INTO secrets (workspace_id, name, version, sealed, created_by, created_at, updated_by, updated_at, used_by)
		VALUES ($1, $2, 1, $3, $4, $5, $4, $5, '')
		ON CONFLICT (workspace_id, name) DO UPDATE SET version = secrets.version + 1, sealed = $3, updated_by = $4, updated_at = $5`,
		ws, name, sealed, by, now)
	return err
}

func noteUse(ctx context.Context, tx *sqldb.Tx, ws, name, by string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE secrets SET used_by = $3, used_at = $4 WHERE workspace_id = $1 AND name = $2`, ws, name, by, sqldb.Micros(at))
	return err
}

func deleteSecret(ctx context.Context, tx *sqldb.Tx, ws, name string) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM secrets WHERE workspace_id = $1 AND name = $2`, ws, name)
}

// RefuseFull refuses to delete a workspace that has secrets.
func RefuseFull(ctx context.Context, tx *sqldb.Tx, ws string) error {
	return workspace.RefuseFull(ctx, tx, ws, "secrets", "secrets", "1 = 1")
}

// SealedSecrets visits the values of all secrets.
func SealedSecrets(ctx context.Context, tx *sqldb.Tx, visit func(string) (string, error)) error {
	return VisitSealed(ctx, tx, visit, `SELECT workspace_id, name, sealed FROM secrets`,
		`UPDATE secrets SET sealed = $3 WHERE workspace_id = $1 AND name = $2`)
}

// VisitSealed is a Sealed for texts in a table whose rows are found by a workspace
// and a name: read gives the two and the text, write takes them.
func VisitSealed(ctx context.Context, tx *sqldb.Tx, visit func(string) (string, error), read, write string) error {
	var changed [][]any
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var ws, name, sealed string
		if err := rows.Scan(&ws, &name, &sealed); err != nil || sealed == "" {
			return err
		}
		again, err := visit(sealed)
		if err == nil && again != sealed {
			changed = append(changed, []any{ws, name, again})
		}
		return err
	}, read)
	if err != nil || len(changed) == 0 {
		return err
	}
	return tx.ExecEach(ctx, write, changed)
}
