package job

import (
	"context"
	"sync"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// recover takes up what an earlier server left: tasks that still run, tasks
// that ended while nobody looked, and jobs that were claimed but never handed
// over to the driver.
func (s *Service) recover(ctx context.Context, watches *sync.WaitGroup) error {
	var left []Job
	err := s.DB.Read(ctx, func(tx *sqldb.Tx) (err error) {
		left, err = selectUnfinished(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, j := range left {
		s.Log.Info("take up a task", "job", j.Name, "status", j.Status)
		watches.Go(func() { s.adopt(ctx, j) })
	}
	return nil
}

// adopt takes up one task. One whose phase is Queued was not handed over, and so
// never started, whatever of it is there.
func (s *Service) adopt(ctx context.Context, j Job) {
	var state compute.State
	err := s.persist(ctx, "look at a task", j, func() (err error) {
		state, err = s.Driver.Recover(ctx, j.handle)
		return err
	})
	gone := atelier.CodeOf(err) == atelier.NotFound
	switch {
	case ctx.Err() != nil:
	case !j.Status.Ended() && j.phase == Queued && (gone || state == compute.Prepared):
		s.giveBack(ctx, j)
	case !j.Status.Ended() && gone:
		s.fail(ctx, j, runnerGone, compute.RunnerLost, errFolderGone)
		s.release(ctx, j)
	default:
		s.watch(ctx, j)
	}
}

// giveBack returns a claimed job to the queue. Its token was never used.
func (s *Service) giveBack(ctx context.Context, j Job) {
	if s.remove(ctx, j) != nil {
		return
	}
	s.settle(ctx, j, func(tx *sqldb.Tx, j *Job) error {
		j.apply(happening{kind: unclaimed}, tx.Now())
		j.GPUs, j.handle = nil, ""
		return s.Access.RevokeTask(ctx, tx, j.workspace, j.Name)
	})
}
