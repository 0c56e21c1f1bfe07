package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/process"
)

// largeScenarios are about a workspace of 100,000 runs with 10 million points,
// and then a million names of metrics more. They run on a server of their own.
func largeScenarios() []scenario {
	return []scenario{
		{"large-seed", "runs", largeSeed},
		{"large-idle", "seconds", largeIdle},
		{"large-search-100", "runs", searchRuns(1, 100, "")},
		{"large-search-1000", "runs", searchRuns(1, 1000, "")},
		{"large-search-filter", "runs", searchRuns(1, 100, "metrics.accuracy > 0.99")},
		{"large-walk", "runs", walkRuns},
		{"large-names", "points", largeNames},
		{"large-names-search", "runs", searchRuns(1, 100, "")},
	}
}

const (
	largeRuns  = 100_000
	largeSteps = 20 // of 5 metrics: 100 points in each run
)

func largeSeed(ctx context.Context, b *bench) (result, error) {
	s, err := b.sow(ctx, largeRuns, largeSteps)
	if err != nil {
		return s.result, err
	}
	b.seeded = s
	found, err := b.client.walk(ctx, search{Experiments: []string{s.experiment}, Most: walkPage})
	if err != nil {
		return s.result, err
	}
	if points, err := b.client.history(ctx, s.run, seedKeys[0]); err != nil || points != largeSteps {
		return s.result, fmt.Errorf("a run has %d points instead of %d: %v", points, largeSteps, err)
	}
	return s.result, expect("runs", found, s.result.items)
}

// largeIdle looks what the server weighs when nobody asks it anything.
func largeIdle(ctx context.Context, b *bench) (result, error) {
	return b.drive(ctx, load{clients: 1, most: 1, do: func(_ context.Context, c *caller) error {
		return c.timed(5, func() error { time.Sleep(5 * time.Second); return nil })
	}})
}

// largeNames logs a million metrics of different names, a thousand in each of a
// thousand runs.
func largeNames(ctx context.Context, b *bench) (result, error) {
	const clients, batches = 10, 100
	runs, err := b.trainings(ctx, clients*batches)
	if err != nil {
		return result{}, err
	}
	r, err := b.drive(ctx, load{clients: clients, most: batches, do: func(ctx context.Context, c *caller) error {
		number := c.number*batches + c.done
		body := names(runs[number], number)
		return c.timed(wideKeys, func() error { return b.client.post(ctx, api+"runs/log-batch", body, nil) })
	}})
	if err != nil {
		return r, err
	}
	for _, i := range []int{0, len(runs) / 2, len(runs) - 1} {
		read, err := b.client.run(ctx, runs[i].run)
		if err != nil {
			return r, err
		}
		if len(read.Data.Metrics) != wideKeys {
			return r, fmt.Errorf("run %d has %d metrics instead of %d", i, len(read.Data.Metrics), wideKeys)
		}
	}
	return r, nil
}

// diskScenarios weigh what points need on disk, on a server of their own.
func diskScenarios() []scenario {
	return []scenario{{"disk", "points", diskPerPoint}}
}

// diskPerPoint compares the data folder before and after many points, each time
// when the server has done all that it does later and is stopped. The points of
// 16 runs are read back when it has been started again.
func diskPerPoint(ctx context.Context, b *bench) (result, error) {
	const clients = 16
	runs, err := b.trainings(ctx, clients)
	if err != nil {
		return result{}, err
	}
	before, err := b.settledSize(ctx)
	if err != nil {
		return result{}, err
	}
	l := b.batches(clients, runs)
	l.most = b.target.points / batchPoints / clients
	r, err := b.drive(ctx, l)
	if err != nil {
		return r, err
	}
	after, err := b.settledSize(ctx)
	if err != nil {
		return r, err
	}
	r.perPoint = float64(after-before) / float64(r.items)
	return r, b.checkPoints(ctx, r, runs, batchSteps)
}

// settledSize weighs the data folder of the stopped server and starts it again.
func (b *bench) settledSize(ctx context.Context) (int64, error) {
	if err := b.settle(ctx); err != nil {
		return 0, err
	}
	size, err := process.FolderSize(b.server.Data)
	return size, errors.Join(err, b.start(ctx))
}
