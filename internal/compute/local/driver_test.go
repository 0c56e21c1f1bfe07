package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/computetest"
	"github.com/atelier-ml/atelier/internal/compute/local"
	"github.com/atelier-ml/atelier/internal/compute/process"
)

// forkAndHold starts a daemon that leaves the runner's session, then holds.
const forkAndHold = "fork"

// tellSecrets says what came with the environment, and fails.
const tellSecrets = "tell"

// TestMain lets the test's own program stand in for the runner: it keeps to the
// protocol of the task's folder and does what the suite's commands say.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "runner" {
		os.Exit(standIn(os.Args[3]))
	}
	os.Exit(m.Run())
}

func standIn(folder string) int {
	var task compute.Task
	content, err := os.ReadFile(filepath.Join(folder, compute.TaskFile))
	if err != nil || json.Unmarshal(content, &task) != nil {
		return 1
	}
	if task.Command == "broken" {
		os.Stderr.WriteString("the disk is on fire\n")
		return 1
	}
	if task.Command == tellSecrets {
		fmt.Fprintf(os.Stderr, "it sees %q, %q and %q\n", os.Getenv("ATELIER_DATABASE"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("OF_THE_USER"))
		return 1
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	if _, held, err := process.Lock(filepath.Join(folder, compute.LockFile)); err != nil || !held {
		return 1
	}
	if task.Command == forkAndHold {
		daemon := exec.Command("sleep", "600")
		daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		daemon.Start()
	}
	if task.Kind == compute.Service {
		os.Chdir(folder) // a socket's path must be short
		listener, err := net.Listen("unix", compute.SocketFile)
		if err != nil {
			return 1
		}
		go func() {
			connection, _ := listener.Accept()
			io.WriteString(connection, "served")
			connection.Close()
		}()
	}
	os.Stdout.WriteString(compute.RunnerReady)
	if task.Command != computetest.EndAtOnce {
		<-stop
	}
	return 0
}

func open(t *testing.T, dir string) *local.Driver {
	t.Helper()
	driver, err := local.New(os.Args[0], dir)
	if err != nil {
		t.Fatal(err)
	}
	return driver
}

func TestContract(t *testing.T) {
	computetest.Run(t, func(t *testing.T) (compute.Driver, func() compute.Driver) {
		dir := t.TempDir()
		return open(t, dir), func() compute.Driver { return open(t, dir) }
	})
}

func start(t *testing.T, driver *local.Driver, task compute.Task) compute.Handle {
	t.Helper()
	handle, err := driver.Prepare(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { driver.Release(context.Background(), handle) })
	if err := driver.Start(t.Context(), handle); err != nil {
		t.Fatal(err)
	}
	return handle
}

func TestKillLeavesNoProcessBehind(t *testing.T) {
	dir := t.TempDir()
	driver := open(t, dir)
	handle := start(t, driver, compute.Task{ID: "task", Command: forkAndHold})
	folder := filepath.Join(dir, string(handle))
	if got := len(process.InFolder(folder)); got != 2 {
		t.Fatalf("found %d processes, want the runner and its daemon", got)
	}
	if err := driver.Signal(t.Context(), handle, compute.Kill); err != nil {
		t.Fatal(err)
	}
	for _, p := range process.InFolder(folder) {
		if !p.Zombie {
			t.Errorf("process %d is left", p.PID)
		}
	}
}

func TestTheTaskIsReadableByItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	handle, err := open(t, dir).Prepare(t.Context(), compute.Task{ID: "task", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, string(handle), compute.TaskFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestARunnerThatCannotStartIsQuoted(t *testing.T) {
	driver := open(t, t.TempDir())
	handle, err := driver.Prepare(t.Context(), compute.Task{ID: "task", Command: "broken"})
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Start(t.Context(), handle); err == nil || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Errorf("error %v", err)
	}
}

func TestTheServersSecretsAreNotPassedOn(t *testing.T) {
	for _, name := range []string{"ATELIER_DATABASE", "AWS_SECRET_ACCESS_KEY", "OF_THE_USER"} {
		t.Setenv(name, "value")
	}
	for _, test := range []struct {
		secrets []string
		want    string
	}{{nil, `it sees "", "value" and "value"`}, {[]string{"AWS_"}, `it sees "", "" and "value"`}} {
		driver, err := local.New(os.Args[0], t.TempDir(), test.secrets...)
		if err != nil {
			t.Fatal(err)
		}
		handle, err := driver.Prepare(t.Context(), compute.Task{ID: "task", Command: tellSecrets})
		if err != nil {
			t.Fatal(err)
		}
		if err := driver.Start(t.Context(), handle); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestReleaseRemovesWhatAJobMadeReadOnly(t *testing.T) {
	dir := t.TempDir()
	driver := open(t, dir)
	handle, err := driver.Prepare(t.Context(), compute.Task{ID: "task"})
	if err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(dir, string(handle), "work", "locked")
	os.MkdirAll(filepath.Join(locked, "inner"), 0o700)
	os.Chmod(locked, 0o500)
	if err := driver.Release(t.Context(), handle); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, string(handle))); !os.IsNotExist(err) {
		t.Errorf("the folder is left: %v", err)
	}
}

// A server may die while it removes a folder; the next one removes the rest.
func TestReleaseRemovesWhatAnEarlierOneLeft(t *testing.T) {
	dir := t.TempDir()
	driver := open(t, dir)
	handle, err := driver.Prepare(t.Context(), compute.Task{ID: "task"})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, string(handle))
	os.WriteFile(filepath.Join(folder, "rest"), nil, 0o600)
	os.Remove(filepath.Join(folder, compute.TaskFile))
	if err := driver.Release(t.Context(), handle); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder is left: %v", err)
	}
}

// A data directory may lie deeper than a socket's address can tell.
func TestDialReachesASocketWithALongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))
	driver := open(t, dir)
	handle := start(t, driver, compute.Task{ID: "replica", Kind: compute.Service})
	connection, err := driver.Dial(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if text, err := io.ReadAll(connection); string(text) != "served" || err != nil {
		t.Errorf("read %q, error %v", text, err)
	}
}
