package local

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"time"
)

const (
	// askGPUs is how long nvidia-smi may take to answer.
	askGPUs = 5 * time.Second
	// saidGPUs is how much of its answer is read: far more than it says of the
	// largest machine.
	saidGPUs = 256 << 10
)

// gpuLine is what nvidia-smi says of a GPU. What a GPU is divided into stands below
// it, with blanks before.
var gpuLine = regexp.MustCompile(`^GPU [0-9]+: `)

// CountGPUs finds the machine's GPUs: what the NVIDIA driver shows in the folder
// proc, else the lines that `nvidia-smi --list-gpus` prints, when there is such a
// program. One that hangs, fails or goes on for ever counts as none.
func CountGPUs(ctx context.Context, proc string) int {
	if entries, err := os.ReadDir(proc); err == nil && len(entries) > 0 {
		return len(entries)
	}
	ctx, cancel := context.WithTimeout(ctx, askGPUs)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nvidia-smi", "--list-gpus")
	cmd.WaitDelay = time.Second
	said, words := io.Pipe()
	cmd.Stdout = words
	counted := make(chan int, 1)
	go func() {
		found, ended := countLines(said)
		if !ended {
			found = 0
			cancel() // which ends it
		}
		said.Close()
		counted <- found
	}()
	err := cmd.Run()
	words.Close()
	found := <-counted
	if err != nil {
		return 0
	}
	return found
}

// countLines counts the lines about GPUs. It reports whether it came to the end.
func countLines(said io.Reader) (found int, ended bool) {
	limited := &io.LimitedReader{R: said, N: saidGPUs}
	lines := bufio.NewReader(limited)
	for {
		line, err := lines.ReadSlice('\n')
		if gpuLine.Match(line) {
			found++
		}
		for err == bufio.ErrBufferFull { // the rest of a long line
			_, err = lines.ReadSlice('\n')
		}
		if err != nil {
			return found, limited.N > 0
		}
	}
}

// NvidiaProc is where NVIDIA's driver shows the GPUs.
const NvidiaProc = "/proc/driver/nvidia/gpus"
