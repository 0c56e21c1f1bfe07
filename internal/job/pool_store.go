package job

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

func insertCompute(ctx context.Context, tx *sqldb.Tx, ws string, c Compute) error {
	_, err := tx.Exec(ctx, `INSERT INTO computes (workspace_id, name, type, slots, stopped, definition, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		ws, c.Name, c.Type, c.Slots, c.stopped, sqldb.JSON(c.ComputeDefinition), c.CreatedBy, sqldb.MicrosOrNil(c.CreatedAt))
	if sqldb.IsDuplicate(err) {
		return atelier.Errorf(atelier.Conflict, "There is a compute %q already.", c.Name).At("name").
			WithHint("`atelier compute update` changes its slots.")
	}
	return err
}

const computeColumns = `name, type, slots, stopped, definition, created_by, created_at`

func scanCompute(scan func(...any) error) (Compute, error) {
	var c Compute
	var definition string
	var created *int64
	if err := scan(&c.Name, &c.Type, &c.Slots, &c.stopped, &definition, &c.CreatedBy, &created); err != nil {
		return c, err
	}
	c.CreatedAt = sqldb.TimeOrNil(created)
	return c, sqldb.FromJSON(definition, &c.ComputeDefinition)
}

func selectCompute(ctx context.Context, tx *sqldb.Tx, ws, name string) (Compute, error) {
	c, err := scanCompute(tx.QueryRow(ctx, `SELECT `+computeColumns+` FROM computes WHERE workspace_id = $1 AND name = $2`, ws, name).Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return c, noCompute(name)
	}
	return c, err
}

func selectComputes(ctx context.Context, tx *sqldb.Tx, ws string) (all []Compute, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		c, err := scanCompute(rows.Scan)
		all = append(all, c)
		return err
	}, `SELECT `+computeColumns+` FROM computes WHERE workspace_id = $1 ORDER BY name LIMIT 1000`, ws)
	return all, err
}

func updateCompute(ctx context.Context, tx *sqldb.Tx, ws string, c Compute) error {
	_, err := tx.Exec(ctx, `UPDATE computes SET slots = $3, stopped = $4, definition = $5 WHERE workspace_id = $1 AND name = $2`,
		ws, c.Name, c.Slots, c.stopped, sqldb.JSON(c.ComputeDefinition))
	return err
}

// holdCompute keeps the compute from being deleted until tx ends. Writing its row
// locks it on every engine.
func holdCompute(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	held, err := tx.Exec(ctx, `UPDATE computes SET name = name WHERE workspace_id = $1 AND name = $2`, ws, name)
	if err == nil && held == 0 {
		return noCompute(name)
	}
	return err
}

func deleteCompute(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM computes WHERE workspace_id = $1 AND name = $2`, ws, name)
	return err
}

// countComputeJobs fills in how many jobs run on each of all, and wait for it.
func countComputeJobs(ctx context.Context, tx *sqldb.Tx, ws string, all []Compute) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var name string
		var running, queued int
		err := rows.Scan(&name, &queued, &running)
		for i := range all {
			if all[i].Name == name {
				all[i].Queued, all[i].Running = queued, running
			}
		}
		return err
	}, `SELECT compute, SUM(CASE WHEN status = 'Queued' THEN 1 ELSE 0 END), SUM(CASE WHEN status = 'Queued' THEN 0 ELSE 1 END)
		FROM jobs WHERE workspace_id = $1 AND status IN ('Queued', 'Preparing', 'Running', 'Finalizing', 'CancelRequested', 'NotResponding')
		GROUP BY compute`, ws)
}

// selectPools returns the computes of all workspaces, as a plan sees them.
func selectPools(ctx context.Context, tx *sqldb.Tx) (map[key]poolState, error) {
	pools := map[key]poolState{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var k key
		var state poolState
		err := rows.Scan(&k.workspace, &k.name, &state.slots, &state.stopped)
		pools[k] = state
		return err
	}, `SELECT workspace_id, name, slots, stopped FROM computes`)
	return pools, err
}

// selectLimits returns the limits of all workspaces that have any.
func selectLimits(ctx context.Context, tx *sqldb.Tx) (map[string]WorkspaceLimits, error) {
	all := map[string]WorkspaceLimits{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var ws, text string
		var limits WorkspaceLimits
		err := rows.Scan(&ws, &text)
		if err == nil {
			err = sqldb.FromJSON(text, &limits)
		}
		all[ws] = limits
		return err
	}, `SELECT workspace_id, limits FROM job_limits`)
	return all, err
}

func upsertLimits(ctx context.Context, tx *sqldb.Tx, ws string, limits WorkspaceLimits) error {
	_, err := tx.Exec(ctx, `INSERT INTO job_limits (workspace_id, limits) VALUES ($1, $2)
		ON CONFLICT (workspace_id) DO UPDATE SET limits = excluded.limits`, ws, sqldb.JSON(limits))
	return err
}
