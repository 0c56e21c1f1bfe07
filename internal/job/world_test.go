package job_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/logs"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// world is what outlives a server: the database, the machine with its runners,
// and the time. Servers are killed in it and started again.
type world struct {
	t      *testing.T
	target string // of the database
	seed   uint64
	offset atomic.Int64 // how far the machine's clock is wrong
	driver *fake.Driver
	blobs  blob.Store
	logs   *logs.Store
	ws     workspace.Workspace
	actor  atelier.Actor
	eye    *server // which only looks: nothing happens to it

	mu      sync.Mutex
	server  *server // nil while none runs
	plans   map[string]planned
	step    int            // of the simulation
	times   map[string]int // how often each thing was done in this step, for chance
	faults  faults
	delayed []func() // reports that arrive late
	crashed map[string]bool
	refused map[string]bool // tasks for which the driver failed
}

// faults is how often, in a hundred, something goes wrong now.
type faults struct{ driver, contact, die int }

// planned is what a job of the simulation is going to do.
type planned struct {
	script fake.Script
	spec   job.Spec
}

// server is one life of the server.
type server struct {
	w     *world
	db    *sqldb.DB
	who   *access.Service
	runs  *tracking.Service
	jobs  *job.Service
	ctx   context.Context
	kill  context.CancelFunc
	ended chan struct{}
	steps atomic.Int64 // transactions until it dies; none when negative
}

// Now is the machine's time. It is asked at the beginning of every transaction,
// where a server that has no more steps to live dies.
func (s *server) Now() time.Time {
	if s.steps.Add(-1) == 0 {
		s.kill()
	}
	return s.w.now()
}

func (s *server) After(d time.Duration) <-chan time.Time { return time.After(d) }

func (w *world) now() time.Time {
	return time.Now().Add(time.Duration(w.offset.Load())).UTC().Truncate(time.Microsecond)
}

// runnersClock is the machine's clock as runners see it.
type runnersClock struct{ w *world }

func (c runnersClock) Now() time.Time                         { return c.w.now() }
func (c runnersClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

func newWorld(t *testing.T, target string, seed uint64) *world {
	w := &world{t: t, target: target, seed: seed, plans: map[string]planned{}, times: map[string]int{},
		crashed: map[string]bool{}, refused: map[string]bool{}}
	w.driver = fake.New(runnersClock{w}, compute.Capacity{Name: "fake", CPUs: 4, MemoryBytes: 8 << 30, GPUs: 2}, w.script, w.report)
	var err error
	if w.blobs, err = blob.OpenDir(filepath.Join(t.TempDir(), "blobs")); err != nil {
		t.Fatal(err)
	}
	if w.logs, err = logs.Open(filepath.Join(t.TempDir(), "logs")); err != nil {
		t.Fatal(err)
	}
	w.eye = w.open()
	workspaces := workspace.New(w.eye.db, w.eye.who, event.NewBus())
	owner, _, err := w.eye.who.Bootstrap(w.eye.ctx, "ada")
	if err == nil {
		err = workspaces.EnsureDefault(w.eye.ctx, owner)
	}
	if err == nil {
		w.ws, err = workspaces.Get(w.eye.ctx, "default")
	}
	if err != nil {
		t.Fatal(err)
	}
	w.actor = atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name}
	return w
}

// open makes a server on what there is, as yet without its scheduler.
func (w *world) open() *server {
	s := &server{w: w, ended: make(chan struct{})}
	s.ctx, s.kill = context.WithCancel(context.Background())
	var err error
	if s.db, err = sqldb.Open(context.Background(), w.target, s); err != nil {
		w.t.Fatal(err)
	}
	words := slog.DiscardHandler
	if testing.Verbose() {
		words = slog.NewTextHandler(w.t.Output(), nil)
	}
	bus := event.NewBus()
	s.who, s.runs = access.New(s.db, s), tracking.New(s.db, w.blobs, bus)
	s.jobs = job.New(job.Options{DB: s.db, Clock: s, Bus: bus, Access: s.who, Blobs: w.blobs, Logs: w.logs, Tracking: s.runs,
		Models:       model.New(s.db, w.blobs, bus, s.runs),
		Data:         data.New(s.db, w.blobs, bus, s.runs, datastore.New(s.db, nil, s.who, bus, w.t.TempDir()), nil),
		Environments: environment.New(s.db), Driver: faultyDriver{w.driver, s}, Log: slog.New(words),
		ServerURL: func() string { return "http://server" }})
	return s
}

// start starts a server, as its supervisor would: a scheduler that ends is
// started again.
func (w *world) start() {
	s := w.open()
	w.mu.Lock()
	w.server = s
	w.mu.Unlock()
	go func() {
		defer close(s.ended)
		for s.ctx.Err() == nil {
			s.jobs.Run(s.ctx)
			select {
			case <-s.ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}()
}

// stop kills the server if it still lives, and buries it.
func (w *world) stop() {
	w.mu.Lock()
	s := w.server
	w.server = nil
	w.mu.Unlock()
	if s != nil {
		s.kill()
		<-s.ended
		s.db.Close()
	}
}

// asUser is a request of the simulation's one user.
func (w *world) asUser(s *server) context.Context {
	return workspace.With(atelier.WithActor(s.ctx, w.actor), w.ws)
}

// chance says whether this time of what is one of the given percent. It depends
// on the seed, the step and what was done in it, whichever goroutine asks first.
func (w *world) chance(percent int, what string) bool {
	if percent == 0 {
		return false
	}
	w.mu.Lock()
	n, step := w.times[what], w.step
	w.times[what]++
	w.mu.Unlock()
	sum := fnv.New64a()
	fmt.Fprintln(sum, w.seed, step, what, n)
	return int(sum.Sum64()>>11%100) < percent
}

func (w *world) rates() faults {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults
}

func (w *world) script(task compute.Task) fake.Script {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.plans[task.ID].script
}

var errAway = atelier.Errorf(atelier.Unavailable, "The server is away.")

// report brings a runner's report to the server, if it comes there: it may be
// lost, or its answer, and it may arrive twice, or late.
func (w *world) report(_ context.Context, task compute.Task, report compute.Report) (compute.ReportAnswer, error) {
	w.mu.Lock()
	s := w.server
	w.mu.Unlock()
	if s == nil || s.ctx.Err() != nil {
		return compute.ReportAnswer{}, errAway
	}
	rate := w.rates().contact
	if w.chance(rate, "lost "+task.ID) {
		return compute.ReportAnswer{}, errAway
	}
	answer, err := s.take(task, report)
	if w.chance(rate, "twice "+task.ID) {
		s.take(task, report)
	}
	if w.chance(rate, "late "+task.ID) {
		w.mu.Lock()
		w.delayed = append(w.delayed, func() {
			if s := w.alive(); s != nil {
				s.take(task, report)
			}
		})
		w.mu.Unlock()
	}
	if err == nil && w.chance(rate, "unanswered "+task.ID) {
		return compute.ReportAnswer{}, errAway
	}
	return answer, err
}

// alive returns the server, or nil when none is up.
func (w *world) alive() *server {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.server == nil || w.server.ctx.Err() != nil {
		return nil
	}
	return w.server
}

// take is what the routes do with a report: its token says whose it is.
func (s *server) take(task compute.Task, report compute.Report) (compute.ReportAnswer, error) {
	actor, err := s.who.Authenticate(s.ctx, task.Token)
	if err != nil {
		return compute.ReportAnswer{}, s.outage(err)
	}
	answer, err := s.jobs.Report(atelier.WithActor(s.ctx, actor), s.w.ws.ID, task.ID, report)
	return answer, s.outage(err)
}

// outage is what a runner sees of an error: a server that is killed does not answer.
func (s *server) outage(err error) error {
	if err != nil && s.ctx.Err() != nil {
		return errAway
	}
	return err
}

// faultyDriver is the machine as one server has it: what it asks for may fail
// before or after it was done, and the server may die before or after it.
type faultyDriver struct {
	*fake.Driver
	s *server
}

var errDisk = errors.New("no space left on device")

// around does what a server asks of the machine, with everything that can happen.
func (d faultyDriver) around(ctx context.Context, what string, do func() error) error {
	w := d.s.w
	if w.chance(w.rates().die, "die before "+what) {
		d.s.kill()
	}
	if ctx.Err() != nil || d.s.ctx.Err() != nil {
		return context.Canceled
	}
	if w.chance(w.rates().driver, "fail before "+what) {
		return errDisk
	}
	err := do()
	if w.chance(w.rates().die, "die after "+what) {
		d.s.kill()
	}
	if d.s.ctx.Err() != nil {
		return context.Canceled
	}
	if w.chance(w.rates().driver, "fail after "+what) {
		return errDisk
	}
	return err
}

func (d faultyDriver) refuse(name string, err error) error {
	if errors.Is(err, errDisk) {
		d.s.w.mu.Lock()
		d.s.w.refused[name] = true
		d.s.w.mu.Unlock()
	}
	return err
}

func (d faultyDriver) Describe(ctx context.Context) (c compute.Capacity, err error) {
	err = d.around(ctx, "describe", func() error { c, err = d.Driver.Describe(ctx); return err })
	return c, err
}

func (d faultyDriver) Prepare(ctx context.Context, task compute.Task) (h compute.Handle, err error) {
	err = d.around(ctx, "prepare "+task.ID, func() error { h, err = d.Driver.Prepare(ctx, task); return err })
	return h, d.refuse(task.ID, err)
}

func (d faultyDriver) Start(ctx context.Context, h compute.Handle) error {
	return d.refuse(d.name(h), d.around(ctx, "start "+string(h), func() error { return d.Driver.Start(ctx, h) }))
}

func (d faultyDriver) Recover(ctx context.Context, h compute.Handle) (state compute.State, err error) {
	err = d.around(ctx, "recover "+string(h), func() error { state, err = d.Driver.Recover(ctx, h); return err })
	return state, err
}

func (d faultyDriver) Wait(ctx context.Context, h compute.Handle) error {
	return d.around(ctx, "wait "+string(h), func() error { return d.Driver.Wait(ctx, h) })
}

func (d faultyDriver) Signal(ctx context.Context, h compute.Handle, signal compute.Signal) error {
	return d.around(ctx, "signal "+string(h), func() error { return d.Driver.Signal(ctx, h, signal) })
}

func (d faultyDriver) Release(ctx context.Context, h compute.Handle) error {
	return d.around(ctx, "release "+string(h), func() error { return d.Driver.Release(ctx, h) })
}

// name is the task behind a handle.
func (d faultyDriver) name(h compute.Handle) string {
	for _, left := range d.Left() {
		if left.Handle == h {
			return left.ID
		}
	}
	return ""
}
