package transfer

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// selectColumns fills columns with "table" and "table.column" of all there are.
func selectColumns(ctx context.Context, tx *sqldb.Tx, columns map[string]bool) error {
	query := `SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
	if tx.Engine() == sqldb.Postgres {
		query = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false))`
	}
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var table, column string
		err := rows.Scan(&table, &column)
		columns[table], columns[table+"."+column] = true, true
		return err
	}, query)
}

// selectSchema returns the version that MLflow's migrations left.
func selectSchema(ctx context.Context, tx *sqldb.Tx) (version string, err error) {
	err = tx.QueryRow(ctx, `SELECT version_num FROM alembic_version`).Scan(&version)
	return version, err
}

func countTraces(ctx context.Context, tx *sqldb.Tx, experiment string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM trace_info WHERE CAST(experiment_id AS TEXT) = $1`, experiment).Scan(&n)
	return n, err
}

func countOtherWorkspaces(ctx context.Context, tx *sqldb.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM experiments WHERE workspace <> 'default'`).Scan(&n)
	return n, err
}

// selectExperiments reads all experiments; times are the two columns with when
// each was made and changed, which databases before MLflow 2 do not have.
func selectExperiments(ctx context.Context, tx *sqldb.Tx, times, own string) ([]Experiment, error) {
	var all []Experiment
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		e := Experiment{Tags: map[string]string{}}
		var stage *string
		var created, updated *int64
		err := rows.Scan(&e.ID, &e.Name, &stage, &created, &updated)
		e.CreatedAt, e.UpdatedAt = milliseconds(created), milliseconds(updated)
		e.Deleted = stage != nil && *stage == tracking.Deleted
		all = append(all, e)
		return err
	}, `SELECT CAST(e.experiment_id AS TEXT), e.name, e.lifecycle_stage, `+times+` FROM experiments e WHERE `+own+` ORDER BY e.experiment_id`)
	return all, err
}

func loadExperimentTags(ctx context.Context, tx *sqldb.Tx, all []Experiment) error {
	byID := map[string]map[string]string{}
	for _, e := range all {
		byID[e.ID] = e.Tags
	}
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var id, key string
		var value *string
		err := rows.Scan(&id, &key, &value)
		if tags := byID[id]; tags != nil {
			tags[key] = text(value)
		}
		return err
	}, `SELECT CAST(experiment_id AS TEXT), key, value FROM experiment_tags`)
}

// text reads a column that may be NULL.
func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

func selectRunIDs(ctx context.Context, tx *sqldb.Tx, experiment string) ([]string, error) {
	var ids []string
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT run_uuid FROM runs WHERE CAST(experiment_id AS TEXT) = $1 ORDER BY run_uuid`, experiment)
	return ids, err
}

func selectRun(ctx context.Context, tx *sqldb.Tx, id string) (Run, error) {
	run := Run{ImportRun: tracking.ImportRun{ID: id, Status: tracking.Running, StartedAt: time.UnixMilli(0).UTC()}, ModelURIs: map[string]string{}}
	var name, user, status, stage, uri *string
	var started, ended *int64
	err := tx.QueryRow(ctx, `SELECT name, user_id, status, lifecycle_stage, artifact_uri, start_time, end_time FROM runs WHERE run_uuid = $1`, id).
		Scan(&name, &user, &status, &stage, &uri, &started, &ended)
	if errors.Is(err, sqldb.ErrNoRows) {
		return run, atelier.Errorf(atelier.NotFound, "The run %s was removed from the source in the meantime.", id)
	}
	run.Name, run.User, run.ArtifactURI = text(name), text(user), text(uri)
	run.Status = numbered(text(status), tracking.RunStatuses(), tracking.Running)
	run.Deleted = text(stage) == tracking.Deleted
	if t := milliseconds(started); t != nil {
		run.StartedAt = *t
	}
	run.EndedAt = milliseconds(ended)
	return run, err
}

// Queries of keys and values that belong to $1.
const (
	runParams    = `SELECT key, value FROM params WHERE run_uuid = $1`
	runTags      = `SELECT key, value FROM tags WHERE run_uuid = $1`
	modelParams  = `SELECT param_key, param_value FROM logged_model_params WHERE model_id = $1`
	loggedTags   = `SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = $1`
	inputTags    = `SELECT name, value FROM input_tags WHERE input_uuid = $1`
	modelTags    = `SELECT t.key, t.value FROM registered_model_tags t WHERE t.name = $1 AND `
	modelAliases = `SELECT t.alias, CAST(t.version AS TEXT) FROM registered_model_aliases t WHERE t.name = $1 AND `
)

func selectPairs(ctx context.Context, tx *sqldb.Tx, query, owner string) (map[string]string, error) {
	pairs := map[string]string{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var key string
		var value *string
		err := rows.Scan(&key, &value)
		pairs[key] = text(value)
		return err
	}, query, owner)
	return pairs, err
}

func selectInputs(ctx context.Context, tx *sqldb.Tx, run *Run) error {
	var ids []string
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var id string
		var schema, profile *string
		var input tracking.Input
		err := rows.Scan(&id, &input.Name, &input.Digest, &input.SourceType, &input.Source, &schema, &profile)
		input.Schema, input.Profile = text(schema), text(profile)
		ids, run.Inputs = append(ids, id), append(run.Inputs, input)
		return err
	}, `SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile
		FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
		WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = $1 ORDER BY d.name, d.digest`, run.ID)
	for n, id := range ids {
		if err != nil {
			return err
		}
		run.Inputs[n].Tags, err = selectPairs(ctx, tx, inputTags, id)
	}
	return err
}

// selectLinks reads which models the run read and made.
func selectLinks(ctx context.Context, tx *sqldb.Tx, run *Run) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var kind string
		var link tracking.ModelLink
		err := rows.Scan(&kind, &link.ModelID, &link.Step)
		if kind == "MODEL_OUTPUT" {
			run.Outputs = append(run.Outputs, link)
		} else {
			run.ModelInputs = append(run.ModelInputs, link)
		}
		return err
	}, `SELECT destination_type, destination_id, step FROM inputs
		WHERE source_id = $1 AND destination_type IN ('MODEL_OUTPUT', 'MODEL_INPUT') ORDER BY destination_type, destination_id`, run.ID)
}

func selectLoggedModels(ctx context.Context, tx *sqldb.Tx, run *Run) error {
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var m tracking.ImportModel
		var kind, message *string
		var uri, status string
		var created, updated int64
		err := rows.Scan(&m.ID, &m.Name, &kind, &status, &message, &uri, &created, &updated)
		m.Type, m.StatusMessage = text(kind), text(message)
		m.Status = numbered(status, tracking.LoggedModelStatuses(), tracking.ModelReady)
		m.CreatedAt, m.UpdatedAt = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
		run.Models, run.ModelURIs[m.ID] = append(run.Models, m), uri
		return err
	}, `SELECT model_id, name, model_type, CAST(status AS TEXT), status_message, artifact_location, creation_timestamp_ms, last_updated_timestamp_ms
		FROM logged_models WHERE source_run_id = $1 AND lifecycle_stage <> 'deleted' ORDER BY model_id`, run.ID)
	for n := range run.Models {
		if err != nil {
			return err
		}
		if run.Models[n].Params, err = selectPairs(ctx, tx, modelParams, run.Models[n].ID); err == nil {
			run.Models[n].Tags, err = selectPairs(ctx, tx, loggedTags, run.Models[n].ID)
		}
	}
	return err
}

func selectPoints(ctx context.Context, tx *sqldb.Tx, run string, each func(tracking.Metric) error) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var m tracking.Metric
		var value float64
		var isNaN bool
		if err := rows.Scan(&m.Key, &m.Point.Timestamp, &m.Step, &value, &isNaN); err != nil {
			return err
		}
		m.Value = series.Value(value + 0) // not a negative zero
		if isNaN {
			m.Value = series.Value(math.NaN())
		}
		return each(m)
	}, `SELECT key, timestamp, step, value, is_nan FROM metrics WHERE run_uuid = $1 ORDER BY key, timestamp, step`, run)
}

func selectModelPoints(ctx context.Context, tx *sqldb.Tx, run string, each func(tracking.Metric) error) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var m tracking.Metric
		var value *float64
		var name, digest *string
		if err := rows.Scan(&m.ModelID, &m.Key, &m.Point.Timestamp, &m.Step, &value, &name, &digest); err != nil || value == nil {
			return err
		}
		m.Value, m.DatasetName, m.DatasetDigest = series.Value(*value+0), text(name), text(digest)
		return each(m)
	}, `SELECT l.model_id, l.metric_name, l.metric_timestamp_ms, l.metric_step, l.metric_value, l.dataset_name, l.dataset_digest
		FROM logged_model_metrics l JOIN logged_models m ON m.model_id = l.model_id
		JOIN metrics p ON p.run_uuid = l.run_id AND p.key = l.metric_name AND p.timestamp = l.metric_timestamp_ms
			AND p.step = l.metric_step AND p.value = l.metric_value AND NOT p.is_nan
		WHERE l.run_id = $1 AND m.lifecycle_stage <> 'deleted' ORDER BY l.model_id, l.metric_name`, run)
}

func selectModels(ctx context.Context, tx *sqldb.Tx, own string) ([]Model, error) {
	var all []Model
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var m Model
		var description *string
		var created, updated *int64
		err := rows.Scan(&m.Name, &description, &created, &updated)
		m.Description, m.Times = text(description), model.Times{CreatedAt: milliseconds(created), UpdatedAt: milliseconds(updated)}
		all = append(all, m)
		return err
	}, `SELECT m.name, m.description, m.creation_time, m.last_updated_time FROM registered_models m WHERE `+own+` ORDER BY m.name`)
	return all, err
}

func selectVersions(ctx context.Context, tx *sqldb.Tx, name, storage, own string) ([]Version, error) {
	var all []Version
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		v := Version{Tags: map[string]string{}}
		var description, stage, source, location, run, link *string
		var created, updated *int64
		err := rows.Scan(&v.Number, &description, &stage, &source, &location, &run, &link, &created, &updated)
		v.Times = model.Times{CreatedAt: milliseconds(created), UpdatedAt: milliseconds(updated)}
		v.Description, v.Stage, v.Source, v.Storage = text(description), text(stage), text(source), text(location)
		v.RunID, v.RunLink = text(run), text(link)
		all = append(all, v)
		return err
	}, `SELECT CAST(v.version AS TEXT), v.description, v.current_stage, v.source, `+storage+`, v.run_id, v.run_link,
		v.creation_time, v.last_updated_time FROM model_versions v
		WHERE v.name = $1 AND v.current_stage <> 'Deleted_Internal' AND `+own+` ORDER BY v.version`, name)
	return all, err
}

func loadVersionTags(ctx context.Context, tx *sqldb.Tx, m *Model, own string) error {
	byNumber := map[string]map[string]string{}
	for _, v := range m.Versions {
		byNumber[v.Number] = v.Tags
	}
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var number, key string
		var value *string
		err := rows.Scan(&number, &key, &value)
		if tags := byNumber[number]; tags != nil {
			tags[key] = text(value)
		}
		return err
	}, `SELECT CAST(t.version AS TEXT), t.key, t.value FROM model_version_tags t WHERE t.name = $1 AND `+own, m.Name)
}
