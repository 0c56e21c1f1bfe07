package runner

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/process"
	"github.com/atelier-ml/atelier/internal/job"
)

const (
	// gentle is how long a command that is asked to end may take, and hasty how
	// long one may that eats the memory of others.
	gentle = 10 * time.Second
	hasty  = time.Second
	// leftoverGrace is how long its children may go on after its own end.
	leftoverGrace = 2 * time.Second
)

// runCommand runs the task's command to its end and leaves nothing running.
func (r *runner) runCommand(ctx context.Context, p *place) outcome {
	defer p.relay.close()
	if err := r.status(compute.StatusRunning); err != nil {
		return failed(compute.StartError, err.Error())
	}
	cmd := exec.Command(shell(), "-c", fillPaths(r.task.Command, p))
	cmd.Dir = p.code
	cmd.Env = r.variables(p)
	if r.task.TimeoutSeconds > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, time.Duration(r.task.TimeoutSeconds)*time.Second, errTimeout)
		defer cancel()
		ctx = limited
	}
	if r.task.MemoryBytes > 0 {
		r.log.Info("the memory of the job is measured every second, and not bounded by the system: a short peak may pass unseen",
			"limit", job.FormatMemory(r.task.MemoryBytes))
	}
	result := r.supervise(ctx, cmd)
	if result.failure != nil && result.failure.Code == compute.MemoryExceeded {
		result.failure.Message = fmt.Sprintf("The job used more memory than the %s it asked for (resources.memory) and was ended.",
			job.FormatMemory(r.task.MemoryBytes))
	}
	if result.failure != nil && result.failure.Code == compute.Timeout {
		result.failure.Message = fmt.Sprintf("The job ran longer than its limit of %d seconds (limits.timeout) and was ended.", r.task.TimeoutSeconds)
	}
	return result
}

// supervise runs cmd, with what it prints going to the command's log, until it
// and everything it started has ended. The end of ctx ends it: gently first.
func (r *runner) supervise(ctx context.Context, cmd *exec.Cmd) outcome {
	// The command is to die with the runner, and Linux takes the thread that
	// started it for the runner: that thread must not end before.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	read, write, err := os.Pipe()
	if err != nil {
		return failed(compute.StartError, err.Error())
	}
	cmd.Stdout, cmd.Stderr = write, write // one pipe, so that the order is kept
	cmd.SysProcAttr = ownGroup()
	meter := newMeter()
	err = cmd.Start()
	write.Close()
	if err != nil {
		read.Close()
		return failed(compute.StartError, fmt.Sprintf("The command could not be started: %v.", err))
	}
	copied := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(onlyWriter{r.streams.command}, read, make([]byte, 64<<10))
		copied <- err
	}()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stopMeter := meter.watch(cmd.Process.Pid, func(usage *compute.Usage) {
		r.usage.Store(usage)
		if limit := r.task.MemoryBytes; limit > 0 && usage.MemoryBytes > limit && ownMemory(below()) > limit {
			stop(errMemory)
		}
	})
	cause := waitOrEnd(ctx, cmd)
	stopMeter()
	endLeftovers()
	if err := <-copied; err != nil {
		r.log.Error("keep what the command printed", "error", err)
	}
	read.Close()
	r.usage.Store(meter.total(cmd.ProcessState))
	return result(cmd.ProcessState, cause)
}

// onlyWriter hides what else a stream can do, so that io.CopyBuffer uses the buffer.
type onlyWriter struct{ io.Writer }

// waitOrEnd waits for the command and returns why it was made to end, if it was.
func waitOrEnd(ctx context.Context, cmd *exec.Cmd) (cause error) {
	done := make(chan struct{})
	stopped := make(chan error, 1)
	go func() { stopped <- endWith(ctx, cmd.Process.Pid, done) }()
	cmd.Wait() // what it returns is in ProcessState
	close(done)
	return <-stopped
}

// endWith waits for the command's end or for that of ctx. In the second case it
// asks the command and its children to end, and kills them if they do not.
func endWith(ctx context.Context, pid int, done <-chan struct{}) (cause error) {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	syscall.Kill(-pid, syscall.SIGTERM)
	for _, p := range below() {
		if p.Group != pid {
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
		syscall.Kill(-pid, syscall.SIGKILL)
		process.End(below)
	}
	return context.Cause(ctx)
}

// below returns the processes that this runner or its children started.
func below() []process.Info {
	all, _ := process.List()
	return process.Descendants(all, os.Getpid())
}

// endLeftovers ends what the command left running, daemons included. They are
// all descendants of the runner, because it adopts orphans.
func endLeftovers() {
	asked := false
	for end := time.Now().Add(leftoverGrace); time.Now().Before(end); {
		alive := false
		all := below()
		process.Reap(all, 0)
		for _, p := range all {
			if p.Zombie {
				continue
			}
			alive = true
			if !asked {
				syscall.Kill(p.PID, syscall.SIGTERM)
			}
		}
		if !alive {
			return
		}
		asked = true
		time.Sleep(20 * time.Millisecond)
	}
	process.End(below)
	process.Reap(below(), 0)
}

// result says what the command's end means.
func result(state *os.ProcessState, cause error) outcome {
	status, _ := state.Sys().(syscall.WaitStatus)
	code := state.ExitCode()
	if status.Signaled() {
		code = 128 + int(status.Signal())
	}
	var out outcome
	switch {
	case cause != nil:
		out = ended(cause)
	case status.Signaled():
		out = failed(compute.UserError, fmt.Sprintf("The command was ended by the signal %d (%s).%s",
			int(status.Signal()), status.Signal(), signalHint(status.Signal())))
	case code > 128 && code < 160:
		// The shell passes on the end of its last program by a signal.
		signal := syscall.Signal(code - 128)
		out = failed(compute.UserError, fmt.Sprintf("The command ended with exit code %d: a signal (%s) ended its program.%s",
			code, signal, signalHint(signal)))
	case code != 0:
		out = failed(compute.UserError, fmt.Sprintf("The command ended with exit code %d. %s has what it printed.", code, commandLog))
	}
	out.exitCode = &code
	return out
}

func signalHint(signal syscall.Signal) string {
	if signal == syscall.SIGKILL {
		return " The machine may have run out of memory."
	}
	return ""
}

// shell is what users' commands are written for. Azure ML runs them in bash.
func shell() string {
	for _, path := range []string{"/bin/bash", "/usr/bin/bash"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return "/bin/sh"
}

// fillPaths puts the paths of inputs and outputs into the command or a variable. The server
// has checked that all of them exist.
func fillPaths(command string, p *place) string {
	var pairs []string
	for name, path := range p.inputs {
		pairs = append(pairs, "${{inputs."+name+"}}", path)
	}
	for name, path := range p.outputs {
		pairs = append(pairs, "${{outputs."+name+"}}", path)
	}
	return strings.NewReplacer(pairs...).Replace(command)
}

// variables is the environment of the command: the machine's, then the user's,
// then what the product promises, which nobody can override.
func (r *runner) variables(p *place) []string {
	all := inherited(p.ready != nil)
	if p.ready != nil {
		// An environment has no pip unless it asks for it: the machine's own must
		// not install into the machine by mistake.
		all = append(all, "VIRTUAL_ENV="+p.ready.Dir, "PIP_REQUIRE_VIRTUALENV=1",
			"PATH="+filepath.Join(p.ready.Dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
			"PIP_REQUIRE_VIRTUALENV=1")
	}
	all = append(all, "PYTHONUNBUFFERED=1", "GIT_PYTHON_REFRESH=quiet",
		// The client would print the relay's address, which nobody can open later.
		"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT=true",
		// What the relay cannot answer waits while the server is away; its clients must wait too.
		"MLFLOW_HTTP_REQUEST_TIMEOUT=3600")
	for _, set := range []map[string]string{r.task.EnvironmentVariables, r.task.Secrets} {
		for key, value := range set {
			all = append(all, key+"="+fillPaths(value, p))
		}
	}
	for name, path := range p.outputs {
		all = append(all, "AZURE_ML_OUTPUT_"+name+"="+path)
	}
	for name, path := range p.inputs {
		all = append(all, "AZURE_ML_INPUT_"+name+"="+path)
	}
	if r.task.Kind == compute.Command {
		all = append(all, visibleGPUs(r.task.GPUs)...)
	}
	return append(all,
		"MLFLOW_TRACKING_URI="+p.relay.url+"/workspaces/"+r.task.Workspace,
		"MLFLOW_TRACKING_TOKEN="+p.relay.secret,
		"ATELIER_SERVER="+p.relay.url,
		"ATELIER_TOKEN="+p.relay.secret,
		"ATELIER_WORKSPACE="+r.task.Workspace,
		"ATELIER_JOURNAL_DIR="+r.workPath(journalsFolder),
		process.FolderVariable+"="+r.dir)
}

// inherited is the environment of the machine without what somebody set for the
// server's own shell: another tracking server, or another Python.
func inherited(ownPython bool) []string {
	var kept []string
	for _, entry := range os.Environ() {
		foreign := strings.HasPrefix(entry, "MLFLOW_") || strings.HasPrefix(entry, "AZUREML_")
		python := strings.HasPrefix(entry, "PYTHONHOME=") || strings.HasPrefix(entry, "PYTHONPATH=") ||
			strings.HasPrefix(entry, "VIRTUAL_ENV=") || strings.HasPrefix(entry, "CONDA_")
		if !foreign && !(python && ownPython) {
			kept = append(kept, entry)
		}
	}
	return kept
}
