package tracking

import (
	"context"
	"math"
	"time"

	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// before is a bound on a time, which a rule that is not set does not have.
func before(t time.Time) int64 {
	if t.IsZero() {
		return math.MaxInt64
	}
	return sqldb.Micros(t)
}

// purgeable are the conditions of a policy's rules on one run's row; $2 to $4
// are of purgeableArgs.
const purgeable = `(lifecycle_stage = 'deleted' AND deleted_at < $2 OR lifecycle_stage = 'active' AND $3 = 1)
	AND COALESCE(ended_at, started_at) < $4`

func purgeableArgs(ws string, p Purge) []any {
	active := int64(0)
	if p.IncludeActive {
		active = 1
	}
	return []any{ws, before(p.DeletedBefore), active, before(p.EndedBefore)}
}

// selectPurgeable returns the runs of an experiment, "" for all, that a policy's
// rules of stage and time choose.
func selectPurgeable(ctx context.Context, tx *sqldb.Tx, ws, experiment string, p Purge) (found []candidate, err error) {
	query := `SELECT id, name, lifecycle_stage, status FROM runs WHERE workspace_id = $1 AND ` + purgeable
	args := purgeableArgs(ws, p)
	if experiment != "" {
		query, args = query+` AND experiment_id = $5`, append(args, experiment)
	}
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		var c candidate
		err := rows.Scan(&c.id, &c.name, &c.stage, &c.status)
		found = append(found, c)
		return err
	}, query+` ORDER BY id`, args...)
	return found, err
}

// mayPurge reports whether the rules still choose a run.
func mayPurge(ctx context.Context, tx *sqldb.Tx, ws, run string, p Purge) (bool, error) {
	found, err := selectIDs(ctx, tx, `SELECT id FROM runs WHERE workspace_id = $1 AND id = $5 AND `+purgeable, append(purgeableArgs(ws, p), run)...)
	return len(found) > 0, err
}

// selectBest returns the best runs of an experiment. Of equals the younger is
// the better one, and what is not a number is never good.
func selectBest(ctx context.Context, tx *sqldb.Tx, ws, experiment string, best Best) ([]string, error) {
	order := "ASC"
	if best.Order == Max {
		order = "DESC"
	}
	return selectIDs(ctx, tx, `SELECT m.run_id FROM latest_metrics m JOIN runs r ON r.workspace_id = m.workspace_id AND r.id = m.run_id
		WHERE m.workspace_id = $1 AND m.experiment_id = $2 AND m.key = $3 AND NOT m.is_nan
		ORDER BY m.value `+order+`, r.started_at DESC, m.run_id LIMIT $4`, ws, experiment, best.Metric, best.Count)
}

// selectChildren returns the runs that have run as their parent. The index has the
// beginnings of tags' values.
func selectChildren(ctx context.Context, tx *sqldb.Tx, ws, run string) ([]string, error) {
	return selectIDs(ctx, tx, `SELECT run_id FROM run_tags WHERE workspace_id = $1 AND key = 'mlflow.parentRunId'
		AND SUBSTR(value, 1, 100) = SUBSTR($2, 1, 100) AND value = $2 AND run_id <> $2`, ws, run)
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
	rowChanged(tx, ws, run)
	if err := series.Remove(ctx, tx, ws, run); err != nil {
		return err
	}
	if _, err := deleteArtifacts(ctx, tx, ws, Owner{RunArtifact, run}, ""); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM logged_model_metrics WHERE workspace_id = $1 AND run_id = $2`,
		`DELETE FROM run_models WHERE workspace_id = $1 AND run_id = $2`,
		// Datasets that no other run of the experiment read.
		`DELETE FROM datasets WHERE workspace_id = $1 AND (experiment_id, name, digest) IN (
			SELECT d.experiment_id, d.name, d.digest FROM run_datasets d WHERE d.workspace_id = $1 AND d.run_id = $2 AND NOT EXISTS (
				SELECT 1 FROM run_datasets o WHERE o.workspace_id = $1 AND o.experiment_id = d.experiment_id
					AND o.name = d.name AND o.digest = d.digest AND o.run_id <> $2))`,
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

// selectPurgeableExperiments returns the experiments that were deleted before a
// time and not restored: nothing else changes one that is deleted.
func selectPurgeableExperiments(ctx context.Context, tx *sqldb.Tx, ws string, before time.Time) (found []Experiment, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		e, err := scanExperiment(rows.Scan)
		found = append(found, e)
		return err
	}, `SELECT `+experimentColumns+` FROM experiments e
		WHERE workspace_id = $1 AND lifecycle_stage = 'deleted' AND updated_at < $2 ORDER BY e.created_at, e.id`, ws, sqldb.Micros(before))
	return found, err
}

// selectHoldsOf returns what still belongs to an experiment: runs, and logged
// models that no run made or that other runs read.
func selectHoldsOf(ctx context.Context, tx *sqldb.Tx, ws, id string) (runs []string, models []string, err error) {
	if runs, err = selectIDs(ctx, tx, `SELECT id FROM runs WHERE workspace_id = $1 AND experiment_id = $2 ORDER BY id`, ws, id); err != nil {
		return nil, nil, err
	}
	models, err = selectIDs(ctx, tx, `SELECT id FROM logged_models WHERE workspace_id = $1 AND experiment_id = $2 ORDER BY id`, ws, id)
	return runs, models, err
}

// selectReaders returns the runs that read or made a logged model.
func selectReaders(ctx context.Context, tx *sqldb.Tx, ws, model string) ([]string, error) {
	return selectIDs(ctx, tx, `SELECT run_id FROM run_models WHERE workspace_id = $1 AND model_id = $2 ORDER BY run_id`, ws, model)
}

// purgeExperiment removes an experiment that nothing belongs to any more.
func purgeExperiment(ctx context.Context, tx *sqldb.Tx, ws, id string) error {
	for _, statement := range []string{
		`DELETE FROM datasets WHERE workspace_id = $1 AND experiment_id = $2`,
		`DELETE FROM experiment_tags WHERE workspace_id = $1 AND experiment_id = $2`,
		`DELETE FROM storage_summaries WHERE workspace_id = $1 AND experiment_id = $2`,
		`DELETE FROM experiments WHERE workspace_id = $1 AND id = $2`,
	} {
		if _, err := tx.Exec(ctx, statement, ws, id); err != nil {
			return err
		}
	}
	return nil
}
