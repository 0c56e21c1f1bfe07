package compute

import (
	"context"
	"net"
	"time"
)

// Handle names a prepared task to the driver that made it. Nobody else looks
// inside. It stays good for as long as the task is not released, across
// restarts of the server.
type Handle string

// Capacity is what a driver's machine can give to tasks.
type Capacity struct {
	Name        string `json:"name"`
	CPUs        int    `json:"cpus"`
	MemoryBytes int64  `json:"memory_bytes"`
	GPUs        int    `json:"gpus"` // numbered from 0
	// Unbounded says why the system does not hold a task to its memory; it is empty
	// where it does.
	Unbounded string `json:"unbounded,omitempty"`
	// Unconfined says why the system does not keep a scoring worker away from what is
	// not its own; it is empty where it does.
	Unconfined string `json:"unconfined,omitempty"`
}

// Signal is what a driver can tell a runner from outside, without the network.
type Signal string

const (
	// Stop asks the runner to end its command gently and to report.
	Stop Signal = "stop"
	// Kill ends the runner and everything that it started, now. Nothing more is
	// reported.
	Kill Signal = "kill"
)

// State is what Recover found behind a handle.
type State string

const (
	Prepared State = "prepared" // Start was never called, or its runner never came up
	Alive    State = "alive"    // the runner works
	Ended    State = "ended"    // the runner is gone; if it left something to say, Start has it said
)

// Driver starts runners in one kind of place. Its methods may be called from
// several goroutines.
type Driver interface {
	// Describe tells what the place can hold.
	Describe(ctx context.Context) (Capacity, error)
	// Handle is the handle that Prepare gives the task. Whoever stores it first can
	// release whatever a Prepare that was cut short has left.
	Handle(task Task) Handle
	// Prepare puts the task where its runner will find it. Nothing runs yet.
	Prepare(ctx context.Context, task Task) (Handle, error)
	// Start starts the task's runner, unless it lives. A runner that finds an
	// earlier one's traces never runs the command again: it reports what is
	// left to report, and ends.
	Start(ctx context.Context, handle Handle) error
	// Recover finds what became of a task while nobody looked.
	Recover(ctx context.Context, handle Handle) (State, error)
	// Wait returns once the runner of a started task has ended, however it ended.
	Wait(ctx context.Context, handle Handle) error
	// Signal reaches the runner. It does nothing when the runner has ended.
	Signal(ctx context.Context, handle Handle, signal Signal) error
	// Dial connects to the socket that a task of kind Service listens on.
	Dial(ctx context.Context, handle Handle) (net.Conn, error)
	// Release forgets the task and removes all it left, the runner included if
	// it still lives. A second call does nothing, nor does one for a task that was
	// never prepared.
	Release(ctx context.Context, handle Handle) error
}

// HeartbeatEvery is how often a runner reports when it has nothing to say.
const HeartbeatEvery = 10 * time.Second

// SilentAfter is how long a runner may be silent before the server doubts it.
const SilentAfter = 6 * HeartbeatEvery
