package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/process"
)

// member is one of the processes that a command is: the only one, usually.
type member struct {
	cmd *exec.Cmd
	log *stream
	// helper says that the command is over without this one: TensorFlow's parameter
	// servers never end by themselves.
	helper bool
	copied chan error // receives once all that it printed is in its log
	// finish, if it is set, returns once what others printed for it is in their logs.
	finish func() error
}

// pids are the numbers of processes.
type pids struct {
	mu  sync.Mutex
	all map[int]bool
}

func (p *pids) add(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[int]bool{}
	}
	p.all[pid] = true
}

func (p *pids) remove(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, pid)
}

func (p *pids) list() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.all))
}

// Why the other processes of a command are made to end when one of them ends.
var (
	errMemberFailed = errors.New("a process of the command failed")
	errOthersOver   = errors.New("the command's work is done")
)

// supervise runs the processes of a command, with what each prints going to its
// log, until they and everything they started have ended. The end of ctx ends
// them, gently first; so does the failure of one.
func (r *runner) supervise(ctx context.Context, crew ...*member) outcome {
	meter, before := newMeter(), r.kills()
	r.boundProcesses(r.task.Processes)
	for _, m := range crew {
		if err := m.start(r.cell); err != nil {
			abandon(crew)
			return failed(compute.StartError, fmt.Sprintf("The command could not be started: %v.", err))
		}
		r.kept.add(m.cmd.Process.Pid)
		defer r.kept.remove(m.cmd.Process.Pid)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stopMeter := meter.watch(&r.kept, func(usage *compute.Usage) {
		r.usage.Store(usage)
		if limit := r.task.MemoryBytes; limit > 0 && usage.MemoryBytes > limit && ownMemory(below()) > limit {
			stop(errMemory)
		}
		if r.kills() > before { // version 1 ends one of them only
			r.boundProcesses(0)
			stop(errMemory)
		}
	})
	decisive, cause := waitOrEnd(ctx, crew)
	stopMeter()
	r.boundProcesses(0)
	endLeftovers()
	unkept := r.collect(crew)
	r.usage.Store(meter.total(crew))
	end := result(decisive, cause, len(crew))
	if r.kills() > before {
		end.failure = ended(errMemory).failure
	}
	if unkept != nil && end.failure == nil && !end.canceled {
		end.failure = &compute.Failure{Code: compute.UploadError,
			Message: fmt.Sprintf("The command ended well, but not all that it printed could be kept: %v.", unkept)}
	}
	return end
}

// boundProcesses lets the command become so many processes; it cannot fork with 0.
func (r *runner) boundProcesses(most int) {
	if r.task.Processes > 0 {
		process.BoundProcesses(process.BoundName(r.dir), most)
	}
}

// kills counts the processes that the system ended because they took too much memory.
func (r *runner) kills() int {
	if r.bound == nil {
		return 0
	}
	return r.bound.Kills()
}

// collect waits until what a crew printed is in its logs, and returns why some of
// it is not.
func (r *runner) collect(crew []*member) (unkept error) {
	for _, m := range crew {
		err := <-m.copied
		if m.finish != nil {
			err = errors.Join(err, m.finish())
		}
		if err != nil {
			r.log.Error("keep what the command printed", "error", err)
			unkept = err
		}
	}
	return unkept
}

// start starts the process, and the copying of what it prints.
func (m *member) start(cell *process.Cell) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	m.cmd.Stdout, m.cmd.Stderr = write, write // one pipe, so that the order is kept
	m.cmd.SysProcAttr = ownGroup()
	err = cell.Start(m.cmd)
	write.Close()
	if err != nil {
		read.Close()
		return err
	}
	m.copied = make(chan error, 1)
	go func() {
		defer read.Close()
		m.copied <- keep(m.log, read)
	}()
	return nil
}

// keeper writes to a log until that fails, as on a full disk, and drops the rest:
// a command must neither wait for its own words nor end because of them.
type keeper struct {
	log *stream
	err error // the first
}

func (k *keeper) Write(p []byte) (int, error) {
	if k.err == nil {
		_, k.err = k.log.Write(p)
	}
	return len(p), nil
}

// keep copies what comes from a command to its log.
func keep(log *stream, from io.Reader) error {
	k := &keeper{log: log}
	_, err := io.CopyBuffer(k, onlyReader{from}, make([]byte, 64<<10))
	return errors.Join(err, k.err)
}

// onlyReader hides what else a file can do, so that io.CopyBuffer uses the buffer.
type onlyReader struct{ io.Reader }

// abandon ends those of a crew that were started before another could not be.
func abandon(crew []*member) {
	process.End(below)
	for _, m := range crew {
		if m.cmd.Process != nil {
			m.cmd.Wait()
		}
	}
}

// exitCode is how the process ended, as a shell tells it.
func (m *member) exitCode() int {
	if status, _ := m.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal())
	}
	return m.cmd.ProcessState.ExitCode()
}

// waitOrEnd waits until all processes of a crew have ended. It returns the one that
// decides how the command ended: the first that failed, else the first of all. The
// cause says why the command was made to end from outside, if it was.
func waitOrEnd(ctx context.Context, crew []*member) (decisive *member, cause error) {
	ending, end := context.WithCancelCause(ctx)
	defer end(nil)
	done := make(chan struct{})
	stopped := make(chan error, 1)
	go func() { stopped <- endWith(ending, crew, done) }()
	ends := make(chan *member)
	atWork := 0
	for _, m := range crew {
		if !m.helper {
			atWork++
		}
		go func() {
			m.cmd.Wait() // what it returns is in ProcessState
			ends <- m
		}()
	}
	for left := len(crew) - 1; left >= 0; left-- {
		m := <-ends
		if !m.helper {
			atWork--
		}
		switch {
		case left == 0:
		case m.exitCode() != 0:
			end(errMemberFailed)
		case atWork == 0:
			end(errOthersOver)
		}
		if m.exitCode() != 0 && decisive == nil && context.Cause(ending) != errOthersOver {
			decisive = m
		}
	}
	close(done)
	if cause = <-stopped; cause == errMemberFailed || cause == errOthersOver {
		cause = nil
	}
	if decisive == nil {
		decisive = crew[0]
	}
	return decisive, cause
}

// endWith waits for the end of a crew or for that of ctx. In the second case it asks
// the processes and their children to end, and kills them if they do not, and
// returns the cause.
func endWith(ctx context.Context, crew []*member, done <-chan struct{}) (cause error) {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	groups := map[int]bool{}
	for _, m := range crew {
		groups[m.cmd.Process.Pid] = true
		syscall.Kill(-m.cmd.Process.Pid, syscall.SIGTERM)
	}
	for _, p := range below() {
		if !groups[p.Group] {
			syscall.Kill(p.PID, syscall.SIGTERM)
		}
	}
	patience := gentle
	if context.Cause(ctx) == errMemory {
		patience = hasty
	}
	select {
	case <-done:
	case <-time.After(patience):
		for group := range groups {
			syscall.Kill(-group, syscall.SIGKILL)
		}
		process.End(below)
	}
	return context.Cause(ctx)
}
