package tracking

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// selectPurgeable returns at most limit runs after an id, in order, that were
// deleted before a time and not restored.
func selectPurgeable(ctx context.Context, tx *sqldb.Tx, ws string, before time.Time, after string, limit int) ([]string, error) {
	return selectIDs(ctx, tx, `SELECT id FROM runs
		WHERE workspace_id = $1 AND lifecycle_stage = 'deleted' AND deleted_at < $2 AND id > $3
		ORDER BY id LIMIT $4`, ws, sqldb.Micros(before), after, limit)
}

// mayPurge reports whether the run is still deleted, and was before the time.
func mayPurge(ctx context.Context, tx *sqldb.Tx, ws, run string, before time.Time) (bool, error) {
	found, err := selectIDs(ctx, tx, `SELECT id FROM runs
		WHERE workspace_id = $1 AND id = $2 AND lifecycle_stage = 'deleted' AND deleted_at < $3`, ws, run, sqldb.Micros(before))
	return len(found) > 0, err
}

// selectPurgeableModels returns logged models that were deleted before a time.
func selectPurgeableModels(ctx context.Context, tx *sqldb.Tx, ws string, before time.Time) ([]string, error) {
	return selectIDs(ctx, tx, `SELECT id FROM logged_models WHERE workspace_id = $1 AND is_deleted AND updated_at < $2`,
		ws, sqldb.Micros(before))
}

// selectOwnModels returns the logged models that a run made and no other run
// read or made.
func selectOwnModels(ctx context.Context, tx *sqldb.Tx, ws, run string) ([]string, error) {
	return selectIDs(ctx, tx, `SELECT m.id FROM logged_models m
		WHERE m.workspace_id = $1 AND m.source_run_id = $2 AND NOT EXISTS (
			SELECT 1 FROM run_models l WHERE l.workspace_id = m.workspace_id AND l.model_id = m.id AND l.run_id <> $2)`, ws, run)
}

func selectIDs(ctx context.Context, tx *sqldb.Tx, query string, args ...any) (ids []string, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, query, args...)
	return ids, err
}

// purgeRun removes a run and all that it logged.
func purgeRun(ctx context.Context, tx *sqldb.Tx, ws, run string) error {
	runChanged(tx, ws, run)
	if err := series.Remove(ctx, tx, ws, run); err != nil {
		return err
	}
	if _, err := deleteArtifacts(ctx, tx, ws, Owner{RunArtifact, run}, ""); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM logged_model_metrics WHERE workspace_id = $1 AND run_id = $2`,
		`DELETE FROM run_models WHERE workspace_id = $1 AND run_id = $2`,
		`DELETE FROM run_datasets WHERE workspace_id = $1 AND run_id = $2`,
		`DELETE FROM run_params WHERE workspace_id = $1 AND run_id = $2`,
		`DELETE FROM run_tags WHERE workspace_id = $1 AND run_id = $2`,
		`DELETE FROM runs WHERE workspace_id = $1 AND id = $2`,
	} {
		if _, err := tx.Exec(ctx, statement, ws, run); err != nil {
			return err
		}
	}
	return nil
}

// purgeLoggedModel removes a logged model and its files.
func purgeLoggedModel(ctx context.Context, tx *sqldb.Tx, ws, id string) error {
	runsChanged(tx, ws) // those that are linked to it
	if _, err := deleteArtifacts(ctx, tx, ws, Owner{LoggedModelArtifact, id}, ""); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM logged_model_metrics WHERE workspace_id = $1 AND model_id = $2`,
		`DELETE FROM logged_model_params WHERE workspace_id = $1 AND model_id = $2`,
		`DELETE FROM logged_model_tags WHERE workspace_id = $1 AND model_id = $2`,
		`DELETE FROM run_models WHERE workspace_id = $1 AND model_id = $2`,
		`DELETE FROM logged_models WHERE workspace_id = $1 AND id = $2`,
	} {
		if _, err := tx.Exec(ctx, statement, ws, id); err != nil {
			return err
		}
	}
	return nil
}
