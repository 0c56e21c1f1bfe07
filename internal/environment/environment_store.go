package environment

import (
	"context"
	"errors"
	"strconv"

	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/workspace"
)

const environmentColumns = `name, version, description, tags, image, conda_file, python_version, requirements, options, source, hash, created_by, created_at, archived`

func insertEnvironment(ctx context.Context, tx *sqldb.Tx, ws string, e Environment) error {
	_, err := tx.Exec(ctx, `INSERT INTO environments (workspace_id, `+environmentColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (workspace_id, name, version) DO NOTHING`,
		ws, e.Name, e.Version, e.Description, sqldb.JSON(e.Tags), e.Image, e.CondaFile, e.PythonVersion,
		sqldb.JSON(e.Requirements), sqldb.JSON(e.options), e.source, e.Hash, e.CreatedBy, sqldb.Micros(tx.Now()), e.Archived)
	return err
}

func selectEnvironment(ctx context.Context, tx *sqldb.Tx, ws, name, version string) (Environment, bool, error) {
	found, err := selectEnvironments(ctx, tx, `WHERE workspace_id = $1 AND name = $2 AND version = $3`, ws, name, version)
	if err != nil || len(found) == 0 {
		return Environment{}, false, err
	}
	return found[0], true, nil
}

// selectLatest returns the version of name that was made last and is not archived.
func selectLatest(ctx context.Context, tx *sqldb.Tx, ws, name string) (Environment, bool, error) {
	found, err := selectEnvironments(ctx, tx,
		`WHERE workspace_id = $1 AND name = $2 AND archived = FALSE ORDER BY created_at DESC, version DESC LIMIT 1`, ws, name)
	if err != nil || len(found) == 0 {
		return Environment{}, false, err
	}
	return found[0], true, nil
}

// selectAll returns the workspace's environments by name, the newest version
// first.
func selectAll(ctx context.Context, tx *sqldb.Tx, ws string, q List) ([]Environment, error) {
	return selectEnvironments(ctx, tx, `WHERE workspace_id = $1 AND ($2 = '' OR name = $2) AND (archived = FALSE OR archived = $3)
		ORDER BY name, created_at DESC, version DESC LIMIT 1000`, ws, q.Name, q.Archived)
}

func updateEnvironment(ctx context.Context, tx *sqldb.Tx, ws string, e Environment) error {
	_, err := tx.Exec(ctx, `UPDATE environments SET description = $4, tags = $5, archived = $6
		WHERE workspace_id = $1 AND name = $2 AND version = $3`, ws, e.Name, e.Version, e.Description, sqldb.JSON(e.Tags), e.Archived)
	return err
}

// archiveAll archives or restores all versions of name, and returns how many
// there are.
func archiveAll(ctx context.Context, tx *sqldb.Tx, ws, name string, archived bool) (int64, error) {
	return tx.Exec(ctx, `UPDATE environments SET archived = $3 WHERE workspace_id = $1 AND name = $2`, ws, name, archived)
}

func selectEnvironments(ctx context.Context, tx *sqldb.Tx, where string, args ...any) ([]Environment, error) {
	var all []Environment
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var e Environment
		var tags, requirements, options string
		var created int64
		err := rows.Scan(&e.Name, &e.Version, &e.Description, &tags, &e.Image, &e.CondaFile, &e.PythonVersion,
			&requirements, &options, &e.source, &e.Hash, &e.CreatedBy, &created, &e.Archived)
		if err != nil {
			return err
		}
		at := sqldb.Time(created)
		e.CreatedAt = &at
		all = append(all, e)
		last := &all[len(all)-1]
		return errors.Join(sqldb.FromJSON(tags, &last.Tags), sqldb.FromJSON(requirements, &last.Requirements), sqldb.FromJSON(options, &last.options))
	}, `SELECT `+environmentColumns+` FROM environments `+where, args...)
	return all, err
}

// nextVersion returns one more than the highest version that is a whole number.
func nextVersion(ctx context.Context, tx *sqldb.Tx, ws, name string) (string, error) {
	highest := 0
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var version string
		if err := rows.Scan(&version); err != nil {
			return err
		}
		if n, err := strconv.Atoi(version); err == nil {
			highest = max(highest, n)
		}
		return nil
	}, `SELECT version FROM environments WHERE workspace_id = $1 AND name = $2`, ws, name)
	return strconv.Itoa(highest + 1), err
}

// RefuseFull refuses to delete a workspace that has environments.
func RefuseFull(ctx context.Context, tx *sqldb.Tx, ws string) error {
	return workspace.RefuseFull(ctx, tx, ws, "environments", "environments", "1 = 1")
}
