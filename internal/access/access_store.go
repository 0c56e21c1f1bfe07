package access

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

func insertUser(ctx context.Context, tx *sqldb.Tx, u User) error {
	_, err := tx.Exec(ctx, `INSERT INTO users (id, name, server_role, created_at) VALUES ($1, $2, $3, $4)`,
		u.ID, u.Name, u.ServerRole, sqldb.Micros(u.CreatedAt))
	return err
}

func selectUser(ctx context.Context, tx *sqldb.Tx, name string) (User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT id, name, server_role, created_at FROM users WHERE name = $1`, name))
}

func selectUserByID(ctx context.Context, tx *sqldb.Tx, id string) (User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT id, name, server_role, created_at FROM users WHERE id = $1`, id))
}

func selectFirstOwner(ctx context.Context, tx *sqldb.Tx) (User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT id, name, server_role, created_at FROM users
		WHERE server_role = $1 ORDER BY created_at, id LIMIT 1`, ServerOwner))
}

func scanUser(row *sqldb.Row) (User, error) {
	var u User
	var createdAt int64
	err := row.Scan(&u.ID, &u.Name, &u.ServerRole, &createdAt)
	u.CreatedAt = sqldb.Time(createdAt)
	return u, err
}

func selectUsers(ctx context.Context, tx *sqldb.Tx) ([]User, error) {
	users := []User{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var u User
		var createdAt int64
		err := rows.Scan(&u.ID, &u.Name, &u.ServerRole, &createdAt)
		u.CreatedAt = sqldb.Time(createdAt)
		users = append(users, u)
		return err
	}, `SELECT id, name, server_role, created_at FROM users ORDER BY name`)
	return users, err
}

func insertCredential(ctx context.Context, tx *sqldb.Tx, c credential) error {
	_, err := tx.Exec(ctx, `INSERT INTO credentials
		(id, secret_hash, kind, user_id, description, workspace_id, task, task_kind, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		c.id, c.secretHash, c.kind, c.userID, c.description, c.workspaceID, c.task, c.taskKind,
		sqldb.Micros(c.createdAt), sqldb.Micros(c.expiresAt))
	return err
}

// selectCredential finds what a secret's hash stands for, with its user.
func selectCredential(ctx context.Context, tx *sqldb.Tx, secretHash string) (credential, User, error) {
	var c credential
	var u User
	var expiresAt, userSince int64
	var usedAt *int64
	err := tx.QueryRow(ctx, `SELECT c.id, c.kind, c.user_id, c.workspace_id, c.task, c.task_kind, c.expires_at, c.used_at,
			u.id, u.name, u.server_role, u.created_at
		FROM credentials c JOIN users u ON u.id = c.user_id WHERE c.secret_hash = $1`, secretHash).
		Scan(&c.id, &c.kind, &c.userID, &c.workspaceID, &c.task, &c.taskKind, &expiresAt, &usedAt,
			&u.ID, &u.Name, &u.ServerRole, &userSince)
	c.expiresAt, c.usedAt, u.CreatedAt = sqldb.Time(expiresAt), sqldb.TimeOrNil(usedAt), sqldb.Time(userSince)
	return c, u, err
}

func touchCredential(ctx context.Context, tx *sqldb.Tx, id string) error {
	_, err := tx.Exec(ctx, `UPDATE credentials SET used_at = $2 WHERE id = $1`, id, sqldb.Micros(tx.Now()))
	return err
}

func selectTokens(ctx context.Context, tx *sqldb.Tx, userID string) ([]Token, error) {
	tokens := []Token{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var t Token
		var createdAt, expiresAt int64
		var usedAt *int64
		err := rows.Scan(&t.ID, &t.Description, &createdAt, &expiresAt, &usedAt)
		t.CreatedAt, t.ExpiresAt, t.UsedAt = sqldb.Time(createdAt), sqldb.Time(expiresAt), sqldb.TimeOrNil(usedAt)
		tokens = append(tokens, t)
		return err
	}, `SELECT id, description, created_at, expires_at, used_at FROM credentials
		WHERE user_id = $1 AND kind = $2 ORDER BY created_at DESC, id DESC`, userID, kindToken)
	return tokens, err
}

func deleteToken(ctx context.Context, tx *sqldb.Tx, userID, id string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM credentials WHERE user_id = $1 AND id = $2 AND kind = $3`, userID, id, kindToken)
	return n > 0, err
}

func deleteCredential(ctx context.Context, tx *sqldb.Tx, secretHash string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM credentials WHERE secret_hash = $1`, secretHash)
	return n > 0, err
}

func deleteTaskCredentials(ctx context.Context, tx *sqldb.Tx, workspaceID, task string) error {
	_, err := tx.Exec(ctx, `DELETE FROM credentials WHERE workspace_id = $1 AND task = $2`, workspaceID, task)
	return err
}

func deleteExpired(ctx context.Context, tx *sqldb.Tx, now time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM credentials WHERE expires_at < $1`, sqldb.Micros(now))
	return err
}

// selectRole returns the user's role in the workspace, "" for none.
func selectRole(ctx context.Context, tx *sqldb.Tx, workspaceID, userID string) (string, error) {
	var role string
	err := tx.QueryRow(ctx, `SELECT role FROM members WHERE workspace_id = $1 AND user_id = $2`, workspaceID, userID).Scan(&role)
	if errors.Is(err, sqldb.ErrNoRows) {
		return "", nil
	}
	return role, err
}

func upsertMember(ctx context.Context, tx *sqldb.Tx, workspaceID, userID, role string) error {
	_, err := tx.Exec(ctx, `INSERT INTO members (workspace_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace_id, user_id) DO UPDATE SET role = excluded.role`,
		workspaceID, userID, role, sqldb.Micros(tx.Now()))
	return err
}

func deleteMember(ctx context.Context, tx *sqldb.Tx, workspaceID, userID string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM members WHERE workspace_id = $1 AND user_id = $2`, workspaceID, userID)
	return n > 0, err
}

func selectMembers(ctx context.Context, tx *sqldb.Tx, workspaceID string) ([]Member, error) {
	members := []Member{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var m Member
		var createdAt int64
		err := rows.Scan(&m.User, &m.Role, &createdAt)
		m.CreatedAt = sqldb.Time(createdAt)
		members = append(members, m)
		return err
	}, `SELECT u.name, m.role, m.created_at FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.workspace_id = $1 ORDER BY u.name`, workspaceID)
	return members, err
}

// selectRoles returns the user's role in every workspace, by workspace id.
func selectRoles(ctx context.Context, tx *sqldb.Tx, userID string) (map[string]string, error) {
	roles := map[string]string{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var workspaceID, role string
		err := rows.Scan(&workspaceID, &role)
		roles[workspaceID] = role
		return err
	}, `SELECT workspace_id, role FROM members WHERE user_id = $1`, userID)
	return roles, err
}
