package datastore

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
)

const columns = `name, type, location, description, tags, credentials_type, credentials, trusted, created_by, created_at, updated_at`

func insertDatastore(ctx context.Context, tx *sqldb.Tx, ws string, d Datastore) error {
	_, err := tx.Exec(ctx, `INSERT INTO datastores (workspace_id, `+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		ws, d.Name, string(d.Type), sqldb.JSON(d.Location), d.Description, sqldb.JSON(d.Tags), d.Credentials.Type, d.sealed, d.trusted,
		d.CreatedBy, sqldb.MicrosOrNil(d.CreatedAt), sqldb.MicrosOrNil(d.UpdatedAt))
	if sqldb.IsDuplicate(err) {
		return atelier.Errorf(atelier.Conflict, "There is a datastore %q already.", d.Name).At("name").
			WithHint("`atelier datastore update` changes its credentials.")
	}
	return err
}

func scanDatastore(scan func(...any) error) (Datastore, error) {
	var d Datastore
	var location, tags string
	var created, updated *int64
	err := scan(&d.Name, &d.Type, &location, &d.Description, &tags, &d.Credentials.Type, &d.sealed, &d.trusted, &d.CreatedBy, &created, &updated)
	if err != nil {
		return d, err
	}
	d.CreatedAt, d.UpdatedAt = sqldb.TimeOrNil(created), sqldb.TimeOrNil(updated)
	return d, errors.Join(sqldb.FromJSON(location, &d.Location), sqldb.FromJSON(tags, &d.Tags))
}

func selectDatastore(ctx context.Context, tx *sqldb.Tx, ws, name string) (Datastore, error) {
	d, err := scanDatastore(tx.QueryRow(ctx, `SELECT `+columns+` FROM datastores WHERE workspace_id = $1 AND name = $2`, ws, name).Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return d, atelier.Errorf(atelier.NotFound, "There is no datastore %q.", atelier.Clip(name, 60)).
			WithHint("List them with `atelier datastore list`. The workspace's own is %s.", atelier.DefaultDatastore)
	}
	return d, err
}

func selectDatastores(ctx context.Context, tx *sqldb.Tx, ws string) ([]Datastore, error) {
	var all []Datastore
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		d, err := scanDatastore(rows.Scan)
		all = append(all, d)
		return err
	}, `SELECT `+columns+` FROM datastores WHERE workspace_id = $1 ORDER BY name LIMIT 1000`, ws)
	return all, err
}

func updateDatastore(ctx context.Context, tx *sqldb.Tx, ws string, d Datastore) error {
	_, err := tx.Exec(ctx, `UPDATE datastores SET description = $3, tags = $4, credentials_type = $5, credentials = $6, updated_at = $7
		WHERE workspace_id = $1 AND name = $2`,
		ws, d.Name, d.Description, sqldb.JSON(d.Tags), d.Credentials.Type, d.sealed, sqldb.MicrosOrNil(d.UpdatedAt))
	return err
}

func deleteDatastore(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM datastores WHERE workspace_id = $1 AND name = $2`, ws, name)
	return err
}

// SealedCredentials visits the credentials of all datastores.
func SealedCredentials(ctx context.Context, tx *sqldb.Tx, visit func(string) (string, error)) error {
	return vault.VisitSealed(ctx, tx, visit, `SELECT workspace_id, name, credentials FROM datastores`,
		`UPDATE datastores SET credentials = $3 WHERE workspace_id = $1 AND name = $2`)
}

// RefuseFull refuses to delete a workspace that has datastores.
func RefuseFull(ctx context.Context, tx *sqldb.Tx, ws string) error {
	return workspace.RefuseFull(ctx, tx, ws, "datastores", "datastores", "1 = 1")
}
