package environment

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Prune says which built environments are removed: of those that nobody uses now,
// the ones that nobody asked for within UnusedFor, and then, least recently used
// first, as many as it takes until what stays is no larger than MaxBytes.
type Prune struct {
	UnusedFor time.Duration
	MaxBytes  int64 // below 0: however large
	DryRun    bool
}

// Pruned is what Prune did.
type Pruned struct {
	DryRun       bool     `json:"dry_run,omitempty"`
	Removed      []Status `json:"removed"`
	RemovedBytes int64    `json:"removed_bytes"`
	Kept         int      `json:"kept"`
	KeptBytes    int64    `json:"kept_bytes"`
}

// Prune removes built environments. They are built again when somebody asks for
// them.
func (f Folder) Prune(ctx context.Context, now time.Time, which Prune) (Pruned, error) {
	done := Pruned{DryRun: which.DryRun, Removed: []Status{}}
	all, err := f.statuses()
	if err != nil {
		return done, err
	}
	chosen := choose(all, now, which)
	for _, s := range all {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		gone := slices.Contains(chosen, s.Hash)
		if gone && !which.DryRun {
			if gone, err = f.remove(s.Hash); err != nil {
				return done, err
			}
		}
		if gone {
			s.Packages = nil
			done.Removed = append(done.Removed, s)
			done.RemovedBytes += s.SizeBytes
		} else if s.State == Built {
			done.Kept++
			done.KeptBytes += s.SizeBytes
		}
	}
	return done, nil
}

// choose decides which environments go. What a build that failed left goes as soon
// as it is as old.
func choose(all []Status, now time.Time, which Prune) []string {
	last := func(s Status) time.Time {
		for _, at := range []*time.Time{s.LastUsedAt, s.FinishedAt, s.StartedAt} {
			if at != nil {
				return *at
			}
		}
		return time.Time{}
	}
	var chosen []string
	var kept []Status
	var total int64
	for _, s := range all {
		if s.InUse || s.State == Building || now.Sub(last(s)) < which.UnusedFor {
			kept = append(kept, s)
			total += s.SizeBytes
			continue
		}
		chosen = append(chosen, s.Hash)
	}
	slices.SortFunc(kept, func(a, b Status) int { return cmp.Or(last(a).Compare(last(b)), cmp.Compare(a.Hash, b.Hash)) })
	for _, s := range kept {
		if which.MaxBytes < 0 || total <= which.MaxBytes {
			break
		}
		if !s.InUse && s.State == Built {
			chosen = append(chosen, s.Hash)
			total -= s.SizeBytes
		}
	}
	return chosen
}

func (f Folder) statuses() ([]Status, error) {
	hashes, err := f.hashes()
	if err != nil {
		return nil, err
	}
	all := make([]Status, 0, len(hashes))
	for _, hash := range hashes {
		s, err := f.Status(hash)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// remove removes an environment with all that lies beside it, unless somebody
// began to use or to build it.
func (f Folder) remove(hash string) (bool, error) {
	for _, suffix := range []string{useFile, lockFile} {
		lock, err := tryLock(f.path(hash, suffix), alone)
		if lock == nil || err != nil {
			return false, err
		}
		defer lock.Close()
	}
	// The folder stops counting first: half of one must not look whole.
	for _, path := range []string{filepath.Join(f.path(hash, ""), readyFile), f.path(hash, ""), f.path(hash, recordFile), f.path(hash, logFile),
		f.path(hash, lockFile), f.path(hash, useFile)} {
		if err := os.RemoveAll(path); err != nil {
			return false, err
		}
	}
	return true, nil
}
