package runner

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// ranksFolder holds, for each process that mpirun starts, the pipe into which it
// prints, and a file with its exit code.
const ranksFolder = "ranks"

// launchedScript is what mpirun starts: $0 is the folder, $1 the shell and $2 the
// user's line. Open MPI and the descendants of MPICH number processes each in
// their own variable.
const launchedScript = `rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}
"$1" -c "$2" >"$0/$rank" 2>&1
code=$?
echo $code >"$0/$rank.code"
exit $code`

// launched is the command as one process, mpirun, which starts the others. What
// mpirun itself says stands in the job's own log.
func (r *runner) launched(p *place, line, launcher string) ([]*member, error) {
	d := *r.task.Distribution
	ports, err := freePorts(portsFor(d))
	if err != nil {
		return nil, err
	}
	finish, err := r.openRanks()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(launcher, "-n", strconv.Itoa(d.Processes()), "/bin/sh", "-c", launchedScript, r.workPath(ranksFolder), shell(), line)
	cmd.Dir = p.code
	cmd.Env = append(r.variables(p), meetingVariables(d, ports)...)
	cmd.Env = append(cmd.Env,
		// The job's share of the machine is the plan's affair, and so is who runs it.
		"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "PRTE_ALLOW_RUN_AS_ROOT=1", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1",
		"OMPI_MCA_rmaps_base_oversubscribe=1", "PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe")
	return []*member{{cmd: cmd, log: r.streams.command, finish: finish}}, nil
}

// openRanks makes the pipes into which the processes print, and copies what comes
// to their logs. finish returns once all is copied.
func (r *runner) openRanks() (finish func() error, err error) {
	if err := os.MkdirAll(r.workPath(ranksFolder), 0o700); err != nil {
		return nil, err
	}
	copied := make(chan error, len(r.streams.ranks))
	var ends []*os.File // of which nothing comes: they keep the pipes open
	for rank, log := range r.streams.ranks {
		path := r.workPath(ranksFolder, strconv.Itoa(rank))
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			return nil, err
		}
		read, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		end, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		ends = append(ends, end)
		go func() {
			copied <- errors.Join(keep(log, read), read.Close())
		}()
	}
	return func() (err error) {
		for _, end := range ends {
			err = errors.Join(err, end.Close())
		}
		for range ends {
			err = errors.Join(err, <-copied)
		}
		return err
	}, nil
}

// launchedCode is how a process that mpirun started ended; nil when mpirun ended it.
func (r *runner) launchedCode(rank int) *int {
	text, err := os.ReadFile(r.workPath(ranksFolder, strconv.Itoa(rank)+".code"))
	code, wrong := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || wrong != nil {
		return nil
	}
	return &code
}
