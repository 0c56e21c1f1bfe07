package tracking

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// CreateLoggedModel makes a logged model that awaits its files.
func (s *Service) CreateLoggedModel(ctx context.Context, ws string, n NewLoggedModel) (LoggedModel, error) {
	if err := n.check(); err != nil {
		return LoggedModel{}, err
	}
	m := LoggedModel{ExperimentID: n.ExperimentID, Name: cmp.Or(n.Name, newName()),
		ModelType: n.ModelType, Status: ModelPending, SourceRunID: n.SourceRunID}
	if actor, ok := atelier.ActorFrom(ctx); ok && actor.Kind == atelier.JobActor {
		m.ownerJob = actor.ID
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := EnsureWorkspace(ctx, tx, ws); err != nil {
			return err
		}
		experiment, err := selectExperiment(ctx, tx, ws, n.ExperimentID)
		if err != nil {
			return err
		}
		if n.SourceRunID != "" {
			if err := mayWriteOwner(ctx, tx, ws, Owner{RunArtifact, n.SourceRunID}); err != nil {
				return err
			}
		}
		m.ID = "m-" + atelier.NewRunID(tx.Now())
		m.ArtifactURI = join(experiment.ArtifactLocation, "models", m.ID, "artifacts")
		m.CreatedAt, m.UpdatedAt = tx.Now(), tx.Now()
		if err := insertLoggedModel(ctx, tx, ws, m); err != nil {
			return err
		}
		if err := setLoggedModelParams(ctx, tx, ws, m.ID, n.Params); err != nil {
			return err
		}
		return setLoggedModelTags(ctx, tx, ws, m.ID, n.Tags)
	})
	if err != nil {
		return LoggedModel{}, err
	}
	return s.LoggedModel(ctx, ws, m.ID)
}

func (n *NewLoggedModel) check() error {
	if utf8.RuneCountInString(n.Name) > 500 || strings.ContainsAny(n.Name, "/:.%\"'\x00") {
		return atelier.Errorf(atelier.Invalid, "Invalid model name (%q) provided: a name must not contain '/', ':', '.', '%%', '\"' or \"'\", nor have more than 500 characters.",
			atelier.Clip(n.Name, 60)).At("name")
	}
	if err := cmp.Or(CheckText("model_type", n.ModelType), CheckText("source_run_id", n.SourceRunID)); err != nil {
		return err
	}
	for i, param := range n.Params {
		checked, err := checkParam(param)
		if err != nil {
			return within(err, "params", i)
		}
		n.Params[i] = checked
	}
	for i, tag := range n.Tags {
		checked, err := checkTag(tag)
		if err != nil {
			return within(err, "tags", i)
		}
		n.Tags[i] = checked
	}
	return nil
}

// LoggedModel returns a logged model with its params, tags and metrics.
func (s *Service) LoggedModel(ctx context.Context, ws, id string) (LoggedModel, error) {
	return s.readModel(ctx, ws, func(tx *sqldb.Tx) (LoggedModel, error) { return selectLoggedModel(ctx, tx, ws, id) })
}

// DeletedLoggedModel is LoggedModel for one that may have been deleted.
func (s *Service) DeletedLoggedModel(ctx context.Context, ws, id string) (LoggedModel, error) {
	return s.readModel(ctx, ws, func(tx *sqldb.Tx) (LoggedModel, error) { return selectDeletedLoggedModel(ctx, tx, ws, id) })
}

// RunModel returns the logged model that a run made under a name.
func (s *Service) RunModel(ctx context.Context, ws, run, name string) (LoggedModel, error) {
	return s.readModel(ctx, ws, func(tx *sqldb.Tx) (LoggedModel, error) { return selectRunModel(ctx, tx, ws, run, name) })
}

func (s *Service) readModel(ctx context.Context, ws string, read func(tx *sqldb.Tx) (LoggedModel, error)) (LoggedModel, error) {
	models := make([]LoggedModel, 1)
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		if models[0], err = read(tx); err != nil {
			return err
		}
		return loadLoggedModels(ctx, tx, ws, models)
	})
	return models[0], err
}

// SearchLoggedModels returns a page of logged models, the newest first.
func (s *Service) SearchLoggedModels(ctx context.Context, ws string, q LoggedModelSearch) (atelier.Page[LoggedModel], error) {
	var page atelier.Page[LoggedModel]
	err := s.inTime(ctx, func(ctx context.Context) error {
		return s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			page, err = searchLoggedModels(ctx, tx, ws, q)
			return err
		})
	})
	return page, err
}

// Limits of a search for logged models.
const (
	defaultLoggedModels  = 100
	maxDatasetFilters    = 32
	maxDatasetConditions = 32
)

func (q LoggedModelSearch) check() error {
	if len(q.Datasets) > maxDatasetFilters {
		return tooManyDatasets("A search takes at most %d datasets. Got %d.", maxDatasetFilters, len(q.Datasets))
	}
	for _, dataset := range q.Datasets {
		if dataset.Name == "" {
			return atelier.Errorf(atelier.Invalid, "`dataset_name` in the `datasets` clause must be specified.").At("datasets")
		}
	}
	return nil
}

func tooManyDatasets(format string, args ...any) error {
	return atelier.Errorf(atelier.Invalid, format, args...).At("datasets").WithHint("Ask for fewer datasets at once.")
}

func (s *Service) writeModel(ctx context.Context, ws, id string, change func(tx *sqldb.Tx, m LoggedModel) error) error {
	var source string
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		m, err := selectLoggedModel(ctx, tx, ws, id)
		if err != nil {
			return err
		}
		if err := mayWrite(ctx, m.SourceRunID, m.ownerJob); err != nil {
			return err
		}
		source = m.SourceRunID
		return change(tx, m)
	})
	if err == nil && source != "" {
		s.publish(ws, event.Run, source)
	}
	return err
}

// FinishLoggedModel says whether the files of a logged model are complete.
func (s *Service) FinishLoggedModel(ctx context.Context, ws, id string, status LoggedModelStatus) error {
	if err := checkModelStatus(status); err != nil {
		return err
	}
	return s.writeModel(ctx, ws, id, func(tx *sqldb.Tx, m LoggedModel) error {
		return updateLoggedModelStatus(ctx, tx, ws, id, status)
	})
}

func checkModelStatus(status LoggedModelStatus) error {
	if !slices.Contains(LoggedModelStatuses(), status) {
		return atelier.Errorf(atelier.Invalid, "Invalid value %q for parameter 'status' supplied: use one of %v.", atelier.Clip(string(status), 60), LoggedModelStatuses()).At("status")
	}
	return nil
}

// DeleteLoggedModel hides a logged model. Versions registered from it stay.
func (s *Service) DeleteLoggedModel(ctx context.Context, ws, id string) error {
	return s.writeModel(ctx, ws, id, func(tx *sqldb.Tx, m LoggedModel) error { return deleteLoggedModel(ctx, tx, ws, id) })
}

// TagLoggedModel sets tags of a logged model.
func (s *Service) TagLoggedModel(ctx context.Context, ws, id string, tags []Pair) error {
	n := NewLoggedModel{Tags: tags}
	if err := n.check(); err != nil {
		return err
	}
	return s.writeModel(ctx, ws, id, func(tx *sqldb.Tx, m LoggedModel) error { return setLoggedModelTags(ctx, tx, ws, id, n.Tags) })
}

// UntagLoggedModel removes one tag of a logged model.
func (s *Service) UntagLoggedModel(ctx context.Context, ws, id, key string) error {
	return s.writeModel(ctx, ws, id, func(tx *sqldb.Tx, m LoggedModel) error {
		removed, err := deleteLoggedModelTag(ctx, tx, ws, id, key)
		if err == nil && removed == 0 {
			return atelier.Errorf(atelier.NotFound, "No tag with key '%s' found for model with ID '%s'.", atelier.Clip(key, 80), id)
		}
		return err
	})
}

// SetLoggedModelParams adds params of a logged model.
func (s *Service) SetLoggedModelParams(ctx context.Context, ws, id string, params []Pair) error {
	n := NewLoggedModel{Params: params}
	if err := n.check(); err != nil {
		return err
	}
	return s.writeModel(ctx, ws, id, func(tx *sqldb.Tx, m LoggedModel) error { return setLoggedModelParams(ctx, tx, ws, id, n.Params) })
}

// AddOutputs notes the logged models that a run made.
func (s *Service) AddOutputs(ctx context.Context, ws, run string, links []ModelLink) error {
	return s.writeRun(ctx, ws, run, event.Run, func(tx *sqldb.Tx, r Run) error {
		if err := mustBeActive(r); err != nil {
			return err
		}
		return linkModels(ctx, tx, ws, run, outputLink, links)
	})
}

func linkModels(ctx context.Context, tx *sqldb.Tx, ws, run, direction string, links []ModelLink) error {
	for _, link := range links {
		if _, err := selectLoggedModel(ctx, tx, ws, link.ModelID); err != nil {
			return err
		}
	}
	return insertLinks(ctx, tx, ws, run, direction, links)
}

// RecordModel adds a model's description to the run's history of logged models,
// as clients before MLflow 3 do.
func (s *Service) RecordModel(ctx context.Context, ws, run, description string) error {
	var fields map[string]any
	if err := json.Unmarshal([]byte(description), &fields); err != nil {
		return atelier.Errorf(atelier.Invalid, "Malformed model info. \n %s \n is not valid JSON.", atelier.Clip(description, 200)).At("model_json")
	}
	for _, name := range []string{"artifact_path", "flavors", "utc_time_created", "run_id"} {
		if _, ok := fields[name]; !ok {
			return atelier.Errorf(atelier.Invalid, "Model json is missing mandatory fields: %s.", name).At("model_json")
		}
	}
	return s.writeRun(ctx, ws, run, event.Run, func(tx *sqldb.Tx, r Run) error {
		if err := mustBeActive(r); err != nil {
			return err
		}
		known, err := selectRunTag(ctx, tx, ws, run, TagLogModels)
		if err != nil {
			return err
		}
		var history []map[string]any
		if known != "" && json.Unmarshal([]byte(known), &history) != nil {
			history = nil // somebody set the tag to something else
		}
		text, err := json.Marshal(append(history, fields))
		if err != nil {
			return err
		}
		return setRunTags(ctx, tx, ws, run, []Pair{{TagLogModels, string(text)}})
	})
}
