package environment

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// BuildState says how far the content of an environment is built on a machine.
type BuildState string

const (
	NotBuilt BuildState = "not_built"
	Building BuildState = "building"
	Built    BuildState = "ready"
	Failed   BuildState = "failed"
	Canceled BuildState = "canceled"
)

// Status is what is known of an environment's content on a machine, whoever had
// it built.
type Status struct {
	Hash          string     `json:"hash"`
	State         BuildState `json:"state" enum:"not_built,building,ready,failed,canceled"`
	Error         string     `json:"error,omitempty" doc:"Why the last build failed."`
	StartedAt     *time.Time `json:"started_at,omitempty"`
	FinishedAt    *time.Time `json:"finished_at,omitempty"`
	LastUsedAt    *time.Time `json:"last_used_at,omitempty" doc:"When a job or deployment last asked for it."`
	InUse         bool       `json:"in_use" doc:"A job or deployment runs in it now."`
	SizeBytes     int64      `json:"size_bytes"`
	PythonVersion string     `json:"python_version,omitempty"`
	Packages      []Package  `json:"packages,omitempty"`
	LogBytes      int64      `json:"log_bytes" doc:"How long the log of the last build is."`
}

// Status looks at the environment with the given hash.
func (f Folder) Status(hash string) (Status, error) {
	s := Status{Hash: hash, State: NotBuilt}
	if info, err := os.Stat(f.path(hash, logFile)); err == nil {
		s.LogBytes = info.Size()
	}
	if err := f.addRecord(&s); err != nil {
		return s, err
	}
	ready, ok := f.ready(hash)
	if !ok {
		if s.State == Built {
			s.State = NotBuilt // its interpreter has gone
		}
		return s, nil
	}
	s.State, s.Error = Built, ""
	s.PythonVersion, s.Packages = ready.PythonVersion, ready.Packages
	if s.SizeBytes == 0 {
		s.SizeBytes = sizeOf(ready.Dir)
	}
	if info, err := os.Stat(filepath.Join(ready.Dir, readyFile)); err == nil {
		used := info.ModTime().UTC()
		s.LastUsedAt = &used
	}
	use, err := tryLock(f.path(hash, useFile), alone)
	if err != nil {
		return s, err
	}
	if s.InUse = use == nil; !s.InUse {
		use.Close()
	}
	return s, nil
}

// addRecord adds what is kept of the last build. One that is neither finished nor
// under way was interrupted.
func (f Folder) addRecord(s *Status) error {
	text, err := os.ReadFile(f.path(s.Hash, recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var r record
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return err
	}
	s.State, s.Error, s.SizeBytes = r.State, r.Error, r.SizeBytes
	s.StartedAt, s.FinishedAt = &r.StartedAt, r.FinishedAt
	if r.State != Building {
		return nil
	}
	lock, err := tryLock(f.path(s.Hash, lockFile), alone)
	if lock != nil {
		s.State, s.Error = Failed, "The build was interrupted."
		err = lock.Close()
	}
	return err
}

// Log returns up to limit bytes of the last build's log from offset on, and how
// long the log is.
func (f Folder) Log(hash string, offset, limit int64) (piece []byte, size int64, err error) {
	file, err := os.Open(f.path(hash, logFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	piece, err = io.ReadAll(io.NewSectionReader(file, offset, limit))
	return piece, info.Size(), err
}
