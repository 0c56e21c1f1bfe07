package local

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"time"
)

// askGPUs is how long nvidia-smi may take to answer.
const askGPUs = 5 * time.Second

// CountGPUs finds the machine's GPUs: what the NVIDIA driver shows in the folder
// proc, else the lines that `nvidia-smi --list-gpus` prints, when there is such a
// program. One that hangs or fails counts as none.
func CountGPUs(ctx context.Context, proc string) int {
	if entries, err := os.ReadDir(proc); err == nil && len(entries) > 0 {
		return len(entries)
	}
	ctx, cancel := context.WithTimeout(ctx, askGPUs)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nvidia-smi", "--list-gpus")
	cmd.WaitDelay = time.Second
	said, err := cmd.Output()
	if err != nil {
		return 0
	}
	found := 0
	for line := range bytes.Lines(said) {
		if bytes.HasPrefix(line, []byte("GPU ")) {
			found++
		}
	}
	return found
}

// NvidiaProc is where NVIDIA's driver shows the GPUs.
const NvidiaProc = "/proc/driver/nvidia/gpus"
