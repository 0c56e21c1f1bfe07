// Package local runs tasks on the server's own machine. It starts a runner that
// belongs to no terminal and to no parent, so that stopping, upgrading or
// killing the server leaves it at work.
//
// Everything that a task has on disk is in one folder, and the handle is the
// folder's name. A runner holds the lock in its folder for as long as it lives;
// by that lock a restarted server knows which tasks are still alive, and two
// runners can never work on one task.
package local

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/process"
)

// Driver starts runners on this machine.
type Driver struct {
	executable string
	dir        string
	secrets    []string
	gpus       int
	unbounded  func() string
}

var _ compute.Driver = (*Driver)(nil)

// New returns a driver that keeps tasks under dir and starts
// `executable runner --dir FOLDER`. Variables of the environment that begin like
// one of secrets are the server's own and are not passed on.
func New(executable, dir string, secrets ...string) (*Driver, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// Without links, the folder is the one that the system shows for a process.
	dir, err = filepath.EvalSymlinks(dir)
	return &Driver{executable: executable, dir: dir, secrets: append(secrets, "ATELIER_"), unbounded: sync.OnceValue(tryBound)}, err
}

// tryBound says why memory cannot be bounded on this machine, by trying it.
func tryBound() string {
	bound, err := process.NewBound(fmt.Sprint("atelier-try-", os.Getpid()), process.Limits{Memory: 1 << 30})
	if err == nil {
		err = bound.Remove()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func (d *Driver) Describe(context.Context) (compute.Capacity, error) {
	machine := compute.Capacity{Name: "local", CPUs: runtime.NumCPU(), MemoryBytes: machineMemory(), GPUs: d.gpus, Unbounded: d.unbounded()}
	if err := process.Confines(); err != nil {
		machine.Unconfined = err.Error()
	}
	return machine, nil
}

// HasGPUs says how many GPUs the machine has. It is called before the first task.
func (d *Driver) HasGPUs(n int) { d.gpus = n }

// Handle names a task's folder: short, so that a Unix socket's path fits, and
// never a user's own words.
func (d *Driver) Handle(task compute.Task) compute.Handle {
	sum := sha256.Sum256([]byte(task.Workspace + "\x00" + string(task.Kind) + "\x00" + task.ID))
	return compute.Handle(hex.EncodeToString(sum[:8]))
}

var handleForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// folder returns the folder behind a handle, which must exist.
func (d *Driver) folder(handle compute.Handle) (string, error) {
	if !handleForm.MatchString(string(handle)) {
		return "", atelier.Errorf(atelier.NotFound, "%q is not a handle of the local compute.", atelier.Clip(string(handle), 40))
	}
	folder := filepath.Join(d.dir, string(handle))
	if _, err := os.Stat(filepath.Join(folder, compute.TaskFile)); errors.Is(err, fs.ErrNotExist) {
		return "", atelier.Errorf(atelier.NotFound, "The task's folder %s is gone.", handle)
	} else if err != nil {
		return "", err
	}
	return folder, nil
}

func (d *Driver) Prepare(_ context.Context, task compute.Task) (compute.Handle, error) {
	handle := d.Handle(task)
	folder := filepath.Join(d.dir, string(handle))
	if pid, err := process.Holder(filepath.Join(folder, compute.LockFile)); err != nil {
		return "", err
	} else if pid != 0 {
		return "", atelier.Errorf(atelier.Conflict, "The task %q is already running.", task.ID)
	}
	// What an earlier task of this name left, after a server died in between.
	if err := removeAll(folder); err != nil {
		return "", err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	content, err := json.MarshalIndent(task, "", "  ")
	if err != nil {
		return "", err
	}
	return handle, writeWhole(filepath.Join(folder, compute.TaskFile), content)
}

// writeWhole writes a file that is there whole or not at all, also after the
// machine lost power.
func writeWhole(path string, content []byte) error {
	file, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// Start starts the runner and waits until it holds its lock, which takes some
// milliseconds.
func (d *Driver) Start(ctx context.Context, handle compute.Handle) error {
	folder, err := d.folder(handle)
	if err != nil {
		return err
	}
	if alive, err := isAlive(folder); alive || err != nil {
		return err
	}
	words, err := os.OpenFile(filepath.Join(folder, compute.RunnerLogFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer words.Close()
	cmd := exec.Command(d.executable, "runner", "--dir", folder)
	cmd.Dir = folder
	cmd.Env = append(d.withoutSecrets(os.Environ()), process.FolderVariable+"="+folder)
	cmd.Stderr = words
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	ready, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the runner: %w", err)
	}
	first, readErr := bufio.NewReader(ready).ReadString('\n')
	go cmd.Wait() // collects the process if it ends before the server does
	if readErr == nil && first == compute.RunnerReady {
		return nil
	}
	if alive, err := isAlive(folder); alive || err != nil {
		return err // another server's attempt came first
	}
	return atelier.Errorf(atelier.Internal, "The runner did not start. It said: %s", lastWords(folder))
}

// withoutSecrets drops the server's own settings: the runner gets all that it
// needs from its task.
func (d *Driver) withoutSecrets(environment []string) []string {
	return slices.DeleteFunc(environment, func(entry string) bool {
		return slices.ContainsFunc(d.secrets, func(prefix string) bool { return strings.HasPrefix(entry, prefix) })
	})
}

func lastWords(folder string) string {
	text, _ := os.ReadFile(filepath.Join(folder, compute.RunnerLogFile))
	text = text[max(0, len(text)-400):]
	if len(text) == 0 {
		return "(nothing)"
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(text), "\uFFFD"))
}

func isAlive(folder string) (bool, error) {
	pid, err := process.Holder(filepath.Join(folder, compute.LockFile))
	return pid != 0, err
}

func (d *Driver) Recover(_ context.Context, handle compute.Handle) (compute.State, error) {
	folder, err := d.folder(handle)
	if err != nil {
		return "", err
	}
	if alive, err := isAlive(folder); err != nil {
		return "", err
	} else if alive {
		return compute.Alive, nil
	}
	if _, err := os.Stat(filepath.Join(folder, compute.LockFile)); err == nil {
		return compute.Ended, nil
	}
	return compute.Prepared, nil
}

func (d *Driver) Wait(ctx context.Context, handle compute.Handle) error {
	folder, err := d.folder(handle)
	if err != nil {
		return err
	}
	for {
		pid, err := process.Holder(filepath.Join(folder, compute.LockFile))
		if err != nil || pid == 0 {
			return err
		}
		if err := process.Wait(ctx, pid); err != nil {
			return err
		}
	}
}

func (d *Driver) Signal(_ context.Context, handle compute.Handle, signal compute.Signal) error {
	folder, err := d.folder(handle)
	if err != nil {
		return err
	}
	if signal == compute.Kill {
		return d.kill(folder)
	}
	_, err = signalRunner(folder, syscall.SIGTERM)
	return err
}

// signalRunner signals the process that holds the folder's lock and returns
// its number, 0 when there is none. Between the question and the signal the
// process may end, but its number cannot yet be another's: os.FindProcess holds
// on to the process, and the lock is asked again.
func signalRunner(folder string, signal syscall.Signal) (int, error) {
	lock := filepath.Join(folder, compute.LockFile)
	pid, err := process.Holder(lock)
	if err != nil || pid == 0 {
		return 0, err
	}
	runner, err := os.FindProcess(pid)
	if err != nil {
		return 0, err
	}
	defer runner.Release()
	if again, err := process.Holder(lock); err != nil || again != pid {
		return 0, err
	}
	if err := runner.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, err
	}
	return pid, nil
}

// kill ends the runner first, so that it cannot start anything more, and then
// all that it leaves.
func (d *Driver) kill(folder string) error {
	pid, err := signalRunner(folder, syscall.SIGKILL)
	if err != nil {
		return err
	}
	if pid != 0 {
		if err := process.Wait(context.Background(), pid); err != nil {
			return err
		}
	}
	process.BoundProcesses(process.BoundName(folder), 0)
	return process.End(func() []process.Info { return process.InFolder(folder) })
}

func (d *Driver) Dial(ctx context.Context, handle compute.Handle) (net.Conn, error) {
	folder, err := d.folder(handle)
	if err != nil {
		return nil, err
	}
	return dialIn(ctx, folder, compute.SocketFile)
}

func (d *Driver) Release(_ context.Context, handle compute.Handle) error {
	if !handleForm.MatchString(string(handle)) {
		return nil
	}
	// Not d.folder: a server that died here left a part of the folder, without
	// the task perhaps.
	folder := filepath.Join(d.dir, string(handle))
	err := d.kill(folder)
	if err == nil {
		err = process.RemoveBound(process.BoundName(folder))
	}
	if err != nil {
		return err
	}
	return removeAll(folder)
}

// removeAll removes a folder even where a job took its own rights to it away.
func removeAll(folder string) error {
	if os.RemoveAll(folder) == nil {
		return nil
	}
	filepath.WalkDir(folder, func(path string, entry fs.DirEntry, _ error) error {
		if entry != nil && entry.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(folder)
}
