// Package fake is a compute on which nothing runs. It plays the runner's part
// from a script, faults included, so that the scheduler and the Studio can be
// tried without starting a process.
package fake

import (
	"context"
	"encoding/hex"
	"maps"
	"net"
	"slices"
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
	Refuse      *compute.Failure // why the command cannot be begun, as when its environment fails
	FailAtStart string           // when not empty, Start fails with this message
	LoseContact bool             // the runner works but the server hears nothing of it
	Die         bool             // the runner ends in the middle without a word
	// Insist is that the runner repeats what is not acknowledged and says every
	// ten seconds that it lives, as real ones do. Otherwise it says all things once.
	Insist bool
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
	begun map[compute.Handle]int
}

var _ compute.Driver = (*Driver)(nil)

type task struct {
	compute.Task
	state   compute.State
	stop    chan struct{} // closed by Stop
	kill    chan struct{} // closed by Kill
	done    chan struct{} // closed when the runner has ended
	died    bool
	journal []compute.Record // all that its runners wrote down
	command bool             // it runs
}

// New returns a driver for a machine with capacity, which asks script what each
// task does and tells report what happens.
func New(clk clock.Clock, capacity compute.Capacity, script func(compute.Task) Script, report Reporter) *Driver {
	return &Driver{clock: clk, script: script, report: report, capacity: capacity,
		tasks: map[compute.Handle]*task{}, begun: map[compute.Handle]int{}}
}

func (d *Driver) Describe(context.Context) (compute.Capacity, error) { return d.capacity, nil }

// Left is a task that was prepared and not yet released.
type Left struct {
	compute.Task
	Handle compute.Handle
	State  compute.State
	// InCommand is that the task's command runs.
	InCommand bool
}

// Left returns all tasks that there are, in the order of their handles.
func (d *Driver) Left() (all []Left) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, handle := range slices.Sorted(maps.Keys(d.tasks)) {
		t := d.tasks[handle]
		all = append(all, Left{t.Task, handle, t.state, t.command})
	}
	return all
}

// Begun is how often the command of a task was begun, in all the driver's life.
func (d *Driver) Begun(t compute.Task) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.begun[handleOf(t)]
}

func handleOf(t compute.Task) compute.Handle {
	return compute.Handle(hex.EncodeToString([]byte(t.Workspace + "\x00" + string(t.Kind) + "\x00" + t.ID)))
}

func (d *Driver) Handle(t compute.Task) compute.Handle { return handleOf(t) }

func (d *Driver) Prepare(_ context.Context, t compute.Task) (compute.Handle, error) {
	handle := handleOf(t)
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
	go (&runner{Driver: d, task: t, script: script, wake: make(chan struct{}, 1), told: make(chan struct{})}).play()
	return nil
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
