package access

import (
	"context"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

const teamColumns = `t.id, t.name, t.description, t.external_group, t.created_by, t.created_at,
	(SELECT COUNT(*) FROM team_members m WHERE m.team_id = t.id)`

func scanTeam(row interface{ Scan(...any) error }) (Team, error) {
	var t Team
	var createdAt int64
	err := row.Scan(&t.ID, &t.Name, &t.Description, &t.Group, &t.CreatedBy, &createdAt, &t.Size)
	t.CreatedAt = sqldb.Time(createdAt)
	return t, err
}

func selectTeam(ctx context.Context, tx *sqldb.Tx, name string) (Team, error) {
	return scanTeam(tx.QueryRow(ctx, `SELECT `+teamColumns+` FROM teams t WHERE t.name = $1`, name))
}

func selectTeams(ctx context.Context, tx *sqldb.Tx) ([]Team, error) {
	teams := []Team{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		t, err := scanTeam(rows)
		teams = append(teams, t)
		return err
	}, `SELECT `+teamColumns+` FROM teams t ORDER BY t.name`)
	return teams, err
}

func insertTeam(ctx context.Context, tx *sqldb.Tx, t Team) error {
	_, err := tx.Exec(ctx, `INSERT INTO teams (id, name, description, external_group, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.ID, t.Name, t.Description, t.Group, t.CreatedBy, sqldb.Micros(t.CreatedAt))
	return err
}

func updateTeam(ctx context.Context, tx *sqldb.Tx, t Team) error {
	_, err := tx.Exec(ctx, `UPDATE teams SET description = $2, external_group = $3 WHERE id = $1`, t.ID, t.Description, t.Group)
	return err
}

func deleteTeam(ctx context.Context, tx *sqldb.Tx, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM teams WHERE id = $1`, id)
	return err
}

func selectTeamMembers(ctx context.Context, tx *sqldb.Tx, id string) ([]TeamMember, error) {
	members := []TeamMember{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var m TeamMember
		var byGroup, createdAt int64
		err := rows.Scan(&m.User, &m.Kind, &byGroup, &createdAt)
		m.ByGroup, m.CreatedAt = byGroup != 0, sqldb.Time(createdAt)
		members = append(members, m)
		return err
	}, `SELECT u.name, u.kind, m.by_group, m.created_at FROM team_members m JOIN users u ON u.id = m.user_id
		WHERE m.team_id = $1 ORDER BY u.name`, id)
	return members, err
}

func upsertTeamMember(ctx context.Context, tx *sqldb.Tx, teamID, userID string) error {
	_, err := tx.Exec(ctx, `INSERT INTO team_members (team_id, user_id, by_group, created_at) VALUES ($1, $2, 0, $3)
		ON CONFLICT (team_id, user_id) DO UPDATE SET by_group = 0`, teamID, userID, sqldb.Micros(tx.Now()))
	return err
}

func deleteTeamMember(ctx context.Context, tx *sqldb.Tx, teamID, userID string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM team_members WHERE team_id = $1 AND user_id = $2`, teamID, userID)
	return n > 0, err
}
