package environment

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier"
)

// BuildOptions says what to build and where.
type BuildOptions struct {
	Root       string // the folder of all environments
	Tools      string // the folder for uv, where the machine has none
	Definition Definition
	Log        io.Writer `json:"-"` // what the user reads while it is built
}

// Ready is an environment that can be used.
type Ready struct {
	Hash          string    `json:"hash"`
	Dir           string    `json:"dir"`            // the virtual environment's folder
	Python        string    `json:"python"`         // its interpreter
	PythonVersion string    `json:"python_version"` // 3.11.7
	Packages      []Package `json:"packages"`       // what is installed in it, by name
	Lock          []string  `json:"lock,omitempty"` // the same as requirements, which install it again
}

// readyFile is written last, so a folder without it is a build that did not
// finish.
const readyFile = "atelier-environment.json"

// Build returns the environment of options.Definition, building it in
// <Root>/<hash> if it is not there yet. Processes that ask for the same one at
// the same time wait for one build. A virtual environment's scripts hold its
// absolute path, so it is made in its final place, under a lock, and counts
// only once its ready file is there.
func Build(ctx context.Context, options BuildOptions) (Ready, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	root, err := filepath.Abs(options.Root)
	if err != nil {
		return Ready{}, err
	}
	options.Root = root
	hash := options.Definition.Hash()
	dir := filepath.Join(root, hash)
	if ready, ok := readReady(dir); ok {
		announce(options, ready, "is ready")
		return ready, nil
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return Ready{}, fmt.Errorf("make the folder of environments: %w", err)
	}
	lock, err := takeLock(ctx, dir+".lock", func() {
		fmt.Fprintf(options.Log, "Another job is building environment %s; waiting for it.\n", title(options.Definition))
	})
	if err != nil {
		return Ready{}, err
	}
	defer lock.Close()
	if ready, ok := readReady(dir); ok {
		announce(options, ready, "was built by another job and is ready")
		return ready, nil
	}
	ready, err := build(ctx, options, dir, lock)
	if err != nil {
		os.RemoveAll(dir)
		return Ready{}, err
	}
	announce(options, ready, "is built")
	return ready, nil
}

func announce(options BuildOptions, ready Ready, state string) {
	fmt.Fprintf(options.Log, "Environment %s %s: Python %s, %d packages.\n",
		title(options.Definition), state, ready.PythonVersion, len(ready.Packages))
}

// title names an environment for people: its name, or the start of its hash.
func title(d Definition) string {
	short := d.Hash()[:12]
	if d.Name == "" || d.Name == Anonymous {
		if d.Source != "" {
			return d.Source + " (" + short + ")"
		}
		return short
	}
	return d.Name + ":" + cmp.Or(d.Version, "1") + " (" + short + ")"
}

// readReady reads a finished environment. One whose interpreter has gone, as
// after an upgrade of the system's Python, does not count.
func readReady(dir string) (Ready, bool) {
	text, err := os.ReadFile(filepath.Join(dir, readyFile))
	if err != nil {
		return Ready{}, false
	}
	var ready Ready
	if json.Unmarshal(text, &ready) != nil || ready.Dir != dir {
		return Ready{}, false
	}
	_, err = os.Stat(ready.Python)
	return ready, err == nil
}

func build(ctx context.Context, options BuildOptions, dir string, lock *os.File) (Ready, error) {
	python, err := choosePython(ctx, options.Definition)
	if err != nil {
		return Ready{}, err
	}
	fmt.Fprintf(options.Log, "Building environment %s with Python %s.\n", title(options.Definition), python)
	if err := os.RemoveAll(dir); err != nil {
		return Ready{}, fmt.Errorf("clear an unfinished environment: %w", err)
	}
	ready := Ready{Hash: filepath.Base(dir), Dir: dir, Python: filepath.Join(dir, "bin", "python"), Packages: []Package{}}
	if len(options.Definition.Requirements) == 0 && filepath.IsAbs(python) {
		err = makeBare(ctx, python, dir)
	} else {
		err = fill(ctx, options, python, &ready, lock)
	}
	if err != nil {
		return Ready{}, err
	}
	if ready.PythonVersion, err = pythonVersion(ctx, ready.Python); err != nil {
		return Ready{}, fmt.Errorf("start the new environment's Python: %w", err)
	}
	return ready, writeReady(ready)
}

// makeBare makes an environment without packages, for which Python's own tool
// is enough: the first job on a new machine need not wait for uv.
func makeBare(ctx context.Context, python, dir string) error {
	said, err := exec.CommandContext(ctx, python, "-I", "-m", "venv", "--without-pip", dir).CombinedOutput()
	if err != nil && ctx.Err() == nil {
		return atelier.Errorf(atelier.Unavailable, "%s cannot make a virtual environment: %s", python, lastLine(string(said))).
			WithHint("Install the venv module of that Python.")
	}
	return err
}

// fill makes an environment and installs its packages with uv.
func fill(ctx context.Context, options BuildOptions, python string, ready *Ready, lock *os.File) error {
	uv, err := findUV(ctx, options.Tools, options.Log)
	if err != nil {
		return err
	}
	tool := uvTool{path: uv, log: options.Log, lock: lock}
	if err := tool.makeFolder(ctx, python, ready.Dir, options.Definition); err != nil {
		return err
	}
	if err := tool.install(ctx, ready.Dir, options); err != nil {
		return err
	}
	if ready.Packages, err = tool.list(ctx, ready.Python); err != nil {
		return err
	}
	ready.Lock, err = tool.freeze(ctx, ready.Python)
	return err
}

// writeReady gives the ready file its name only once it is whole.
func writeReady(ready Ready) error {
	text, err := json.MarshalIndent(ready, "", "  ")
	if err != nil {
		return err
	}
	final := filepath.Join(ready.Dir, readyFile)
	if err := os.WriteFile(final+".part", text, 0o644); err != nil {
		return err
	}
	return os.Rename(final+".part", final)
}

// takeLock takes the lock in the file at path, which other processes respect.
// It calls waiting once if somebody else holds it. The lock ends when every
// process that has the file open is gone, so the programs that a build starts
// get it too: a build that outlives its killed parent still keeps others out.
func takeLock(ctx context.Context, path string, waiting func()) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the environment: %w", err)
	}
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for first := true; ; first = false {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			file.Close()
			return nil, atelier.Errorf(atelier.Unavailable, "The file %s cannot be locked: %w", path, err).
				WithHint("Keep the data folder on a file system that supports locks.")
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		case <-retry.C:
		}
	}
}
