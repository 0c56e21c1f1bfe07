package environment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier"
)

// Folder is where a machine keeps its built environments: each in a folder named
// by its hash, with what is known of its last build beside it. All of it is on
// disk, because the builders are many: every runner is one.
type Folder string

// What lies beside the folder of an environment.
const (
	lockFile   = ".lock" // held by whoever builds or removes it
	useFile    = ".use"  // held, shared, by everybody who uses it
	recordFile = ".json" // the last build
	logFile    = ".log"  // what the last build printed
)

// readyFile is written last, so a folder without it is a build that did not
// finish.
const readyFile = "atelier-environment.json"

func (f Folder) path(hash, suffix string) string { return filepath.Join(string(f), hash+suffix) }

// ready reads a finished environment. One whose interpreter has gone, as after an
// upgrade of the system's Python, does not count.
func (f Folder) ready(hash string) (Ready, bool) {
	dir := f.path(hash, "")
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

// noteUse remembers when an environment was last asked for.
func (f Folder) noteUse(hash string) {
	now := time.Now()
	os.Chtimes(filepath.Join(f.path(hash, ""), readyFile), now, now)
}

// record is what is kept of the last build of an environment.
type record struct {
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	State      BuildState `json:"state"`
	Error      string     `json:"error,omitempty"`
	SizeBytes  int64      `json:"size_bytes,omitempty"`
}

// build builds an environment and keeps a record of it and a log, in which
// nothing tells for whom it was built. The caller holds lock.
func (f Folder) build(ctx context.Context, options BuildOptions, lock *os.File) (Ready, error) {
	hash := options.Definition.Hash()
	log, err := os.OpenFile(f.path(hash, logFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return Ready{}, fmt.Errorf("open the log of the build: %w", err)
	}
	defer log.Close()
	options.Log = io.MultiWriter(options.Log, log)
	r := record{StartedAt: time.Now().UTC(), State: Building}
	if err := f.keep(hash, r); err != nil {
		return Ready{}, err
	}
	ready, err := build(ctx, options, f.path(hash, ""), lock)
	finished := time.Now().UTC()
	r.FinishedAt, r.State = &finished, Built
	switch {
	case ctx.Err() != nil:
		r.State, r.Error = Canceled, "The build was canceled."
	case err != nil:
		r.State, r.Error = Failed, publicText(err)
	}
	if err != nil {
		fmt.Fprintln(log, r.Error)
		os.RemoveAll(f.path(hash, ""))
	} else {
		r.SizeBytes = sizeOf(f.path(hash, ""))
	}
	return ready, errors.Join(err, f.keep(hash, r))
}

// publicText is what people may read of an error.
func publicText(err error) string {
	if f := fault(nil); errors.As(err, &f) {
		return err.Error()
	}
	return atelier.Public(err).Error()
}

func (f Folder) keep(hash string, r record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return writeWhole(f.path(hash, recordFile), text)
}

// writeWhole gives a file its name only once it is whole.
func writeWhole(path string, text []byte) error {
	if err := os.WriteFile(path+".part", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// sizeOf is how much the files below dir take, those too that share their bytes
// with uv's cache.
func sizeOf(dir string) int64 {
	var total int64
	filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			total += info.Size()
		}
		return nil
	})
	return total
}

// How a lock is held: by one, or by all who ask so.
const (
	alone  = syscall.LOCK_EX
	shared = syscall.LOCK_SH
)

// takeLock takes the lock in the file at path, which other processes respect.
// It calls waiting once if somebody else holds it. The lock ends when every
// process that has the file open is gone, so the programs that a build starts
// get it too: a build that outlives its killed parent still keeps others out.
func takeLock(ctx context.Context, path string, how int, waiting func()) (*os.File, error) {
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for first := true; ; first = false {
		file, err := tryLock(path, how)
		if file != nil || err != nil {
			return file, err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-retry.C:
		}
	}
}

// tryLock returns nil when somebody else holds the lock. One that was removed
// while it was waited for is no lock: another file has its name by now.
func tryLock(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the environment: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return nil, file.Close()
	}
	if err != nil {
		file.Close()
		return nil, atelier.Errorf(atelier.Unavailable, "The file %s cannot be locked: %w", path, err).
			WithHint("Keep the data folder on a file system that supports locks.")
	}
	mine, err1 := file.Stat()
	named, err2 := os.Stat(path)
	if err1 != nil || err2 != nil || !os.SameFile(mine, named) {
		return nil, file.Close()
	}
	return file, nil
}

var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// hashes are those of all environments that were ever built here and not removed.
func (f Folder) hashes() ([]string, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []string
	for _, entry := range entries {
		hash, _, _ := strings.Cut(entry.Name(), ".")
		if hashForm.MatchString(hash) && !slices.Contains(all, hash) {
			all = append(all, hash)
		}
	}
	return all, nil
}
