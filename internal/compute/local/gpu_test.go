package local_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute/local"
)

const twoGPUs = `GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d2f1a0e-6a44-4d6c-9b0e-0a1b2c3d4e5f)
  MIG 1g.5gb      Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-7f3e2b1d-1c55-4e7d-8a1f-1b2c3d4e5f60)
`

// nvidiaSMI puts a program of that name on the PATH, before all others.
func nvidiaSMI(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestCountGPUs(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		want   int
	}{
		"two, of which one is divided": {"cat <<'END'\n" + twoGPUs + "END", 2},
		"asked for a list":             {`[ "$*" = --list-gpus ] && echo "GPU 0: Tesla T4 (UUID: GPU-1)"`, 1},
		"no newline at the end":        {`printf 'GPU 0: Tesla T4 (UUID: GPU-1)'`, 1},
		"none":                         {`echo "No devices were found"`, 0},
		"no driver":                    {`echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9`, 0},
		"it fails after its answer":    {`echo "GPU 0: Tesla T4 (UUID: GPU-1)"; exit 1`, 0},
		"it is killed":                 {`echo "GPU 0: Tesla T4 (UUID: GPU-1)"; kill -9 $$`, 0},
		"words that look like it":      {`printf 'GPU x: nothing\nGPU: 3\n GPU 1: no\ngpu 0: no\nGPU 12345\n'`, 0},
		"bytes that are no text":       {`printf 'GPU 0: \377\376\000\033[2J\nGPU 1: \n'`, 2},
		"one endless line":             {`printf 'GPU 0: '; tr '\0' x </dev/zero`, 0},
		"endless GPUs":                 {`yes 'GPU 0: Tesla T4 (UUID: GPU-1)'`, 0},
		"a long line and another":      {`printf 'GPU 0: '; head -c 100000 /dev/zero | tr '\0' x; printf '\nGPU 1: T4\n'`, 2},
		"words for others":             {`echo "GPU 0: T4"; head -c 10000000 /dev/zero >&2`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			nvidiaSMI(t, test.script)
			if got := local.CountGPUs(t.Context(), filepath.Join(t.TempDir(), "none")); got != test.want {
				t.Errorf("%d GPUs are counted, want %d", got, test.want)
			}
		})
	}
}

func TestCountGPUsWithoutTheProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	proc := t.TempDir()
	if got := local.CountGPUs(t.Context(), proc); got != 0 {
		t.Errorf("%d GPUs are counted where there is nothing", got)
	}
	for _, card := range []string{"0000:3b:00.0", "0000:86:00.0", "0000:af:00.0"} {
		if err := os.Mkdir(filepath.Join(proc, card), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := local.CountGPUs(t.Context(), proc); got != 3 {
		t.Errorf("%d GPUs are counted of the driver's 3", got)
	}
}

// A program that never answers is given up when the caller has enough of it, here
// as soon as it hangs.
func TestCountGPUsGivesUpAProgramThatHangs(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "hangs")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	nvidiaSMI(t, `echo "GPU 0: Tesla T4 (UUID: GPU-1)"; echo hangs >`+fifo+`; exec sleep 600`)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		file, err := os.Open(fifo)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		if said, err := io.ReadAll(file); err != nil || strings.TrimSpace(string(said)) != "hangs" {
			t.Errorf("it said %q, %v", said, err)
		}
	}()
	if got := local.CountGPUs(ctx, "/nowhere"); got != 0 {
		t.Errorf("%d GPUs are counted of a program that hangs", got)
	}
}
