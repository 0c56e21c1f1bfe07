// Package fake is a compute on which nothing runs. It plays the runner's part
// from a script, faults included, so that the scheduler and the Studio can be
// tried without starting a process.
package fake

import (
	"context"
	"encoding/hex"
	"net"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/compute"
)

// Script says what the runner of a task does. The zero Script ends well at once.
type Script struct {
	RunFor      time.Duration // how long the command takes
	Hang        bool          // the command never ends by itself
	ExitCode    int
	FailAtStart string // when not empty, Start fails with this message
	LoseContact bool   // the runner works but the server hears nothing of it
	Die         bool   // the runner ends in the middle without a word
}

// Reporter receives what the runners say: the server's end of the protocol.
type Reporter func(ctx context.Context, task compute.Task, report compute.Report) (compute.ReportAnswer, error)

// Driver plays runners. It is safe for concurrent use.
type Driver struct {
	clock    clock.Clock
	script   func(compute.Task) Script
	report   Reporter
	capacity compute.Capacity

	mu    sync.Mutex
	tasks map[compute.Handle]*task
}

var _ compute.Driver = (*Driver)(nil)

type task struct {
	compute.Task
	state compute.State
	stop  chan struct{} // closed by Stop
	kill  chan struct{} // closed by Kill
	done  chan struct{} // closed when the runner has ended
	died  bool
	seq   int64
}

// New returns a driver for a machine with capacity, which asks script what each
// task does and tells report what happens.
func New(clk clock.Clock, capacity compute.Capacity, script func(compute.Task) Script, report Reporter) *Driver {
	return &Driver{clock: clk, script: script, report: report, capacity: capacity, tasks: map[compute.Handle]*task{}}
}

func (d *Driver) Describe(context.Context) (compute.Capacity, error) { return d.capacity, nil }

func (d *Driver) Prepare(_ context.Context, t compute.Task) (compute.Handle, error) {
	handle := compute.Handle(hex.EncodeToString([]byte(t.Workspace + "\x00" + string(t.Kind) + "\x00" + t.ID)))
	d.mu.Lock()
	defer d.mu.Unlock()
	if old, ok := d.tasks[handle]; ok && old.state == compute.Alive {
		return "", atelier.Errorf(atelier.Conflict, "The task %q is already running.", t.ID)
	}
	d.tasks[handle] = &task{Task: t, state: compute.Prepared}
	return handle, nil
}

func (d *Driver) find(handle compute.Handle) (*task, error) {
	if t, ok := d.tasks[handle]; ok {
		return t, nil
	}
	return nil, atelier.Errorf(atelier.NotFound, "There is no task with this handle.")
}

func (d *Driver) Start(_ context.Context, handle compute.Handle) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.find(handle)
	if err != nil || t.state == compute.Alive {
		return err
	}
	script := d.script(t.Task)
	if script.FailAtStart != "" {
		return atelier.Errorf(atelier.Unavailable, "%s", script.FailAtStart)
	}
	if t.state == compute.Ended && !t.died {
		return nil
	}
	t.state = compute.Alive
	t.stop, t.kill, t.done = make(chan struct{}), make(chan struct{}), make(chan struct{})
	go d.play(t, script)
	return nil
}

// play is the runner.
func (d *Driver) play(t *task, script Script) {
	say := func(records ...compute.Record) compute.ReportAnswer {
		for i := range records {
			t.seq++
			records[i].Seq, records[i].At = t.seq, d.clock.Now()
		}
		if script.LoseContact {
			return compute.ReportAnswer{}
		}
		answer, _ := d.report(context.Background(), t.Task, compute.Report{
			Runner: compute.Process{Host: d.capacity.Name, PID: 1}, Records: records})
		return answer
	}
	if t.died {
		say(compute.Record{Type: compute.ErrorRecord, Error: &compute.Failure{Code: compute.RunnerLost, Message: "The runner died."}},
			compute.Record{Type: compute.ExitRecord})
		d.end(t, false)
		return
	}
	answer := say(compute.Record{Type: compute.StatusRecord, Status: compute.StatusPreparing},
		compute.Record{Type: compute.StatusRecord, Status: compute.StatusRunning})
	if script.Die {
		d.end(t, true)
		return
	}
	switch canceled, killed := d.work(t, script, answer.Cancel); {
	case killed:
		d.end(t, true)
	default:
		code := script.ExitCode
		say(compute.Record{Type: compute.StatusRecord, Status: compute.StatusFinalizing},
			compute.Record{Type: compute.ExitRecord, ExitCode: &code, Canceled: canceled})
		d.end(t, false)
	}
}

// work waits for the end of the command.
func (d *Driver) work(t *task, script Script, cancel bool) (canceled, killed bool) {
	if cancel {
		return true, false
	}
	var over <-chan time.Time
	if !script.Hang {
		over = d.clock.After(script.RunFor)
	}
	select {
	case <-over:
		return false, false
	case <-t.stop:
		return true, false
	case <-t.kill:
		return false, true
	}
}

func (d *Driver) end(t *task, died bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t.state, t.died = compute.Ended, died
	close(t.done)
}

func (d *Driver) Recover(_ context.Context, handle compute.Handle) (compute.State, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.find(handle)
	if err != nil {
		return "", err
	}
	return t.state, nil
}

func (d *Driver) Wait(ctx context.Context, handle compute.Handle) error {
	d.mu.Lock()
	t, err := d.find(handle)
	if err != nil || t.state == compute.Prepared {
		d.mu.Unlock()
		return err
	}
	done := t.done
	d.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Driver) Signal(_ context.Context, handle compute.Handle, signal compute.Signal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.find(handle)
	if err != nil || t.state != compute.Alive {
		return err
	}
	told := t.stop
	if signal == compute.Kill {
		told = t.kill
	}
	select {
	case <-told:
	default:
		close(told)
	}
	return nil
}

func (d *Driver) Dial(_ context.Context, handle compute.Handle) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.find(handle); err != nil {
		return nil, err
	}
	return nil, atelier.Errorf(atelier.Unavailable, "The fake compute serves nothing.")
}

func (d *Driver) Release(ctx context.Context, handle compute.Handle) error {
	if err := d.Signal(ctx, handle, compute.Kill); atelier.CodeOf(err) == atelier.NotFound {
		return nil
	}
	if err := d.Wait(ctx, handle); err != nil && atelier.CodeOf(err) != atelier.NotFound {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.tasks, handle)
	return nil
}
