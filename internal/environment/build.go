package environment

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

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

	use *os.File // held so that nobody removes the environment
}

// Release says that the environment is no longer used. The end of the process
// says it, too.
func (r Ready) Release() {
	if r.use != nil {
		r.use.Close()
	}
}

// Build returns the environment of options.Definition, building it in
// <Root>/<hash> if it is not there yet, and keeps it from being removed until it
// is released. Processes that ask for the same one at the same time wait for one
// build. A virtual environment's scripts hold its absolute path, so it is made in
// its final place, under a lock, and counts only once its ready file is there.
func Build(ctx context.Context, options BuildOptions) (Ready, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	root, err := filepath.Abs(options.Root)
	if err != nil {
		return Ready{}, err
	}
	options.Root = root
	if err := os.MkdirAll(root, 0o700); err != nil {
		return Ready{}, fmt.Errorf("make the folder of environments: %w", err)
	}
	use, err := takeLock(ctx, Folder(root).path(options.Definition.Hash(), useFile), shared, func() {})
	if err != nil {
		return Ready{}, err
	}
	ready, err := findOrBuild(ctx, options)
	if err != nil {
		use.Close()
		return Ready{}, err
	}
	ready.use = use
	Folder(root).noteUse(ready.Hash)
	return ready, nil
}

// findOrBuild is Build for whoever holds the lock of a user.
func findOrBuild(ctx context.Context, options BuildOptions) (Ready, error) {
	folder, hash := Folder(options.Root), options.Definition.Hash()
	if ready, ok := folder.ready(hash); ok {
		announce(options, ready, "is ready")
		return ready, nil
	}
	lock, err := takeLock(ctx, folder.path(hash, lockFile), alone, func() {
		fmt.Fprintf(options.Log, "Another job is building environment %s; waiting for it.\n", title(options.Definition))
	})
	if err != nil {
		return Ready{}, err
	}
	defer lock.Close()
	if ready, ok := folder.ready(hash); ok {
		announce(options, ready, "was built by another job and is ready")
		return ready, nil
	}
	ready, err := folder.build(ctx, options, lock)
	if err != nil {
		return Ready{}, blame(err, cmp.Or(options.Definition.Source, options.Definition.Name, "The environment"))
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
	id := short(d.Hash())
	if d.Name == "" || d.Name == Anonymous {
		if d.Source != "" {
			return d.Source + " (" + id + ")"
		}
		return id
	}
	return d.Name + ":" + cmp.Or(d.Version, "1") + " (" + id + ")"
}

// short is enough of a hash for people.
func short(hash string) string { return hash[:12] }

func build(ctx context.Context, options BuildOptions, dir string, lock *os.File) (Ready, error) {
	python, err := choosePython(ctx, options.Definition.Python)
	if err != nil {
		return Ready{}, err
	}
	fmt.Fprintf(options.Log, "Building environment %s with Python %s.\n", short(filepath.Base(dir)), python)
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
	if err := tool.makeFolder(ctx, python, ready.Dir); err != nil {
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

func writeReady(ready Ready) error {
	text, err := json.MarshalIndent(ready, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(ready.Dir, readyFile), text)
}
