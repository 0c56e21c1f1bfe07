package tracking

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

func emptyRun() Run {
	return Run{Params: map[string]string{}, Metrics: map[string]series.Point{}, Tags: map[string]string{},
		Inputs: []Input{}, Outputs: []ModelLink{}}
}

// pairsOf returns m ordered by key.
func pairsOf(m map[string]string) []Pair {
	pairs := make([]Pair, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, Pair{key, m[key]})
	}
	return pairs
}

// mark is the n-th parameter in SQL.
func mark(n int) string { return "$" + strconv.Itoa(n) }

// run checks n and makes the run that it describes.
func (n NewRun) run(now time.Time, experiment Experiment) (Run, error) {
	r := emptyRun()
	r.ID = cmp.Or(n.ID, atelier.NewRunID(now))
	r.Status = cmp.Or(n.Status, Running)
	r.ExperimentID, r.ExperimentName, r.LifecycleStage = experiment.ID, experiment.Name, Active
	r.User, r.ClaimedUser = n.User, cmp.Or(n.ClaimedUser, n.User)
	r.Job, r.OwnerJob, r.StartedAt = n.Job, n.OwnerJob, now
	r.ArtifactURI = join(experiment.ArtifactLocation, r.ID, "artifacts")
	if n.StartedAt != nil {
		r.StartedAt = *n.StartedAt
	}
	if err := cmp.Or(checkRunID(r.ID), checkStatus(r.Status), CheckText("user", r.User), CheckText("user_id", r.ClaimedUser)); err != nil {
		return r, err
	}
	for key, value := range n.Tags {
		tag, err := checkTag(Pair{key, value})
		if err != nil {
			return r, err
		}
		r.Tags[tag.Key] = tag.Value
	}
	tagged := r.Tags[TagRunName]
	if n.Name != "" && tagged != "" && n.Name != tagged {
		return r, atelier.Errorf(atelier.Invalid, "Both 'run_name' argument and '%s' tag are specified, but with different values (run_name='%s', %s='%s').",
			TagRunName, atelier.Clip(n.Name, 60), TagRunName, atelier.Clip(tagged, 60)).At("run_name")
	}
	r.Name = cmp.Or(n.Name, tagged, newName())
	r.Tags[TagRunName] = r.Name
	r.ParentRunID = r.Tags[TagParent]
	return r, CheckText("run_name", r.Name)
}

func checkStatus(status RunStatus) error {
	if !slices.Contains(RunStatuses(), status) {
		return atelier.Errorf(atelier.Invalid, "Invalid value %q for parameter 'status' supplied: use one of %v.", atelier.Clip(string(status), 40), RunStatuses()).At("status")
	}
	return nil
}

// Run returns a run with all that it logged.
func (s *Service) Run(ctx context.Context, ws, id string) (Run, error) {
	var known [1]Run
	ids := []string{id}
	if len(s.memory.recall(ws, ids, known[:])) == 0 && len(known[0].Inputs) == 0 {
		return known[0], ctx.Err()
	}
	since := s.memory.now()
	var run Run
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if _, err := selectRun(ctx, tx, ws, id); err != nil {
			return err
		}
		runs, err := s.memory.load(ctx, tx, ws, ids, since)
		if err != nil {
			return err
		}
		run = runs[0]
		return loadInputDetails(ctx, tx, ws, &run)
	})
	return run, err
}

// writeRun changes a run that the actor may write to, and announces it.
func (s *Service) writeRun(ctx context.Context, ws, id, topic string, change func(tx *sqldb.Tx, run Run) error) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		run, err := s.rows.find(ctx, tx, ws, id)
		if err != nil {
			return err
		}
		if err := mayWrite(ctx, run.ID, run.OwnerJob); err != nil {
			return err
		}
		return change(tx, run)
	})
	if err == nil {
		s.publish(ws, topic, id)
	}
	return err
}

func mustBeActive(run Run) error {
	if run.LifecycleStage == Active {
		return nil
	}
	return atelier.Errorf(atelier.Precondition, "The run %s must be in the 'active' state. Current state is %s.", run.ID, run.LifecycleStage).
		WithHint("Restore it first.")
}

// Update changes a run's name, status, end or tags.
func (s *Service) Update(ctx context.Context, ws, id string, u UpdateRun) (Run, error) {
	err := s.writeRun(ctx, ws, id, event.Run, func(tx *sqldb.Tx, run Run) error {
		if err := mustBeActive(run); err != nil {
			return err
		}
		if err := u.apply(&run, tx.Now()); err != nil {
			return err
		}
		if u.Name != nil {
			if err := setRunTags(ctx, tx, ws, id, []Pair{{TagRunName, run.Name}}); err != nil {
				return err
			}
		}
		if err := updateRun(ctx, tx, ws, run); err != nil {
			return err
		}
		return s.changeTags(ctx, tx, ws, run, u.Tags)
	})
	if err != nil {
		return Run{}, err
	}
	return s.Run(ctx, ws, id)
}

func (u UpdateRun) apply(run *Run, now time.Time) error {
	if u.Name != nil {
		if err := cmp.Or(CheckText("run_name", *u.Name), checkNotBlank("run_name", *u.Name)); err != nil {
			return err
		}
		run.Name = cut(*u.Name, maxTagValue)
	}
	if u.Status != nil {
		if err := checkStatus(*u.Status); err != nil {
			return err
		}
		run.Status = *u.Status
		run.EndedAt = nil
		if u.Status.Ended() {
			run.EndedAt = &now
		}
	}
	if u.EndedAt != nil {
		run.EndedAt = u.EndedAt
	}
	return nil
}

func checkNotBlank(field, text string) error {
	if text == "" {
		return missing(field)
	}
	return nil
}

func (s *Service) changeTags(ctx context.Context, tx *sqldb.Tx, ws string, run Run, tags map[string]*string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		if value == nil {
			if _, err := deleteRunTag(ctx, tx, ws, run.ID, key); err != nil {
				return err
			}
			continue
		}
		tag, err := checkTag(Pair{key, *value})
		if err != nil {
			return err
		}
		if err := writeTags(ctx, tx, ws, run, []Pair{tag}); err != nil {
			return err
		}
	}
	return nil
}

// writeTags sets checked tags; the run's name is one of them.
func writeTags(ctx context.Context, tx *sqldb.Tx, ws string, run Run, tags []Pair) error {
	for _, tag := range tags {
		if tag.Key == TagRunName && tag.Value != run.Name {
			run.Name = tag.Value
			if err := updateRun(ctx, tx, ws, run); err != nil {
				return err
			}
		}
	}
	return setRunTags(ctx, tx, ws, run.ID, tags)
}

// DeleteTag removes one tag of a run.
func (s *Service) DeleteTag(ctx context.Context, ws, id, key string) error {
	return s.writeRun(ctx, ws, id, event.Run, func(tx *sqldb.Tx, run Run) error {
		if err := mustBeActive(run); err != nil {
			return err
		}
		removed, err := deleteRunTag(ctx, tx, ws, id, key)
		if err == nil && removed == 0 {
			return atelier.Errorf(atelier.NotFound, "No tag with name: %s in run with id %s.", atelier.Clip(key, 80), id)
		}
		return err
	})
}

// Delete hides a run until it is restored.
func (s *Service) Delete(ctx context.Context, ws, id string) error {
	return s.setStage(ctx, ws, id, Deleted)
}

// Restore brings a deleted run back.
func (s *Service) Restore(ctx context.Context, ws, id string) error {
	return s.setStage(ctx, ws, id, Active)
}

func (s *Service) setStage(ctx context.Context, ws, id, stage string) error {
	return s.writeRun(ctx, ws, id, event.Run, func(tx *sqldb.Tx, run Run) error {
		return updateRunStage(ctx, tx, ws, id, stage)
	})
}
