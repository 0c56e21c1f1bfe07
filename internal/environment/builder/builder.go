// Package builder builds environments before a job needs them, tells how far a
// build is, and removes what nobody has used for long.
//
// A build runs in a runner, as a job's does: it may start a package's own code.
// What it makes and says lies in an environment.Folder, so a server that starts
// again knows as much as before. Beside it lies only the handle of the runner.
package builder

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/environment"
)

// MaxBuilds is how many builds that no job waits for may be under way.
const MaxBuilds = 8

// Options is what the service needs.
type Options struct {
	Environments *environment.Service
	Driver       compute.Driver
	Clock        clock.Clock
	Log          *slog.Logger
	Dir          string // of the built environments
	ToolsDir     string
	// KeepUnused is how long an environment stays that nobody uses; 0 is for ever.
	KeepUnused time.Duration
}

// Service builds and removes environments.
type Service struct {
	Options
	folder environment.Folder

	mu     sync.Mutex
	active map[string]*build // those begun here, by hash
	wake   chan struct{}     // receives when there is one more
}

// build is one whose runner was started here and not yet released.
type build struct {
	handle  compute.Handle
	watched bool
}

// New returns the service. Run looks after its builds.
func New(o Options) (*Service, error) {
	s := &Service{Options: o, folder: environment.Folder(o.Dir), active: map[string]*build{}, wake: make(chan struct{}, 1)}
	return s, s.adopt()
}

// handleFile keeps the handle of a build's runner, for the server that comes next.
const handleFile = ".task"

// adopt takes over the builds that an earlier server started.
func (s *Service) adopt() error {
	files, err := filepath.Glob(filepath.Join(s.Dir, "*"+handleFile))
	for _, file := range files {
		handle, failed := os.ReadFile(file)
		err = errors.Join(err, failed)
		s.active[strings.TrimSuffix(filepath.Base(file), handleFile)] = &build{handle: compute.Handle(handle)}
	}
	return err
}

// Status tells how far the content of an environment is built.
func (s *Service) Status(ctx context.Context, ws, name, version string) (environment.Status, error) {
	d, err := s.definition(ctx, ws, name, version)
	if err != nil {
		return environment.Status{}, err
	}
	return s.status(d.Hash())
}

func (s *Service) definition(ctx context.Context, ws, name, version string) (environment.Definition, error) {
	e, err := s.Environments.Get(ctx, ws, name, version)
	return e.Definition(), err
}

func (s *Service) status(hash string) (environment.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, err := s.folder.Status(hash)
	if _, active := s.active[hash]; active && status.State != environment.Built {
		// Its runner has not come to write it down, or to leave.
		status.State, status.Error = environment.Building, ""
	}
	return status, err
}

// Builds tells it of all environments of a workspace, each content once.
func (s *Service) Builds(ctx context.Context, ws string) ([]environment.Status, error) {
	all, err := s.Environments.List(ctx, ws, environment.List{Archived: true})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	statuses := []environment.Status{}
	for _, e := range all {
		if seen[e.Hash] {
			continue
		}
		seen[e.Hash] = true
		status, err := s.status(e.Hash)
		if err != nil {
			return nil, err
		}
		status.Packages = nil
		statuses = append(statuses, status)
	}
	return statuses, nil
}

// BuildLog returns a part of the log of an environment's last build, and how long the
// log is.
func (s *Service) BuildLog(ctx context.Context, ws, name, version string, offset, limit int64) ([]byte, int64, error) {
	d, err := s.definition(ctx, ws, name, version)
	if err != nil {
		return nil, 0, err
	}
	return s.folder.Log(d.Hash(), offset, limit)
}

// Start begins to build an environment, unless it is ready or under way.
func (s *Service) Start(ctx context.Context, ws, name, version string) (environment.Status, error) {
	d, err := s.definition(ctx, ws, name, version)
	if err != nil {
		return environment.Status{}, err
	}
	status, err := s.status(d.Hash())
	if err != nil || status.State == environment.Built || status.State == environment.Building {
		return status, err
	}
	if err := s.start(ctx, d); err != nil {
		return status, err
	}
	return s.status(d.Hash())
}

func (s *Service) start(ctx context.Context, d environment.Definition) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	hash := d.Hash()
	if _, active := s.active[hash]; active {
		return nil
	}
	if len(s.active) >= MaxBuilds {
		return atelier.Errorf(atelier.Exhausted, "%d environments are being built.", len(s.active)).
			WithHint("Ask again when one of them is ready.")
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	d.Name, d.Version, d.Source = "", "", ""
	handle, err := s.Driver.Prepare(ctx, compute.Task{ID: hash, Kind: compute.Build, Environment: &d, EnvironmentsDir: s.Dir, ToolsDir: s.ToolsDir})
	if err == nil {
		err = os.WriteFile(s.handlePath(hash), []byte(handle), 0o600)
	}
	if err == nil {
		err = s.Driver.Start(ctx, handle)
	}
	if err != nil {
		return errors.Join(err, s.release(ctx, hash, handle))
	}
	s.active[hash] = &build{handle: handle}
	s.wakeUp()
	return nil
}

func (s *Service) handlePath(hash string) string { return filepath.Join(s.Dir, hash+handleFile) }

// release lets the driver remove what a build's runner left.
func (s *Service) release(ctx context.Context, hash string, handle compute.Handle) error {
	if err := s.Driver.Release(ctx, handle); err != nil {
		return err
	}
	if err := os.Remove(s.handlePath(hash)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Cancel ends the build of an environment that Start began.
func (s *Service) Cancel(ctx context.Context, ws, name, version string) (environment.Status, error) {
	d, err := s.definition(ctx, ws, name, version)
	if err != nil {
		return environment.Status{}, err
	}
	s.mu.Lock()
	b, active := s.active[d.Hash()]
	s.mu.Unlock()
	if active {
		if err := s.Driver.Signal(ctx, b.handle, compute.Stop); err != nil {
			return environment.Status{}, err
		}
	}
	status, err := s.status(d.Hash())
	switch {
	case err != nil || active:
	case status.State == environment.Building:
		err = atelier.Errorf(atelier.Precondition, "A job or deployment is building the environment.").
			WithHint("Cancel the job, or delete the deployment.")
	default:
		err = atelier.Errorf(atelier.Precondition, "The environment is not being built.")
	}
	return status, err
}

// Prune removes built environments that nobody uses.
func (s *Service) Prune(ctx context.Context, which environment.Prune) (environment.Pruned, error) {
	return s.folder.Prune(ctx, s.Clock.Now(), which)
}
