package job

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/logs"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/vault"
)

// Options are what a Service needs.
type Options struct {
	DB           *sqldb.DB
	Clock        clock.Clock
	Bus          *event.Bus
	Access       *access.Service
	Blobs        blob.Store
	Logs         *logs.Store
	Tracking     *tracking.Service
	Models       *model.Service
	Data         *data.Service
	Stores       *datastore.Service
	Environments *environment.Service
	Secrets      *vault.Service
	Driver       compute.Driver
	Log          *slog.Logger
	// Replicas counts the replicas of endpoints on the machine; nil for none.
	Replicas func(ctx context.Context, tx *sqldb.Tx) (int, error)

	ServerFile      string        // where runners find the server's address
	ServerURL       func() string // the address now
	EnvironmentsDir string
	ToolsDir        string
}

// Service runs jobs.
type Service struct {
	Options
	wake  chan struct{} // receives when the plan may have changed
	known *memory

	mu    sync.Mutex
	heard map[key]int // for how many ticks each runner has said nothing
}

// New returns the service. Nothing is scheduled before Run.
func New(o Options) *Service {
	return &Service{Options: o, wake: make(chan struct{}, 1), known: newMemory(o.DB, o.Replicas), heard: map[key]int{}}
}

// snapshot is what a plan needs now; of the jobs that wait all, or those of which
// any can start.
func (s *Service) snapshot(ctx context.Context, all bool) (snapshot, error) {
	capacity, err := s.Driver.Describe(ctx)
	if err != nil {
		return snapshot{}, err
	}
	now, err := s.known.snapshot(ctx, s.DB, machineShare(capacity), all)
	now.now = s.Clock.Now()
	return now, err
}

// changeTries bounds how often a change is made again because somebody else's
// came first.
const changeTries = 20

// change reads a job, lets fn change it, and stores it, in one transaction. The
// run follows the job's status in the same transaction. fn may run again when
// somebody else changed the job meanwhile.
func (s *Service) change(ctx context.Context, ws, name string, fn func(tx *sqldb.Tx, j *Job) error) (Job, error) {
	var before, after Job
	for range changeTries {
		err := s.DB.Write(ctx, func(tx *sqldb.Tx) (err error) {
			if before, err = selectJob(ctx, tx, ws, name); err != nil {
				return err
			}
			after = before
			if err := fn(tx, &after); err != nil {
				return err
			}
			if err := updateJob(ctx, tx, after); err != nil {
				return err
			}
			return followStatus(ctx, tx, before, after)
		})
		if errors.Is(err, errChanged) {
			continue
		}
		if err == nil {
			s.announce(before, after)
		}
		return after, err
	}
	return Job{}, atelier.Errorf(atelier.Conflict, "The job %q is being changed by others.", name).WithHint("Try again.")
}

// announce publishes what changed and wakes the scheduler when a processor
// became free.
func (s *Service) announce(before, after Job) {
	s.Bus.Publish(event.Notice{Workspace: after.workspace, Topic: event.Job, ID: after.Name})
	if before.Status == after.Status {
		return
	}
	s.Bus.Publish(event.Notice{Workspace: after.workspace, Topic: event.Run, ID: after.Name})
	if after.Status.Ended() || after.Status == Queued {
		s.wakeUp()
	}
}

func (s *Service) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// followStatus gives the run the status that belongs to its job's.
func followStatus(ctx context.Context, tx *sqldb.Tx, before, after Job) error {
	status := runStatus(after.Status)
	if before.Status == after.Status || runStatus(before.Status) == status {
		return nil
	}
	at := tx.Now()
	if status == tracking.Running && after.StartedAt != nil {
		at = *after.StartedAt
	} else if status.Ended() && after.EndedAt != nil {
		at = *after.EndedAt
	}
	return tracking.SetRunStatus(ctx, tx, after.workspace, after.Name, status, at)
}

// runStatus is the status of a job's run, in MLflow's words.
func runStatus(status Status) tracking.RunStatus {
	switch status {
	case NotStarted, Queued, Preparing:
		return tracking.Scheduled
	case Completed:
		return tracking.Finished
	case Failed:
		return tracking.Failed
	case Canceled:
		return tracking.Killed
	}
	return tracking.Running
}

// Get returns a job.
func (s *Service) Get(ctx context.Context, ws, name string) (j Job, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		j, err = selectJob(ctx, tx, ws, name)
		return err
	})
	return j, err
}

// List returns a page of jobs, newest first.
func (s *Service) List(ctx context.Context, ws string, ask ListJobs) (atelier.Page[Job], error) {
	size := atelier.PageSize(ask.MaxResults, 50, 1000)
	if ask.Status != "" && !slices.Contains(Statuses(), ask.Status) {
		return atelier.Page[Job]{}, atelier.Errorf(atelier.Invalid, "There is no status %q.", atelier.Clip(string(ask.Status), 40)).At("status").
			WithHint("A job is one of %v.", Statuses())
	}
	var after *pageKey
	if ask.PageToken != "" {
		after = &pageKey{}
		if err := atelier.DecodePageToken(ask.PageToken, after); err != nil {
			return atelier.Page[Job]{}, err
		}
	}
	page := atelier.Page[Job]{}
	err := s.DB.Read(ctx, func(tx *sqldb.Tx) (err error) {
		page.Items, err = selectJobs(ctx, tx, ws, ask, after, size+1)
		return err
	})
	if len(page.Items) > size {
		page.Items = page.Items[:size]
		last := page.Items[size-1]
		page.NextPageToken = atelier.EncodePageToken(pageKey{sqldb.Micros(last.CreatedAt), last.Name})
	}
	return page, err
}

// Cancel asks a job to end. It returns at once; the job is Canceled when its
// command has ended.
func (s *Service) Cancel(ctx context.Context, ws, name string) (Job, error) {
	j, err := s.change(ctx, ws, name, func(tx *sqldb.Tx, j *Job) error {
		if j.Status.Ended() {
			return atelier.Errorf(atelier.Precondition, "The job %q has ended already: it is %s.", name, j.Status)
		}
		j.apply(happening{kind: cancelAsked}, tx.Now())
		return nil
	})
	if err == nil && j.handle != "" {
		// The runner also learns of it with its next report.
		if err := s.Driver.Signal(ctx, j.handle, compute.Stop); err != nil {
			s.Log.Warn("tell a runner to stop", "job", name, "error", err)
		}
	}
	return j, err
}

// Delete forgets a job that has ended: its row, its logs, and its run, which can
// be restored.
func (s *Service) Delete(ctx context.Context, ws, name string) error {
	j, err := s.deleteWhenReleased(ctx, ws, name)
	if err != nil {
		return err
	}
	s.Bus.Publish(event.Notice{Workspace: ws, Topic: event.Job, ID: name})
	s.removeLogs(j)
	return s.Tracking.Delete(ctx, ws, name)
}

func (s *Service) removeLogs(j Job) {
	for _, log := range logNames(j.task.Distribution.Processes()) {
		if err := s.Logs.Remove(logID(j.workspace, j.Name, log)); err != nil {
			s.Log.Warn("remove a job's log", "job", j.Name, "error", err)
		}
	}
}

// deleteWhenReleased deletes the job's row. One that has just ended is given a
// moment to be put away.
func (s *Service) deleteWhenReleased(ctx context.Context, ws, name string) (j Job, err error) {
	const tries, pause = 50, 100 * time.Millisecond
	for try := 1; ; try++ {
		putAway := true
		err = s.DB.Write(ctx, func(tx *sqldb.Tx) error {
			if j, err = selectJob(ctx, tx, ws, name); err != nil {
				return err
			}
			if !j.Status.Ended() {
				return atelier.Errorf(atelier.Precondition, "The job %q has not ended: it is %s.", name, j.Status).
					WithHint("Cancel it first with `atelier job cancel %s`.", name)
			}
			if putAway = j.handle == ""; !putAway {
				return nil
			}
			return deleteJob(ctx, tx, ws, name)
		})
		if err != nil || putAway {
			return j, err
		}
		if try == tries {
			return j, atelier.Errorf(atelier.Unavailable, "The job %q has ended, but its runner has not left yet.", name).WithHint("Try again in a moment.")
		}
		select {
		case <-ctx.Done():
			return j, ctx.Err()
		case <-s.Clock.After(pause):
		}
	}
}

// RefuseDeletion refuses to delete a workspace in which jobs run: their tasks
// could not be found again.
func RefuseDeletion(ctx context.Context, tx *sqldb.Tx, ws string) error {
	busy, err := countUnfinished(ctx, tx, ws)
	if err == nil && busy > 0 {
		err = atelier.Errorf(atelier.Precondition, "The workspace has %d jobs that have not ended.", busy).
			WithHint("Cancel them with `atelier job cancel NAME`, or wait.")
	}
	return err
}

func logID(ws, job, name string) logs.ID {
	return logs.ID{Workspace: ws, Owner: "job/" + job, Name: name}
}

// Log is one log of a job, as it grows.
type Log struct {
	store *logs.Store
	id    logs.ID
}

// OpenLog returns a log of a job. One that is still empty is there too.
func (s *Service) OpenLog(ctx context.Context, ws, job, name string) (Log, error) {
	j, err := s.Get(ctx, ws, job)
	if err != nil {
		return Log{}, err
	}
	if name, err = logName(name, j.task.Distribution.Processes()); err != nil {
		return Log{}, err
	}
	return Log{store: s.Logs, id: logID(ws, job, name)}, nil
}

// Size is how many bytes the log has now.
func (l Log) Size() int64 { return l.store.Size(l.id) }

// ReadAt reads as io.ReaderAt does.
func (l Log) ReadAt(p []byte, offset int64) (int, error) { return l.store.ReadAt(l.id, offset, p) }

// Reader reads from offset to the present end.
func (l Log) Reader(offset int64) io.Reader { return l.store.Reader(l.id, offset) }

// Changed returns a channel that closes when the log grows.
func (l Log) Changed() <-chan struct{} { return l.store.Changed(l.id) }
