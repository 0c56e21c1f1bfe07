package endpoint

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// StartRollout begins to move the endpoint's traffic to a deployment, step by
// step. The reconciler takes the further steps, or goes back.
func (s *Service) StartRollout(ctx context.Context, ws, name string, ask StartRollout) (e Endpoint, err error) {
	actor, _ := atelier.ActorFrom(ctx)
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		if e, err = selectEndpoint(ctx, tx, ws, name); err != nil {
			return err
		}
		if e.Rollout.running() {
			return atelier.Errorf(atelier.Conflict, "The endpoint %q is already moving its traffic to %q.", name, e.Rollout.Deployment).
				WithHint("Wait for its end, or stop it.")
		}
		d, err := selectDeployment(ctx, tx, ws, name, ask.Deployment)
		if err != nil {
			return err
		}
		if d.State != Succeeded {
			return atelier.Errorf(atelier.Precondition, "The deployment %q is in state %s.", d.Name, d.State).At("deployment").
				WithHint("Begin when it answers.")
		}
		r, err := ask.rollout(e.Traffic)
		if err != nil {
			return err
		}
		r.StartedBy, r.StartedAt, r.StepStartedAt = actor.Name, tx.Now(), tx.Now()
		e.Rollout, e.Traffic, e.MirrorTraffic, e.UpdatedAt = &r, r.traffic(), e.MirrorTraffic.without(d.Name), tx.Now()
		return updateEndpoint(ctx, tx, e)
	})
	if err != nil {
		return Endpoint{}, err
	}
	return s.announce(ctx, e)
}

// StopRollout ends a rollout. The traffic goes back to what it was before, unless
// keep is set.
func (s *Service) StopRollout(ctx context.Context, ws, name string, keep bool) (e Endpoint, err error) {
	actor, _ := atelier.ActorFrom(ctx)
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		if e, err = selectEndpoint(ctx, tx, ws, name); err != nil {
			return err
		}
		if !e.Rollout.running() {
			return atelier.Errorf(atelier.Precondition, "The endpoint %q is not moving its traffic.", name)
		}
		ended := e.Rollout.ended(tx.Now(), RolloutStopped, actor.Name+" stopped it.")
		if !keep {
			e.Traffic = ended.Before
		}
		e.Rollout, e.UpdatedAt = &ended, tx.Now()
		return updateEndpoint(ctx, tx, e)
	})
	if err != nil {
		return Endpoint{}, err
	}
	return s.announce(ctx, e)
}

func (r *Rollout) running() bool { return r != nil && r.State == RolloutRunning }

// rolling holds what the running rollouts have counted, for those who watch them.
type rolling struct {
	mu   sync.Mutex
	seen map[endpointKey]RolloutCounts
}

func (r *rolling) note(key endpointKey, counts RolloutCounts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[endpointKey]RolloutCounts{}
	}
	r.seen[key] = counts
}

func (r *rolling) forget(key endpointKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, key)
}

func (r *rolling) counts(key endpointKey) *RolloutCounts {
	r.mu.Lock()
	defer r.mu.Unlock()
	if counts, ok := r.seen[key]; ok {
		return &counts
	}
	return nil
}

// counted is where the counts of a running rollout begin.
type counted struct {
	rollout time.Time // which one: when it was started
	old     sample    // at its beginning
	new     sample    // at the beginning of its step
}

// watchRollout returns what was seen of the endpoint's running rollout. A server
// that was started anew counts from now.
func (k *keeper) watchRollout(e Endpoint) watch {
	r := e.Rollout
	old, new := k.answered(r)
	if !k.counted.rollout.Equal(r.StartedAt) {
		k.counted = counted{rollout: r.StartedAt, old: old, new: new}
	}
	return watch{now: k.Clock.Now(), old: old.since(k.counted.old), new: new.since(k.counted.new)}
}

// answered returns the requests to the other deployments of a rollout, and to its own.
func (k *keeper) answered(r *Rollout) (old, new sample) {
	for name := range r.Before.without(r.Deployment) {
		old = old.plus(k.router.pool(k.deployment(name)).stats.sample())
	}
	return old, k.router.pool(k.deployment(r.Deployment)).stats.sample()
}

// roll takes the next step of the endpoint's rollout, or goes back, when it is
// time. It returns the endpoint as it is then.
func (k *keeper) roll(ctx context.Context, e Endpoint) (Endpoint, error) {
	if !e.Rollout.running() {
		k.rolling.forget(k.key)
		return e, nil
	}
	seen := k.watchRollout(e)
	k.rolling.note(k.key, seen.counts())
	next := e.Rollout.judge(seen)
	if reflect.DeepEqual(next, *e.Rollout) {
		return e, nil
	}
	if next.Step != e.Rollout.Step {
		_, k.counted.new = k.answered(&next)
	}
	err := k.change(ctx, func(tx *sqldb.Tx) error {
		present, err := selectEndpoint(ctx, tx, e.Workspace, e.Name)
		if err != nil || !present.Rollout.running() || !present.Rollout.StartedAt.Equal(next.StartedAt) {
			return err // its user has changed it meanwhile
		}
		present.Rollout = &next
		if next.State == RolloutRolledBack {
			present.Traffic = next.Before
		} else {
			present.Traffic = next.traffic()
		}
		e = present
		return updateEndpoint(ctx, tx, present)
	})
	if atelier.CodeOf(err) == atelier.NotFound {
		return e, nil
	}
	k.Log.Info("roll out a deployment", "endpoint", e.Name, "deployment", next.Deployment, "state", next.State,
		"share", next.Steps[next.Step], "reason", next.Reason)
	k.publish(e.Workspace, e.Name, "")
	return e, err
}
