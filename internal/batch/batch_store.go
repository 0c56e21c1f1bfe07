package batch

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

const endpointColumns = `workspace_id, name, description, tags, properties, default_deployment, created_by, created_at, updated_at`

func insertEndpoint(ctx context.Context, tx *sqldb.Tx, e Endpoint) error {
	_, err := tx.Exec(ctx, `INSERT INTO batch_endpoints (`+endpointColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.Workspace, e.Name, e.Description, sqldb.JSON(e.Tags), sqldb.JSON(e.Properties), e.Defaults.Deployment,
		e.CreatedBy, sqldb.Micros(e.CreatedAt), sqldb.Micros(e.UpdatedAt))
	return err
}

func updateEndpoint(ctx context.Context, tx *sqldb.Tx, e Endpoint) error {
	_, err := tx.Exec(ctx, `UPDATE batch_endpoints SET description = $3, tags = $4, properties = $5, default_deployment = $6, updated_at = $7
		WHERE workspace_id = $1 AND name = $2`,
		e.Workspace, e.Name, e.Description, sqldb.JSON(e.Tags), sqldb.JSON(e.Properties), e.Defaults.Deployment, sqldb.Micros(e.UpdatedAt))
	return err
}

func deleteEndpoint(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM batch_endpoints WHERE workspace_id = $1 AND name = $2`, ws, name)
	return err
}

func selectEndpoint(ctx context.Context, tx *sqldb.Tx, ws, name string) (Endpoint, error) {
	e, err := scanEndpoint(tx.QueryRow(ctx, `SELECT `+endpointColumns+` FROM batch_endpoints WHERE workspace_id = $1 AND name = $2`, ws, name))
	if errors.Is(err, sqldb.ErrNoRows) {
		return Endpoint{}, atelier.Errorf(atelier.NotFound, "There is no batch endpoint %q.", atelier.Clip(name, 60)).
			WithHint("List them with `atelier batch-endpoint list`.")
	}
	return e, err
}

// selectEndpoints returns up to limit endpoints whose names come after after.
func selectEndpoints(ctx context.Context, tx *sqldb.Tx, ws, after string, limit int) (found []Endpoint, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		e, err := scanEndpoint(rows)
		found = append(found, e)
		return err
	}, `SELECT `+endpointColumns+` FROM batch_endpoints WHERE workspace_id = $1 AND name > $2 ORDER BY name LIMIT $3`, ws, after, limit)
	return found, err
}

type scanner interface{ Scan(targets ...any) error }

func scanEndpoint(row scanner) (Endpoint, error) {
	var e Endpoint
	var tags, properties string
	var created, updated int64
	err := row.Scan(&e.Workspace, &e.Name, &e.Description, &tags, &properties, &e.Defaults.Deployment, &e.CreatedBy, &created, &updated)
	if err != nil {
		return Endpoint{}, err
	}
	e.CreatedAt, e.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return e, errors.Join(sqldb.FromJSON(tags, &e.Tags), sqldb.FromJSON(properties, &e.Properties))
}

const deploymentColumns = `workspace_id, endpoint, name, settings, source, created_by, created_at, updated_at`

func insertDeployment(ctx context.Context, tx *sqldb.Tx, d Deployment) error {
	_, err := tx.Exec(ctx, `INSERT INTO batch_deployments (`+deploymentColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		d.Workspace, d.Endpoint, d.Name, sqldb.JSON(d.Definition), sqldb.JSON(d.source), d.CreatedBy, sqldb.Micros(d.CreatedAt), sqldb.Micros(d.UpdatedAt))
	return err
}

func updateDeployment(ctx context.Context, tx *sqldb.Tx, d Deployment) error {
	_, err := tx.Exec(ctx, `UPDATE batch_deployments SET settings = $4, source = $5, updated_at = $6
		WHERE workspace_id = $1 AND endpoint = $2 AND name = $3`,
		d.Workspace, d.Endpoint, d.Name, sqldb.JSON(d.Definition), sqldb.JSON(d.source), sqldb.Micros(d.UpdatedAt))
	return err
}

func deleteDeployment(ctx context.Context, tx *sqldb.Tx, ws, of, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM batch_deployments WHERE workspace_id = $1 AND endpoint = $2 AND name = $3`, ws, of, name)
	return err
}

func selectDeployment(ctx context.Context, tx *sqldb.Tx, ws, of, name string) (Deployment, error) {
	d, err := scanDeployment(tx.QueryRow(ctx, `SELECT `+deploymentColumns+` FROM batch_deployments
		WHERE workspace_id = $1 AND endpoint = $2 AND name = $3`, ws, of, name))
	if errors.Is(err, sqldb.ErrNoRows) {
		return Deployment{}, atelier.Errorf(atelier.NotFound, "The batch endpoint %q has no deployment %q.", atelier.Clip(of, 60), atelier.Clip(name, 60)).
			WithHint("List them with `atelier batch-deployment list --endpoint-name %s`.", atelier.Clip(of, 60))
	}
	return d, err
}

// selectDeployments returns all deployments of an endpoint; there are at most maxDeployments.
func selectDeployments(ctx context.Context, tx *sqldb.Tx, ws, of string) (found []Deployment, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		d, err := scanDeployment(rows)
		found = append(found, d)
		return err
	}, `SELECT `+deploymentColumns+` FROM batch_deployments WHERE workspace_id = $1 AND endpoint = $2 ORDER BY name`, ws, of)
	return found, err
}

func scanDeployment(row scanner) (Deployment, error) {
	var d Deployment
	var definition, source string
	var created, updated int64
	err := row.Scan(&d.Workspace, &d.Endpoint, &d.Name, &definition, &source, &d.CreatedBy, &created, &updated)
	if err != nil {
		return Deployment{}, err
	}
	d.CreatedAt, d.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return d, errors.Join(sqldb.FromJSON(definition, &d.Definition), sqldb.FromJSON(source, &d.source))
}
