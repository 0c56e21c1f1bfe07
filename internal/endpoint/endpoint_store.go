package endpoint

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/vault"
)

const endpointColumns = `workspace_id, name, description, tags, properties, auth_mode,
	traffic, mirror_traffic, rollout, keys, state, error, created_by, created_at, updated_at`

func insertEndpoint(ctx context.Context, tx *sqldb.Tx, e Endpoint) error {
	_, err := tx.Exec(ctx, `INSERT INTO endpoints (`+endpointColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		e.Workspace, e.Name, e.Description, sqldb.JSON(e.Tags), sqldb.JSON(e.Properties), string(e.AuthMode),
		sqldb.JSON(e.Traffic), sqldb.JSON(e.MirrorTraffic), sqldb.JSON(e.Rollout), e.keys, string(e.State), sqldb.JSON(e.Error),
		e.CreatedBy, sqldb.Micros(e.CreatedAt), sqldb.Micros(e.UpdatedAt))
	if sqldb.IsDuplicate(err) {
		return atelier.Errorf(atelier.Conflict, "There is an endpoint %q already.", e.Name).At("name").
			WithHint("Update it, or choose another name.")
	}
	return err
}

// SealedKeys visits the keys of all endpoints.
func SealedKeys(ctx context.Context, tx *sqldb.Tx, visit func(string) (string, error)) error {
	return vault.VisitSealed(ctx, tx, visit, `SELECT workspace_id, name, keys FROM endpoints`,
		`UPDATE endpoints SET keys = $3 WHERE workspace_id = $1 AND name = $2`)
}

func updateEndpoint(ctx context.Context, tx *sqldb.Tx, e Endpoint) error {
	_, err := tx.Exec(ctx, `UPDATE endpoints SET description = $3, tags = $4, properties = $5, auth_mode = $6,
		traffic = $7, mirror_traffic = $8, rollout = $9, keys = $10, state = $11, error = $12, updated_at = $13
		WHERE workspace_id = $1 AND name = $2`,
		e.Workspace, e.Name, e.Description, sqldb.JSON(e.Tags), sqldb.JSON(e.Properties), string(e.AuthMode),
		sqldb.JSON(e.Traffic), sqldb.JSON(e.MirrorTraffic), sqldb.JSON(e.Rollout), e.keys, string(e.State), sqldb.JSON(e.Error),
		sqldb.Micros(e.UpdatedAt))
	return err
}

func deleteEndpoint(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM endpoints WHERE workspace_id = $1 AND name = $2`, ws, name)
	return err
}

func selectEndpoint(ctx context.Context, tx *sqldb.Tx, ws, name string) (Endpoint, error) {
	row := tx.QueryRow(ctx, `SELECT `+endpointColumns+` FROM endpoints WHERE workspace_id = $1 AND name = $2`, ws, name)
	e, err := scanEndpoint(row)
	if errors.Is(err, sqldb.ErrNoRows) {
		return Endpoint{}, atelier.Errorf(atelier.NotFound, "There is no endpoint %q.", atelier.Clip(name, 60)).
			WithHint("List them with `atelier online-endpoint list`.")
	}
	return e, err
}

// selectEndpoints returns up to limit endpoints whose names come after after.
func selectEndpoints(ctx context.Context, tx *sqldb.Tx, ws, after string, limit int) (found []Endpoint, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		e, err := scanEndpoint(rows)
		found = append(found, e)
		return err
	}, `SELECT `+endpointColumns+` FROM endpoints WHERE workspace_id = $1 AND name > $2 ORDER BY name LIMIT $3`, ws, after, limit)
	return found, err
}

// selectEndpointKeys returns the workspace and name of every endpoint there is.
func selectEndpointKeys(ctx context.Context, tx *sqldb.Tx) (keys []endpointKey, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		var key endpointKey
		err := rows.Scan(&key.workspace, &key.name)
		keys = append(keys, key)
		return err
	}, `SELECT workspace_id, name FROM endpoints
		UNION SELECT workspace_id, endpoint FROM replicas ORDER BY 1, 2`)
	return keys, err
}

type scanner interface{ Scan(targets ...any) error }

func scanEndpoint(row scanner) (Endpoint, error) {
	var e Endpoint
	var tags, properties, traffic, mirror, rollout, failure string
	var created, updated int64
	err := row.Scan(&e.Workspace, &e.Name, &e.Description, &tags, &properties, &e.AuthMode,
		&traffic, &mirror, &rollout, &e.keys, &e.State, &failure, &e.CreatedBy, &created, &updated)
	if err != nil {
		return Endpoint{}, err
	}
	e.CreatedAt, e.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return e, errors.Join(sqldb.FromJSON(tags, &e.Tags), sqldb.FromJSON(properties, &e.Properties),
		sqldb.FromJSON(traffic, &e.Traffic), sqldb.FromJSON(mirror, &e.MirrorTraffic), sqldb.FromJSON(rollout, &e.Rollout), failureFrom(failure, &e.Error))
}

func failureFrom(text string, failure **compute.Failure) error {
	return sqldb.FromJSON(text, failure)
}
