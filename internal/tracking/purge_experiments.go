package tracking

import (
	"context"
	"fmt"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// PurgeExperiments says which deleted experiments are to be removed for good.
type PurgeExperiments struct {
	DeletedBefore time.Time `json:"deleted_before" doc:"Experiments that were deleted before this time."`
	Experiments   []string  `json:"experiments,omitempty" doc:"Names or ids; without any, all that are deleted."`
	DryRun        bool      `json:"dry_run,omitempty" doc:"Only say what would be removed."`
}

// PurgeExperiments removes deleted experiments for good, with their runs. One
// stays as long as something refers to one of its runs or logged models.
func (s *Service) PurgeExperiments(ctx context.Context, ws string, p PurgeExperiments) (Purged, error) {
	run := s.newPurging(ws, Purge{DryRun: p.DryRun})
	if err := refuseJobs(ctx, "remove experiments for good"); err != nil {
		return run.done, err
	}
	if p.DeletedBefore.IsZero() {
		return run.done, missing("deleted_before")
	}
	chosen, err := s.deletedExperiments(ctx, ws, p)
	if err != nil {
		return run.done, err
	}
	var ids []string
	for _, experiment := range chosen {
		ids = append(ids, experiment.ID)
	}
	if err := run.runs(ctx, ids); err != nil {
		return run.done, err
	}
	for _, experiment := range chosen {
		if err := run.experiment(ctx, experiment); err != nil {
			return run.done, err
		}
	}
	return run.done, run.weigh(ctx)
}

// deletedExperiments returns what p chooses, and refuses names that cannot be
// chosen.
func (s *Service) deletedExperiments(ctx context.Context, ws string, p PurgeExperiments) (chosen []Experiment, err error) {
	if len(p.Experiments) == 0 {
		err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			chosen, err = selectPurgeableExperiments(ctx, tx, ws, p.DeletedBefore)
			return err
		})
		return chosen, err
	}
	for _, name := range p.Experiments {
		experiment, err := s.FindExperiment(ctx, ws, name)
		if err != nil {
			return nil, err
		}
		if experiment.LifecycleStage != Deleted {
			return nil, atelier.Errorf(atelier.Precondition, "The experiment %q is not deleted.", atelier.Clip(experiment.Name, 80)).
				WithHint("Delete it first.")
		}
		if experiment.UpdatedAt.Before(p.DeletedBefore) {
			chosen = append(chosen, experiment)
		}
	}
	return chosen, nil
}

// experiment removes one that holds nothing any more.
func (p *purging) experiment(ctx context.Context, e Experiment) error {
	gone, reason := false, ""
	var models []string
	files := tally{}
	err := p.transaction(ctx, func(tx *sqldb.Tx) error {
		now, err := selectExperiment(ctx, tx, p.ws, e.ID)
		if isNotFound(err) || err == nil && now.LifecycleStage != Deleted {
			return nil // restored or removed meanwhile
		}
		if err != nil {
			return err
		}
		if models, reason, err = p.holds(ctx, tx, e.ID); err != nil || reason != "" {
			return err
		}
		gone = true
		for _, id := range models {
			if err := loadTally(ctx, tx, p.ws, Owner{LoggedModelArtifact, id}, files); err != nil {
				return err
			}
			if p.policy.DryRun {
				continue
			}
			if err := purgeLoggedModel(ctx, tx, p.ws, id); err != nil {
				return err
			}
		}
		if p.policy.DryRun {
			return nil
		}
		return purgeExperiment(ctx, tx, p.ws, e.ID)
	})
	if err != nil {
		return err
	}
	if reason != "" {
		p.done.keep(e.ID, e.Name, reason)
	}
	if gone {
		p.done.Experiments++
		p.done.LoggedModels += len(models)
		p.freed.add(files)
		if !p.policy.DryRun {
			p.publish(p.ws, event.Experiment, e.ID)
		}
	}
	return nil
}

// holds returns the logged models that go with an experiment, or why it stays.
func (p *purging) holds(ctx context.Context, tx *sqldb.Tx, id string) (models []string, reason string, err error) {
	runs, all, err := selectHoldsOf(ctx, tx, p.ws, id)
	if err != nil {
		return nil, "", err
	}
	for _, run := range runs {
		if !p.gone[run] {
			return nil, fmt.Sprintf("Its run %s stays.", run), nil
		}
	}
	for _, model := range all {
		readers, err := selectReaders(ctx, tx, p.ws, model)
		if err != nil {
			return nil, "", err
		}
		for _, run := range readers {
			if !p.gone[run] {
				return nil, fmt.Sprintf("The run %s of another experiment uses its logged model %s.", run, model), nil
			}
		}
		if !p.gone[model] { // one that goes with its run is counted there
			models = append(models, model)
		}
	}
	return models, "", nil
}
