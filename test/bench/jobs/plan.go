package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// plan has jobs wait, on a compute that is stopped, and asks why one of them does:
// the server answers by making a plan of all that wait, as its scheduler does. The
// limit is an answer about one job.
func (b bench) plan(kinds []kind) error {
	if err := b.call("POST", "/computes", `{"name": "shut", "type": "local", "slots": 4}`, nil); err != nil {
		return err
	}
	if err := b.call("POST", "/computes/shut/stop", "", nil); err != nil {
		return err
	}
	began := time.Now()
	waiting, err := b.fill(kinds[0])
	if err != nil {
		return err
	}
	fmt.Printf("%-58s %8.1f a second\n", fmt.Sprintf("submitted, %d jobs that wait", b.queued), float64(b.queued)/time.Since(began).Seconds())
	one, err := timing.Repeat(b.rounds, func() error { return b.call("GET", "/jobs/"+waiting, "", nil) })
	if err != nil {
		return err
	}
	report("one job shown", one, nil)
	plans, err := timing.Repeat(b.rounds, func() error { return b.call("GET", "/jobs/"+waiting+"/why", "", nil) })
	if err != nil {
		return err
	}
	report(fmt.Sprintf("plan, read and made, of %d jobs that wait", b.queued), plans, one)
	limit, err := timing.Repeat(b.rounds, kinds[0].spawn)
	if err != nil {
		return err
	}
	times, err := timing.Repeat(b.rounds, func() error { return b.run(kinds[0].job + "}") })
	if err != nil {
		return err
	}
	report("job, submitted to done beside those that wait, shell", times, limit)
	ours, used, err := b.sustain(func() error { return b.run(kinds[0].job + "}") })
	fmt.Printf("%-58s %8.1f a second; the server used %.1f ms of a processor for each\n",
		"jobs beside those that wait, shell", ours, timing.Milliseconds(used))
	return err
}

// fill submits the jobs that wait, of twenty experiments, and returns the name of
// one.
func (b bench) fill(kind kind) (name string, err error) {
	var group sync.WaitGroup
	var mu sync.Mutex
	var next atomic.Int64
	for range clients {
		group.Go(func() {
			for i := next.Add(1); i <= int64(b.queued); i = next.Add(1) {
				made, failure := b.submit(kind.job + fmt.Sprintf(`, "compute": "shut", "experiment_name": "queue-%d"}`, i%20))
				mu.Lock()
				name = made
				if failure != nil {
					err = failure
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return name, err
}
