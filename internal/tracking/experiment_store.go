package tracking

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// EnsureWorkspace makes what every workspace has from the start: the experiment
// "Default" with the id "0". Doing it again changes nothing.
func EnsureWorkspace(ctx context.Context, tx *sqldb.Tx, ws string) error {
	made, err := tx.Exec(ctx, `INSERT INTO experiment_counters (workspace_id, last_number) VALUES ($1, 0)
		ON CONFLICT DO NOTHING`, ws)
	if err != nil || made == 0 {
		return err
	}
	return insertExperiment(ctx, tx, ws, Experiment{
		ID: DefaultExperimentID, Name: DefaultExperimentName, LifecycleStage: Active,
		ArtifactLocation: defaultLocation(DefaultExperimentID), CreatedAt: tx.Now(), UpdatedAt: tx.Now(),
	})
}

// nextExperimentID counts up, in a row that concurrent writers wait for.
func nextExperimentID(ctx context.Context, tx *sqldb.Tx, ws string) (string, error) {
	var number int64
	err := tx.QueryRow(ctx, `UPDATE experiment_counters SET last_number = last_number + 1
		WHERE workspace_id = $1 RETURNING last_number`, ws).Scan(&number)
	return strconv.FormatInt(number, 10), err
}

// newExperimentID returns wanted, if it is an id of MLflow's that nobody has, or
// the next number that is free: ids that came from elsewhere may lie ahead.
func newExperimentID(ctx context.Context, tx *sqldb.Tx, ws, wanted string) (string, error) {
	for id := wanted; ; {
		if foreignID.MatchString(id) {
			if _, err := selectExperiment(ctx, tx, ws, id); isNotFound(err) {
				return id, nil
			} else if err != nil {
				return "", err
			}
		}
		var err error
		if id, err = nextExperimentID(ctx, tx, ws); err != nil {
			return "", err
		}
	}
}

func updateExperimentTimes(ctx context.Context, tx *sqldb.Tx, ws, id string, created, updated time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE experiments SET created_at = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2`,
		ws, id, sqldb.Micros(created), sqldb.Micros(updated))
	return err
}

func insertExperiment(ctx context.Context, tx *sqldb.Tx, ws string, e Experiment) error {
	_, err := tx.Exec(ctx, `INSERT INTO experiments
		(workspace_id, id, name, lifecycle_stage, artifact_location, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		ws, e.ID, e.Name, e.LifecycleStage, e.ArtifactLocation, sqldb.Micros(e.CreatedAt), sqldb.Micros(e.UpdatedAt))
	return err
}

const experimentColumns = `e.id, e.name, e.lifecycle_stage, e.artifact_location, e.created_at, e.updated_at`

func scanExperiment(scan func(...any) error, after ...any) (Experiment, error) {
	e := Experiment{Tags: map[string]string{}}
	var created, updated int64
	err := scan(append([]any{&e.ID, &e.Name, &e.LifecycleStage, &e.ArtifactLocation, &created, &updated}, after...)...)
	e.CreatedAt, e.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return e, err
}

func selectExperiment(ctx context.Context, tx *sqldb.Tx, ws, id string) (Experiment, error) {
	row := tx.QueryRow(ctx, `SELECT `+experimentColumns+` FROM experiments e WHERE workspace_id = $1 AND id = $2`, ws, id)
	e, err := scanExperiment(row.Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return e, atelier.Errorf(atelier.NotFound, "No Experiment with id=%s exists.", atelier.Clip(id, 80)).
			WithHint("List the experiments with `atelier experiment list`.")
	}
	return e, err
}

// selectExperimentByName finds an experiment, deleted or not.
func selectExperimentByName(ctx context.Context, tx *sqldb.Tx, ws, name string) (Experiment, error) {
	row := tx.QueryRow(ctx, `SELECT `+experimentColumns+` FROM experiments e WHERE workspace_id = $1 AND name = $2`, ws, name)
	e, err := scanExperiment(row.Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return e, atelier.Errorf(atelier.NotFound, "Could not find experiment with name '%s'.", atelier.Clip(name, 120)).
			WithHint("List the experiments with `atelier experiment list`.")
	}
	return e, err
}

func loadExperimentTags(ctx context.Context, tx *sqldb.Tx, ws string, experiments []Experiment) error {
	byID := map[string]map[string]string{}
	var ids []string
	for _, e := range experiments {
		byID[e.ID] = e.Tags
		ids = append(ids, e.ID)
	}
	return inChunks(ids, func(marks string, args []any) error {
		return tx.Query(ctx, func(rows *sqldb.Rows) error {
			var id, key, value string
			err := rows.Scan(&id, &key, &value)
			byID[id][key] = value
			return err
		}, `SELECT experiment_id, key, value FROM experiment_tags
			WHERE workspace_id = $1 AND experiment_id IN (`+marks+`)`, append([]any{ws}, args...)...)
	})
}

func setExperimentTags(ctx context.Context, tx *sqldb.Tx, ws, id string, tags []Pair) error {
	return tx.ExecEach(ctx, `INSERT INTO experiment_tags (workspace_id, experiment_id, key, value)
		VALUES ($1, $2, $3, $4) ON CONFLICT (workspace_id, experiment_id, key) DO UPDATE SET value = excluded.value`,
		pairRows(ws, id, tags))
}

func deleteExperimentTag(ctx context.Context, tx *sqldb.Tx, ws, id, key string) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM experiment_tags WHERE workspace_id = $1 AND experiment_id = $2 AND key = $3`, ws, id, key)
}

func updateExperimentName(ctx context.Context, tx *sqldb.Tx, ws, id, name string) error {
	runsChanged(tx, ws) // they bear the experiment's name
	_, err := tx.Exec(ctx, `UPDATE experiments SET name = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2`,
		ws, id, name, sqldb.Micros(tx.Now()))
	return err
}

// updateExperimentStage deletes or restores an experiment, and with it those of
// its runs that were in the other stage.
func updateExperimentStage(ctx context.Context, tx *sqldb.Tx, ws, id, stage string) error {
	rowsChanged(tx, ws)
	_, err := tx.Exec(ctx, `UPDATE experiments SET lifecycle_stage = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2`,
		ws, id, stage, sqldb.Micros(tx.Now()))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE runs SET lifecycle_stage = $3, deleted_at = $4
		WHERE workspace_id = $1 AND experiment_id = $2 AND lifecycle_stage <> $3`, ws, id, stage, deletedAt(tx, stage))
	return err
}

// pairRows are the arguments of a bulk insert of params or tags.
func pairRows(ws, owner string, pairs []Pair) [][]any {
	rows := make([][]any, len(pairs))
	for i, pair := range pairs {
		rows[i] = []any{ws, owner, pair.Key, pair.Value}
	}
	return rows
}

// inChunks calls query with pieces of ids that fit into one statement, in which an
// id may stand more than once: marks is "$2, $3, ..." and args their values; $1
// is the caller's.
func inChunks(ids []string, query func(marks string, args []any) error) error {
	const perStatement = 150
	for start := 0; start < len(ids); start += perStatement {
		piece := ids[start:min(start+perStatement, len(ids))]
		// The last id is repeated up to a power of two, so that there are few
		// statements to prepare.
		size := 1
		for size < len(piece) {
			size = min(2*size, perStatement)
		}
		marks, args := make([]string, size), make([]any, size)
		for i := range size {
			marks[i] = "$" + strconv.Itoa(i+2)
			args[i] = piece[min(i, len(piece)-1)]
		}
		if err := query(strings.Join(marks, ", "), args); err != nil {
			return err
		}
	}
	return nil
}
