package endpoint

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

const deploymentColumns = `workspace_id, endpoint, name, settings, source, revision, state, error,
	created_by, user_id, last_ended, created_at, updated_at`

func insertDeployment(ctx context.Context, tx *sqldb.Tx, d Deployment) error {
	_, err := tx.Exec(ctx, `INSERT INTO deployments (`+deploymentColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		d.Workspace, d.Endpoint, d.Name, sqldb.JSON(d.Settings), sqldb.JSON(d.source), d.revision, string(d.State), sqldb.JSON(d.Error),
		d.CreatedBy, d.userID, d.lastEnded, sqldb.Micros(d.CreatedAt), sqldb.Micros(d.UpdatedAt))
	if sqldb.IsDuplicate(err) {
		return atelier.Errorf(atelier.Conflict, "The endpoint %q has a deployment %q already.", d.Endpoint, d.Name).At("name").
			WithHint("Update it, or choose another name.")
	}
	return err
}

func updateDeployment(ctx context.Context, tx *sqldb.Tx, d Deployment) error {
	_, err := tx.Exec(ctx, `UPDATE deployments SET settings = $4, source = $5, revision = $6, state = $7, error = $8,
		user_id = $9, last_ended = $10, updated_at = $11
		WHERE workspace_id = $1 AND endpoint = $2 AND name = $3`,
		d.Workspace, d.Endpoint, d.Name, sqldb.JSON(d.Settings), sqldb.JSON(d.source), d.revision, string(d.State), sqldb.JSON(d.Error),
		d.userID, d.lastEnded, sqldb.Micros(d.UpdatedAt))
	return err
}

func deleteDeployment(ctx context.Context, tx *sqldb.Tx, ws, endpoint, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM deployments WHERE workspace_id = $1 AND endpoint = $2 AND name = $3`, ws, endpoint, name)
	return err
}

func selectDeployment(ctx context.Context, tx *sqldb.Tx, ws, endpoint, name string) (Deployment, error) {
	d, err := scanDeployment(tx.QueryRow(ctx, `SELECT `+deploymentColumns+` FROM deployments
		WHERE workspace_id = $1 AND endpoint = $2 AND name = $3`, ws, endpoint, name))
	if errors.Is(err, sqldb.ErrNoRows) {
		return Deployment{}, noDeployment(endpoint, name)
	}
	return d, err
}

func noDeployment(endpoint, name string) error {
	return atelier.Errorf(atelier.NotFound, "The endpoint %q has no deployment %q.", atelier.Clip(endpoint, 60), atelier.Clip(name, 60)).
		WithHint("List them with `atelier online-deployment list --endpoint-name %s`.", atelier.Clip(endpoint, 60))
}

// selectDeployments returns all deployments of an endpoint; there are at most maxDeployments.
func selectDeployments(ctx context.Context, tx *sqldb.Tx, ws, endpoint string) (found []Deployment, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		d, err := scanDeployment(rows)
		found = append(found, d)
		return err
	}, `SELECT `+deploymentColumns+` FROM deployments WHERE workspace_id = $1 AND endpoint = $2 ORDER BY name`, ws, endpoint)
	return found, err
}

func scanDeployment(row scanner) (Deployment, error) {
	d := Deployment{Replicas: []Replica{}}
	var settings, source, failure string
	var created, updated int64
	err := row.Scan(&d.Workspace, &d.Endpoint, &d.Name, &settings, &source, &d.revision, &d.State, &failure,
		&d.CreatedBy, &d.userID, &d.lastEnded, &created, &updated)
	if err != nil {
		return Deployment{}, err
	}
	d.CreatedAt, d.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	err = errors.Join(sqldb.FromJSON(settings, &d.Settings), sqldb.FromJSON(source, &d.source), failureFrom(failure, &d.Error))
	d.Notices = d.source.Notices
	return d, err
}

const replicaColumns = `workspace_id, id, endpoint, deployment, revision, handle, state, pid, error, last_seq, stopping, token_at, started_at, restarts`

func insertReplica(ctx context.Context, tx *sqldb.Tx, r Replica) error {
	_, err := tx.Exec(ctx, `INSERT INTO replicas (`+replicaColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		r.workspace, r.ID, r.endpoint, r.deployment, r.revision, string(r.handle), string(r.State), r.PID,
		sqldb.JSON(r.Error), r.lastSeq, r.stopping, sqldb.Micros(r.tokenAt), sqldb.Micros(r.StartedAt), sqldb.JSON(r.Restarts))
	return err
}

func updateReplica(ctx context.Context, tx *sqldb.Tx, r Replica) error {
	_, err := tx.Exec(ctx, `UPDATE replicas SET handle = $3, state = $4, pid = $5, error = $6, last_seq = $7, stopping = $8, token_at = $9, restarts = $10
		WHERE workspace_id = $1 AND id = $2`,
		r.workspace, r.ID, string(r.handle), string(r.State), r.PID, sqldb.JSON(r.Error), r.lastSeq, r.stopping, sqldb.Micros(r.tokenAt), sqldb.JSON(r.Restarts))
	return err
}

func deleteReplica(ctx context.Context, tx *sqldb.Tx, ws, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM replicas WHERE workspace_id = $1 AND id = $2`, ws, id)
	return err
}

func selectReplica(ctx context.Context, tx *sqldb.Tx, ws, id string) (Replica, error) {
	r, err := scanReplica(tx.QueryRow(ctx, `SELECT `+replicaColumns+` FROM replicas WHERE workspace_id = $1 AND id = $2`, ws, id))
	if errors.Is(err, sqldb.ErrNoRows) {
		return Replica{}, atelier.Errorf(atelier.NotFound, "There is no replica %q.", atelier.Clip(id, 60))
	}
	return r, err
}

// stopReplicas marks the replicas of a deployment, or of the whole endpoint when
// deployment is empty, as no longer wanted.
func stopReplicas(ctx context.Context, tx *sqldb.Tx, ws, endpoint, deployment string) error {
	_, err := tx.Exec(ctx, `UPDATE replicas SET stopping = TRUE
		WHERE workspace_id = $1 AND endpoint = $2 AND ($3 = '' OR deployment = $3)`, ws, endpoint, deployment)
	return err
}

// selectReplicas returns all replicas of an endpoint, oldest first.
func selectReplicas(ctx context.Context, tx *sqldb.Tx, ws, endpoint string) (found []Replica, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		r, err := scanReplica(rows)
		found = append(found, r)
		return err
	}, `SELECT `+replicaColumns+` FROM replicas WHERE workspace_id = $1 AND endpoint = $2 ORDER BY id`, ws, endpoint)
	return found, err
}

// CountReplicas counts the replicas of all workspaces that are on the machine.
func CountReplicas(ctx context.Context, tx *sqldb.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM replicas WHERE state <> $1`, Terminated).Scan(&n)
	return n, err
}

func scanReplica(row scanner) (Replica, error) {
	var r Replica
	var failure, restarts string
	var token, started int64
	err := row.Scan(&r.workspace, &r.ID, &r.endpoint, &r.deployment, &r.revision, &r.handle, &r.State, &r.PID,
		&failure, &r.lastSeq, &r.stopping, &token, &started, &restarts)
	if err != nil {
		return Replica{}, err
	}
	r.tokenAt, r.StartedAt = sqldb.Time(token), sqldb.Time(started)
	return r, errors.Join(failureFrom(failure, &r.Error), sqldb.FromJSON(restarts, &r.Restarts))
}
