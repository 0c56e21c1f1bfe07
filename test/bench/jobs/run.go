package main

import (
	"fmt"
	"os/exec"
	"sync"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// done measures one job after the other, from its submission to the moment at
// which who waits for it is told of its end.
func (b bench) done(kinds []kind) error {
	for _, kind := range kinds {
		limit, err := timing.Repeat(b.rounds, kind.spawn)
		if err != nil {
			return err
		}
		report("bare "+kind.name, limit, nil)
		times, err := timing.Repeat(b.rounds, func() error { return b.run(kind.job + "}") })
		if err != nil {
			return err
		}
		report("job, submitted to done, "+kind.name, times, limit)
	}
	return nil
}

func (k kind) spawn() error { return exec.Command(k.bare[0], k.bare[1:]...).Run() }

// clients is how many submit jobs at the same time.
const clients = 8

// rate measures how many jobs are done in a second when there are always some that
// wait. The limit is the same commands, as many at a time as there are clients.
func (b bench) rate(kinds []kind) error {
	for _, kind := range kinds {
		bare, _, err := b.sustain(kind.spawn)
		if err != nil {
			return err
		}
		ours, used, err := b.sustain(func() error { return b.run(kind.job + "}") })
		if err != nil {
			return err
		}
		fmt.Printf("%-58s %8.1f a second\n", "bare "+kind.name, bare)
		fmt.Printf("%-58s %8.1f a second, %.2f of the limit; the server used %.1f ms of a processor for each\n",
			"jobs, "+kind.name, ours, ours/bare, timing.Milliseconds(used))
	}
	return nil
}

// sustain has all clients do the same again and again. It returns how often that
// was done in a second, and what the server used for each.
func (b bench) sustain(do func() error) (rate float64, used time.Duration, err error) {
	var group sync.WaitGroup
	var mu sync.Mutex
	count := 0
	before, began := b.Usage().Processor, time.Now()
	for range clients {
		group.Go(func() {
			for time.Since(began) < b.lasting {
				failure := do()
				mu.Lock()
				count++
				if failure != nil {
					err = failure
				}
				mu.Unlock()
				if failure != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return float64(count) / time.Since(began).Seconds(), (b.Usage().Processor - before) / time.Duration(max(count, 1)), err
}
