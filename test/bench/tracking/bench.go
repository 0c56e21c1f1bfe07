package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/process"
)

// bench measures one server over one data folder.
type bench struct {
	target target
	folder string
	limit  time.Duration // how long a scenario goes on
	quiet  time.Duration // how long to wait for other programs to be quiet
	curves curves
	server *process.Server
	client *client

	experiments int
	latest      string   // the experiment made last
	seeded      *seeding // the runs that are searched
	simulated   []result // what train and its reader measured
	long        string   // the run with a long history
}

// measure does one thing to the server, measures it, and checks by reading back
// that what was acknowledged is there.
type measure func(ctx context.Context, b *bench) (result, error)

type scenario struct {
	name, unit string
	measure    measure
}

func (b *bench) start(ctx context.Context) error {
	server, err := b.target.start(ctx, b.folder)
	if err != nil {
		return err
	}
	b.server, b.client = server, newClient(server.URL, server.Token)
	return nil
}

func (b *bench) stop() error {
	b.client.wire.close()
	return b.server.Stop()
}

// experiment makes an experiment for a scenario of its own.
func (b *bench) experiment(ctx context.Context) (string, error) {
	b.experiments++
	id, err := b.client.createExperiment(ctx, fmt.Sprintf("bench-%d", b.experiments))
	b.latest = id
	return id, err
}

// settle lets the server finish what it left for later: it is started again,
// which begins that work, and stopped once it rests and its files stay as they
// are. A stopped server has moved its write-ahead log to its place.
func (b *bench) settle(ctx context.Context) error {
	if !b.target.later {
		return b.stop()
	}
	if err := errors.Join(b.stop(), b.start(ctx)); err != nil {
		return err
	}
	quiet := 0
	size, used := int64(-1), b.server.Usage().Processor
	for began := time.Now(); quiet < 3 && time.Since(began) < time.Minute && ctx.Err() == nil; {
		time.Sleep(500 * time.Millisecond)
		nowUsed := b.server.Usage().Processor
		nowSize, err := process.FolderSize(b.server.Data)
		if err != nil || nowSize != size || nowUsed-used > 50*time.Millisecond {
			quiet = 0
		} else {
			quiet++
		}
		size, used = nowSize, nowUsed
	}
	return errors.Join(ctx.Err(), b.stop())
}

// quietEnough is how many processors others may keep busy when a scenario begins.
const quietEnough = 0.2

// waitForQuiet waits until others leave the machine alone, though not for ever.
func (b *bench) waitForQuiet(ctx context.Context) {
	for began := time.Now(); time.Since(began) < b.quiet && ctx.Err() == nil; {
		r, m := result{}, b.startMeter()
		time.Sleep(500 * time.Millisecond)
		if m.stop(&r); r.noise < quietEnough {
			return
		}
	}
}

// measureAll runs scenarios one after another on one server over a new folder. A
// server that does not start or stop fails all of them, and others are measured.
func measureAll(ctx context.Context, b *bench, scenarios []scenario, report func(scenario, result)) error {
	if len(scenarios) == 0 {
		return nil
	}
	folder, err := os.MkdirTemp(b.folder, "data-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	b.folder = folder
	failed := b.start(ctx)
	for _, s := range scenarios {
		r := result{}
		if failed == nil {
			b.waitForQuiet(ctx)
			r, r.err = s.measure(ctx, b)
		} else {
			r.err = errors.New("the server did not start")
		}
		if ctx.Err() == nil {
			report(s, r)
		}
	}
	if failed == nil {
		failed = b.stop()
	}
	return errors.Join(ctx.Err(), failed)
}
