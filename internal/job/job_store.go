package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

const jobColumns = `workspace_id, name, experiment_name, spec, task, cpus, status, phase, error, notices, created_by, user_id,
	created_at, started_at, ended_at, exit_code, usage, environment_info, runner, handle, token_at, last_record, version,
	memory, gpus, priority, compute, gpu_indexes, ranks, batch_endpoint, batch_deployment, progress`

func insertJob(ctx context.Context, tx *sqldb.Tx, j Job) error {
	_, err := tx.Exec(ctx, `INSERT INTO jobs (`+jobColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)`,
		j.workspace, j.Name, j.ExperimentName, sqldb.JSON(j.Spec), sqldb.JSON(j.task), j.asks.cpus, string(j.Status), string(j.phase),
		jsonOrNil(j.Error), sqldb.JSON(j.Notices), j.CreatedBy, j.userID, sqldb.Micros(j.CreatedAt), sqldb.MicrosOrNil(j.StartedAt),
		sqldb.MicrosOrNil(j.EndedAt), j.ExitCode, jsonOrNil(j.Usage), jsonOrNil(j.EnvironmentInfo), jsonOrNil(j.Runner),
		string(j.handle), sqldb.Micros(j.tokenAt), j.lastRecord, j.version,
		j.asks.memory, j.asks.gpus, j.priority, j.pool, indexes(j.GPUs), ranksOrNil(j.Ranks), j.Batch.endpoint(), j.Batch.deployment(), jsonOrNil(j.Progress))
	jobChanged(tx, j.workspace, j.Name)
	return err
}

// errChanged says that somebody else changed the job since it was read.
var errChanged = errors.New("the job was changed meanwhile")

// updateJob stores what can change in a job, if nobody has since it was read.
func updateJob(ctx context.Context, tx *sqldb.Tx, j Job) error {
	changed, err := tx.Exec(ctx, `UPDATE jobs SET status = $4, phase = $5, error = $6, started_at = $7, ended_at = $8,
		exit_code = $9, usage = $10, environment_info = $11, runner = $12, handle = $13, token_at = $14, last_record = $15,
		gpu_indexes = $16, ranks = $17, progress = $18, version = version + 1
		WHERE workspace_id = $1 AND name = $2 AND version = $3`,
		j.workspace, j.Name, j.version, string(j.Status), string(j.phase), jsonOrNil(j.Error), sqldb.MicrosOrNil(j.StartedAt),
		sqldb.MicrosOrNil(j.EndedAt), j.ExitCode, jsonOrNil(j.Usage), jsonOrNil(j.EnvironmentInfo), jsonOrNil(j.Runner),
		string(j.handle), sqldb.Micros(j.tokenAt), j.lastRecord, indexes(j.GPUs), ranksOrNil(j.Ranks), jsonOrNil(j.Progress))
	if err == nil && changed == 0 {
		return errChanged
	}
	jobChanged(tx, j.workspace, j.Name)
	return err
}

func selectJob(ctx context.Context, tx *sqldb.Tx, ws, name string) (Job, error) {
	j, err := scanJob(tx.QueryRow(ctx, `SELECT `+jobColumns+` FROM jobs WHERE workspace_id = $1 AND name = $2`, ws, name).Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return Job{}, atelier.Errorf(atelier.NotFound, "There is no job %q.", atelier.Clip(name, 80)).
			WithHint("List them with `atelier job list`.")
	}
	return j, err
}

func deleteJob(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM jobs WHERE workspace_id = $1 AND name = $2`, ws, name)
	jobChanged(tx, ws, name)
	return err
}

// pageKey is the place of a job in the list.
type pageKey struct {
	CreatedAt int64  `json:"c"`
	Name      string `json:"n"`
}

// selectJobs returns at most limit jobs after the place in the list, newest first.
func selectJobs(ctx context.Context, tx *sqldb.Tx, ws string, ask ListJobs, after *pageKey, limit int) ([]Job, error) {
	where, args := []string{"workspace_id = $1"}, []any{ws}
	add := func(condition string, values ...any) {
		marks := make([]any, len(values))
		for i := range values {
			marks[i] = len(args) + i + 1
		}
		where, args = append(where, fmt.Sprintf(condition, marks...)), append(args, values...)
	}
	if ask.Experiment != "" {
		add("experiment_name = $%d", ask.Experiment)
	}
	if ask.Status != "" {
		add("status = $%d", string(ask.Status))
	}
	if ask.Endpoint != "" {
		add("batch_endpoint = $%d", ask.Endpoint)
	}
	if ask.Deployment != "" {
		add("batch_deployment = $%d", ask.Deployment)
	}
	if after != nil {
		add("(created_at, name) < ($%d, $%d)", after.CreatedAt, after.Name)
	}
	return queryJobs(ctx, tx, strings.Join(where, " AND ")+fmt.Sprintf(" ORDER BY created_at DESC, name DESC LIMIT %d", limit), args...)
}

// selectUnfinished returns the jobs of all workspaces that are placed, or whose
// task is not yet released: what a restarted server takes up again.
func selectUnfinished(ctx context.Context, tx *sqldb.Tx) ([]Job, error) {
	return queryJobs(ctx, tx, `(status IN ('Preparing', 'Running', 'Finalizing', 'CancelRequested', 'NotResponding') OR handle <> '')
		ORDER BY created_at, workspace_id, name`)
}

// selectPlaced returns the jobs of a workspace that have their part of the
// machine, the newest first.
func selectPlaced(ctx context.Context, tx *sqldb.Tx, ws string, limit int) ([]Job, error) {
	return queryJobs(ctx, tx, `workspace_id = $1 AND status IN ('Preparing', 'Running', 'Finalizing', 'CancelRequested', 'NotResponding')
		ORDER BY created_at DESC, name DESC LIMIT $2`, ws, limit)
}

// selectWaiting returns the jobs of a workspace that wait, the urgent ones first.
func selectWaiting(ctx context.Context, tx *sqldb.Tx, ws string, limit int) ([]Job, error) {
	return queryJobs(ctx, tx, `workspace_id = $1 AND status = 'Queued' ORDER BY priority DESC, created_at, name LIMIT $2`, ws, limit)
}

// countUnfinished counts the jobs of a workspace that have not ended, or whose
// task is not yet released.
func countUnfinished(ctx context.Context, tx *sqldb.Tx, ws string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM jobs
		WHERE workspace_id = $1 AND (status NOT IN ('Completed', 'Failed', 'Canceled') OR handle <> '')`, ws).Scan(&n)
	return n, err
}

func queryJobs(ctx context.Context, tx *sqldb.Tx, condition string, args ...any) ([]Job, error) {
	jobs := []Job{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		j, err := scanJob(rows.Scan)
		jobs = append(jobs, j)
		return err
	}, `SELECT `+jobColumns+` FROM jobs WHERE `+condition, args...)
	return jobs, err
}

// maxPlanned is how many queued jobs a plan looks at, the urgent ones first.
const maxPlanned = 20_000

const plannedColumns = `SELECT workspace_id, name, cpus, memory, gpus, user_id, experiment_name, compute, priority, created_at, status, gpu_indexes FROM jobs `

// selectPlanned calls found with the jobs of all workspaces that wait, as many as a
// plan looks at, and with those that are placed.
func selectPlanned(ctx context.Context, tx *sqldb.Tx, found func(Status, waiting, []int)) error {
	err := queryPlanned(ctx, tx, found, `WHERE status = 'Queued' ORDER BY priority DESC, created_at, workspace_id, name LIMIT $1`, maxPlanned)
	if err != nil {
		return err
	}
	return queryPlanned(ctx, tx, found, `WHERE status IN ('Preparing', 'Running', 'Finalizing', 'CancelRequested', 'NotResponding')`)
}

// selectPlannedJob calls found with one job, if it is there.
func selectPlannedJob(ctx context.Context, tx *sqldb.Tx, k key, found func(Status, waiting, []int)) error {
	return queryPlanned(ctx, tx, found, `WHERE workspace_id = $1 AND name = $2`, k.workspace, k.name)
}

func queryPlanned(ctx context.Context, tx *sqldb.Tx, found func(Status, waiting, []int), condition string, args ...any) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var w waiting
		var since int64
		var status Status
		var gpus string
		if err := rows.Scan(&w.workspace, &w.name, &w.asks.cpus, &w.asks.memory, &w.asks.gpus, &w.member, &w.experiment, &w.pool,
			&w.priority, &since, &status, &gpus); err != nil {
			return err
		}
		var indexes []int
		if err := sqldb.FromJSON(gpus, &indexes); err != nil {
			return err
		}
		w.since = sqldb.Time(since)
		found(status, w, indexes)
		return nil
	}, plannedColumns+condition, args...)
}

// indexes writes the GPUs of a job as JSON, [] for none.
func indexes(gpus []int) string { return sqldb.JSON(append([]int{}, gpus...)) }

func scanJob(scan func(...any) error) (Job, error) {
	var j Job
	var name, experiment, spec, task, notices, handle, gpus string
	var failure, usage, info, runner, ranks, progress *string
	var batch Batch
	var created, tokenAt int64
	var started, ended *int64
	if err := scan(&j.workspace, &name, &experiment, &spec, &task, &j.asks.cpus, &j.Status, &j.phase, &failure, &notices,
		&j.CreatedBy, &j.userID, &created, &started, &ended, &j.ExitCode, &usage, &info, &runner, &handle, &tokenAt,
		&j.lastRecord, &j.version, &j.asks.memory, &j.asks.gpus, &j.priority, &j.pool, &gpus, &ranks,
		&batch.Endpoint, &batch.Deployment, &progress); err != nil {
		return Job{}, err
	}
	err := errors.Join(sqldb.FromJSON(spec, &j.Spec), sqldb.FromJSON(task, &j.task), sqldb.FromJSON(notices, &j.Notices),
		fromJSONOrNil(failure, &j.Error), fromJSONOrNil(usage, &j.Usage), fromJSONOrNil(info, &j.EnvironmentInfo),
		fromJSONOrNil(runner, &j.Runner), fromJSONOrNil(progress, &j.Progress), sqldb.FromJSON(gpus, &j.GPUs))
	if ranks != nil {
		err = errors.Join(err, sqldb.FromJSON(*ranks, &j.Ranks))
	}
	if j.task.Batch != nil {
		batch.BatchTask = *j.task.Batch
		j.Batch = &batch
	}
	j.CreatedAt, j.StartedAt, j.EndedAt = sqldb.Time(created), sqldb.TimeOrNil(started), sqldb.TimeOrNil(ended)
	j.handle, j.tokenAt = compute.Handle(handle), sqldb.Time(tokenAt)
	return j, err
}

func ranksOrNil(ranks []compute.Rank) any {
	if len(ranks) == 0 {
		return nil
	}
	return sqldb.JSON(ranks)
}

func jsonOrNil[T any](value *T) any {
	if value == nil {
		return nil
	}
	return sqldb.JSON(value)
}

func fromJSONOrNil[T any](text *string, into **T) error {
	if text == nil {
		return nil
	}
	*into = new(T)
	return sqldb.FromJSON(*text, *into)
}

// apply moves j by what happened at the given time. It reports whether anything
// that users see has changed.
func (j *Job) apply(h happening, at time.Time) bool {
	before := state{status: j.Status, phase: j.phase, failure: j.Error}
	after := before.next(h)
	j.Status, j.phase, j.Error = after.status, after.phase, after.failure
	if j.StartedAt == nil && after.phase == Running {
		j.StartedAt = &at
	}
	if j.EndedAt == nil && after.status.Ended() {
		if j.StartedAt != nil && at.Before(*j.StartedAt) {
			at = *j.StartedAt // the clock was set back meanwhile
		}
		j.EndedAt = &at
	}
	if h.kind == exited && !before.status.Ended() {
		j.ExitCode = h.exitCode
	}
	return before.status != after.status
}
