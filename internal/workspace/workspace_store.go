package workspace

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

const columns = `id, name, display_name, description, tags, created_by, created_at, updated_at`

func scan(row interface{ Scan(...any) error }) (Workspace, error) {
	var ws Workspace
	var tags string
	var createdAt, updatedAt int64
	err := row.Scan(&ws.ID, &ws.Name, &ws.DisplayName, &ws.Description, &tags, &ws.CreatedBy, &createdAt, &updatedAt)
	if err != nil {
		return Workspace{}, err
	}
	ws.CreatedAt, ws.UpdatedAt = sqldb.Time(createdAt), sqldb.Time(updatedAt)
	return ws, sqldb.FromJSON(tags, &ws.Tags)
}

func selectWorkspace(ctx context.Context, tx *sqldb.Tx, name string) (Workspace, error) {
	return scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM workspaces WHERE name = $1`, name))
}

func selectWorkspaces(ctx context.Context, tx *sqldb.Tx) ([]Workspace, error) {
	all := []Workspace{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		ws, err := scan(rows)
		all = append(all, ws)
		return err
	}, `SELECT `+columns+` FROM workspaces ORDER BY name`)
	return all, err
}

func insertWorkspace(ctx context.Context, tx *sqldb.Tx, ws Workspace) error {
	_, err := tx.Exec(ctx, `INSERT INTO workspaces (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		ws.ID, ws.Name, ws.DisplayName, ws.Description, sqldb.JSON(ws.Tags), ws.CreatedBy,
		sqldb.Micros(ws.CreatedAt), sqldb.Micros(ws.UpdatedAt))
	return err
}

func updateWorkspace(ctx context.Context, tx *sqldb.Tx, ws Workspace) error {
	_, err := tx.Exec(ctx, `UPDATE workspaces SET display_name = $2, description = $3, tags = $4, updated_at = $5 WHERE id = $1`,
		ws.ID, ws.DisplayName, ws.Description, sqldb.JSON(ws.Tags), sqldb.Micros(ws.UpdatedAt))
	return err
}

// RemovedChange is the kind of change that says that a workspace is gone, and with
// it all that anybody remembers of what was in it.
const RemovedChange = "workspace removed"

// deleteWorkspace removes the workspace; the rows below it go by ON DELETE CASCADE.
func deleteWorkspace(ctx context.Context, tx *sqldb.Tx, id string) error {
	tx.Changed(sqldb.Change{Kind: RemovedChange, Workspace: id})
	_, err := tx.Exec(ctx, `DELETE FROM workspaces WHERE id = $1`, id)
	return err
}

// RefuseFull is what guards are made of: it refuses while a table has rows of the
// workspace that fit the condition.
func RefuseFull(ctx context.Context, tx *sqldb.Tx, ws, noun, table, condition string) error {
	var full bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM `+table+` WHERE workspace_id = $1 AND `+condition+`)`, ws).Scan(&full)
	if err == nil && full {
		return atelier.Errorf(atelier.Precondition, "The workspace cannot be deleted: it still contains %s.", noun).
			WithHint("Remove them first, or delete it with everything in it.")
	}
	return err
}
