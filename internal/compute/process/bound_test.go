package process_test

import (
	"io"
	"os/exec"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute/process"
)

// The system ends what takes more than its bound, and a command within it goes on.
func TestABoundEndsWhatTakesMore(t *testing.T) {
	name := process.BoundName(t.TempDir())
	limits := process.Limits{Memory: 64 << 20, CPUs: 0.5, Processes: 100}
	if _, err := process.NewBound(name+"-try", limits); err != nil {
		t.Logf("not tested, for this machine lets nobody bound memory: %v", err)
		return
	}
	process.RemoveBound(name + "-try")
	for command, exceeds := range map[string]bool{"echo small": false, "head -c 300000000 /dev/zero | tail -n 1 > /dev/null": true} {
		bound, err := process.NewBound(name, limits)
		if err != nil {
			t.Fatal(err)
		}
		if words, err := runIn(t, bound, nil, command); err != nil != exceeds || bound.Kills() > 0 != exceeds {
			t.Errorf("%s: error %v, %d killed, %s", command, err, bound.Kills(), words)
		}
		if err := process.RemoveBound(name); err != nil {
			t.Error(err)
		}
	}
}

// A group becomes no more processes than it may.
func TestABoundEndsForks(t *testing.T) {
	name := process.BoundName(t.TempDir())
	bound, err := process.NewBound(name, process.Limits{Memory: 64 << 20, Processes: 10})
	if err != nil {
		t.Logf("not tested, for this machine lets nobody bound memory: %v", err)
		return
	}
	const forks = `exec python3 -c 'import os, signal, time
made = []
try:
    for _ in range(20):
        made.append(os.fork())
        if made[-1] == 0:
            time.sleep(1000)
except BlockingIOError:
    print("refused")
for pid in made:
    os.kill(pid, signal.SIGKILL)
    os.wait()'`
	if words, err := runIn(t, bound, nil, forks); err != nil || words != "refused\n" {
		t.Errorf("twenty processes where ten are allowed: %s, %v", words, err)
	}
	if err := bound.Remove(); err != nil {
		t.Error(err)
	}
}

// runIn runs a line of the shell in a cell of its own and returns what it printed.
func runIn(t *testing.T, bound *process.Bound, rights *process.Rights, line string) (string, error) {
	t.Helper()
	cell, err := process.NewCell(bound, rights)
	if err != nil {
		t.Fatal(err)
	}
	defer cell.Close()
	cmd := exec.Command("/bin/bash", "-o", "pipefail", "-c", line)
	read, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cell.Start(cmd); err != nil {
		t.Fatal(err)
	}
	words, err := io.ReadAll(read)
	if err != nil {
		t.Error(err)
	}
	return string(words), cmd.Wait()
}
