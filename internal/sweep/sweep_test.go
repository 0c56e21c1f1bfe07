package sweep_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/blob/blobtest"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/sweep"
	"github.com/atelier-ml/atelier/internal/tracking"
)

const ws = "one"

// everything is a sweep of all that nothing refers to, however young.
var everything = sweep.Options{Grace: -time.Hour}

// world is a workspace with runs and models, and what should be in its store.
type world struct {
	t        *testing.T
	ws       string
	ctx      context.Context
	random   *rand.Rand
	db       *sqldb.DB
	blobs    blob.Store
	runs     *tracking.Service
	models   *model.Service
	sweeper  *sweep.Service
	kept     map[string]map[string]string // by run, also deleted: contents by path
	deleted  map[string]bool
	versions map[string]map[string]string // by model's name: contents by path
	made     int

	experiments        map[string]string // names by id, without the deleted ones
	experimentOf       map[string]string // by run
	deletedExperiments map[string]bool
}

func newWorld(t *testing.T, db *sqldb.DB, blobs blob.Store, seed uint64) *world {
	t.Helper()
	id := atelier.NewID(time.Now())
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
			VALUES ($1, $1, '', '', '{}', '', 0, 0)`, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	bus := event.NewBus()
	runs := tracking.New(db, blobs, bus)
	return &world{t: t, ws: id, random: rand.New(rand.NewPCG(seed, 0)), db: db, blobs: blobs, runs: runs, models: model.New(db, blobs, bus, runs),
		ctx:     atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: "u1", Name: "ada"}),
		sweeper: sweep.New(db, blobs, clock.System{}, tracking.References, model.References),
		kept:    map[string]map[string]string{}, deleted: map[string]bool{}, experiments: map[string]string{},
		experimentOf: map[string]string{}, deletedExperiments: map[string]bool{}, versions: map[string]map[string]string{}}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// pickOne returns one of the keys that pass, or "".
func pickOne[V any](w *world, from map[string]V, pass func(key string) bool) string {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(from)), func(key string) bool { return !pass(key) })
	if len(keys) == 0 {
		return ""
	}
	return keys[w.random.IntN(len(keys))]
}

func (w *world) active(run string) bool { return !w.deleted[run] }

// content is one of a few texts, so that most are shared.
func (w *world) content() string { return fmt.Sprint("content ", w.random.IntN(12)) }

// step does one random thing.
func (w *world) step() {
	run := pickOne(w, w.kept, w.active)
	owner := tracking.Owner{Kind: tracking.RunArtifact, ID: run}
	switch w.random.IntN(11) {
	case 0:
		experiment := pickOne(w, w.experiments, func(string) bool { return true })
		if experiment == "" {
			return
		}
		made, err := w.runs.StartRun(w.ctx, w.ws, tracking.NewRun{Experiment: w.experiments[experiment]})
		w.must(err)
		w.kept[made.ID], w.experimentOf[made.ID] = map[string]string{}, experiment
	case 9:
		w.made++
		made, err := w.runs.CreateExperiment(w.ctx, w.ws, tracking.NewExperiment{Name: fmt.Sprint("experiment-", w.made)})
		w.must(err)
		w.experiments[made.ID] = made.Name
	case 10:
		if experiment := pickOne(w, w.experiments, func(string) bool { return true }); experiment != "" {
			w.must(w.runs.DeleteExperiment(w.ctx, w.ws, experiment))
			delete(w.experiments, experiment)
			w.deletedExperiments[experiment] = true
			for run := range w.kept {
				if w.experimentOf[run] == experiment {
					w.deleted[run] = true
				}
			}
		}
	case 1, 2, 3:
		if run != "" {
			path, content := fmt.Sprint("f", w.random.IntN(4)), w.content()
			w.must(w.runs.Upload(w.ctx, w.ws, owner, path, strings.NewReader(content)))
			w.kept[run][path] = content
		}
	case 4:
		if run != "" && len(w.kept[run]) > 0 {
			path := pickOne(w, w.kept[run], func(string) bool { return true })
			w.must(w.runs.Remove(w.ctx, w.ws, owner, path))
			delete(w.kept[run], path)
		}
	case 5:
		if run != "" {
			w.must(w.runs.Delete(w.ctx, w.ws, run))
			w.deleted[run] = true
		}
	case 6:
		if run != "" && len(w.kept[run]) > 0 {
			w.made++
			name := fmt.Sprint("model-", w.made)
			_, err := w.models.Register(w.ctx, w.ws, model.Register{Name: name, Path: "runs:/" + run + "/"})
			w.must(err)
			w.versions[name] = maps.Clone(w.kept[run])
		}
	case 7:
		if name := pickOne(w, w.versions, func(string) bool { return true }); name != "" {
			w.must(w.models.Delete(w.ctx, w.ws, name))
			delete(w.versions, name)
		}
	case 8:
		_, _, err := w.blobs.Put(w.ctx, w.ws, strings.NewReader(fmt.Sprint("stray ", w.random.IntN(5))))
		w.must(err)
	}
}

func (w *world) purge() {
	done, err := w.runs.Purge(w.ctx, w.ws, tracking.Purge{DeletedBefore: time.Now().Add(time.Hour)})
	w.must(err)
	if done.Runs != len(w.deleted) {
		w.t.Errorf("purged %d runs of %d", done.Runs, len(w.deleted))
	}
	for run := range w.deleted {
		delete(w.kept, run)
	}
	clear(w.deleted)
}

// purgeExperiments removes what was deleted, with its runs, and checks that a dry run
// foretells it.
func (w *world) purgeExperiments() {
	p := tracking.PurgeExperiments{DeletedBefore: time.Now().Add(time.Hour), DryRun: true}
	foretold, err := w.runs.PurgeExperiments(w.ctx, w.ws, p)
	w.must(err)
	p.DryRun = false
	done, err := w.runs.PurgeExperiments(w.ctx, w.ws, p)
	w.must(err)
	foretold.DryRun = false
	if diff := cmp.Diff(foretold, done); diff != "" {
		w.t.Errorf("the dry run foretold something else: %s", diff)
	}
	runs := 0
	for run, experiment := range w.experimentOf {
		if w.deletedExperiments[experiment] && w.kept[run] != nil {
			runs++
			delete(w.kept, run)
			delete(w.deleted, run)
		}
	}
	if done.Experiments != len(w.deletedExperiments) || done.Runs != runs || done.Kept != 0 {
		w.t.Errorf("purged %+v; want %d experiments and %d runs", done, len(w.deletedExperiments), runs)
	}
	clear(w.deletedExperiments)
}

func hash(content string) blob.Hash {
	sum := sha256.Sum256([]byte(content))
	return blob.Hash(hex.EncodeToString(sum[:]))
}

// wanted is what the store must hold, and nothing else after a sweep.
func (w *world) wanted() map[blob.Hash]bool {
	wanted := map[blob.Hash]bool{}
	for _, files := range w.kept {
		for _, content := range files {
			wanted[hash(content)] = true
		}
	}
	for _, contents := range w.versions {
		var files []blob.File
		for path, content := range contents {
			wanted[hash(content)] = true
			files = append(files, blob.File{Path: path, Hash: hash(content), Size: int64(len(content))})
		}
		tree, err := blob.NewTree(files)
		w.must(err)
		wanted[tree.ID] = true
	}
	return wanted
}

func (w *world) stored() map[blob.Hash]bool {
	stored := map[blob.Hash]bool{}
	w.must(w.blobs.List(w.ctx, w.ws, func(o blob.Object) error { stored[o.Hash] = true; return nil }))
	return stored
}

// sweep checks that a dry run frees nothing and foretells what the sweep does.
func (w *world) sweep() {
	before := w.stored()
	dry := everything
	dry.DryRun = true
	foretold, err := w.sweeper.Run(w.ctx, w.ws, dry)
	w.must(err)
	if diff := cmp.Diff(before, w.stored()); diff != "" {
		w.t.Fatalf("a dry run changed the store: %s", diff)
	}
	done, err := w.sweeper.Run(w.ctx, w.ws, everything)
	w.must(err)
	foretold.DryRun = false
	if diff := cmp.Diff(foretold, done); diff != "" {
		w.t.Errorf("the dry run foretold something else: %s", diff)
	}
	if diff := cmp.Diff(w.wanted(), w.stored()); diff != "" {
		w.t.Fatalf("after the sweep (-want +got):\n%s", diff)
	}
	if kept := int64(len(w.stored())); done.KeptObjects != kept || done.FreedObjects != int64(len(before))-kept {
		w.t.Errorf("counted %+v; %d were there and %d are", done, len(before), kept)
	}
	w.read()
}

// read checks that everything referred to can still be read.
func (w *world) read() {
	for run, files := range w.kept {
		for path, content := range files {
			object, _, err := w.runs.Open(w.ctx, w.ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run}, path)
			w.must(err)
			text, err := io.ReadAll(object)
			object.Close()
			if err != nil || string(text) != content {
				w.t.Fatalf("%s of %s holds %q, %v; want %q", path, run, text, err, content)
			}
		}
	}
	for name := range w.versions {
		version, err := w.models.Version(w.ctx, w.ws, name, "1")
		w.must(err)
		if _, err := blob.Hold(w.ctx, w.blobs, w.ws, version.Tree); err != nil {
			w.t.Fatalf("the files of %s: %v", name, err)
		}
	}
}

// Whatever happens in a workspace, a sweep frees all that nothing refers to and
// nothing else.
func TestRandomHistories(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		blobtest.Each(t, func(t *testing.T, blobs blob.Store) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			w := newWorld(t, db, blobs, seed)
			for round := range 8 {
				for range 40 {
					w.step()
				}
				switch round % 4 {
				case 1:
					w.purgeExperiments()
				case 2:
					w.purge()
				case 3:
					w.purge()
					w.purgeExperiments()
				}
				w.sweep()
			}
		})
	})
}

// old stores content that nobody used for two days.
func old(t *testing.T, dir string, store blob.Store, content string) blob.Hash {
	t.Helper()
	h, _, err := store.Put(t.Context(), ws, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, ws, string(h[:2]), string(h[2:])), then, then); err != nil {
		t.Fatal(err)
	}
	return h
}

func openDir(t *testing.T) (string, *blob.Dir) {
	t.Helper()
	dir := t.TempDir()
	store, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return dir, store
}

func TestYoungObjectsAreLeftAlone(t *testing.T) {
	dir, store := openDir(t)
	gone := old(t, dir, store, "old")
	young, _, err := store.Put(t.Context(), ws, strings.NewReader("young"))
	if err != nil {
		t.Fatal(err)
	}
	db := sqldbtest.SQLite(t, clock.System{})
	result, err := sweep.New(db, store, clock.System{}).Run(t.Context(), ws, sweep.Options{Grace: sweep.Grace})
	if want := (sweep.Result{FreedObjects: 1, FreedBytes: 3, KeptObjects: 1, KeptBytes: 5}); err != nil || result != want {
		t.Errorf("got %+v, %v; want %+v", result, err, want)
	}
	for h, want := range map[blob.Hash]bool{gone: false, young: true} {
		if there, err := store.Has(t.Context(), ws, h); err != nil || there != want {
			t.Errorf("%s: %v, %v; want %v", h, there, err, want)
		}
	}
}

// Somebody asks whether an old object is there while the sweep is under way, and
// is about to refer to it.
func TestWhatIsAskedForMeanwhileIsKept(t *testing.T) {
	dir, store := openDir(t)
	wanted := old(t, dir, store, "wanted")
	meanwhile := func(ctx context.Context, _ *sqldb.Tx, ws string, _ func(blob.Reference)) error {
		_, err := store.Has(ctx, ws, wanted)
		return err
	}
	db := sqldbtest.SQLite(t, clock.System{})
	result, err := sweep.New(db, store, clock.System{}, meanwhile).Run(t.Context(), ws, sweep.Options{Grace: sweep.Grace})
	if err != nil || result.FreedObjects != 0 || result.KeptObjects != 1 {
		t.Errorf("got %+v, %v; want nothing freed", result, err)
	}
}

var errAway = errors.New("the storage is away")

// away is a store that can list and delete but not read.
type away struct{ blob.Store }

func (away) Open(context.Context, string, blob.Hash) (io.ReadSeekCloser, int64, error) {
	return nil, 0, errAway
}

// A folder that cannot be read may refer to anything.
func TestNothingIsFreedWhileReferencesCannotBeRead(t *testing.T) {
	dir, store := openDir(t)
	stray, folder := old(t, dir, store, "stray"), old(t, dir, store, "folder")
	references := func(_ context.Context, _ *sqldb.Tx, _ string, found func(blob.Reference)) error {
		found(blob.Reference{Hash: folder, Tree: true})
		return nil
	}
	db := sqldbtest.SQLite(t, clock.System{})
	if _, err := sweep.New(db, away{store}, clock.System{}, references).Run(t.Context(), ws, everything); !errors.Is(err, errAway) {
		t.Errorf("got %v, want the store's own error", err)
	}
	if there, err := store.Has(t.Context(), ws, stray); err != nil || !there {
		t.Errorf("an object was freed: %v, %v", there, err)
	}
}
