package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/process"
	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// load is what clients do to a server at the same time, each over and over.
type load struct {
	clients int
	do      func(ctx context.Context, c *caller) error
	// most is how often each client does it at the most, however long that takes;
	// 0 means until the time is up.
	most int
}

// caller is one client of a load.
type caller struct {
	number  int
	done    int // how often it has been answered
	items   int
	times   []time.Duration
	dropped bool // it gave up waiting for an answer
}

// timed notes how long one request took, and how many items it was about.
func (c *caller) timed(items int, request func() error) error {
	began := time.Now()
	if err := request(); err != nil {
		return err
	}
	c.times = append(c.times, time.Since(began))
	c.items += items
	return nil
}

// result is what one scenario measured on one server.
type result struct {
	callers   []*caller
	items     int
	took      time.Duration
	times     timing.Times
	processor time.Duration // of the server
	before    int64         // the server's memory at the beginning, in bytes
	peak      int64         // the most that it had meanwhile
	noise     float64       // processors that everybody else kept busy
	perPoint  float64       // bytes on disk for each point, where that was measured
	err       error
}

func (r result) rate() float64 { return float64(r.items) / r.took.Seconds() }

// giveUp is how many times the limit of a scenario a client waits for an answer.
const giveUp = 5

// drive runs a load and measures it and the server.
func (b *bench) drive(ctx context.Context, l load) (result, error) {
	if l.most == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, giveUp*b.limit)
		defer cancel()
	}
	r := result{}
	for i := range l.clients {
		r.callers = append(r.callers, &caller{number: i})
	}
	meter := b.startMeter()
	failures := make([]error, l.clients)
	var group sync.WaitGroup
	began := time.Now()
	for i, c := range r.callers {
		group.Go(func() { failures[i] = c.repeat(ctx, l, began.Add(b.limit)) })
	}
	group.Wait()
	r.took = time.Since(began)
	meter.stop(&r)
	lists := make([][]time.Duration, l.clients)
	for i, c := range r.callers {
		r.items += c.items
		lists[i] = c.times
	}
	r.times = timing.Sorted(lists...)
	err := errors.Join(failures...)
	if err == nil && r.items == 0 {
		err = fmt.Errorf("nothing was answered within %v", giveUp*b.limit)
	}
	return r, err
}

func (c *caller) repeat(ctx context.Context, l load, end time.Time) error {
	for l.most > 0 && c.done < l.most || l.most == 0 && time.Now().Before(end) {
		if err := l.do(ctx, c); err != nil {
			if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
				c.dropped = true
				return nil
			}
			return err
		}
		c.done++
	}
	return nil
}

// expect compares how many things are found with how many were acknowledged. Of
// a request that got no answer in time nobody knows.
func expect(what string, found, acknowledged int, callers ...*caller) error {
	dropped := slices.ContainsFunc(callers, func(c *caller) bool { return c.dropped })
	if found == acknowledged || dropped && found > acknowledged {
		return nil
	}
	return fmt.Errorf("%d %s are there, and %d were acknowledged", found, what, acknowledged)
}

// meter watches the server and the machine while a scenario runs.
type meter struct {
	server       *process.Server
	began        time.Time
	first        process.Usage
	machine, own time.Duration
	quit, done   chan struct{}
	peak         int64
}

func (b *bench) startMeter() *meter {
	m := &meter{server: b.server, began: time.Now(), first: b.server.Usage(), machine: process.MachineProcessor(),
		own: ownProcessor(), quit: make(chan struct{}), done: make(chan struct{})}
	m.peak = m.first.Memory
	go m.watch()
	return m
}

func (m *meter) watch() {
	defer close(m.done)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-m.quit:
			return
		case <-tick.C:
			m.peak = max(m.peak, m.server.Usage().Memory)
		}
	}
}

func (m *meter) stop(r *result) {
	close(m.quit)
	<-m.done
	last := m.server.Usage()
	r.processor = last.Processor - m.first.Processor
	r.before, r.peak = m.first.Memory, max(m.peak, last.Memory)
	others := process.MachineProcessor() - m.machine - r.processor - (ownProcessor() - m.own)
	r.noise = max(0, others.Seconds()/time.Since(m.began).Seconds())
}

// ownProcessor is how long the load program itself has worked.
func ownProcessor() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
