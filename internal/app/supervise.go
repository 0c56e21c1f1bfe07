package app

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// worker is something that runs as long as the server does.
type worker struct {
	name string
	run  func(ctx context.Context) error
}

// longestPause bounds how long a worker that keeps failing is left alone.
const longestPause = 30 * time.Second

// supervise runs every worker until ctx ends and closes the channel it returns
// when all have. A worker that fails or panics is started again, after a pause
// that grows with each failure in a row.
func supervise(ctx context.Context, log *slog.Logger, workers []worker) <-chan struct{} {
	var group sync.WaitGroup
	for _, w := range workers {
		group.Go(func() { keepRunning(ctx, log.With("worker", w.name), w) })
	}
	finished := make(chan struct{})
	go func() {
		group.Wait()
		close(finished)
	}()
	return finished
}

func keepRunning(ctx context.Context, log *slog.Logger, w worker) {
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		started := time.Now()
		err := runOnce(ctx, w)
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) > time.Minute {
			pause = 100 * time.Millisecond
		}
		log.Error("a worker stopped and will start again", "error", err, "pause_ms", pause.Milliseconds())
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

func runOnce(ctx context.Context, w worker) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return w.run(ctx)
}
