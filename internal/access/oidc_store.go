package access

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

func insertAttempt(ctx context.Context, tx *sqldb.Tx, a attempt) error {
	_, err := tx.Exec(ctx, `INSERT INTO sign_ins (state_hash, browser_hash, nonce, verifier, return_to, loopback, challenge, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.stateHash, a.browserHash, a.nonce, a.verifier, a.ask.ReturnTo, a.ask.Loopback, a.ask.Challenge, sqldb.Micros(a.expiresAt))
	return err
}

func selectAttempt(ctx context.Context, tx *sqldb.Tx, stateHash string) (attempt, error) {
	a := attempt{stateHash: stateHash}
	var expiresAt int64
	err := tx.QueryRow(ctx, `SELECT browser_hash, nonce, verifier, return_to, loopback, challenge, expires_at FROM sign_ins WHERE state_hash = $1`, stateHash).
		Scan(&a.browserHash, &a.nonce, &a.verifier, &a.ask.ReturnTo, &a.ask.Loopback, &a.ask.Challenge, &expiresAt)
	a.expiresAt = sqldb.Time(expiresAt)
	return a, err
}

// deleteAttempt returns false when somebody else took it first.
func deleteAttempt(ctx context.Context, tx *sqldb.Tx, stateHash string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM sign_ins WHERE state_hash = $1`, stateHash)
	return n > 0, err
}

func deleteOldAttempts(ctx context.Context, tx *sqldb.Tx, now time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM sign_ins WHERE expires_at < $1`, sqldb.Micros(now))
	return err
}

// selectIdentity finds the user whom a provider knows by subject.
func selectIdentity(ctx context.Context, tx *sqldb.Tx, issuer, subject string) (User, error) {
	return scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM users WHERE id =
		(SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2)`, issuer, subject))
}

// hasIdentity reports whether the provider knows the user already, by some subject.
func hasIdentity(ctx context.Context, tx *sqldb.Tx, issuer, userID string) (known bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM identities WHERE issuer = $1 AND user_id = $2)`, issuer, userID).Scan(&known)
	return known, err
}

func insertIdentity(ctx context.Context, tx *sqldb.Tx, issuer, subject, userID string) error {
	_, err := tx.Exec(ctx, `INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4)`,
		issuer, subject, userID, sqldb.Micros(tx.Now()))
	return err
}

// selectGroupTeams returns, by id, the groups of the teams that are a provider's.
func selectGroupTeams(ctx context.Context, tx *sqldb.Tx) (map[string]string, error) {
	groups := map[string]string{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var id, group string
		err := rows.Scan(&id, &group)
		groups[id] = group
		return err
	}, `SELECT id, external_group FROM teams WHERE external_group <> ''`)
	return groups, err
}

func insertByGroup(ctx context.Context, tx *sqldb.Tx, teamID, userID string) error {
	_, err := tx.Exec(ctx, `INSERT INTO team_members (team_id, user_id, by_group, created_at) VALUES ($1, $2, 1, $3)
		ON CONFLICT (team_id, user_id) DO NOTHING`, teamID, userID, sqldb.Micros(tx.Now()))
	return err
}

// selectByGroup returns the ids of the teams in which the user is by a group.
func selectByGroup(ctx context.Context, tx *sqldb.Tx, userID string) ([]string, error) {
	var ids []string
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT team_id FROM team_members WHERE user_id = $1 AND by_group = 1`, userID)
	return ids, err
}
