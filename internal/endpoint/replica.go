package endpoint

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// backend returns the replica as the router uses it.
func (k *keeper) backend(r Replica) *backend {
	return &backend{
		id:   r.ID,
		dial: func(ctx context.Context) (net.Conn, error) { return k.Driver.Dial(ctx, r.handle) },
		lost: k.hurry,
		hung: func() {
			k.watch(r.ID).doomed.Store(true)
			k.hurry()
		},
	}
}

// start starts one replica of d's present revision. The row is stored before
// anything runs, and the handle before anything is on disk, so that a server that
// dies in between knows of all that it has begun.
func (k *keeper) start(ctx context.Context, d *Deployment) error {
	if k.Clock.Now().Before(k.startAfter[d.Name]) {
		return nil
	}
	r := Replica{ID: "replica-" + atelier.NewID(k.Clock.Now()), State: Starting, StartedAt: k.Clock.Now(),
		workspace: d.Workspace, endpoint: d.Endpoint, deployment: d.Name, revision: d.revision, tokenAt: k.Clock.Now()}
	var token string
	err := k.change(ctx, func(tx *sqldb.Tx) (err error) {
		if token, err = k.issueToken(ctx, tx, r, d.userID); err != nil {
			return err
		}
		return insertReplica(ctx, tx, r)
	})
	if err != nil {
		return err
	}
	if err := k.launch(ctx, d, &r, token); err != nil {
		k.Log.Warn("start a replica", "replica", r.ID, "error", err)
		r.State, r.Error = Terminated, &compute.Failure{Code: "ResourceNotReady", Message: atelier.Public(err).Error()}
		k.keep(ctx, r)
	}
	k.publish(d.Workspace, d.Endpoint, d.Name)
	return nil
}

func (k *keeper) launch(ctx context.Context, d *Deployment, r *Replica, token string) error {
	task, err := k.task(ctx, *d, *r, token)
	if err != nil {
		return err
	}
	r.handle = k.Driver.Handle(task)
	err = k.change(ctx, func(tx *sqldb.Tx) error {
		present, err := selectReplica(ctx, tx, r.workspace, r.ID)
		if err != nil {
			return err
		}
		present.handle = r.handle
		return updateReplica(ctx, tx, present)
	})
	if err == nil {
		_, err = k.Driver.Prepare(ctx, task)
	}
	if err != nil {
		return err
	}
	return k.Driver.Start(ctx, r.handle)
}

// forget releases what an ended replica left. Its logs stay until the next one
// of its deployment ends.
func (k *keeper) forget(ctx context.Context, d *Deployment, r Replica) error {
	if r.handle != "" {
		if err := k.Driver.Release(ctx, r.handle); err != nil {
			return err
		}
	}
	k.noteLoss(d, r)
	useless := r // whose logs nobody can ask for any more
	err := k.change(ctx, func(tx *sqldb.Tx) error {
		if err := k.Access.RevokeTask(ctx, tx, r.workspace, r.ID); err != nil {
			return err
		}
		if err := deleteReplica(ctx, tx, r.workspace, r.ID); err != nil {
			return err
		}
		present, err := selectDeployment(ctx, tx, r.workspace, r.endpoint, r.deployment)
		if atelier.CodeOf(err) == atelier.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		useless.ID, present.lastEnded = present.lastEnded, r.ID
		return updateDeployment(ctx, tx, present)
	})
	if err != nil {
		return err
	}
	k.removeLogs(useless)
	k.mu.Lock()
	delete(k.seen, r.ID)
	k.mu.Unlock()
	return nil
}

// noteLoss makes the next start wait, longer with every loss in a row.
func (k *keeper) noteLoss(d *Deployment, r Replica) {
	if d == nil || r.stopping || r.Error == nil || r.Error.Code != compute.RunnerLost {
		return
	}
	now := k.Clock.Now()
	if now.Sub(r.StartedAt) > longestPause {
		k.pause[d.Name] = 0
	}
	k.startAfter[d.Name] = now.Add(k.pause[d.Name])
	k.pause[d.Name] = min(max(time.Second, 2*k.pause[d.Name]), longestPause)
}

func (k *keeper) removeLogs(r Replica) {
	for _, name := range []string{prepareLog, serverLog, runnerLog} {
		if err := k.Logs.Remove(logID(r, name)); err != nil {
			k.Log.Warn("remove a log", "replica", r.ID, "error", err)
		}
	}
}

// retire ends a replica that is not wanted any more: first it gets no new
// requests, then its last ones end, then it does.
func (k *keeper) retire(ctx context.Context, r Replica, draining *sync.WaitGroup) {
	w := k.watch(r.ID)
	if w.draining.Swap(true) {
		return
	}
	drained := k.router.pool(k.deployment(r.deployment)).remove(r.ID)
	draining.Go(func() {
		if err := k.end(ctx, r, drained); err != nil && ctx.Err() == nil {
			k.Log.Error("end a replica", "replica", r.ID, "error", err)
			w.draining.Store(false)
		}
		k.hurry()
	})
}

// endTime is how long a runner may take to end its worker.
const endTime = 20 * time.Second

func (k *keeper) end(ctx context.Context, r Replica, drained <-chan struct{}) error {
	select {
	case <-drained:
	case <-k.Clock.After(maxRequestTimeoutMS * time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	err := k.change(ctx, func(tx *sqldb.Tx) error {
		present, err := selectReplica(ctx, tx, r.workspace, r.ID)
		if err != nil {
			return err
		}
		present.stopping, present.State = true, Draining
		return updateReplica(ctx, tx, present)
	})
	if err != nil {
		return err
	}
	if r.handle != "" {
		if err := k.Driver.Signal(ctx, r.handle, compute.Stop); err != nil && atelier.CodeOf(err) != atelier.NotFound {
			return err
		}
		waiting, cancel := context.WithTimeout(ctx, endTime)
		defer cancel()
		if err := k.Driver.Wait(waiting, r.handle); err != nil && ctx.Err() == nil {
			if err := k.Driver.Signal(ctx, r.handle, compute.Kill); err != nil && atelier.CodeOf(err) != atelier.NotFound {
				return err
			}
		}
	}
	r.State = Terminated
	k.keep(ctx, r)
	return ctx.Err()
}
