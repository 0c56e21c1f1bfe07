package access

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

const roleColumns = `name, description, actions, not_actions, idle, created_by, created_at, updated_at`

func scanRole(row interface{ Scan(...any) error }) (Role, error) {
	r := Role{Custom: true}
	var actions, notActions, idle string
	var createdAt, updatedAt int64
	if err := row.Scan(&r.Name, &r.Description, &actions, &notActions, &idle, &r.CreatedBy, &createdAt, &updatedAt); err != nil {
		return Role{}, err
	}
	created, updated := sqldb.Time(createdAt), sqldb.Time(updatedAt)
	r.CreatedAt, r.UpdatedAt = &created, &updated
	return r, errors.Join(sqldb.FromJSON(actions, &r.Actions), sqldb.FromJSON(notActions, &r.NotActions), sqldb.FromJSON(idle, &r.Idle))
}

// selectCustomRole finds a custom role by its folded name.
func selectCustomRole(ctx context.Context, tx *sqldb.Tx, workspaceID, folded string) (Role, error) {
	return scanRole(tx.QueryRow(ctx, `SELECT `+roleColumns+` FROM roles WHERE workspace_id = $1 AND folded = $2`, workspaceID, folded))
}

func selectCustomRoles(ctx context.Context, tx *sqldb.Tx, workspaceID string) ([]Role, error) {
	roles := []Role{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		r, err := scanRole(rows)
		roles = append(roles, r)
		return err
	}, `SELECT `+roleColumns+` FROM roles WHERE workspace_id = $1 ORDER BY folded`, workspaceID)
	return roles, err
}

func insertRole(ctx context.Context, tx *sqldb.Tx, workspaceID string, r Role) error {
	_, err := tx.Exec(ctx, `INSERT INTO roles (workspace_id, folded, `+roleColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		workspaceID, fold(r.Name), r.Name, r.Description, sqldb.JSON(r.Actions), sqldb.JSON(r.NotActions), sqldb.JSON(r.Idle),
		r.CreatedBy, sqldb.MicrosOrNil(r.CreatedAt), sqldb.MicrosOrNil(r.UpdatedAt))
	return err
}

func updateRole(ctx context.Context, tx *sqldb.Tx, workspaceID string, r Role) error {
	_, err := tx.Exec(ctx, `UPDATE roles SET description = $3, actions = $4, not_actions = $5, idle = $6, updated_at = $7
		WHERE workspace_id = $1 AND folded = $2`,
		workspaceID, fold(r.Name), r.Description, sqldb.JSON(r.Actions), sqldb.JSON(r.NotActions), sqldb.JSON(r.Idle), sqldb.MicrosOrNil(r.UpdatedAt))
	return err
}

func deleteRole(ctx context.Context, tx *sqldb.Tx, workspaceID, folded string) error {
	_, err := tx.Exec(ctx, `DELETE FROM roles WHERE workspace_id = $1 AND folded = $2`, workspaceID, folded)
	return err
}

// countAssignments counts who has the role.
func countAssignments(ctx context.Context, tx *sqldb.Tx, workspaceID, folded string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM role_assignments WHERE workspace_id = $1 AND role = $2`, workspaceID, folded).Scan(&n)
	return n, err
}

// lockWorkspace makes transactions about who may do what in a workspace wait for
// each other, on PostgreSQL too: what one found to be true stays so until it ends.
func lockWorkspace(ctx context.Context, tx *sqldb.Tx, workspaceID string) error {
	_, err := tx.Exec(ctx, `UPDATE workspaces SET updated_at = updated_at WHERE id = $1`, workspaceID)
	return err
}

// selectRolesOf returns the folded names of the roles that the user has in the
// workspace, also by way of teams.
func selectRolesOf(ctx context.Context, tx *sqldb.Tx, workspaceID, userID string) ([]string, error) {
	var names []string
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	}, `SELECT DISTINCT role FROM role_assignments WHERE workspace_id = $1 AND
		(user_id = $2 OR team_id IN (SELECT team_id FROM team_members WHERE user_id = $2)) ORDER BY role`, workspaceID, userID)
	return names, err
}

// selectWorkspacesOf returns the ids of the workspaces in which the user has a role.
func selectWorkspacesOf(ctx context.Context, tx *sqldb.Tx, userID string) ([]string, error) {
	var all []string
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var id string
		err := rows.Scan(&id)
		all = append(all, id)
		return err
	}, `SELECT DISTINCT workspace_id FROM role_assignments WHERE
		user_id = $1 OR team_id IN (SELECT team_id FROM team_members WHERE user_id = $1)`, userID)
	return all, err
}

// column is where an assignment keeps who it is for.
func (p principal) column() string {
	if p.kind == KindTeam {
		return "team_id"
	}
	return "user_id"
}

// selectAssigned returns the folded names of the roles that a principal itself was given.
func selectAssigned(ctx context.Context, tx *sqldb.Tx, workspaceID string, p principal) ([]string, error) {
	var names []string
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	}, `SELECT role FROM role_assignments WHERE workspace_id = $1 AND `+p.column()+` = $2 ORDER BY role`, workspaceID, p.id)
	return names, err
}

func insertAssignment(ctx context.Context, tx *sqldb.Tx, workspaceID string, p principal, folded string) error {
	actor, _ := atelier.ActorFrom(ctx)
	_, err := tx.Exec(ctx, `INSERT INTO role_assignments (workspace_id, `+p.column()+`, role, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, workspaceID, p.id, folded, actor.Name, sqldb.Micros(tx.Now()))
	return err
}

func deleteAssignment(ctx context.Context, tx *sqldb.Tx, workspaceID string, p principal, folded string) error {
	_, err := tx.Exec(ctx, `DELETE FROM role_assignments WHERE workspace_id = $1 AND `+p.column()+` = $2 AND role = $3`, workspaceID, p.id, folded)
	return err
}

// countWorkspaceOwners counts those by whom somebody who is not disabled is Owner.
func countWorkspaceOwners(ctx context.Context, tx *sqldb.Tx, workspaceID string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM role_assignments a WHERE a.workspace_id = $1 AND a.role = $2 AND (
		EXISTS (SELECT 1 FROM users u WHERE u.id = a.user_id AND u.disabled_at IS NULL) OR
		EXISTS (SELECT 1 FROM team_members m JOIN users u ON u.id = m.user_id WHERE m.team_id = a.team_id AND u.disabled_at IS NULL))`,
		workspaceID, fold(Owner)).Scan(&n)
	return n, err
}

// selectMembers lists all assignments of the workspace, with roles' proper names.
func selectMembers(ctx context.Context, tx *sqldb.Tx, workspaceID string) ([]Member, error) {
	members := []Member{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var m Member
		var createdAt int64
		var custom *string
		err := rows.Scan(&m.Member, &m.Kind, &m.Role, &custom, &m.CreatedBy, &createdAt)
		m.CreatedAt = sqldb.Time(createdAt)
		if builtIn, ok := builtInRole(m.Role); ok {
			m.Role = builtIn.Name
		} else if custom != nil {
			m.Role = *custom
		}
		members = append(members, m)
		return err
	}, `SELECT COALESCE(u.name, '`+teamPrefix+`' || t.name) AS member, COALESCE(u.kind, '`+KindTeam+`'), a.role, r.name, a.created_by, a.created_at
		FROM role_assignments a LEFT JOIN users u ON u.id = a.user_id LEFT JOIN teams t ON t.id = a.team_id
		LEFT JOIN roles r ON r.workspace_id = a.workspace_id AND r.folded = a.role
		WHERE a.workspace_id = $1 ORDER BY member, a.role`, workspaceID)
	return members, err
}
