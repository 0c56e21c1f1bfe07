package access

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

const userColumns = `id, name, kind, description, email, server_role, disabled_at, created_at`

func insertUser(ctx context.Context, tx *sqldb.Tx, u User) error {
	_, err := tx.Exec(ctx, `INSERT INTO users (`+userColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		u.ID, u.Name, u.Kind, u.Description, u.Email, u.ServerRole, sqldb.MicrosOrNil(u.DisabledAt), sqldb.Micros(u.CreatedAt))
	return err
}

func updateUser(ctx context.Context, tx *sqldb.Tx, u User) error {
	_, err := tx.Exec(ctx, `UPDATE users SET description = $2, email = $3, server_role = $4, disabled_at = $5 WHERE id = $1`,
		u.ID, u.Description, u.Email, u.ServerRole, sqldb.MicrosOrNil(u.DisabledAt))
	return err
}

func selectUser(ctx context.Context, tx *sqldb.Tx, name string) (User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM users WHERE name = $1`, name))
}

func selectUserByID(ctx context.Context, tx *sqldb.Tx, id string) (User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM users WHERE id = $1`, id))
}

// selectUserByEmail finds the person with the mail address, whatever its case.
func selectUserByEmail(ctx context.Context, tx *sqldb.Tx, email string) (User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM users WHERE LOWER(email) = LOWER($1)`, email))
}

func selectFirstOwner(ctx context.Context, tx *sqldb.Tx) (User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM users
		WHERE server_role = $1 AND disabled_at IS NULL ORDER BY created_at, id LIMIT 1`, ServerOwner))
}

// countOwners counts the owners of the server who are not disabled.
func countOwners(ctx context.Context, tx *sqldb.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM users WHERE server_role = $1 AND disabled_at IS NULL`, ServerOwner).Scan(&n)
	return n, err
}

func scanUser(row interface{ Scan(...any) error }) (User, error) {
	var u User
	var disabledAt *int64
	var createdAt int64
	err := row.Scan(&u.ID, &u.Name, &u.Kind, &u.Description, &u.Email, &u.ServerRole, &disabledAt, &createdAt)
	u.DisabledAt, u.CreatedAt = sqldb.TimeOrNil(disabledAt), sqldb.Time(createdAt)
	return u, err
}

func selectUsers(ctx context.Context, tx *sqldb.Tx, kind string) ([]User, error) {
	users := []User{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		u, err := scanUser(rows)
		users = append(users, u)
		return err
	}, `SELECT `+userColumns+` FROM users WHERE kind = $1 ORDER BY name`, kind)
	return users, err
}

func deleteUser(ctx context.Context, tx *sqldb.Tx, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM users WHERE id = $1`, id)
	return err
}

func insertCredential(ctx context.Context, tx *sqldb.Tx, c credential) error {
	if c.actions == nil {
		c.actions = []string{}
	}
	_, err := tx.Exec(ctx, `INSERT INTO credentials
		(id, secret_hash, kind, user_id, description, workspace_id, task, task_kind, created_at, expires_at, parent_id, actions)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		c.id, c.secretHash, c.kind, c.userID, c.description, c.workspaceID, c.task, c.taskKind,
		sqldb.Micros(c.createdAt), sqldb.Micros(c.expiresAt), c.parentID, sqldb.JSON(c.actions))
	return err
}

// selectCredential finds what a secret's hash stands for, with its user.
func selectCredential(ctx context.Context, tx *sqldb.Tx, secretHash string) (credential, User, error) {
	var c credential
	var u User
	var expiresAt, userSince int64
	var usedAt, disabledAt *int64
	var actions string
	err := tx.QueryRow(ctx, `SELECT c.id, c.kind, c.user_id, c.workspace_id, c.task, c.task_kind, c.expires_at, c.used_at, c.actions, c.description,
			u.id, u.name, u.kind, u.description, u.email, u.server_role, u.disabled_at, u.created_at
		FROM credentials c JOIN users u ON u.id = c.user_id WHERE c.secret_hash = $1`, secretHash).
		Scan(&c.id, &c.kind, &c.userID, &c.workspaceID, &c.task, &c.taskKind, &expiresAt, &usedAt, &actions, &c.description,
			&u.ID, &u.Name, &u.Kind, &u.Description, &u.Email, &u.ServerRole, &disabledAt, &userSince)
	if err != nil {
		return c, u, err
	}
	c.expiresAt, c.usedAt = sqldb.Time(expiresAt), sqldb.TimeOrNil(usedAt)
	u.DisabledAt, u.CreatedAt = sqldb.TimeOrNil(disabledAt), sqldb.Time(userSince)
	return c, u, sqldb.FromJSON(actions, &c.actions)
}

func touchCredential(ctx context.Context, tx *sqldb.Tx, id string) error {
	_, err := tx.Exec(ctx, `UPDATE credentials SET used_at = $2 WHERE id = $1`, id, sqldb.Micros(tx.Now()))
	return err
}

// selectTokens lists the user's credentials of a kind, newest first.
func selectTokens(ctx context.Context, tx *sqldb.Tx, userID, kind string) ([]Token, error) {
	tokens := []Token{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var t Token
		var createdAt, expiresAt int64
		var usedAt *int64
		var workspace *string
		var actions string
		if err := rows.Scan(&t.ID, &t.Description, &createdAt, &expiresAt, &usedAt, &workspace, &actions); err != nil {
			return err
		}
		t.CreatedAt, t.ExpiresAt, t.UsedAt = sqldb.Time(createdAt), sqldb.Time(expiresAt), sqldb.TimeOrNil(usedAt)
		if workspace != nil {
			t.Workspace = *workspace
		}
		err := sqldb.FromJSON(actions, &t.Actions)
		tokens = append(tokens, t)
		return err
	}, `SELECT c.id, c.description, c.created_at, c.expires_at, c.used_at, w.name, c.actions
		FROM credentials c LEFT JOIN workspaces w ON w.id = c.workspace_id
		WHERE c.user_id = $1 AND c.kind = $2 ORDER BY c.created_at DESC, c.id DESC`, userID, kind)
	return tokens, err
}

func deleteToken(ctx context.Context, tx *sqldb.Tx, userID, kind, id string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM credentials WHERE user_id = $1 AND id = $2 AND kind = $3`, userID, id, kind)
	return n > 0, err
}

// deleteSignIns ends the user's sessions, links and whatever else is no task's.
func deleteSignIns(ctx context.Context, tx *sqldb.Tx, userID string) error {
	_, err := tx.Exec(ctx, `DELETE FROM credentials WHERE user_id = $1 AND kind IN ($2, $3, $4, $5)`, userID, kindSession, kindLink, kindAccess, kindGrant)
	return err
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

// countTasks counts the tasks that run for the user.
func countTasks(ctx context.Context, tx *sqldb.Tx, userID string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM credentials WHERE user_id = $1 AND kind = $2 AND expires_at > $3`,
		userID, kindTask, sqldb.Micros(tx.Now())).Scan(&n)
	return n, err
}
