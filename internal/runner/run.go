package runner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/process"
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
	crew, err := r.crew(p)
	if err != nil {
		return failed(compute.StartError, err.Error())
	}
	if r.task.TimeoutSeconds > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, time.Duration(r.task.TimeoutSeconds)*time.Second, errTimeout)
		defer cancel()
		ctx = limited
	}
	open, err := r.enclose(nil)
	if err != nil {
		return failed(compute.StartError, err.Error())
	}
	defer open()
	door, err := r.openDoor(p)
	if err != nil {
		r.tell(fmt.Sprintf("nobody can come to the job while it runs: %v", err))
	}
	result := r.supervise(ctx, crew...)
	door.close()
	result.ranks = r.ranks(crew)
	r.explainMemory(result)
	if result.failure != nil && result.failure.Code == compute.Timeout {
		result.failure.Message = fmt.Sprintf("The job ran longer than its limit of %d seconds (limits.timeout) and was ended.", r.task.TimeoutSeconds)
	}
	return result
}

// explainMemory says what a job that was ended for its memory asked for.
func (r *runner) explainMemory(result outcome) {
	if result.failure != nil && result.failure.Code == compute.OutOfMemory {
		result.failure.Message = fmt.Sprintf("The job used more memory than the %s it asked for (resources.memory) and was ended.",
			compute.FormatMemory(r.task.MemoryBytes))
	}
}

// enclose makes the cell in which the task's processes are started: with their memory
// bounded where the system lets it, and with rights, or with nil all those of the
// runner. It is there until the function that it returns is called.
func (r *runner) enclose(rights *process.Rights) (open func(), err error) {
	if r.task.MemoryBytes > 0 {
		limits := process.Limits{Memory: r.task.MemoryBytes, CPUs: r.task.CPUs, Processes: r.task.Processes}
		if r.bound, err = process.NewBound(process.BoundName(r.dir), limits); err != nil {
			r.log.Warn("the memory of the task is measured every second, and not bounded by the system: a short peak may pass unseen",
				"limit", compute.FormatMemory(r.task.MemoryBytes), "error", err)
		}
	}
	if r.cell, err = process.NewCell(r.bound, rights); err != nil {
		return nil, err
	}
	if r.cell.Open != nil {
		r.log.Warn("the worker has all rights of the server's user", "error", r.cell.Open)
	}
	return func() {
		r.cell.Close()
		if r.bound == nil {
			return
		}
		if err := r.bound.Remove(); err != nil {
			r.log.Error("open the bound of the memory", "error", err)
		}
	}, nil
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
		process.Reap(all)
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
	process.Reap(below())
}

// result says what the end of a command of so many processes means, by that of the
// process that decides it.
func result(decisive *member, cause error, processes int) outcome {
	code := decisive.exitCode()
	who, more := "The command", ""
	if processes > 1 {
		who = fmt.Sprintf("One of the job's %d processes", processes)
		more = fmt.Sprintf(" %s has what it printed. The others were ended.", decisive.log.name)
	}
	var out outcome
	switch status, _ := decisive.cmd.ProcessState.Sys().(syscall.WaitStatus); {
	case cause != nil:
		out = ended(cause)
	case status.Signaled():
		out = failed(compute.UserError, fmt.Sprintf("%s was ended by the signal %d (%s).%s%s",
			who, int(status.Signal()), status.Signal(), signalHint(status.Signal()), more))
	case code > 128 && code < 160:
		// The shell passes on the end of its last program by a signal.
		signal := syscall.Signal(code - 128)
		out = failed(compute.UserError, fmt.Sprintf("%s ended with exit code %d: a signal (%s) ended its program.%s%s",
			who, code, signal, signalHint(signal), more))
	case code != 0:
		if more == "" {
			more = " " + decisive.log.name + " has what it printed."
		}
		out = failed(compute.UserError, fmt.Sprintf("%s ended with exit code %d.%s", who, code, more))
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

// crew makes the processes that the command is.
func (r *runner) crew(p *place) ([]*member, error) {
	line, d := fillPaths(r.task.Command, p), r.task.Distribution
	if d == nil {
		return []*member{{cmd: r.shellCommand(p, line, nil), log: r.streams.command}}, nil
	}
	if d.Type == compute.MPI {
		if launcher := findProgram(r.variables(p), "mpirun"); launcher != "" {
			return r.launched(p, line, launcher)
		}
		r.tell("there is no mpirun in the environment: the processes are started side by side, with the variables of Open MPI but without its messages")
	}
	ports, err := freePorts(portsFor(*d))
	if err != nil {
		return nil, err
	}
	var crew []*member
	for rank, variables := range rankVariables(*d, r.task.GPUs, ports) {
		role, _ := roleOf(*d, rank)
		crew = append(crew, &member{cmd: r.shellCommand(p, line, variables), log: r.streams.ranks[rank], helper: role == serverRole})
	}
	return crew, nil
}

// shellCommand runs a line of the shell in the place, with further variables.
func (r *runner) shellCommand(p *place, line string, more []string) *exec.Cmd {
	cmd := exec.Command(shell(), "-c", line)
	cmd.Dir = p.code
	cmd.Env = append(r.variables(p), more...)
	return cmd
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

// fillPaths puts the paths of inputs and outputs into the command. The server has
// checked that all of them exist.
func fillPaths(command string, p *place) string {
	return strings.NewReplacer(pathPairs(p)...).Replace(command)
}

func pathPairs(p *place) (pairs []string) {
	for name, path := range p.inputs {
		pairs = append(pairs, "${{inputs."+name+"}}", path)
	}
	for name, path := range p.outputs {
		pairs = append(pairs, "${{outputs."+name+"}}", path)
	}
	return pairs
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
	for key, value := range r.task.EnvironmentVariables {
		all = append(all, key+"="+r.fillVariable(value, p))
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
