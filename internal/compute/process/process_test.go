package process_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute/process"
)

// TestMain lets the test's own program stand in for a process that holds a lock.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "hold" {
		if _, held, err := process.Lock(os.Args[2]); err != nil || !held {
			os.Exit(1)
		}
		os.Stdout.WriteString("held\n")
		io.ReadAll(os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

func TestHolderIsTheProcessThatLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if pid, err := process.Holder(path); pid != 0 || err != nil {
		t.Fatalf("before: holder %d, error %v", pid, err)
	}
	cmd := exec.Command(os.Args[0], "hold", path)
	stdin, _ := cmd.StdinPipe()
	stdout, _ := cmd.StdoutPipe()
	start(t, cmd)
	io.ReadFull(stdout, make([]byte, len("held\n")))

	if pid, err := process.Holder(path); pid != cmd.Process.Pid || err != nil {
		t.Errorf("holder %d, error %v, want %d", pid, err, cmd.Process.Pid)
	}
	if _, held, err := process.Lock(path); held || err != nil {
		t.Errorf("a second lock: held %v, error %v", held, err)
	}
	waited := make(chan error, 1)
	go func() { waited <- process.Wait(t.Context(), cmd.Process.Pid) }()
	stdin.Close()
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if pid, err := process.Holder(path); pid != 0 || err != nil {
		t.Errorf("after: holder %d, error %v", pid, err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	start(t, cmd)
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error, 1)
	go func() { waited <- process.Wait(ctx, cmd.Process.Pid) }()
	cancel()
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("Wait returned %v", err)
	}
}

func TestInFolderFindsWhatForgotItsParentsAndItsEnvironment(t *testing.T) {
	folder := t.TempDir()
	byVariable := exec.Command("sleep", "600")
	byVariable.Env = []string{process.FolderVariable + "=" + folder, "PATH=" + os.Getenv("PATH")}
	byVariable.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	byVariable.Dir = "/"
	start(t, byVariable)
	byPlace := exec.Command("sleep", "600")
	byPlace.Env = []string{}
	byPlace.Dir = folder
	start(t, byPlace)
	stranger := exec.Command("sleep", "600")
	stranger.Env = []string{process.FolderVariable + "=" + folder + "-other"}
	start(t, stranger)

	var found []int
	for _, p := range process.InFolder(folder) {
		found = append(found, p.PID)
	}
	want := []int{byVariable.Process.Pid, byPlace.Process.Pid}
	slices.Sort(found)
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Fatalf("found %v, want %v", found, want)
	}
	if err := process.End(func() []process.Info { return process.InFolder(folder) }); err != nil {
		t.Error(err)
	}
	if err := byVariable.Wait(); err == nil {
		t.Error("the process was not killed")
	}
}

func TestDescendantsAreAllBelowTheRoot(t *testing.T) {
	all := []process.Info{{PID: 1}, {PID: 5, Parent: 1}, {PID: 6, Parent: 5}, {PID: 7, Parent: 6}, {PID: 8, Parent: 1}}
	var found []int
	for _, p := range process.Descendants(all, 5) {
		found = append(found, p.PID)
	}
	if !slices.Equal(found, []int{6, 7}) {
		t.Errorf("found %v, want [6 7]", found)
	}
}
