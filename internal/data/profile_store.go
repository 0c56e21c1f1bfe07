package data

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier/internal/data/profile"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// insertProfile asks for a profile, unless somebody has.
func insertProfile(ctx context.Context, tx *sqldb.Tx, ws string, v Version) error {
	_, err := tx.Exec(ctx, `INSERT INTO data_profiles (workspace_id, key, name, version, status, error, profile, asked_at)
		VALUES ($1, $2, $3, $4, $5, '', '', $6) ON CONFLICT (workspace_id, key) DO NOTHING`,
		ws, v.profileKey(), v.Name, v.Version, string(ProfileQueued), sqldb.Micros(tx.Now()))
	return err
}

func selectProfile(ctx context.Context, tx *sqldb.Tx, ws, key string) (ProfileState, error) {
	var state ProfileState
	var text string
	var asked int64
	var done *int64
	err := tx.QueryRow(ctx, `SELECT status, error, profile, asked_at, done_at FROM data_profiles WHERE workspace_id = $1 AND key = $2`, ws, key).
		Scan(&state.Status, &state.Error, &text, &asked, &done)
	state.AskedAt, state.DoneAt = sqldb.Time(asked), sqldb.TimeOrNil(done)
	if err != nil || text == "" {
		return state, err
	}
	state.Profile = &profile.Profile{}
	return state, sqldb.FromJSON(text, state.Profile)
}

// selectWaitingProfile returns the profile that was asked for first, nil for none.
func selectWaitingProfile(ctx context.Context, tx *sqldb.Tx) (*waitingProfile, error) {
	var w waitingProfile
	err := tx.QueryRow(ctx, `SELECT workspace_id, key, name, version FROM data_profiles WHERE status = $1 ORDER BY asked_at LIMIT 1`, string(ProfileQueued)).
		Scan(&w.workspace, &w.key, &w.name, &w.version)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, nil
	}
	return &w, err
}

func updateProfile(ctx context.Context, tx *sqldb.Tx, w waitingProfile, state ProfileState) error {
	text := ""
	if state.Profile != nil {
		text = sqldb.JSON(state.Profile)
	}
	_, err := tx.Exec(ctx, `UPDATE data_profiles SET status = $3, error = $4, profile = $5, done_at = $6 WHERE workspace_id = $1 AND key = $2`,
		w.workspace, w.key, string(state.Status), state.Error, text, sqldb.Micros(tx.Now()))
	return err
}
