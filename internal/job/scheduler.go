package job

import (
	"context"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// tick is how often the scheduler looks without having been woken.
const tick = 10 * time.Second

// Run takes up what an earlier server left and schedules jobs until ctx ends.
// Tasks that run then go on by themselves.
func (s *Service) Run(ctx context.Context) error {
	var watches sync.WaitGroup
	defer watches.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := s.recover(ctx, &watches); err != nil {
		return err
	}
	ticks := s.Clock.After(tick)
	for {
		if err := s.schedule(ctx, &watches); err != nil && ctx.Err() == nil {
			s.Log.Error("plan, and try again", "error", err)
			s.pause(ctx, time.Second)
			s.wakeUp()
		}
		select {
		case <-s.wake:
		case <-ticks:
			ticks = s.Clock.After(tick)
			s.markSilent(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// schedule starts what the plan says. It returns once the jobs are claimed;
// each is launched and watched by a goroutine of its own.
func (s *Service) schedule(ctx context.Context, watches *sync.WaitGroup) error {
	now, err := s.snapshot(ctx, false)
	if err != nil {
		return err
	}
	for _, place := range decide(now).start {
		j, token, err := s.claim(ctx, place)
		if err != nil {
			return err
		}
		if token != "" {
			watches.Go(func() { s.launch(ctx, j, token) })
		}
	}
	return nil
}

// claim takes a queued job and makes its token, in one transaction. The token
// is empty when the job is queued no more: somebody canceled it.
func (s *Service) claim(ctx context.Context, place placement) (Job, string, error) {
	var token string
	j, err := s.change(ctx, place.workspace, place.name, func(tx *sqldb.Tx, j *Job) (err error) {
		token = ""
		if j.Status != Queued {
			return nil
		}
		j.apply(happening{kind: claimed}, tx.Now())
		j.GPUs, j.handle = place.gpus, s.Driver.Handle(j.task)
		token, err = s.issueToken(ctx, tx, j)
		return err
	})
	return j, token, err
}

// markSilent marks the jobs whose runner has not been heard for too long. Their
// runner may be well and the way to it broken; the next report clears the mark.
// It counts its own calls, one in every tick, for the clock may be set.
func (s *Service) markSilent(ctx context.Context) {
	var quiet []key
	s.mu.Lock()
	for k := range s.heard {
		if s.heard[k]++; s.heard[k] > int(compute.SilentAfter/tick) {
			quiet = append(quiet, k)
		}
	}
	s.mu.Unlock()
	for _, k := range quiet {
		_, err := s.change(ctx, k.workspace, k.name, func(tx *sqldb.Tx, j *Job) error {
			j.apply(happening{kind: silent}, tx.Now())
			return nil
		})
		if err != nil && atelier.CodeOf(err) != atelier.NotFound {
			s.Log.Warn("mark a job as not responding", "job", k.name, "error", err)
			continue
		}
		s.mu.Lock()
		delete(s.heard, k) // until it is heard again
		s.mu.Unlock()
	}
}
