package builder

import (
	"context"
	"sync"
	"time"

	"github.com/atelier-ml/atelier/internal/environment"
)

// collectEvery is how often unused environments are looked for.
const collectEvery = time.Hour

// Run sees the builds to their ends and removes what is unused, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var group sync.WaitGroup
	defer s.forget() // in case Run is called again
	defer group.Wait()
	group.Go(func() { s.collect(ctx) })
	for {
		for hash, b := range s.unwatched() {
			group.Go(func() { s.watch(ctx, hash, b) })
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Service) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// unwatched returns the builds that nobody looks after, and marks them.
func (s *Service) unwatched() map[string]*build {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]*build{}
	for hash, b := range s.active {
		if !b.watched {
			b.watched = true
			found[hash] = b
		}
	}
	return found
}

func (s *Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.active {
		b.watched = false
	}
}

// watch waits for the end of a build's runner and removes what it left. The build
// itself is where all builds are.
func (s *Service) watch(ctx context.Context, hash string, b *build) {
	err := s.Driver.Wait(ctx, b.handle)
	if ctx.Err() != nil {
		return // the runner goes on, and the next server looks after it
	}
	if err != nil {
		s.Log.Error("watch the build of an environment", "hash", hash, "error", err)
	}
	if err := s.release(ctx, hash, b.handle); err != nil {
		s.Log.Error("remove what the build of an environment left", "hash", hash, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.active, hash)
}

// collect removes, again and again, what nobody has used for long.
func (s *Service) collect(ctx context.Context) {
	for s.KeepUnused > 0 {
		done, err := s.Prune(ctx, environment.Prune{UnusedFor: s.KeepUnused, MaxBytes: -1})
		if err != nil {
			s.Log.Error("remove unused environments", "error", err)
		}
		if len(done.Removed) > 0 {
			s.Log.Info("removed environments that nobody used", "count", len(done.Removed), "bytes", done.RemovedBytes)
		}
		select {
		case <-s.Clock.After(collectEvery):
		case <-ctx.Done():
			return
		}
	}
}
