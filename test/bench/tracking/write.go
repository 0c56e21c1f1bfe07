package main

import (
	"context"
	"fmt"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// Batches of 1,000 points are 100 steps of 10 metrics.
const (
	batchSteps  = 100
	batchPoints = 1000
)

func writeScenarios() []scenario {
	return []scenario{
		{"create-run", "runs", createRuns(1)},
		{"create-run-16", "runs", createRuns(16)},
		{"log-metric", "calls", logMetrics(1)},
		{"log-metric-16", "calls", logMetrics(16)},
		{"log-batch", "points", logBatches(1)},
		{"log-batch-16", "points", logBatches(16)},
		{"mixed-batch", "items", logMixed(1)},
		{"mixed-batch-16", "items", logMixed(16)},
		{"train-16", "points", train},
		{"train-reader", "searches", trainReader},
	}
}

func createRuns(clients int) measure {
	return func(ctx context.Context, b *bench) (result, error) {
		experiment, err := b.experiment(ctx)
		if err != nil {
			return result{}, err
		}
		body := createBody(experiment)
		r, err := b.drive(ctx, load{clients: clients, do: func(ctx context.Context, c *caller) error {
			return c.timed(1, func() error { return b.client.post(ctx, api+"runs/create", body, nil) })
		}})
		if err != nil {
			return r, err
		}
		found, err := b.client.walk(ctx, search{Experiments: []string{experiment}, Most: b.target.checkPage})
		if err != nil {
			return r, err
		}
		return r, expect("runs", found, r.items, r.callers...)
	}
}

// trainings makes a run for each client.
func (b *bench) trainings(ctx context.Context, clients int) ([]*training, error) {
	experiment, err := b.experiment(ctx)
	if err != nil {
		return nil, err
	}
	var all []*training
	for i := range clients {
		run, err := b.client.createRun(ctx, experiment)
		if err != nil {
			return nil, err
		}
		all = append(all, newTraining(run.Info.ID, b.curves, uint64(i)))
	}
	return all, nil
}

func logMetrics(clients int) measure {
	return func(ctx context.Context, b *bench) (result, error) {
		runs, err := b.trainings(ctx, clients)
		if err != nil {
			return result{}, err
		}
		r, err := b.drive(ctx, load{clients: clients, do: func(ctx context.Context, c *caller) error {
			t := runs[c.number]
			body := fmt.Appendf(nil, `{"run_id": "%s", "key": "%s", "value": %s, "timestamp": %d, "step": %d}`,
				t.run, keys[0], b.curves[0][t.step%curveLength], t.millis+int64(t.step)*100, t.step)
			t.step++
			return c.timed(1, func() error { return b.client.post(ctx, api+"runs/log-metric", body, nil) })
		}})
		if err != nil {
			return r, err
		}
		return r, b.checkPoints(ctx, r, runs, 1)
	}
}

func logBatches(clients int) measure {
	return func(ctx context.Context, b *bench) (result, error) {
		runs, err := b.trainings(ctx, clients)
		if err != nil {
			return result{}, err
		}
		r, err := b.drive(ctx, b.batches(clients, runs))
		if err != nil {
			return r, err
		}
		return r, b.checkPoints(ctx, r, runs, batchSteps)
	}
}

// batches is the load of log-batches of 1,000 points, each client to its run.
func (b *bench) batches(clients int, runs []*training) load {
	return load{clients: clients, do: func(ctx context.Context, c *caller) error {
		body := runs[c.number].batch(batchSteps, len(keys))
		return c.timed(batchPoints, func() error { return b.client.post(ctx, api+"runs/log-batch", body, nil) })
	}}
}

// checkPoints reads back how many points of the first metric each run has, and
// which is its latest.
func (b *bench) checkPoints(ctx context.Context, r result, runs []*training, stepsEach int) error {
	for i, c := range r.callers {
		found, err := b.client.history(ctx, runs[i].run, keys[0])
		if err != nil {
			return err
		}
		if err := expect("points", found, c.done*stepsEach, c); err != nil || c.dropped {
			return err
		}
		read, err := b.client.run(ctx, runs[i].run)
		if err != nil {
			return err
		}
		if latest, _ := read.metric(keys[0]); latest.Step != int64(runs[i].step-1) || latest.Value != runs[i].last(0) {
			return fmt.Errorf("the latest point is %v at step %d, and %v at step %d was acknowledged", latest.Value, latest.Step, runs[i].last(0), runs[i].step-1)
		}
	}
	return nil
}

// A mixed batch is what a script sends that logs a little of everything.
const (
	mixedSteps  = 10
	mixedParams = 10
	mixedTags   = 10
	mixedItems  = mixedSteps*10 + mixedParams + mixedTags
)

func logMixed(clients int) measure {
	return func(ctx context.Context, b *bench) (result, error) {
		runs, err := b.trainings(ctx, clients)
		if err != nil {
			return result{}, err
		}
		r, err := b.drive(ctx, load{clients: clients, do: func(ctx context.Context, c *caller) error {
			body := mixed(runs[c.number], c.done)
			return c.timed(mixedItems, func() error { return b.client.post(ctx, api+"runs/log-batch", body, nil) })
		}})
		if err != nil {
			return r, err
		}
		if err := b.checkPoints(ctx, r, runs, mixedSteps); err != nil {
			return r, err
		}
		for i, c := range r.callers {
			read, err := b.client.run(ctx, runs[i].run)
			if err != nil {
				return r, err
			}
			if err := expect("params", len(read.Data.Params), min(c.done, mixedRounds)*mixedParams, c); err != nil {
				return r, err
			}
		}
		return r, nil
	}
}

// mixedRounds is after how many batches the params come again: no script has
// more than a thousand.
const mixedRounds = 100

// mixed adds params and tags to the run's next steps. A param that comes again
// has the value that it had.
func mixed(t *training, round int) []byte {
	body := t.batch(mixedSteps, len(keys))
	body = append(body[:len(body)-1], `, "params": [`...)
	for i := range mixedParams {
		body = fmt.Appendf(body, `{"key": "param_%d_%d", "value": "%d"},`, round%mixedRounds, i, i)
	}
	body = append(body[:len(body)-1], `], "tags": [`...)
	for i := range mixedTags {
		body = fmt.Appendf(body, `{"key": "tag_%d", "value": "%d"},`, i, round)
	}
	t.body = append(body[:len(body)-1], "]}"...)
	return t.body
}

// train is 16 scripts that log 10 metrics at each step, as fast as they are
// answered, while somebody looks at the table of runs. Its sibling trainReader
// measures what that reader sees.
func train(ctx context.Context, b *bench) (result, error) {
	writers, _, err := b.simulate(ctx)
	return writers, err
}

func trainReader(ctx context.Context, b *bench) (result, error) {
	_, reader, err := b.simulate(ctx)
	return reader, err
}

// simulate measures both at once, and remembers it for the sibling.
func (b *bench) simulate(ctx context.Context) (writers, reader result, err error) {
	if b.simulated != nil {
		return b.simulated[0], b.simulated[1], nil
	}
	const clients = 16
	runs, err := b.trainings(ctx, clients)
	if err != nil {
		return result{}, result{}, err
	}
	table := search{Experiments: []string{b.latest}, Order: []string{"metrics.loss ASC"}, Most: 100}.body()
	looks := &caller{number: clients}
	both, err := b.drive(ctx, load{clients: clients + 1, do: func(ctx context.Context, c *caller) error {
		if c.number < clients {
			body := runs[c.number].batch(1, len(keys))
			return c.timed(len(keys), func() error { return b.client.post(ctx, api+"runs/log-batch", body, nil) })
		}
		time.Sleep(100 * time.Millisecond)
		return looks.timed(1, func() error { return b.client.post(ctx, api+"runs/search", table, nil) })
	}})
	if err != nil {
		return result{}, result{}, err
	}
	writers, reader = both, both
	writers.callers = both.callers[:clients]
	reader.callers, reader.items, reader.times = nil, looks.items, timing.Sorted(looks.times)
	if err := b.checkPoints(ctx, writers, runs, 1); err != nil {
		return writers, reader, err
	}
	b.simulated = []result{writers, reader}
	return writers, reader, nil
}
