package tracking

import (
	"context"
	"maps"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// defaultLocation is where an MLflow client writes the artifacts of an
// experiment: through the server.
func defaultLocation(id string) string { return "mlflow-artifacts:/" + id }

// CreateExperiment makes an experiment in the caller's transaction.
func CreateExperiment(ctx context.Context, tx *sqldb.Tx, ws string, n NewExperiment) (Experiment, error) {
	if err := EnsureWorkspace(ctx, tx, ws); err != nil {
		return Experiment{}, err
	}
	if err := checkExperimentName(n.Name); err != nil {
		return Experiment{}, err
	}
	if err := checkLocation(n.ArtifactLocation); err != nil {
		return Experiment{}, err
	}
	for key, value := range n.Tags {
		if err := checkExperimentTag(Pair{key, value}); err != nil {
			return Experiment{}, err
		}
	}
	if known, err := selectExperimentByName(ctx, tx, ws, n.Name); err == nil {
		return Experiment{}, taken(known)
	} else if !isNotFound(err) {
		return Experiment{}, err
	}
	id, err := newExperimentID(ctx, tx, ws, n.id)
	if err != nil {
		return Experiment{}, err
	}
	e := Experiment{ID: id, Name: n.Name, LifecycleStage: Active, ArtifactLocation: n.ArtifactLocation,
		Tags: n.Tags, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	if e.ArtifactLocation == "" {
		e.ArtifactLocation = defaultLocation(id)
	}
	if err := insertExperiment(ctx, tx, ws, e); err != nil {
		if sqldb.IsDuplicate(err) {
			return Experiment{}, taken(e)
		}
		return Experiment{}, err
	}
	return e, setExperimentTags(ctx, tx, ws, id, pairsOf(n.Tags))
}

func taken(e Experiment) error {
	hint := "Use it, or choose another name."
	if e.LifecycleStage == Deleted {
		hint = "It is deleted. Restore it, or choose another name."
	}
	return atelier.Errorf(atelier.Conflict, "Experiment(name=%s) already exists.", atelier.Clip(e.Name, 120)).At("name").WithHint("%s", hint)
}

// CreateExperiment makes an experiment.
func (s *Service) CreateExperiment(ctx context.Context, ws string, n NewExperiment) (Experiment, error) {
	var made Experiment
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		made, err = CreateExperiment(ctx, tx, ws, n)
		return err
	})
	if err == nil {
		s.publish(ws, event.Experiment, made.ID)
	}
	return made, err
}

// ensure makes the default experiment of a workspace that has none yet.
func (s *Service) ensure(ctx context.Context, ws string) error {
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		_, err := selectExperiment(ctx, tx, ws, DefaultExperimentID)
		return err
	})
	if !isNotFound(err) {
		return err
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return EnsureWorkspace(ctx, tx, ws) })
}

// Experiment returns the experiment with the given id, deleted or not.
func (s *Service) Experiment(ctx context.Context, ws, id string) (Experiment, error) {
	return s.readExperiment(ctx, ws, func(tx *sqldb.Tx) (Experiment, error) { return selectExperiment(ctx, tx, ws, id) })
}

// ExperimentByName returns the experiment with the given name, deleted or not.
func (s *Service) ExperimentByName(ctx context.Context, ws, name string) (Experiment, error) {
	return s.readExperiment(ctx, ws, func(tx *sqldb.Tx) (Experiment, error) { return selectExperimentByName(ctx, tx, ws, name) })
}

// FindExperiment returns the experiment whose id or name is given.
func (s *Service) FindExperiment(ctx context.Context, ws, idOrName string) (Experiment, error) {
	e, err := s.Experiment(ctx, ws, idOrName)
	if isNotFound(err) {
		return s.ExperimentByName(ctx, ws, idOrName)
	}
	return e, err
}

// readExperiment reads one experiment with its tags. A workspace's default
// experiment may have to be made first, when a client asks for it before anything
// was written.
func (s *Service) readExperiment(ctx context.Context, ws string, read func(tx *sqldb.Tx) (Experiment, error)) (Experiment, error) {
	var e Experiment
	once := func(tx *sqldb.Tx) (err error) {
		if e, err = read(tx); err != nil {
			return err
		}
		return loadExperimentTags(ctx, tx, ws, []Experiment{e})
	}
	err := s.db.Read(ctx, once)
	if !isNotFound(err) {
		return e, err
	}
	if err := s.ensure(ctx, ws); err != nil {
		return e, err
	}
	return e, s.db.Read(ctx, once)
}

// writeExperiment changes an existing experiment and announces it.
func (s *Service) writeExperiment(ctx context.Context, ws, id string, change func(tx *sqldb.Tx, e Experiment) error) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := EnsureWorkspace(ctx, tx, ws); err != nil {
			return err
		}
		e, err := selectExperiment(ctx, tx, ws, id)
		if err != nil {
			return err
		}
		return change(tx, e)
	})
	if err == nil {
		s.publish(ws, event.Experiment, id)
	}
	return err
}

// RenameExperiment gives an active experiment another name.
func (s *Service) RenameExperiment(ctx context.Context, ws, id, name string) error {
	if err := refuseJobs(ctx, "rename an experiment"); err != nil {
		return err
	}
	if err := checkExperimentName(name); err != nil {
		return err
	}
	return s.writeExperiment(ctx, ws, id, func(tx *sqldb.Tx, e Experiment) error {
		if e.LifecycleStage != Active {
			return atelier.Errorf(atelier.Precondition, "Cannot rename a non-active experiment.").WithHint("Restore it first.")
		}
		return renameExperiment(ctx, tx, ws, e, name)
	})
}

// UpdateExperiment changes an active experiment's name and tags, all or nothing.
func (s *Service) UpdateExperiment(ctx context.Context, ws, id string, u UpdateExperiment) (Experiment, error) {
	if err := refuseJobs(ctx, "change an experiment"); err != nil {
		return Experiment{}, err
	}
	if u.Name != nil {
		if err := checkExperimentName(*u.Name); err != nil {
			return Experiment{}, err
		}
	}
	err := s.writeExperiment(ctx, ws, id, func(tx *sqldb.Tx, e Experiment) error {
		if e.LifecycleStage != Active {
			return atelier.Errorf(atelier.Precondition, "The experiment %s must be in the 'active' state. Current state is deleted.", id).
				WithHint("Restore it first.")
		}
		if u.Name != nil {
			if err := renameExperiment(ctx, tx, ws, e, *u.Name); err != nil {
				return err
			}
		}
		return changeExperimentTags(ctx, tx, ws, id, u.Tags)
	})
	if err != nil {
		return Experiment{}, err
	}
	return s.Experiment(ctx, ws, id)
}

func renameExperiment(ctx context.Context, tx *sqldb.Tx, ws string, e Experiment, name string) error {
	if known, err := selectExperimentByName(ctx, tx, ws, name); err == nil && known.ID != e.ID {
		return taken(known)
	}
	return updateExperimentName(ctx, tx, ws, e.ID, name)
}

func changeExperimentTags(ctx context.Context, tx *sqldb.Tx, ws, id string, tags map[string]*string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if tags[key] == nil {
			if _, err := deleteExperimentTag(ctx, tx, ws, id, key); err != nil {
				return err
			}
			continue
		}
		tag := Pair{key, *tags[key]}
		if err := checkExperimentTag(tag); err != nil {
			return err
		}
		if err := setExperimentTags(ctx, tx, ws, id, []Pair{tag}); err != nil {
			return err
		}
	}
	return nil
}

// DeleteExperiment hides an experiment and its runs until they are restored.
func (s *Service) DeleteExperiment(ctx context.Context, ws, id string) error {
	return s.setExperimentStage(ctx, ws, id, Deleted)
}

// RestoreExperiment brings a deleted experiment and its runs back.
func (s *Service) RestoreExperiment(ctx context.Context, ws, id string) error {
	return s.setExperimentStage(ctx, ws, id, Active)
}

func (s *Service) setExperimentStage(ctx context.Context, ws, id, stage string) error {
	if err := refuseJobs(ctx, "delete or restore an experiment"); err != nil {
		return err
	}
	if id == DefaultExperimentID && stage == Deleted {
		return atelier.Errorf(atelier.Invalid, "The default experiment cannot be deleted.").At("experiment_id")
	}
	return s.writeExperiment(ctx, ws, id, func(tx *sqldb.Tx, e Experiment) error {
		if e.LifecycleStage == stage {
			if stage == Deleted {
				return atelier.Errorf(atelier.NotFound, "No active experiment with id=%s exists.", id)
			}
			return atelier.Errorf(atelier.NotFound, "No deleted experiment with id=%s exists.", id)
		}
		return updateExperimentStage(ctx, tx, ws, id, stage)
	})
}

// SetExperimentTag sets one tag of an experiment.
func (s *Service) SetExperimentTag(ctx context.Context, ws, id string, tag Pair) error {
	if err := checkExperimentTag(tag); err != nil {
		return err
	}
	return s.writeExperiment(ctx, ws, id, func(tx *sqldb.Tx, e Experiment) error {
		if e.LifecycleStage != Active {
			return atelier.Errorf(atelier.Precondition, "The experiment %s must be in the 'active' state. Current state is deleted.", id)
		}
		return setExperimentTags(ctx, tx, ws, id, []Pair{tag})
	})
}

// DeleteExperimentTag removes one tag of an experiment.
func (s *Service) DeleteExperimentTag(ctx context.Context, ws, id, key string) error {
	if err := refuseJobs(ctx, "remove an experiment's tag"); err != nil {
		return err
	}
	return s.writeExperiment(ctx, ws, id, func(tx *sqldb.Tx, e Experiment) error {
		removed, err := deleteExperimentTag(ctx, tx, ws, id, key)
		if err == nil && removed == 0 {
			return atelier.Errorf(atelier.NotFound, "No tag with name: %s in experiment with id %s.", atelier.Clip(key, 80), id)
		}
		return err
	})
}
