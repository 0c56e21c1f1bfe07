package transfer

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// database is a tracking store of MLflow in SQLite or PostgreSQL. Which tables
// and columns it has depends on MLflow's version; what is not there is empty.
type database struct {
	faults
	db      *sqldb.Foreign
	columns map[string]bool // "table" and "table.column"
	places  places
}

func isPostgres(target string) bool {
	return strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql")
}

// openDatabase opens the database at target, a file or a URL of PostgreSQL as
// SQLAlchemy writes it: the name of a driver may follow a plus.
func openDatabase(ctx context.Context, target string, artifacts *os.Root) (Source, error) {
	shown := target
	if scheme, rest, ok := strings.Cut(target, "://"); ok {
		_, shown, _ = strings.Cut("@"+rest, "@") // a password may stand before the @
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			shown = rest[at+1:]
		}
		scheme, _, _ = strings.Cut(scheme, "+")
		target = scheme + "://" + rest
	}
	db, err := sqldb.OpenForeign(ctx, target, clock.System{})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, atelier.Errorf(atelier.Invalid, "The database %s cannot be opened.", shown).WithHint("Check that it is there and that the user and the password are right.")
	}
	d := &database{db: db, columns: map[string]bool{}}
	d.places = places{given: artifacts, follow: true, faults: &d.faults}
	if err := d.read(ctx, func(tx *sqldb.Tx) error { return selectColumns(ctx, tx, d.columns) }); err != nil {
		db.Close()
		return nil, atelier.Errorf(atelier.Invalid, "%s is not a database that can be read.", shown)
	}
	if err := d.checkSchema(ctx, shown); err != nil {
		db.Close()
		return nil, err
	}
	return d, nil
}

// needed are the columns that are read, by table; the first five tables must be
// there, the others came with later releases of MLflow.
var needed = []struct{ table, columns string }{
	{"experiments", "experiment_id name lifecycle_stage"},
	{"runs", "run_uuid experiment_id name user_id status lifecycle_stage artifact_uri start_time end_time"},
	{"metrics", "run_uuid key timestamp step value is_nan"},
	{"params", "run_uuid key value"},
	{"tags", "run_uuid key value"},
	{"experiment_tags", "experiment_id key value"},
	{"inputs", "input_uuid source_type source_id destination_type destination_id"},
	{"input_tags", "input_uuid name value"},
	{"datasets", "dataset_uuid name digest dataset_source_type dataset_source dataset_schema dataset_profile"},
	{"logged_models", "model_id name model_type status status_message artifact_location creation_timestamp_ms last_updated_timestamp_ms source_run_id lifecycle_stage"},
	{"logged_model_params", "model_id param_key param_value"},
	{"logged_model_tags", "model_id tag_key tag_value"},
	{"logged_model_metrics", "model_id metric_name metric_timestamp_ms metric_step metric_value dataset_name dataset_digest run_id"},
	{"registered_models", "name description"},
	{"registered_model_tags", "name key value"},
	{"registered_model_aliases", "name alias version"},
	{"model_versions", "name version description current_stage source run_id run_link"},
	{"model_version_tags", "name version key value"},
}

// checkSchema refuses a database in which something that is read is not, or not
// any more, where it is looked for, before anything is brought.
func (d *database) checkSchema(ctx context.Context, shown string) error {
	if !d.columns["experiments"] || !d.columns["runs"] || !d.columns["metrics.step"] {
		return atelier.Errorf(atelier.Invalid, "%s is not a database of MLflow.", shown).
			WithHint("One of MLflow before 1.0 must be upgraded with `mlflow db upgrade` first.")
	}
	for n, want := range needed {
		if n >= 5 && !d.columns[want.table] {
			continue
		}
		for column := range strings.FieldsSeq(want.columns) {
			if d.columns[want.table+"."+column] {
				continue
			}
			schema := "without a version"
			if d.columns["alembic_version"] {
				d.read(ctx, func(tx *sqldb.Tx) (err error) {
					schema, err = selectSchema(ctx, tx)
					return err
				})
			}
			return atelier.Errorf(atelier.Invalid, "The database %s has a schema that is not known here, %s: there is no column %s.%s. Nothing was brought.", shown, schema, want.table, column).
				WithHint("An older database is brought up to date with `mlflow db upgrade`. For a newer one, run the MLflow server that it belongs to, and give the server's address.")
		}
	}
	return nil
}

func (d *database) Traces(ctx context.Context, experiment Experiment) (n int, err error) {
	if !d.columns["trace_info.experiment_id"] {
		return 0, nil
	}
	err = d.read(ctx, func(tx *sqldb.Tx) error {
		n, err = countTraces(ctx, tx, experiment.ID)
		return err
	})
	return n, err
}

func (d *database) Close() error {
	if d.places.given != nil {
		d.places.given.Close()
	}
	return d.db.Close()
}

func (d *database) read(ctx context.Context, fn func(tx *sqldb.Tx) error) error {
	return d.db.Read(ctx, fn)
}

// ownWorkspace restricts a query to MLflow's workspace "default", where there are
// workspaces; alias is the table's.
func (d *database) ownWorkspace(table, alias string) string {
	if d.columns[table+".workspace"] {
		return alias + ".workspace = 'default'"
	}
	return "1 = 1"
}

func (d *database) Experiments(ctx context.Context) (all []Experiment, err error) {
	err = d.read(ctx, func(tx *sqldb.Tx) error {
		if d.columns["experiments.workspace"] {
			others, err := countOtherWorkspaces(ctx, tx)
			if err != nil {
				return err
			}
			if others > 0 {
				d.add("%d experiments of other MLflow workspaces than \"default\" are left out", others)
			}
		}
		times := "NULL, NULL"
		if d.columns["experiments.creation_time"] && d.columns["experiments.last_update_time"] {
			times = "e.creation_time, e.last_update_time"
		}
		all, err = selectExperiments(ctx, tx, times, d.ownWorkspace("experiments", "e"))
		if err != nil || !d.columns["experiment_tags"] {
			return err
		}
		return loadExperimentTags(ctx, tx, all)
	})
	return all, err
}

func (d *database) Runs(ctx context.Context, experiment Experiment) (ids []string, err error) {
	err = d.read(ctx, func(tx *sqldb.Tx) error {
		ids, err = selectRunIDs(ctx, tx, experiment.ID)
		return err
	})
	return ids, err
}

func (d *database) Run(ctx context.Context, experiment Experiment, id string) (Run, error) {
	var run Run
	err := d.read(ctx, func(tx *sqldb.Tx) (err error) {
		if run, err = selectRun(ctx, tx, id); err != nil {
			return err
		}
		if run.Params, err = selectPairs(ctx, tx, runParams, id); err != nil {
			return err
		}
		if run.Tags, err = selectPairs(ctx, tx, runTags, id); err != nil {
			return err
		}
		if d.columns["inputs"] && d.columns["datasets"] {
			if err := selectInputs(ctx, tx, &run); err != nil {
				return err
			}
		}
		if !d.columns["logged_models"] {
			return nil
		}
		if err := selectLinks(ctx, tx, &run); err != nil {
			return err
		}
		return selectLoggedModels(ctx, tx, &run)
	})
	return run, err
}

func (d *database) Points(ctx context.Context, run Run, each func(tracking.Metric) error) error {
	return d.read(ctx, func(tx *sqldb.Tx) error {
		if err := selectPoints(ctx, tx, run.ID, each); err != nil || !d.columns["logged_model_metrics"] {
			return err
		}
		return selectModelPoints(ctx, tx, run.ID, each)
	})
}

func (d *database) Files(_ context.Context, owner Owner) ([]File, error) {
	return d.places.files(owner, nil, "")
}

func (d *database) Open(_ context.Context, owner Owner, name string) (io.ReadCloser, error) {
	return d.places.open(owner, name, nil, "")
}

func (d *database) Models(ctx context.Context) (all []Model, err error) {
	if !d.columns["registered_models"] {
		return nil, nil
	}
	err = d.read(ctx, func(tx *sqldb.Tx) error {
		if all, err = selectModels(ctx, tx, d.ownWorkspace("registered_models", "m")); err != nil {
			return err
		}
		for n := range all {
			if err := d.fill(ctx, tx, &all[n]); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

// fill reads what belongs to a model: tags, aliases and versions.
func (d *database) fill(ctx context.Context, tx *sqldb.Tx, m *Model) (err error) {
	m.Tags, m.Aliases = map[string]string{}, map[string]string{}
	if d.columns["registered_model_tags"] {
		if m.Tags, err = selectPairs(ctx, tx, modelTags+d.ownWorkspace("registered_model_tags", "t"), m.Name); err != nil {
			return err
		}
	}
	if d.columns["registered_model_aliases"] {
		if m.Aliases, err = selectPairs(ctx, tx, modelAliases+d.ownWorkspace("registered_model_aliases", "t"), m.Name); err != nil {
			return err
		}
	}
	storage := "NULL"
	if d.columns["model_versions.storage_location"] {
		storage = "v.storage_location"
	}
	if m.Versions, err = selectVersions(ctx, tx, m.Name, storage, d.ownWorkspace("model_versions", "v")); err != nil || !d.columns["model_version_tags"] {
		return err
	}
	return loadVersionTags(ctx, tx, m, d.ownWorkspace("model_version_tags", "t"))
}

// milliseconds reads a time as MLflow stores it.
func milliseconds(ms *int64) *time.Time {
	if ms == nil {
		return nil
	}
	t := time.UnixMilli(*ms).UTC()
	return &t
}
