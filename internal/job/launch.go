package job

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// startTries is how often a runner is started for one task: once to run it, and
// again to report what one that died left unsaid.
const startTries = 3

// launch hands a claimed job to the driver and watches it to its end. The
// handle is stored between the two steps, so that a server that dies anywhere
// in here finds the task again or knows that it never started.
func (s *Service) launch(ctx context.Context, j Job, token string) {
	task := j.task
	task.Token = token
	task.ServerFile, task.ServerURL = s.ServerFile, s.ServerURL()
	task.GPUs, task.MemoryBytes = j.GPUs, j.asks.memory
	task.EnvironmentsDir, task.ToolsDir = s.EnvironmentsDir, s.ToolsDir
	handle, err := s.Driver.Prepare(ctx, task)
	if err == nil {
		j, err = s.change(ctx, j.workspace, j.Name, func(_ *sqldb.Tx, j *Job) error {
			j.handle = handle
			return nil
		})
	}
	if ctx.Err() != nil {
		return // the next server gives the job back to the queue
	}
	if err != nil {
		s.fail(ctx, j, startFailed, compute.StartError, err)
		return
	}
	s.watch(ctx, j)
}

// watch sees a prepared task through: it makes sure that a runner works on it
// until its end is known, and then lets it go.
func (s *Service) watch(ctx context.Context, j Job) {
	s.noteHeard(key{j.workspace, j.Name})
	for try := 0; !j.Status.Ended(); try++ {
		var err error
		if try == startTries {
			s.fail(ctx, j, runnerGone, compute.RunnerLost, atelier.Errorf(atelier.Internal, "The process that watched the job died."))
			break
		}
		if err = s.Driver.Start(ctx, j.handle); err != nil && ctx.Err() == nil {
			s.fail(ctx, j, startFailed, compute.StartError, err)
			break
		}
		if j.Status == CancelRequested {
			err = s.Driver.Signal(ctx, j.handle, compute.Stop)
		}
		if err == nil {
			err = s.Driver.Wait(ctx, j.handle)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.Log.Error("watch a runner", "job", j.Name, "error", err)
		}
		current, err := s.Get(ctx, j.workspace, j.Name)
		if err != nil {
			s.Log.Error("look at a job whose runner ended", "job", j.Name, "error", err)
			return
		}
		j = current
	}
	s.release(ctx, j)
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
	if ctx.Err() != nil {
		return
	}
	if err := s.Driver.Release(ctx, j.handle); err != nil {
		s.Log.Error("remove a task's folder", "job", j.Name, "error", err)
		return
	}
	_, err := s.change(ctx, j.workspace, j.Name, func(tx *sqldb.Tx, j *Job) error {
		j.handle = ""
		return s.Access.RevokeTask(ctx, tx, j.workspace, j.Name)
	})
	if err != nil {
		s.Log.Error("withdraw a job's token", "job", j.Name, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.heard, key{j.workspace, j.Name})
}

// fail ends a job whose runner can say nothing.
func (s *Service) fail(ctx context.Context, j Job, kind eventKind, code string, cause error) {
	s.Log.Error("a job failed outside its command", "job", j.Name, "error", cause)
	failure := &compute.Failure{Code: code, Message: atelier.Public(cause).Message}
	_, err := s.change(ctx, j.workspace, j.Name, func(tx *sqldb.Tx, j *Job) error {
		j.apply(happening{kind: kind, failure: failure}, tx.Now())
		return nil
	})
	if err != nil {
		s.Log.Error("note that a job failed", "job", j.Name, "error", err)
	}
}
