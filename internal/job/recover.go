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
// to a driver.
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
		if j.handle == "" {
			if err := s.giveBack(ctx, j); err != nil {
				return err
			}
			continue
		}
		s.Log.Info("take up a task", "job", j.Name, "status", j.Status)
		watches.Go(func() { s.adopt(ctx, j) })
	}
	return nil
}

// giveBack returns a claimed job to the queue. Its token was never used.
func (s *Service) giveBack(ctx context.Context, j Job) error {
	_, err := s.change(ctx, j.workspace, j.Name, func(tx *sqldb.Tx, j *Job) error {
		j.apply(happening{kind: unclaimed}, tx.Now())
		j.GPUs = nil
		return s.Access.RevokeTask(ctx, tx, j.workspace, j.Name)
	})
	return err
}

func (s *Service) adopt(ctx context.Context, j Job) {
	_, err := s.Driver.Recover(ctx, j.handle)
	if atelier.CodeOf(err) == atelier.NotFound && !j.Status.Ended() {
		s.fail(ctx, j, runnerGone, compute.RunnerLost,
			atelier.Errorf(atelier.Internal, "The job's working folder was removed while the server was away."))
		s.release(ctx, j)
		return
	}
	s.watch(ctx, j)
}
