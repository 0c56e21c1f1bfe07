package main

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// seedKeys are the metrics of the runs that are searched.
var seedKeys = []string{"loss", "accuracy", "f1", "auc", "seconds"}

const seedParams = 6

// seeding is many runs to search among.
type seeding struct {
	experiment string
	run        string // one of them
	result     result // of making them
}

// seed makes the runs at the first call.
func (b *bench) seed(ctx context.Context) (*seeding, error) {
	if b.seeded != nil {
		return b.seeded, nil
	}
	s, err := b.sow(ctx, b.target.runs, 1)
	if err == nil {
		b.seeded = s
	}
	return s, err
}

// sow makes many runs from 16 clients: each is created and given params and so
// many points of each metric.
func (b *bench) sow(ctx context.Context, count, steps int) (*seeding, error) {
	experiment, err := b.experiment(ctx)
	if err != nil {
		return nil, err
	}
	const clients = 16
	s := &seeding{experiment: experiment}
	randoms := make([]*rand.Rand, clients)
	for i := range randoms {
		randoms[i] = rand.New(rand.NewPCG(uint64(i), 3))
	}
	s.result, err = b.drive(ctx, load{clients: clients, most: count / clients, do: func(ctx context.Context, c *caller) error {
		return c.timed(1, func() error {
			made, err := b.client.createRun(ctx, experiment)
			if err != nil {
				return err
			}
			if c.number == 0 {
				s.run = made.Info.ID
			}
			return b.client.post(ctx, api+"runs/log-batch", seedBody(made.Info.ID, randoms[c.number], steps), nil)
		})
	}})
	return s, err
}

// seedBody is a small log-batch: a few metrics, and params as a search for the
// best of them would vary them.
func seedBody(run string, random *rand.Rand, steps int) []byte {
	t := &training{run: run, millis: startOfTime}
	t.open()
	for range steps {
		t.millis += 1000 + random.Int64N(20)
		for _, key := range seedKeys {
			t.point(key, fmt.Sprintf("%.6f", random.Float64()))
		}
		t.step++
	}
	body := t.close()
	body = append(body[:len(body)-1], `, "params": [`...)
	for i := range seedParams {
		body = fmt.Appendf(body, `{"key": "param_%d", "value": "%d"},`, i, random.IntN(10))
	}
	return append(body[:len(body)-1], "]}"...)
}

// wideKeys is how many metrics a wide run has.
const wideKeys = 1000

// names is a log-batch of a thousand metrics that no other batch has.
func names(t *training, number int) []byte {
	t.open()
	for i := range wideKeys {
		t.point(fmt.Sprintf("layer_%d/weight_%d/norm", number, i), t.curves[0][i])
	}
	return t.close()
}
