// Package sweep frees the objects of a workspace that nothing refers to any more.
//
// It marks and sweeps: it lists the objects that nobody used for a while, takes
// out all that any capability refers to, and removes the rest. What may be on its
// way to being referred to is young, because storing an object and asking whether
// it is there both renew it, and blob.Store.DeleteUnused looks once more. When a
// reference cannot be followed to its end, nothing is removed at all.
package sweep

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Grace is how long an object is left alone when nobody says otherwise, and
// MinGrace the least that people may ask for: time enough to upload a folder's
// last file after its first.
const (
	Grace    = 24 * time.Hour
	MinGrace = time.Hour
)

// References calls found with everything in a workspace that a capability needs.
type References func(ctx context.Context, tx *sqldb.Tx, workspace string, found func(blob.Reference)) error

// Service sweeps.
type Service struct {
	db         *sqldb.DB
	blobs      blob.Store
	clock      clock.Clock
	references []References

	mu    sync.Mutex
	under map[string]*Progress // by workspace
}

// New returns the service. References must cover all that refers to objects.
func New(db *sqldb.DB, blobs blob.Store, clk clock.Clock, references ...References) *Service {
	return &Service{db: db, blobs: blobs, clock: clk, references: references, under: map[string]*Progress{}}
}

// Options of one sweep.
type Options struct {
	Grace  time.Duration
	DryRun bool // only count
}

// Result is what a sweep freed, or would free, and what it left.
type Result struct {
	DryRun       bool  `json:"dry_run"`
	FreedObjects int64 `json:"freed_objects"`
	FreedBytes   int64 `json:"freed_bytes"`
	KeptObjects  int64 `json:"kept_objects"`
	KeptBytes    int64 `json:"kept_bytes"`
}

// Progress is how far the sweep of a workspace has come.
type Progress struct {
	Running bool  `json:"running"`
	Phase   Phase `json:"phase,omitempty" enum:"listing,marking,freeing"`
	Done    int64 `json:"done" doc:"Objects that were listed, or freed."`
	Total   int64 `json:"total,omitempty" doc:"Objects to free, once that is known."`
}

// Phase is a part of a sweep.
type Phase string

const (
	Listing Phase = "listing"
	Marking Phase = "marking"
	Freeing Phase = "freeing"
)

// Progress returns how far the sweep of a workspace has come, if one is under way.
func (s *Service) Progress(workspace string) Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.under[workspace]; p != nil {
		return *p
	}
	return Progress{}
}

// begin refuses a second sweep of a workspace, which would only do the same work.
func (s *Service) begin(workspace string) (*Progress, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.under[workspace] != nil {
		return nil, atelier.Errorf(atelier.Conflict, "A sweep of this workspace is under way.").WithHint("Wait for its end.")
	}
	p := &Progress{Running: true, Phase: Listing}
	s.under[workspace] = p
	return p, nil
}

func (s *Service) end(workspace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.under, workspace)
}

func (s *Service) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Run sweeps a workspace. One that is broken off has freed a part of what nothing
// refers to, and the next one frees the rest.
func (s *Service) Run(ctx context.Context, workspace string, o Options) (Result, error) {
	result := Result{DryRun: o.DryRun}
	p, err := s.begin(workspace)
	if err != nil {
		return result, err
	}
	defer s.end(workspace)
	before := s.clock.Now().Add(-o.Grace)
	unused := map[blob.Hash]int64{} // by size
	err = s.blobs.List(ctx, workspace, func(object blob.Object) error {
		result.KeptObjects++
		result.KeptBytes += object.Size
		if object.UsedAt.Before(before) {
			unused[object.Hash] = object.Size
		}
		s.note(func() { p.Done++ })
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	s.note(func() { p.Phase = Marking })
	if err := s.mark(ctx, workspace, unused); err != nil {
		return Result{}, err
	}
	s.note(func() { p.Phase, p.Done, p.Total = Freeing, 0, int64(len(unused)) })
	freed, err := s.sweep(ctx, workspace, unused, before, o.DryRun, func() { s.note(func() { p.Done++ }) })
	for _, size := range freed {
		result.FreedObjects++
		result.FreedBytes += size
	}
	result.KeptObjects -= result.FreedObjects
	result.KeptBytes -= result.FreedBytes
	return result, err
}

// mark takes everything that is referred to out of unused.
func (s *Service) mark(ctx context.Context, workspace string, unused map[blob.Hash]int64) error {
	return Needed(ctx, s.db, s.blobs, workspace, s.references, func(h blob.Hash) { delete(unused, h) })
}

// Needed calls found, never twice at the same time, with every object that
// references need: those that they name, and the files of folders among them.
func Needed(ctx context.Context, db *sqldb.DB, blobs blob.Store, workspace string, references []References, found func(blob.Hash)) error {
	folders := map[blob.Hash]bool{}
	err := db.Read(ctx, func(tx *sqldb.Tx) error {
		for _, each := range references {
			err := each(ctx, tx, workspace, func(r blob.Reference) {
				found(r.Hash)
				if r.Tree {
					folders[r.Hash] = true
				}
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	list := slices.Collect(maps.Keys(folders))
	return blob.SomeAtOnce(len(list), func(i int) error {
		tree, err := blob.GetTree(ctx, blobs, workspace, list[i])
		if atelier.CodeOf(err) == atelier.NotFound {
			return nil // a file, or a number that only looks like a hash
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, file := range tree.Files {
			found(file.Hash)
		}
		return nil
	})
}

// sweep removes what is unused and returns what it did, or would, remove.
func (s *Service) sweep(ctx context.Context, workspace string, unused map[blob.Hash]int64, before time.Time, dryRun bool, done func()) (map[blob.Hash]int64, error) {
	if dryRun {
		return unused, nil
	}
	var mu sync.Mutex
	freed := map[blob.Hash]int64{}
	list := slices.Collect(maps.Keys(unused))
	err := blob.SomeAtOnce(len(list), func(i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		removed, err := s.blobs.DeleteUnused(ctx, workspace, list[i], before)
		done()
		if removed {
			mu.Lock()
			defer mu.Unlock()
			freed[list[i]] = unused[list[i]]
		}
		return err
	})
	return freed, err
}
