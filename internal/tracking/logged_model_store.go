package tracking

import (
	"context"
	"errors"
	"math"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

const (
	inputLink  = "input"
	outputLink = "output"
)

const loggedModelColumns = `m.id, m.experiment_id, m.name, m.model_type, m.status, m.status_message, m.source_run_id,
	m.artifact_uri, m.owner_job, m.created_at, m.updated_at`

func scanLoggedModel(scan func(...any) error, after ...any) (LoggedModel, error) {
	m := LoggedModel{Params: map[string]string{}, Tags: map[string]string{}}
	var created, updated int64
	err := scan(append([]any{&m.ID, &m.ExperimentID, &m.Name, &m.ModelType, &m.Status, &m.StatusMessage, &m.SourceRunID,
		&m.ArtifactURI, &m.ownerJob, &created, &updated}, after...)...)
	m.CreatedAt, m.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return m, err
}

func insertLoggedModel(ctx context.Context, tx *sqldb.Tx, ws string, m LoggedModel) error {
	_, err := tx.Exec(ctx, `INSERT INTO logged_models (workspace_id, id, experiment_id, name, model_type, status,
		status_message, source_run_id, artifact_uri, owner_job, is_deleted, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, FALSE, $11, $12)`,
		ws, m.ID, m.ExperimentID, m.Name, m.ModelType, string(m.Status), m.StatusMessage, m.SourceRunID,
		m.ArtifactURI, m.ownerJob, sqldb.Micros(m.CreatedAt), sqldb.Micros(m.UpdatedAt))
	return err
}

// selectLoggedModel finds a logged model that is not deleted, without its params,
// tags and metrics.
func selectLoggedModel(ctx context.Context, tx *sqldb.Tx, ws, id string) (LoggedModel, error) {
	return oneLoggedModel(id, tx.QueryRow(ctx, `SELECT `+loggedModelColumns+` FROM logged_models m
		WHERE workspace_id = $1 AND id = $2 AND NOT is_deleted`, ws, id))
}

// selectDeletedLoggedModel is selectLoggedModel for one that may be deleted.
func selectDeletedLoggedModel(ctx context.Context, tx *sqldb.Tx, ws, id string) (LoggedModel, error) {
	return oneLoggedModel(id, tx.QueryRow(ctx, `SELECT `+loggedModelColumns+` FROM logged_models m
		WHERE workspace_id = $1 AND id = $2`, ws, id))
}

func oneLoggedModel(id string, row *sqldb.Row) (LoggedModel, error) {
	m, err := scanLoggedModel(row.Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return m, atelier.Errorf(atelier.NotFound, "Logged model with ID '%s' not found.", atelier.Clip(id, 80))
	}
	return m, err
}

// selectRunModel finds the logged model that a run made under a name, the newest
// if there are several.
func selectRunModel(ctx context.Context, tx *sqldb.Tx, ws, run, name string) (LoggedModel, error) {
	row := tx.QueryRow(ctx, `SELECT `+loggedModelColumns+` FROM logged_models m
		WHERE workspace_id = $1 AND source_run_id = $2 AND name = $3 AND NOT is_deleted
		ORDER BY created_at DESC, id LIMIT 1`, ws, run, name)
	m, err := scanLoggedModel(row.Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return m, atelier.Errorf(atelier.NotFound, "The run %q has no logged model named %q.", atelier.Clip(run, 80), atelier.Clip(name, 80))
	}
	return m, err
}

func selectRunModels(ctx context.Context, tx *sqldb.Tx, ws, run string) ([]LoggedModel, error) {
	var models []LoggedModel
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		m, err := scanLoggedModel(rows.Scan)
		models = append(models, m)
		return err
	}, `SELECT `+loggedModelColumns+` FROM logged_models m
		WHERE workspace_id = $1 AND source_run_id = $2 AND NOT is_deleted ORDER BY created_at DESC, id`, ws, run)
	return models, err
}

func updateLoggedModelStatus(ctx context.Context, tx *sqldb.Tx, ws, id string, status LoggedModelStatus) error {
	_, err := tx.Exec(ctx, `UPDATE logged_models SET status = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2`,
		ws, id, string(status), sqldb.Micros(tx.Now()))
	return err
}

func deleteLoggedModel(ctx context.Context, tx *sqldb.Tx, ws, id string) error {
	_, err := tx.Exec(ctx, `UPDATE logged_models SET is_deleted = TRUE, updated_at = $3 WHERE workspace_id = $1 AND id = $2`,
		ws, id, sqldb.Micros(tx.Now()))
	return err
}

func setLoggedModelTags(ctx context.Context, tx *sqldb.Tx, ws, id string, tags []Pair) error {
	return tx.ExecEach(ctx, `INSERT INTO logged_model_tags (workspace_id, model_id, key, value) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace_id, model_id, key) DO UPDATE SET value = excluded.value`, pairRows(ws, id, tags))
}

func deleteLoggedModelTag(ctx context.Context, tx *sqldb.Tx, ws, id, key string) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM logged_model_tags WHERE workspace_id = $1 AND model_id = $2 AND key = $3`, ws, id, key)
}

func setLoggedModelParams(ctx context.Context, tx *sqldb.Tx, ws, id string, params []Pair) error {
	return tx.ExecEach(ctx, `INSERT INTO logged_model_params (workspace_id, model_id, key, value) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace_id, model_id, key) DO UPDATE SET value = excluded.value`, pairRows(ws, id, params))
}

func insertLinks(ctx context.Context, tx *sqldb.Tx, ws, run, direction string, links []ModelLink) error {
	runChanged(tx, ws, run)
	rows := make([][]any, len(links))
	for i, link := range links {
		rows[i] = []any{ws, run, link.ModelID, direction, link.Step}
	}
	return tx.ExecEach(ctx, `INSERT INTO run_models (workspace_id, run_id, model_id, direction, step) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (workspace_id, run_id, direction, model_id) DO UPDATE SET step = excluded.step`, rows)
}

// insertModelMetrics keeps the latest value of those metrics that measure a
// logged model.
func insertModelMetrics(ctx context.Context, tx *sqldb.Tx, ws, run string, metrics []Metric) error {
	var rows [][]any
	for _, m := range metrics {
		if m.ModelID == "" {
			continue
		}
		value := float64(m.Value)
		if m.Value.IsNaN() {
			value = 0
		}
		rows = append(rows, []any{ws, m.ModelID, m.Key, run, m.DatasetName, m.DatasetDigest,
			int64(m.Timestamp), m.Step, value, m.Value.IsNaN()})
	}
	return tx.ExecEach(ctx, `INSERT INTO logged_model_metrics (workspace_id, model_id, key, run_id, dataset_name,
			dataset_digest, timestamp_ms, step, value, is_nan)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (workspace_id, model_id, key, run_id, dataset_name, dataset_digest) DO UPDATE
		SET timestamp_ms = excluded.timestamp_ms, step = excluded.step, value = excluded.value, is_nan = excluded.is_nan
		WHERE (excluded.step, excluded.timestamp_ms, excluded.value)
			>= (logged_model_metrics.step, logged_model_metrics.timestamp_ms, logged_model_metrics.value)`, rows)
}

func loadLoggedModels(ctx context.Context, tx *sqldb.Tx, ws string, models []LoggedModel) error {
	at := map[string]*LoggedModel{}
	ids := make([]string, len(models))
	for i := range models {
		ids[i], at[models[i].ID] = models[i].ID, &models[i]
	}
	return inChunks(ids, func(marks string, args []any) error {
		args = append([]any{ws}, args...)
		var id, key, value string
		err := tx.Query(ctx, func(rows *sqldb.Rows) error {
			err := rows.Scan(&id, &key, &value)
			at[id].Params[key] = value
			return err
		}, `SELECT model_id, key, value FROM logged_model_params WHERE workspace_id = $1 AND model_id IN (`+marks+`)`, args...)
		if err != nil {
			return err
		}
		err = tx.Query(ctx, func(rows *sqldb.Rows) error {
			err := rows.Scan(&id, &key, &value)
			at[id].Tags[key] = value
			return err
		}, `SELECT model_id, key, value FROM logged_model_tags WHERE workspace_id = $1 AND model_id IN (`+marks+`)`, args...)
		if err != nil {
			return err
		}
		return loadModelMetrics(ctx, tx, marks, args, at)
	})
}

func loadModelMetrics(ctx context.Context, tx *sqldb.Tx, marks string, args []any, at map[string]*LoggedModel) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var m LoggedModelMetric
		var value float64
		var isNaN bool
		err := rows.Scan(&m.ModelID, &m.Key, &m.RunID, &m.DatasetName, &m.DatasetDigest, &m.Timestamp, &m.Step, &value, &isNaN)
		m.Value = series.Value(value)
		if isNaN {
			m.Value = series.Value(math.NaN())
		}
		at[m.ModelID].Metrics = append(at[m.ModelID].Metrics, m)
		return err
	}, `SELECT model_id, key, run_id, dataset_name, dataset_digest, timestamp_ms, step, value, is_nan
		FROM logged_model_metrics WHERE workspace_id = $1 AND model_id IN (`+marks+`) ORDER BY model_id, key, run_id`, args...)
}
