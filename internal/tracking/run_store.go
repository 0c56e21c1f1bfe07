package tracking

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// CreateRun makes a run in the caller's transaction. The caller publishes the
// news after its commit.
func CreateRun(ctx context.Context, tx *sqldb.Tx, ws string, n NewRun) (Run, error) {
	if err := EnsureWorkspace(ctx, tx, ws); err != nil {
		return Run{}, err
	}
	experiment, err := experimentOf(ctx, tx, ws, n)
	if err != nil {
		return Run{}, err
	}
	run, err := n.run(tx.Now(), experiment)
	if err != nil {
		return Run{}, err
	}
	if err := insertRun(ctx, tx, ws, run); err != nil {
		if sqldb.IsDuplicate(err) {
			return Run{}, atelier.Errorf(atelier.Conflict, "There is a run with the id %q already.", run.ID)
		}
		return Run{}, err
	}
	return run, setRunTags(ctx, tx, ws, run.ID, pairsOf(run.Tags))
}

func experimentOf(ctx context.Context, tx *sqldb.Tx, ws string, n NewRun) (Experiment, error) {
	var experiment Experiment
	var err error
	switch {
	case n.ExperimentID != "":
		experiment, err = selectExperiment(ctx, tx, ws, n.ExperimentID)
	case n.Experiment != "":
		experiment, err = selectExperimentByName(ctx, tx, ws, n.Experiment)
		if atelier.CodeOf(err) == atelier.NotFound {
			return CreateExperiment(ctx, tx, ws, NewExperiment{Name: n.Experiment})
		}
	default:
		experiment, err = selectExperiment(ctx, tx, ws, DefaultExperimentID)
	}
	if err == nil && experiment.LifecycleStage != Active {
		err = atelier.Errorf(atelier.Precondition, "The experiment %s must be in the 'active' state. Current state is deleted.", experiment.ID).
			WithHint("Restore it, or choose another experiment.")
	}
	return experiment, err
}

func insertRun(ctx context.Context, tx *sqldb.Tx, ws string, r Run) error {
	rowChanged(tx, ws, r.ID)
	_, err := tx.Exec(ctx, `INSERT INTO runs (workspace_id, id, experiment_id, name, status, lifecycle_stage,
		user_name, claimed_user, artifact_uri, is_job, owner_job, started_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		ws, r.ID, r.ExperimentID, r.Name, string(r.Status), r.LifecycleStage,
		r.User, r.ClaimedUser, r.ArtifactURI, r.Job, r.OwnerJob, sqldb.Micros(r.StartedAt), sqldb.MicrosOrNil(r.EndedAt))
	return err
}

// runColumns leave out the experiment's name, which loadExperimentNames looks up
// once for many runs.
const runColumns = `r.id, r.experiment_id, r.name, r.status, r.lifecycle_stage, r.user_name,
	r.claimed_user, r.artifact_uri, r.is_job, r.owner_job, r.started_at, r.ended_at`

func scanRun(scan func(...any) error, after ...any) (Run, error) {
	r := emptyRun()
	var started int64
	var ended *int64
	err := scan(append([]any{&r.ID, &r.ExperimentID, &r.Name, &r.Status, &r.LifecycleStage, &r.User,
		&r.ClaimedUser, &r.ArtifactURI, &r.Job, &r.OwnerJob, &started, &ended}, after...)...)
	r.StartedAt, r.EndedAt = sqldb.Time(started), sqldb.TimeOrNil(ended)
	return r, err
}

// selectRun finds a run, deleted or not, without what it logged.
func selectRun(ctx context.Context, tx *sqldb.Tx, ws, id string) (Run, error) {
	row := tx.QueryRow(ctx, `SELECT `+runColumns+`, e.name FROM runs r
		JOIN experiments e ON e.workspace_id = r.workspace_id AND e.id = r.experiment_id
		WHERE r.workspace_id = $1 AND r.id = $2`, ws, id)
	var experiment string
	run, err := scanRun(row.Scan, &experiment)
	run.ExperimentName = experiment
	if errors.Is(err, sqldb.ErrNoRows) {
		return run, runNotFound(id)
	}
	return run, err
}

// selectRunToWrite finds of a run what a change of it needs to know, without the
// rest: every point that is logged asks for it.
func selectRunToWrite(ctx context.Context, tx *sqldb.Tx, ws, id string) (Run, error) {
	run := Run{ID: id}
	var started int64
	var ended *int64
	err := tx.QueryRow(ctx, `SELECT experiment_id, name, status, lifecycle_stage, owner_job, started_at, ended_at
		FROM runs WHERE workspace_id = $1 AND id = $2`, ws, id).
		Scan(&run.ExperimentID, &run.Name, &run.Status, &run.LifecycleStage, &run.OwnerJob, &started, &ended)
	run.StartedAt, run.EndedAt = sqldb.Time(started), sqldb.TimeOrNil(ended)
	if errors.Is(err, sqldb.ErrNoRows) {
		return run, runNotFound(id)
	}
	return run, err
}

func runNotFound(id string) error {
	return atelier.Errorf(atelier.NotFound, "Run with id=%s not found.", atelier.Clip(id, 80)).
		WithHint("List the runs with `atelier run list`.")
}

func updateRun(ctx context.Context, tx *sqldb.Tx, ws string, r Run) error {
	rowChanged(tx, ws, r.ID)
	_, err := tx.Exec(ctx, `UPDATE runs SET name = $3, status = $4, started_at = $5, ended_at = $6
		WHERE workspace_id = $1 AND id = $2`,
		ws, r.ID, r.Name, string(r.Status), sqldb.Micros(r.StartedAt), sqldb.MicrosOrNil(r.EndedAt))
	return err
}

// SetRunStatus moves a run in the caller's transaction: the first RUNNING sets
// when it started, an end when it ended. The caller publishes the news.
func SetRunStatus(ctx context.Context, tx *sqldb.Tx, ws, id string, status RunStatus, at time.Time) error {
	run, err := selectRun(ctx, tx, ws, id)
	if err != nil {
		return err
	}
	if status == Running && run.Status == Scheduled {
		run.StartedAt = at
	}
	run.Status, run.EndedAt = status, nil
	if status.Ended() {
		run.EndedAt = &at
	}
	return updateRun(ctx, tx, ws, run)
}

func updateRunStage(ctx context.Context, tx *sqldb.Tx, ws, id, stage string) error {
	rowChanged(tx, ws, id)
	_, err := tx.Exec(ctx, `UPDATE runs SET lifecycle_stage = $3, deleted_at = $4
		WHERE workspace_id = $1 AND id = $2 AND lifecycle_stage <> $3`, ws, id, stage, deletedAt(tx, stage))
	return err
}

// deletedAt is when what is moved to stage was deleted: now, or nil.
func deletedAt(tx *sqldb.Tx, stage string) any {
	if stage != Deleted {
		return nil
	}
	return sqldb.Micros(tx.Now())
}

func setRunTags(ctx context.Context, tx *sqldb.Tx, ws, run string, tags []Pair) error {
	runChanged(tx, ws, run)
	return tx.ExecEach(ctx, `INSERT INTO run_tags (workspace_id, run_id, key, value) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace_id, run_id, key) DO UPDATE SET value = excluded.value`, pairRows(ws, run, tags))
}

func deleteRunTag(ctx context.Context, tx *sqldb.Tx, ws, run, key string) (int64, error) {
	runChanged(tx, ws, run)
	return tx.Exec(ctx, `DELETE FROM run_tags WHERE workspace_id = $1 AND run_id = $2 AND key = $3`, ws, run, key)
}

func selectRunTag(ctx context.Context, tx *sqldb.Tx, ws, run, key string) (string, error) {
	var value string
	err := tx.QueryRow(ctx, `SELECT value FROM run_tags WHERE workspace_id = $1 AND run_id = $2 AND key = $3`, ws, run, key).Scan(&value)
	if errors.Is(err, sqldb.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// insertParams stores params that are not there yet. It returns the values that
// are there instead, for those that were logged before.
func insertParams(ctx context.Context, tx *sqldb.Tx, ws, run string, params []Pair) (map[string]string, error) {
	runChanged(tx, ws, run)
	err := tx.ExecEach(ctx, `INSERT INTO run_params (workspace_id, run_id, key, value) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, pairRows(ws, run, params))
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(params))
	for i, param := range params {
		keys[i] = param.Key
	}
	stored := map[string]string{}
	return stored, inChunks(keys, func(marks string, args []any) error {
		query := `SELECT key, value FROM run_params WHERE workspace_id = $1 AND key IN (` + marks + `) AND run_id = ` + mark(len(args)+2)
		return tx.Query(ctx, func(rows *sqldb.Rows) error {
			var key, value string
			err := rows.Scan(&key, &value)
			stored[key] = value
			return err
		}, query, append(append([]any{ws}, args...), run)...)
	})
}
