package job

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// startTries is how often a runner is started for one task: once to run it, and
// again to report what one that died left unsaid.
const startTries = 3

// launch hands a claimed job to the driver and watches it to its end. That the
// driver has the task is noted before a runner starts: a server that dies
// anywhere in here finds the task again, or knows that it never started.
func (s *Service) launch(ctx context.Context, j Job, token string) {
	task := j.task
	task.Token = token
	task.ServerFile, task.ServerURL = s.ServerFile, s.ServerURL()
	task.GPUs, task.MemoryBytes = j.GPUs, j.asks.memory
	task.EnvironmentsDir, task.ToolsDir = s.EnvironmentsDir, s.ToolsDir
	_, err := s.Driver.Prepare(ctx, task)
	if err != nil && ctx.Err() == nil {
		s.fail(ctx, j, startFailed, compute.StartError, err)
		s.release(ctx, j)
		return
	}
	if err == nil {
		j, err = s.settle(ctx, j, func(tx *sqldb.Tx, j *Job) error {
			j.apply(happening{kind: handedOver}, tx.Now())
			return nil
		})
	}
	if err == nil {
		s.watch(ctx, j)
	} // else the next server gives the job back to the queue
}

// watch sees a prepared task through: it makes sure that a runner works on it
// until its end is known, and then lets it go.
func (s *Service) watch(ctx context.Context, j Job) {
	s.noteHeard(key{j.workspace, j.Name})
	var failure error // of the last start
	for try := 0; !j.Status.Ended(); try++ {
		if try == startTries {
			s.giveUp(ctx, j, failure)
			break
		}
		if failure = s.Driver.Start(ctx, j.handle); failure == nil {
			s.attend(ctx, j)
		} else if atelier.CodeOf(failure) == atelier.NotFound {
			s.fail(ctx, j, runnerGone, compute.RunnerLost, errFolderGone)
			break
		} else if !s.pause(ctx, shortPause) {
			return
		}
		err := s.persist(ctx, "look at a job whose runner ended", j, func() (err error) {
			j, err = s.Get(ctx, j.workspace, j.Name)
			return err
		})
		if err != nil {
			return
		}
	}
	s.release(ctx, j)
}

var errFolderGone = atelier.Errorf(atelier.Internal, "The job's working folder was removed.")

// giveUp ends a job for which no runner stays alive.
func (s *Service) giveUp(ctx context.Context, j Job, failure error) {
	if failure != nil {
		s.fail(ctx, j, startFailed, compute.StartError, failure)
		return
	}
	s.fail(ctx, j, runnerGone, compute.RunnerLost, atelier.Errorf(atelier.Internal, "The process that watched the job died."))
}

// attend returns once the runner of a started task has ended.
func (s *Service) attend(ctx context.Context, j Job) {
	if j.Status == CancelRequested {
		// The runner also learns of it with its next report.
		if err := s.Driver.Signal(ctx, j.handle, compute.Stop); err != nil {
			s.Log.Warn("tell a runner to stop", "job", j.Name, "error", err)
		}
	}
	s.persist(ctx, "watch a runner", j, func() error { return s.Driver.Wait(ctx, j.handle) })
}

// releasePatience is how long a runner whose end is known may take to leave.
const releasePatience = 10 * time.Second

// release lets the driver remove what the task left, and withdraws its token.
func (s *Service) release(ctx context.Context, j Job) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Driver.Wait(waiting, j.handle)
	}()
	select {
	case <-ended:
	case <-s.Clock.After(releasePatience):
		cancel()
		<-ended
	}
	if s.remove(ctx, j) != nil {
		return
	}
	_, err := s.settle(ctx, j, func(tx *sqldb.Tx, j *Job) error {
		j.handle = ""
		return s.Access.RevokeTask(ctx, tx, j.workspace, j.Name)
	})
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.heard, key{j.workspace, j.Name})
}

// remove removes all that the job's task left on its machine.
func (s *Service) remove(ctx context.Context, j Job) error {
	return s.persist(ctx, "remove a task's folder", j, func() error { return s.Driver.Release(ctx, j.handle) })
}

// fail ends a job whose runner can say nothing. What may still run is ended
// first: of a job that has ended nothing runs, and what it had is free.
func (s *Service) fail(ctx context.Context, j Job, kind eventKind, code string, cause error) {
	if ctx.Err() != nil {
		return // the server ends, not the job
	}
	s.Log.Error("a job failed outside its command", "job", j.Name, "error", cause)
	s.persist(ctx, "end a task", j, func() error { return s.Driver.Signal(ctx, j.handle, compute.Kill) })
	failure := &compute.Failure{Code: code, Message: atelier.Public(cause).Message}
	s.settle(ctx, j, func(tx *sqldb.Tx, j *Job) error {
		j.apply(happening{kind: kind, failure: failure}, tx.Now())
		return nil
	})
}

// Between two tries of what has to be done.
const (
	shortPause = 100 * time.Millisecond
	longPause  = 10 * time.Second
)

// settle is change for what must become of a job whatever goes wrong meanwhile.
func (s *Service) settle(ctx context.Context, j Job, fn func(tx *sqldb.Tx, j *Job) error) (Job, error) {
	err := s.persist(ctx, "note what became of a job", j, func() (err error) {
		j, err = s.change(ctx, j.workspace, j.Name, fn)
		return err
	})
	return j, err
}

// persist tries again until do succeeds, and until a disk that is full or a
// database that is away is there again. It gives up when ctx ends, and when what
// is asked for is gone.
func (s *Service) persist(ctx context.Context, what string, j Job, do func() error) error {
	for pause := shortPause; ; pause = min(2*pause, longPause) {
		err := do()
		if err == nil || atelier.CodeOf(err) == atelier.NotFound {
			return err
		}
		if ctx.Err() == nil {
			s.Log.Error(what+", and try again", "job", j.Name, "error", err)
		}
		if !s.pause(ctx, pause) {
			return errors.Join(err, ctx.Err())
		}
	}
}

// pause reports whether the time has passed, and not ctx ended before.
func (s *Service) pause(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-s.Clock.After(d):
		return true
	}
}
