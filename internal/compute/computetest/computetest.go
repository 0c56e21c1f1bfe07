// Package computetest is the contract of compute.Driver. Every driver's tests
// call Run, so that whoever starts tasks need not know which driver does it.
package computetest

import (
	"context"
	"testing"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

// Commands that the tasks of this suite carry. A driver's test arranges that a
// runner which is given one behaves accordingly.
const (
	EndAtOnce    = "end"  // the runner ends by itself
	HoldTillStop = "hold" // the runner works until it is told to stop
)

// patience bounds how long a test waits for what should happen at once.
const patience = 20 * time.Second

// Run checks the driver that open returns against the contract. reopen returns
// a driver as a restarted server would make it, over the same tasks.
func Run(t *testing.T, open func(t *testing.T) (driver compute.Driver, reopen func() compute.Driver)) {
	tests := map[string]func(t *testing.T, s *suite){
		"describe tells a capacity":                   describes,
		"a prepared task does not run":                preparedDoesNotRun,
		"the handle is known before the task":         handleIsKnown,
		"a task that ends is waited for":              endIsWaitedFor,
		"start twice starts once":                     startIsOnce,
		"stop ends a runner":                          stopEnds,
		"kill ends a runner":                          killEnds,
		"a restarted server finds its tasks":          restartFindsTasks,
		"wait ends with its context":                  waitEndsWithContext,
		"release removes even a running task":         releaseRemoves,
		"a released task can be prepared again":       releasedCanComeBack,
		"a running task cannot be prepared again":     runningCannotComeBack,
		"an unknown handle is not found":              unknownHandle,
		"tasks of two workspaces do not meet":         workspacesDoNotMeet,
		"signals to a task that ended change nothing": signalsAfterTheEnd,
		"dial fails while nothing listens":            dialFails,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			t.Cleanup(cancel)
			driver, reopen := open(t)
			test(t, &suite{ctx: ctx, Driver: driver, reopen: reopen})
		})
	}
}

type suite struct {
	compute.Driver
	ctx    context.Context
	reopen func() compute.Driver
}

func (s *suite) prepare(t *testing.T, workspace, id, command string) compute.Handle {
	t.Helper()
	handle, err := s.Prepare(s.ctx, compute.Task{ID: id, Kind: compute.Command, Workspace: workspace, Token: "secret", Command: command})
	if err != nil {
		t.Fatalf("prepare: %v", err)
	}
	t.Cleanup(func() { s.Release(context.Background(), handle) })
	return handle
}

func (s *suite) start(t *testing.T, command string) compute.Handle {
	t.Helper()
	handle := s.prepare(t, "default", "task", command)
	if err := s.Start(s.ctx, handle); err != nil {
		t.Fatalf("start: %v", err)
	}
	return handle
}

func (s *suite) wantState(t *testing.T, driver compute.Driver, handle compute.Handle, want compute.State) {
	t.Helper()
	if got, err := driver.Recover(s.ctx, handle); got != want || err != nil {
		t.Errorf("state %q, error %v, want %q", got, err, want)
	}
}

func (s *suite) wait(t *testing.T, handle compute.Handle) {
	t.Helper()
	if err := s.Wait(s.ctx, handle); err != nil {
		t.Errorf("wait: %v", err)
	}
}

func describes(t *testing.T, s *suite) {
	capacity, err := s.Describe(s.ctx)
	if err != nil || capacity.CPUs < 1 || capacity.Name == "" {
		t.Errorf("capacity %+v, error %v", capacity, err)
	}
}

func preparedDoesNotRun(t *testing.T, s *suite) {
	handle := s.prepare(t, "default", "task", HoldTillStop)
	s.wantState(t, s, handle, compute.Prepared)
	s.wait(t, handle)
}

func handleIsKnown(t *testing.T, s *suite) {
	task := compute.Task{ID: "task", Kind: compute.Command, Workspace: "default"}
	known := s.Handle(task)
	if err := s.Release(s.ctx, known); err != nil {
		t.Errorf("release of a task that was never prepared: %v", err)
	}
	if handle := s.prepare(t, "default", "task", EndAtOnce); handle != known {
		t.Errorf("handle %q, and %q was foretold", handle, known)
	}
}

func endIsWaitedFor(t *testing.T, s *suite) {
	handle := s.start(t, EndAtOnce)
	s.wait(t, handle)
	s.wantState(t, s, handle, compute.Ended)
}

func startIsOnce(t *testing.T, s *suite) {
	handle := s.start(t, HoldTillStop)
	if err := s.Start(s.ctx, handle); err != nil {
		t.Errorf("second start: %v", err)
	}
	s.wantState(t, s, handle, compute.Alive)
	if err := s.Signal(s.ctx, handle, compute.Stop); err != nil {
		t.Error(err)
	}
	s.wait(t, handle)
	s.wantState(t, s, handle, compute.Ended)
}

func stopEnds(t *testing.T, s *suite) {
	handle := s.start(t, HoldTillStop)
	if err := s.Signal(s.ctx, handle, compute.Stop); err != nil {
		t.Error(err)
	}
	s.wait(t, handle)
	s.wantState(t, s, handle, compute.Ended)
}

func killEnds(t *testing.T, s *suite) {
	handle := s.start(t, HoldTillStop)
	if err := s.Signal(s.ctx, handle, compute.Kill); err != nil {
		t.Error(err)
	}
	s.wait(t, handle)
	s.wantState(t, s, handle, compute.Ended)
}

func restartFindsTasks(t *testing.T, s *suite) {
	prepared := s.prepare(t, "default", "prepared", HoldTillStop)
	alive := s.prepare(t, "default", "alive", HoldTillStop)
	if err := s.Start(s.ctx, alive); err != nil {
		t.Fatal(err)
	}
	after := s.reopen()
	s.wantState(t, after, prepared, compute.Prepared)
	s.wantState(t, after, alive, compute.Alive)
	if err := after.Signal(s.ctx, alive, compute.Stop); err != nil {
		t.Error(err)
	}
	if err := after.Wait(s.ctx, alive); err != nil {
		t.Errorf("wait after the restart: %v", err)
	}
	s.wantState(t, after, alive, compute.Ended)
}

func waitEndsWithContext(t *testing.T, s *suite) {
	handle := s.start(t, HoldTillStop)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if err := s.Wait(ctx, handle); err == nil {
		t.Error("wait reported the end of a runner that lives")
	}
	s.wantState(t, s, handle, compute.Alive)
}

func releaseRemoves(t *testing.T, s *suite) {
	handle := s.start(t, HoldTillStop)
	for range 2 {
		if err := s.Release(s.ctx, handle); err != nil {
			t.Errorf("release: %v", err)
		}
	}
	if _, err := s.Recover(s.ctx, handle); atelier.CodeOf(err) != atelier.NotFound {
		t.Errorf("a released task was found: %v", err)
	}
}

func releasedCanComeBack(t *testing.T, s *suite) {
	handle := s.start(t, EndAtOnce)
	s.wait(t, handle)
	if err := s.Release(s.ctx, handle); err != nil {
		t.Fatal(err)
	}
	again := s.prepare(t, "default", "task", EndAtOnce)
	s.wantState(t, s, again, compute.Prepared)
}

func runningCannotComeBack(t *testing.T, s *suite) {
	handle := s.start(t, HoldTillStop)
	_, err := s.Prepare(s.ctx, compute.Task{ID: "task", Kind: compute.Command, Workspace: "default", Command: EndAtOnce})
	if atelier.CodeOf(err) != atelier.Conflict {
		t.Errorf("prepare over a running task: %v", err)
	}
	s.wantState(t, s, handle, compute.Alive)
}

func unknownHandle(t *testing.T, s *suite) {
	for _, handle := range []compute.Handle{"", "nothing", "0123456789abcdef", "../../etc", "/etc"} {
		if _, err := s.Recover(s.ctx, handle); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("recover %q: %v", handle, err)
		}
		if err := s.Start(s.ctx, handle); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("start %q: %v", handle, err)
		}
		if err := s.Release(s.ctx, handle); err != nil {
			t.Errorf("release %q: %v", handle, err)
		}
	}
}

func workspacesDoNotMeet(t *testing.T, s *suite) {
	one := s.prepare(t, "one", "task", HoldTillStop)
	two := s.prepare(t, "two", "task", HoldTillStop)
	if one == two {
		t.Fatal("two workspaces share a handle")
	}
	if err := s.Start(s.ctx, one); err != nil {
		t.Fatal(err)
	}
	s.wantState(t, s, one, compute.Alive)
	s.wantState(t, s, two, compute.Prepared)
}

func signalsAfterTheEnd(t *testing.T, s *suite) {
	handle := s.start(t, EndAtOnce)
	s.wait(t, handle)
	for _, signal := range []compute.Signal{compute.Stop, compute.Kill} {
		if err := s.Signal(s.ctx, handle, signal); err != nil {
			t.Errorf("%s: %v", signal, err)
		}
	}
	s.wantState(t, s, handle, compute.Ended)
}

func dialFails(t *testing.T, s *suite) {
	handle := s.prepare(t, "default", "task", HoldTillStop)
	if connection, err := s.Dial(s.ctx, handle); err == nil {
		connection.Close()
		t.Error("something answered")
	}
}
