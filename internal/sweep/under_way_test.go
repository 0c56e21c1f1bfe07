package sweep_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/blob/blobtest"
	"github.com/atelier-ml/atelier/internal/blob/s3"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/sweep"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// renewing returns a store like this one that renews whatever is asked for: one in
// S3 saves itself the request for what looks young, in the light of a long grace.
func renewing(t *testing.T, store blob.Store) blob.Store {
	t.Helper()
	if _, ok := store.(*s3.Store); !ok {
		return store
	}
	ahead, err := s3.Open(t.Context(), blobtest.S3Address(t), t.TempDir(), clock.NewFake(time.Now().Add(48*time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	return ahead
}

// newest is when the object used last was used.
func (w *world) newest() (at time.Time) {
	w.must(w.blobs.List(w.ctx, w.ws, func(o blob.Object) error {
		if o.UsedAt.After(at) {
			at = o.UsedAt
		}
		return nil
	}))
	return at
}

// Old objects that nothing refers to are stored again and referred to while
// sweeps are under way, one after another. None is lost in between.
func TestUploadsWhileSweepsAreUnderWay(t *testing.T) {
	blobtest.Each(t, func(t *testing.T, store blob.Store) {
		w := newWorld(t, sqldbtest.SQLite(t, clock.System{}), renewing(t, store), 1)
		const files, writers = 24, 4
		for i := range files {
			_, _, err := w.blobs.Put(w.ctx, w.ws, strings.NewReader(fmt.Sprint("content ", i)))
			w.must(err)
		}
		cut := w.newest().Add(time.Second) // S3 keeps whole seconds
		for w.newest().Before(cut) {
			_, _, err := w.blobs.Put(w.ctx, w.ws, strings.NewReader("a probe of the time"))
			w.must(err)
		}
		sweeper := sweep.New(w.db, w.blobs, clock.NewFake(cut), tracking.References)
		var runs []string
		for range writers {
			run, err := w.runs.StartRun(w.ctx, w.ws, tracking.NewRun{})
			w.must(err)
			runs = append(runs, run.ID)
		}
		var group sync.WaitGroup
		for _, run := range runs {
			group.Go(func() {
				for i := range files {
					owner := tracking.Owner{Kind: tracking.RunArtifact, ID: run}
					if err := w.runs.Upload(w.ctx, w.ws, owner, fmt.Sprint("f", i), strings.NewReader(fmt.Sprint("content ", i))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		var uploaded atomic.Bool
		go func() { group.Wait(); uploaded.Store(true) }()
		for last := false; !last; {
			last = uploaded.Load()
			_, err := sweeper.Run(w.ctx, w.ws, sweep.Options{})
			w.must(err)
		}
		for _, run := range runs {
			for i := range files {
				object, _, err := w.runs.Open(w.ctx, w.ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run}, fmt.Sprint("f", i))
				if err != nil {
					t.Fatalf("file %d of %s was swept away: %v", i, run, err)
				}
				text, err := io.ReadAll(object)
				object.Close()
				if err != nil || string(text) != fmt.Sprint("content ", i) {
					t.Errorf("file %d of %s holds %q, %v", i, run, text, err)
				}
			}
		}
	})
}

// breaking is a store on which only so many objects can be removed.
type breaking struct {
	blob.Store
	left atomic.Int64
}

var errKilled = errors.New("killed")

func (b *breaking) DeleteUnused(ctx context.Context, ws string, h blob.Hash, before time.Time) (bool, error) {
	if b.left.Add(-1) < 0 {
		return false, errKilled
	}
	return b.Store.DeleteUnused(ctx, ws, h, before)
}

// A sweep that ends in the middle has freed a part; the next one frees the rest.
func TestASweepThatIsBrokenOffGoesOn(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		blobtest.Each(t, func(t *testing.T, store blob.Store) {
			w := newWorld(t, db, store, 2)
			for range 120 {
				w.step()
			}
			w.purge()
			for i := range 40 {
				_, _, err := w.blobs.Put(w.ctx, w.ws, strings.NewReader(fmt.Sprint("left over ", i)))
				w.must(err)
			}
			stored := len(w.stored())
			killed := &breaking{Store: store}
			killed.left.Store(7)
			broken := sweep.New(db, killed, clock.System{}, tracking.References, model.References)
			done, err := broken.Run(w.ctx, w.ws, everything)
			if !errors.Is(err, errKilled) || done.FreedObjects != 7 || len(w.stored()) != stored-7 {
				t.Errorf("freed %+v, %v; %d objects are left of %d", done, err, len(w.stored()), stored)
			}
			w.read()
			w.sweep()
		})
	})
}

// Somebody can see how far a sweep has come, and nobody starts a second one.
func TestProgress(t *testing.T) {
	dir, store := openDir(t)
	old(t, dir, store, "old")
	db := sqldbtest.SQLite(t, clock.System{})
	var s *sweep.Service
	var seen sweep.Progress
	var second error
	s = sweep.New(db, store, clock.System{}, func(ctx context.Context, _ *sqldb.Tx, ws string, _ func(blob.Reference)) error {
		seen = s.Progress(ws)
		_, second = s.Run(ctx, ws, everything)
		return nil
	})
	_, err := s.Run(t.Context(), ws, everything)
	if diff := cmp.Diff(sweep.Progress{Running: true, Phase: sweep.Marking, Done: 1}, seen); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if atelier.CodeOf(second) != atelier.Conflict {
		t.Errorf("a second sweep: %v", second)
	}
	if after := s.Progress(ws); after.Running {
		t.Errorf("after the end: %+v", after)
	}
}
