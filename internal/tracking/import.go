package tracking

import (
	"cmp"
	"context"
	"regexp"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// ImportRun describes a run that happened elsewhere, with the id that it had
// there. Its metrics, inputs and artifacts are logged to it like any other's.
type ImportRun struct {
	ID           string            `json:"id"`
	ExperimentID string            `json:"experiment_id"`
	Name         string            `json:"name,omitempty"`
	User         string            `json:"user,omitempty" doc:"Who started it there."`
	Status       RunStatus         `json:"status" enum:"RUNNING,SCHEDULED,FINISHED,FAILED,KILLED"`
	StartedAt    time.Time         `json:"started_at"`
	EndedAt      *time.Time        `json:"ended_at,omitempty"`
	Params       map[string]string `json:"params,omitempty"`
	Tags         map[string]string `json:"tags,omitempty"`
	Models       []ImportModel     `json:"models,omitempty" doc:"The models that the run logged."`
}

// ImportExperiment describes an experiment that was made elsewhere.
type ImportExperiment struct {
	ID        string            `json:"id,omitempty" doc:"Its id there, which it keeps here if nobody has it."`
	Name      string            `json:"name"`
	Tags      map[string]string `json:"tags,omitempty"`
	CreatedAt *time.Time        `json:"created_at,omitempty"`
	UpdatedAt *time.Time        `json:"updated_at,omitempty"`
}

// ImportModel is a logged model of a run that happened elsewhere.
type ImportModel struct {
	ID            string            `json:"id"`
	Name          string            `json:"name"`
	Type          string            `json:"type,omitempty"`
	Status        LoggedModelStatus `json:"status" enum:"LOGGED_MODEL_PENDING,LOGGED_MODEL_READY,LOGGED_MODEL_UPLOAD_FAILED"`
	StatusMessage string            `json:"status_message,omitempty"`
	Params        map[string]string `json:"params,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
}

// RunContents is what a run holds beside its params and tags, by which a copy is
// compared with its original.
type RunContents struct {
	Points   map[string]int  `json:"points" doc:"How many points each metric has."`
	Files    []Artifact      `json:"files" doc:"All artifacts, at any depth."`
	Datasets int             `json:"datasets"`
	Models   []ModelContents `json:"models" doc:"The models that the run logged."`
}

// ModelContents is what a logged model holds.
type ModelContents struct {
	ID    string     `json:"id"`
	Files []Artifact `json:"files"`
}

// Import makes the run that n describes, or brings the one with this id up to
// date. Doing it again changes nothing. A run of the experiment that a job made
// here is never touched.
func (s *Service) Import(ctx context.Context, ws string, n ImportRun) (Run, error) {
	if err := refuseJobs(ctx, "import a run"); err != nil {
		return Run{}, err
	}
	if err := checkRunID(n.ID); err != nil {
		return Run{}, atelier.Public(err).At("id")
	}
	actor, _ := atelier.ActorFrom(ctx)
	n.User = cmp.Or(n.User, actor.Name)
	if n.StartedAt.Before(time.UnixMilli(0)) || series.TimestampOf(n.StartedAt) > series.MaxTimestamp {
		return Run{}, atelier.Errorf(atelier.Invalid, "A run cannot have started at %s.", n.StartedAt).At("started_at")
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		run, err := importedRun(ctx, tx, ws, n)
		if err != nil {
			return err
		}
		if err := logParams(ctx, tx, ws, run, pairsOf(n.Params)); err != nil {
			return err
		}
		for _, model := range n.Models {
			if err := importModel(ctx, tx, ws, run, model); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Run{}, err
	}
	s.publish(ws, event.Run, n.ID)
	return s.Run(ctx, ws, n.ID)
}

// foreignID is how MLflow numbers experiments: in a row, or by chance.
var foreignID = regexp.MustCompile(`^[1-9][0-9]{0,31}$`)

// ImportExperiment makes the experiment that n describes, with its id if that is
// free. One of this name that is here is older than it seemed, if n says so, and
// otherwise stays as it is.
func (s *Service) ImportExperiment(ctx context.Context, ws string, n ImportExperiment) (Experiment, error) {
	if err := refuseJobs(ctx, "import an experiment"); err != nil {
		return Experiment{}, err
	}
	for _, t := range []*time.Time{n.CreatedAt, n.UpdatedAt} {
		if t != nil && (t.Before(time.UnixMilli(0)) || series.TimestampOf(*t) > series.MaxTimestamp) {
			return Experiment{}, atelier.Errorf(atelier.Invalid, "An experiment cannot have been made at %s.", t).At("created_at")
		}
	}
	var made Experiment
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := EnsureWorkspace(ctx, tx, ws); err != nil {
			return err
		}
		known, err := selectExperimentByName(ctx, tx, ws, n.Name)
		if err != nil && !isNotFound(err) {
			return err
		}
		if made = known; err != nil {
			if made, err = CreateExperiment(ctx, tx, ws, NewExperiment{Name: n.Name, Tags: n.Tags, id: n.ID}); err != nil {
				return err
			}
		}
		created, updated := made.CreatedAt, made.UpdatedAt
		if n.CreatedAt != nil && n.CreatedAt.Before(created) {
			created = *n.CreatedAt
		}
		if n.UpdatedAt != nil && known.ID == "" {
			updated = *n.UpdatedAt
		}
		return updateExperimentTimes(ctx, tx, ws, made.ID, created, updated)
	})
	if err != nil {
		return Experiment{}, err
	}
	s.publish(ws, event.Experiment, made.ID)
	return s.Experiment(ctx, ws, made.ID)
}

// importedRun inserts or updates the row and the tags of the run.
func importedRun(ctx context.Context, tx *sqldb.Tx, ws string, n ImportRun) (Run, error) {
	for key, value := range n.Params {
		checked, err := checkParam(Pair{key, value})
		if err != nil {
			return Run{}, atelier.Public(err).At("params." + key)
		}
		n.Params[key] = checked.Value
	}
	known, err := selectRun(ctx, tx, ws, n.ID)
	if isNotFound(err) {
		made, err := CreateRun(ctx, tx, ws, NewRun{ID: n.ID, ExperimentID: n.ExperimentID, Name: n.Name, Status: n.Status,
			User: n.User, StartedAt: &n.StartedAt, Tags: n.Tags})
		if err != nil {
			return made, err
		}
		made.EndedAt = n.EndedAt
		return made, updateRun(ctx, tx, ws, made)
	}
	if err != nil {
		return known, err
	}
	if known.Job || known.OwnerJob != "" || known.ExperimentID != n.ExperimentID {
		return known, atelier.Errorf(atelier.Conflict, "There is another run with the id %q, of the experiment %q.", n.ID, known.ExperimentName)
	}
	if err := mustBeActive(known); err != nil {
		return known, err
	}
	wanted, err := NewRun{ID: n.ID, Name: cmp.Or(n.Name, n.Tags[TagRunName], known.Name), Status: n.Status, User: n.User, StartedAt: &n.StartedAt, Tags: n.Tags}.
		run(tx.Now(), Experiment{ID: known.ExperimentID})
	if err != nil {
		return known, err
	}
	known.Name, known.Status, known.StartedAt, known.EndedAt = wanted.Name, wanted.Status, wanted.StartedAt, n.EndedAt
	if err := updateRun(ctx, tx, ws, known); err != nil {
		return known, err
	}
	return known, setRunTags(ctx, tx, ws, known.ID, pairsOf(wanted.Tags))
}

// importModel makes a logged model of run, or updates what is said of it.
func importModel(ctx context.Context, tx *sqldb.Tx, ws string, run Run, n ImportModel) error {
	described := NewLoggedModel{Name: n.Name, ModelType: n.Type, Params: pairsOf(n.Params), Tags: pairsOf(n.Tags)}
	if err := cmp.Or(described.check(), checkRunID(n.ID), CheckText("status_message", n.StatusMessage), checkNotBlank("name", n.Name)); err != nil {
		return err
	}
	if err := checkModelStatus(n.Status); err != nil {
		return err
	}
	known, err := selectLoggedModel(ctx, tx, ws, n.ID)
	switch {
	case isNotFound(err):
		experiment, err := selectExperiment(ctx, tx, ws, run.ExperimentID)
		if err != nil {
			return err
		}
		made := LoggedModel{ID: n.ID, ExperimentID: run.ExperimentID, Name: n.Name, ModelType: n.Type, Status: n.Status, StatusMessage: n.StatusMessage,
			SourceRunID: run.ID, ArtifactURI: join(experiment.ArtifactLocation, "models", n.ID, "artifacts"), CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt}
		if err := insertLoggedModel(ctx, tx, ws, made); err != nil {
			if sqldb.IsDuplicate(err) {
				return atelier.Errorf(atelier.Conflict, "There was a logged model with the id %q here; it was deleted.", n.ID)
			}
			return err
		}
	case err != nil:
		return err
	case known.SourceRunID != run.ID:
		return atelier.Errorf(atelier.Conflict, "There is a logged model with the id %q of another run, %s.", n.ID, known.SourceRunID)
	case known.Status != n.Status:
		if err := updateLoggedModelStatus(ctx, tx, ws, n.ID, n.Status); err != nil {
			return err
		}
	}
	if err := setLoggedModelParams(ctx, tx, ws, n.ID, described.Params); err != nil {
		return err
	}
	return setLoggedModelTags(ctx, tx, ws, n.ID, described.Tags)
}

// Contents counts what a run holds.
func (s *Service) Contents(ctx context.Context, ws, id string) (RunContents, error) {
	contents := RunContents{Points: map[string]int{}, Files: []Artifact{}, Models: []ModelContents{}}
	run, err := s.Run(ctx, ws, id)
	if err != nil {
		return contents, err
	}
	contents.Datasets = len(run.Inputs)
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		for key := range run.Metrics {
			count, err := series.Count(ctx, tx, series.Key{Workspace: ws, Run: id, Name: key})
			if err != nil {
				return err
			}
			contents.Points[key] = count
		}
		files, err := selectArtifacts(ctx, tx, ws, Owner{RunArtifact, id}, "", 0)
		if err != nil {
			return err
		}
		contents.Files = append(contents.Files, files...)
		models, err := selectRunModels(ctx, tx, ws, id)
		if err != nil {
			return err
		}
		for _, model := range models {
			files, err := selectArtifacts(ctx, tx, ws, Owner{LoggedModelArtifact, model.ID}, "", 0)
			if err != nil {
				return err
			}
			contents.Models = append(contents.Models, ModelContents{ID: model.ID, Files: append([]Artifact{}, files...)})
		}
		return nil
	})
	return contents, err
}
