package tracking

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// quietFor is how long a run must have logged nothing before its last small
// chunks are merged too.
const quietFor = time.Minute

// compactor remembers what there is to compact. All of it could be found again
// in the database, and is at every start.
type compactor struct {
	wake chan struct{}

	mu      sync.Mutex
	due     map[series.Key]bool // have many small chunks
	touched map[series.Key]bool // runs (keys without name) that logged lately
}

func newCompactor() *compactor {
	return &compactor{wake: make(chan struct{}, 1), due: map[series.Key]bool{}, touched: map[series.Key]bool{}}
}

// touch notes that a run logged, and which of its series are due.
func (c *compactor) touch(run series.Key, due []series.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touched[run] = true
	for _, key := range due {
		c.due[key] = true
	}
	if len(due) > 0 {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

func (c *compactor) takeDue() []series.Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := slices.Collect(maps.Keys(c.due))
	clear(c.due)
	return keys
}

// takeTouched returns the runs that logged since the last call.
func (c *compactor) takeTouched() map[series.Key]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	runs := c.touched
	c.touched = map[series.Key]bool{}
	return runs
}

// Compact merges small chunks of metrics in the background until ctx ends:
// series with many of them soon, and all of a run's once it has been quiet. What
// room they leave is given back to the disk.
func (s *Service) Compact(ctx context.Context, clk clock.Clock) error {
	if err := cmp.Or(s.CompactAll(ctx), s.shrink(ctx)); err != nil {
		return err
	}
	before := map[series.Key]bool{}
	tick := clk.After(quietFor)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.compactor.wake:
			if err := s.compactSeries(ctx, s.compactor.takeDue()); err != nil {
				return err
			}
		case <-tick:
			tick = clk.After(quietFor)
			active := s.compactor.takeTouched()
			maps.DeleteFunc(before, func(run series.Key, _ bool) bool { return active[run] })
			if err := cmp.Or(s.compactRuns(ctx, slices.Collect(maps.Keys(before))), s.shrink(ctx)); err != nil {
				return err
			}
			before = active
		}
	}
}

// shrink stops early, without an error, when ctx ends.
func (s *Service) shrink(ctx context.Context) error {
	if err := s.db.Shrink(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

// CompactAll merges the small chunks of every series of every workspace.
func (s *Service) CompactAll(ctx context.Context) error {
	var after series.Key
	var failed []error
	for {
		var runs []series.Key
		err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			runs, err = series.UncompactedRuns(ctx, tx, after, 100)
			return err
		})
		if err != nil || len(runs) == 0 {
			return errors.Join(append(failed, err)...)
		}
		failed = append(failed, s.compactRuns(ctx, runs))
		after = runs[len(runs)-1]
	}
}

func (s *Service) compactRuns(ctx context.Context, runs []series.Key) error {
	var failed []error
	for _, run := range runs {
		var keys []series.Key
		err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			keys, err = series.Uncompacted(ctx, tx, run.Workspace, run.Run)
			return err
		})
		failed = append(failed, err, s.compactSeries(ctx, keys))
	}
	return errors.Join(failed...)
}

// compactSeries compacts one series after the other. One that fails stops none of
// the others.
func (s *Service) compactSeries(ctx context.Context, keys []series.Key) error {
	var failed []error
	for _, key := range keys {
		if ctx.Err() != nil {
			return nil
		}
		err := series.Compact(ctx, s.db, key)
		if err != nil && ctx.Err() == nil { // a compaction that is stopped did nothing
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}
