package tracking

import (
	"context"
	"slices"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Purge says which runs are to be removed for good: those to which every rule
// that is set applies. At least one of DeletedBefore, EndedBefore and KeepBest
// must be set, so that nobody removes everything by leaving things out.
type Purge struct {
	DeletedBefore time.Time   `json:"deleted_before,omitzero" required:"false" doc:"Runs and logged models that were deleted before this time."`
	EndedBefore   time.Time   `json:"ended_before,omitzero" required:"false" doc:"Runs that ended before this time, or began before it and never ended."`
	Experiments   []string    `json:"experiments,omitempty" doc:"Names or ids; without any, all."`
	Status        []RunStatus `json:"status,omitempty" doc:"Runs that ended so; without any, all."`
	KeepBest      *Best       `json:"keep_best,omitempty" doc:"Runs that stay in each of the experiments, deleted or not."`
	IncludeActive bool        `json:"include_active,omitempty" doc:"Remove runs that nobody deleted, too, once they have ended."`
	DryRun        bool        `json:"dry_run,omitempty" doc:"Only say what would be removed."`
}

// Best are the runs of an experiment with the greatest, or least, latest value of
// a metric.
type Best struct {
	Count  int    `json:"count" minimum:"1"`
	Metric string `json:"metric"`
	Order  Order  `json:"order" enum:"max,min"`
}

// Order says which value of a metric is the best.
type Order string

const (
	Max Order = "max"
	Min Order = "min"
)

// Purged is how much was removed, or would be.
type Purged struct {
	DryRun       bool `json:"dry_run"`
	Experiments  int  `json:"experiments,omitempty"`
	Runs         int  `json:"runs"`
	LoggedModels int  `json:"logged_models"`
	// MetricBytes are free at once; Objects and Bytes are what no other artifact,
	// version, deployment or asset refers to, and the next sweep may free.
	MetricBytes int64 `json:"metric_bytes"`
	Objects     int64 `json:"objects"`
	Bytes       int64 `json:"bytes"`
	// Kept counts what the rules chose and something still refers to; Reasons has
	// the first of them.
	Kept    int    `json:"kept"`
	Reasons []Kept `json:"reasons,omitempty"`
}

// Kept is a run or an experiment that had to stay, and why.
type Kept struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// maxReasons bounds the answer.
const maxReasons = 100

func (p *Purged) keep(id, name, reason string) {
	p.Kept++
	if len(p.Reasons) < maxReasons {
		p.Reasons = append(p.Reasons, Kept{id, name, reason})
	}
}

// PurgeHook looks at a run that is to be removed, or joins its removal.
type PurgeHook func(ctx context.Context, tx *sqldb.Tx, ws, run string) error

// purgeHooks are what a capability has to say of a run's removal.
type purgeHooks struct{ refuse, join PurgeHook }

// OnPurge adds hooks, before the service is used. refuse changes nothing, and
// answers with a Precondition error, which says why, for a run that must stay.
// join, which may be nil, removes what belongs to the run.
func (s *Service) OnPurge(refuse, join PurgeHook) {
	s.purgeHooks = append(s.purgeHooks, purgeHooks{refuse, join})
}

func (p Purge) check() error {
	if p.DeletedBefore.IsZero() && p.EndedBefore.IsZero() && p.KeepBest == nil {
		return atelier.Errorf(atelier.Invalid, "No rule says which runs to remove.").At("deleted_before").
			WithHint("Give deleted_before, ended_before or keep_best.")
	}
	for _, status := range p.Status {
		if err := checkStatus(status); err != nil {
			return err
		}
	}
	best := p.KeepBest
	switch {
	case best == nil:
		return nil
	case len(p.Experiments) == 0:
		return atelier.Errorf(atelier.Invalid, "The best runs are those of an experiment, and none is named.").At("experiments")
	case best.Count < 1:
		return atelier.Errorf(atelier.Invalid, "%d is not a number of runs to keep.", best.Count).At("keep_best.count").WithHint("Keep at least 1.")
	case best.Metric == "":
		return missing("keep_best.metric")
	case best.Order != Max && best.Order != Min:
		return atelier.Errorf(atelier.Invalid, "%q is not an order of values.", atelier.Clip(string(best.Order), 40)).At("keep_best.order").
			WithHint("Use max when the greatest value is the best, or min.")
	}
	return nil
}

// Purge removes runs for good, each with all that it logged and the logged models
// that only it knows, and logged models that were deleted by themselves. What a
// registered version, a deployment or a child that stays refers to is kept. Bytes
// are freed by the sweep, which knows what else refers to them. A purge that is
// broken off has removed some runs whole, and goes on when it is repeated.
func (s *Service) Purge(ctx context.Context, ws string, p Purge) (Purged, error) {
	if err := refuseJobs(ctx, "remove runs for good"); err != nil {
		return Purged{DryRun: p.DryRun}, err
	}
	if err := p.check(); err != nil {
		return Purged{DryRun: p.DryRun}, err
	}
	run := s.newPurging(ws, p)
	experiments := []string{""}
	if len(p.Experiments) > 0 {
		experiments = nil
	}
	for _, name := range p.Experiments {
		experiment, err := s.FindExperiment(ctx, ws, name)
		if err != nil {
			return run.done, err
		}
		experiments = append(experiments, experiment.ID)
	}
	if err := run.runs(ctx, experiments); err != nil {
		return run.done, err
	}
	if len(p.Experiments) == 0 && !p.DeletedBefore.IsZero() {
		if err := run.models(ctx); err != nil {
			return run.done, err
		}
	}
	return run.done, run.weigh(ctx)
}

// purging is one purge under way.
type purging struct {
	*Service
	ws     string
	policy Purge
	done   Purged
	gone   map[string]bool // runs and logged models that were removed, or would be
	freed  tally
}

func (s *Service) newPurging(ws string, p Purge) *purging {
	return &purging{Service: s, ws: ws, policy: p, done: Purged{DryRun: p.DryRun}, gone: map[string]bool{}, freed: tally{}}
}

// transaction runs do in one that writes, or in a dry run only reads.
func (p *purging) transaction(ctx context.Context, do func(tx *sqldb.Tx) error) error {
	if p.policy.DryRun {
		return p.db.Read(ctx, do)
	}
	return p.db.Write(ctx, do)
}

// candidate is a run that the rules choose.
type candidate struct {
	id, name, stage string
	status          RunStatus
}

// runs purges what the rules choose of the experiments, "" for all of them. A
// parent waits until its children are gone, whichever is looked at first.
func (p *purging) runs(ctx context.Context, experiments []string) error {
	var waiting []candidate
	for _, experiment := range experiments {
		chosen, err := p.choose(ctx, experiment)
		if err != nil {
			return err
		}
		waiting = append(waiting, chosen...)
	}
	for {
		reasons := make([]error, 0, len(waiting))
		kept := waiting[:0:0]
		for _, run := range waiting {
			err := p.run(ctx, run)
			if err != nil && atelier.CodeOf(err) != atelier.Precondition {
				return err
			}
			if err != nil {
				kept, reasons = append(kept, run), append(reasons, err)
			}
		}
		if len(kept) == 0 {
			return nil
		}
		if len(kept) == len(waiting) {
			for i, run := range kept {
				p.done.keep(run.id, run.name, atelier.Public(reasons[i]).Message)
			}
			return nil
		}
		waiting = kept
	}
}

// choose returns the runs of an experiment that the rules choose.
func (p *purging) choose(ctx context.Context, experiment string) (chosen []candidate, err error) {
	err = p.db.Read(ctx, func(tx *sqldb.Tx) error {
		best := map[string]bool{}
		if p.policy.KeepBest != nil {
			ids, err := selectBest(ctx, tx, p.ws, experiment, *p.policy.KeepBest)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				return atelier.Errorf(atelier.Invalid, "No run of the experiment %q has the metric %q, so none would be among the best.",
					experiment, atelier.Clip(p.policy.KeepBest.Metric, 80)).At("keep_best.metric")
			}
			for _, id := range ids {
				best[id] = true
			}
		}
		all, err := selectPurgeable(ctx, tx, p.ws, experiment, p.policy)
		chosen = slices.DeleteFunc(all, func(c candidate) bool {
			return best[c.id] || len(p.policy.Status) > 0 && !slices.Contains(p.policy.Status, c.status)
		})
		return err
	})
	return chosen, err
}

// run purges one run. A Precondition error says why it must stay.
func (p *purging) run(ctx context.Context, run candidate) error {
	var models []string
	var bytes int64
	var files tally
	gone := false
	err := p.transaction(ctx, func(tx *sqldb.Tx) (err error) {
		if gone, err = mayPurge(ctx, tx, p.ws, run.id, p.policy); err != nil || !gone {
			return err // restored or changed meanwhile
		}
		if err := p.refuse(ctx, tx, run); err != nil {
			return err
		}
		if models, err = selectOwnModels(ctx, tx, p.ws, run.id); err != nil {
			return err
		}
		if bytes, files, err = weighRun(ctx, tx, p.ws, run.id, models); err != nil || p.policy.DryRun {
			return err
		}
		return p.remove(ctx, tx, run.id, models)
	})
	if err != nil || !gone {
		return err
	}
	for _, id := range append(models, run.id) {
		p.gone[id] = true
	}
	p.done.Runs++
	p.done.LoggedModels += len(models)
	p.done.MetricBytes += bytes
	p.freed.add(files)
	if !p.policy.DryRun {
		p.publish(p.ws, event.Run, run.id)
	}
	return nil
}

// refuse returns why a run must stay, if it must.
func (p *purging) refuse(ctx context.Context, tx *sqldb.Tx, run candidate) error {
	if run.stage == Active && !run.status.Ended() {
		return atelier.Errorf(atelier.Precondition, "It has not ended.")
	}
	children, err := selectChildren(ctx, tx, p.ws, run.id)
	if err != nil {
		return err
	}
	for _, child := range children {
		if !p.gone[child] {
			return atelier.Errorf(atelier.Precondition, "It is the parent of the run %s, which stays.", child)
		}
	}
	for _, hooks := range p.purgeHooks {
		if err := hooks.refuse(ctx, tx, p.ws, run.id); err != nil {
			return err
		}
	}
	return nil
}

func (p *purging) remove(ctx context.Context, tx *sqldb.Tx, run string, models []string) error {
	for _, hooks := range p.purgeHooks {
		if hooks.join == nil {
			continue
		}
		if err := hooks.join(ctx, tx, p.ws, run); err != nil {
			return err
		}
	}
	for _, id := range models {
		if err := purgeLoggedModel(ctx, tx, p.ws, id); err != nil {
			return err
		}
	}
	return purgeRun(ctx, tx, p.ws, run)
}

// models purges the logged models that were deleted by themselves.
func (p *purging) models(ctx context.Context) error {
	var ids []string
	files := tally{}
	err := p.transaction(ctx, func(tx *sqldb.Tx) (err error) {
		if ids, err = selectPurgeableModels(ctx, tx, p.ws, p.policy.DeletedBefore); err != nil {
			return err
		}
		for _, id := range ids {
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
		return nil
	})
	if err == nil {
		p.done.LoggedModels += len(ids)
		p.freed.add(files)
	}
	return err
}
