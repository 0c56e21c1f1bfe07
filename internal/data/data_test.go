package data_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/vault"
)

const ws = "one"

type bench struct {
	*data.Service
	t        *testing.T
	ctx      context.Context
	db       *sqldb.DB
	tracking *tracking.Service
	blobs    blob.Store
	stores   *datastore.Service
	bus      *event.Bus
}

func each(t *testing.T, test func(b bench)) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		blobs, err := blob.OpenDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { blobs.Close() })
		for _, id := range []string{ws, "two"} {
			err = db.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
					VALUES ($1, $1, '', '', '{}', '', 0, 0)`, id)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		bus := event.NewBus()
		tracked := tracking.New(db, blobs, bus)
		sealed, _, err := vault.Open(t.Context(), db, vault.File(filepath.Join(t.TempDir(), "vault.key")))
		if err != nil {
			t.Fatal(err)
		}
		who := access.New(db, clock.System{})
		owner, _, err := who.Bootstrap(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		stores := datastore.New(db, sealed, who, bus, t.TempDir())
		ctx := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name})
		test(bench{data.New(db, blobs, bus, tracked, stores, collect.New(db, blobs, clock.System{})), t, ctx, db, tracked, blobs, stores, bus})
	})
}

func (b bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) refused(err error, code atelier.Code, fragment string) {
	b.t.Helper()
	if atelier.CodeOf(err) != code || !strings.Contains(err.Error(), fragment) {
		b.t.Errorf("error %v; want %s with %q", err, code, fragment)
	}
}

// upload stores files as a client does and returns their address.
func (b bench) upload(name string, files map[string]string) string {
	b.t.Helper()
	var list []blob.File
	for path, content := range files {
		hash, size, err := b.blobs.Put(b.ctx, ws, strings.NewReader(content))
		b.must(err)
		list = append(list, blob.File{Path: path, Hash: hash, Size: size})
	}
	tree, err := blob.PutTree(b.ctx, b.blobs, ws, list)
	b.must(err)
	return "azureml://datastores/workspaceblobstore/paths/LocalUpload/" + string(tree.ID) + "/" + name
}

func (b bench) register(r data.Register) data.Version {
	b.t.Helper()
	v, err := b.Register(b.ctx, ws, r)
	b.must(err)
	return v
}

func (b bench) paths(v data.Version) []string {
	b.t.Helper()
	tree, err := blob.GetTree(b.ctx, b.blobs, ws, v.Tree)
	b.must(err)
	var paths []string
	for _, file := range tree.Files {
		paths = append(paths, file.Path)
	}
	return paths
}

func TestVersionsCountUpAndMayBeNamed(t *testing.T) {
	each(t, func(b bench) {
		path := b.upload("d", map[string]string{"a.csv": "a\n1\n"})
		for _, step := range []struct{ ask, want, next string }{
			{"", "1", "2"}, {"raw", "raw", "2"}, {"7", "7", "8"}, {"3", "3", "8"}, {"", "8", "9"}, {"2026-11", "2026-11", "9"},
		} {
			v := b.register(data.Register{Name: "d", Version: step.ask, Path: path})
			asset, err := b.Get(b.ctx, ws, "d")
			b.must(err)
			if v.Version != step.want || asset.LatestVersion != step.want || asset.NextVersion != step.next {
				b.t.Errorf("version %q, latest %q, next %q; want %q, next %q", v.Version, asset.LatestVersion, asset.NextVersion, step.want, step.next)
			}
			stored, err := b.Version(b.ctx, ws, "d", step.want)
			b.must(err)
			if diff := cmp.Diff(v, stored); diff != "" {
				b.t.Errorf("registered and stored differ (-registered +stored):\n%s", diff)
			}
		}
		_, err := b.Register(b.ctx, ws, data.Register{Name: "d", Version: "raw", Path: path})
		b.refused(err, atelier.Conflict, "has a version")
		_, err = b.Register(b.ctx, ws, data.Register{Name: "d", Version: "latest", Path: path})
		b.refused(err, atelier.Invalid, "label")

		var order []string
		for token := ""; ; {
			page, err := b.Versions(b.ctx, ws, "d", data.List{MaxResults: 4, PageToken: token})
			b.must(err)
			for _, v := range page.Items {
				order = append(order, v.Version)
			}
			if token = page.NextPageToken; token == "" {
				break
			}
		}
		if diff := cmp.Diff([]string{"2026-11", "8", "3", "7", "raw", "1"}, order); diff != "" {
			b.t.Errorf("order of versions (-want +got):\n%s", diff)
		}
	})
}

func TestAVersionIsRootedAtWhatItsPathNames(t *testing.T) {
	each(t, func(b bench) {
		folder := b.upload("stuff", map[string]string{"in/x.csv": "1", "in/deep/y.csv": "2", "top.txt": "3", "line\nbreak.txt": "4"})
		tests := map[string][]string{
			folder:                       {"in/deep/y.csv", "in/x.csv", "line\nbreak.txt", "top.txt"},
			folder + "/in":               {"deep/y.csv", "x.csv"},
			folder + "/in/deep/y.csv":    {"y.csv"},
			folder + "/line%0Abreak.txt": nil,
		}
		for path, want := range tests {
			v, err := b.Register(b.ctx, ws, data.Register{Name: "d", Path: path})
			if want == nil {
				b.refused(err, atelier.Invalid, "There is no")
				continue
			}
			b.must(err)
			if diff := cmp.Diff(want, b.paths(v)); diff != "" {
				b.t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
		again := b.register(data.Register{Name: "other", Type: data.File, Path: folder + "/in/x.csv"})
		copied := b.register(data.Register{Name: "copy", Type: data.File, Path: "azureml:other:1"})
		if again.Tree != copied.Tree || copied.Files != 1 || copied.Size != 1 {
			b.t.Errorf("a copy is %+v of %+v", copied, again)
		}
	})
}

func TestWhatARunKeepsBecomesData(t *testing.T) {
	each(t, func(b bench) {
		run, err := b.tracking.StartRun(b.ctx, ws, tracking.NewRun{Experiment: "e"})
		b.must(err)
		for path, content := range map[string]string{"named-outputs/out/a.csv": "1", "notes/n.txt": "2"} {
			b.must(b.tracking.Upload(b.ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}, path, strings.NewReader(content)))
		}
		for path, want := range map[string][]string{
			"azureml://jobs/" + run.ID + "/outputs/out":                                 {"a.csv"},
			"azureml://jobs/" + run.ID + "/outputs/out/paths/a.csv":                     {"a.csv"},
			"azureml://jobs/" + run.ID + "/outputs/artifacts/paths/notes":               {"n.txt"},
			"azureml://datastores/workspaceblobstore/paths/azureml/" + run.ID + "/out":  {"a.csv"},
			"azureml://datastores/workspaceblobstore/paths/azureml/" + run.ID + "/out/": {"a.csv"},
			"runs:/" + run.ID + "/notes/n.txt":                                          {"n.txt"},
		} {
			v := b.register(data.Register{Name: "d", Path: path})
			if diff := cmp.Diff(want, b.paths(v)); diff != "" || v.RunID != run.ID {
				b.t.Errorf("%s of run %q (-want +got):\n%s", path, v.RunID, diff)
			}
		}
		_, err = b.Register(b.ctx, ws, data.Register{Name: "d", Path: "runs:/" + run.ID + "/none"})
		b.refused(err, atelier.NotFound, "keeps nothing")
	})
}

func TestHostilePathsAreRefused(t *testing.T) {
	each(t, func(b bench) {
		folder := b.upload("d", map[string]string{"a.csv": "1", "b.csv": "2"})
		for _, path := range []string{"", "/etc/passwd", "file:///etc/passwd", "../x", folder + "/../../../etc/passwd", folder + "/..", folder + "/%2e%2e/x",
			"azureml://datastores/workspaceblobstore/paths/../../etc/passwd", "azureml://datastores/workspaceblobstore/paths/LocalUpload/../x",
			"azureml://datastores/other/paths/x", "azureml:d:1", "azureml:nothing@latest", "azureml:nothing@best", "models:/m/1", "a\x00b"} {
			_, err := b.Register(b.ctx, ws, data.Register{Name: "d", Path: path})
			if code := atelier.CodeOf(err); code != atelier.Invalid && code != atelier.NotFound {
				b.t.Errorf("%q: %v", path, err)
			}
		}
		_, err := b.Register(b.ctx, "two", data.Register{Name: "d", Path: folder})
		b.refused(err, atelier.Invalid, "to this workspace")
		_, err = b.Register(b.ctx, ws, data.Register{Name: "d", Type: data.File, Path: folder})
		b.refused(err, atelier.Invalid, "2 files")
		_, err = b.Register(b.ctx, ws, data.Register{Name: "d", Type: data.MLTable, Path: folder})
		b.refused(err, atelier.Invalid, "no file MLTable")
		_, err = b.Register(b.ctx, ws, data.Register{Name: "d", Type: "parquet", Path: folder})
		b.refused(err, atelier.Invalid, "not a type")
		if _, err := b.Get(b.ctx, ws, "d"); atelier.CodeOf(err) != atelier.NotFound {
			b.t.Errorf("something was registered: %v", err)
		}
	})
}

func TestTheArchiveHidesAndKeeps(t *testing.T) {
	each(t, func(b bench) {
		yes, no, said := true, false, "Said later."
		path := b.upload("d", map[string]string{"a.csv": "1"})
		for range 2 {
			b.register(data.Register{Name: "d", Path: path, Tags: map[string]string{"a": "1", "b": "2"}})
		}
		v, err := b.UpdateVersion(b.ctx, ws, "d", "2", data.UpdateVersion{Archived: &yes, Description: &said, Tags: map[string]*string{"a": nil, "c": &said}})
		b.must(err)
		if diff := cmp.Diff(map[string]string{"b": "2", "c": said}, v.Tags); diff != "" || v.Description != said || !v.Archived {
			b.t.Errorf("%+v (-want +got tags):\n%s", v, diff)
		}
		latest, err := b.Version(b.ctx, ws, "d", data.Latest)
		b.must(err)
		named, err := b.Resolve(b.ctx, ws, "azureml:d:2")
		b.must(err)
		if latest.Version != "1" || named.Version != "2" {
			b.t.Errorf("latest %q, named %q", latest.Version, named.Version)
		}
		_, err = b.UpdateVersion(b.ctx, ws, "d", "1", data.UpdateVersion{Archived: &yes})
		b.must(err)
		_, err = b.Version(b.ctx, ws, "d", data.Latest)
		b.refused(err, atelier.NotFound, "are archived")
		_, err = b.UpdateVersion(b.ctx, ws, "d", "1", data.UpdateVersion{Archived: &no})
		b.must(err)
		_, err = b.Update(b.ctx, ws, "d", data.UpdateAsset{Archived: &yes})
		b.must(err)
		b.register(data.Register{Name: "e", Path: path})
		for archived, want := range map[bool][]string{false: {"e"}, true: {"d", "e"}} {
			page, err := b.List(b.ctx, ws, data.List{Archived: archived})
			b.must(err)
			var names []string
			for _, a := range page.Items {
				names = append(names, a.Name)
			}
			if diff := cmp.Diff(want, names); diff != "" {
				b.t.Errorf("list with archived %v (-want +got):\n%s", archived, diff)
			}
		}
		b.register(data.Register{Name: "d", Path: path})
		if a, err := b.Get(b.ctx, ws, "d"); err != nil || a.Archived {
			b.t.Errorf("a new version leaves %+v, %v", a, err)
		}
	})
}

func TestBytesOfVersionsAndUsesAreReferredTo(t *testing.T) {
	each(t, func(b bench) {
		v := b.register(data.Register{Name: "d", Path: b.upload("d", map[string]string{"a.csv": "1", "b.csv": "2"}) + "/a.csv"})
		read := b.upload("x", map[string]string{"x": "9"})
		run, err := b.tracking.StartRun(b.ctx, ws, tracking.NewRun{Experiment: "e"})
		b.must(err)
		content, err := b.Resolve(b.ctx, ws, read)
		b.must(err)
		use := data.Use{RunID: run.ID, Direction: data.Input, Name: "in", Path: read, Tree: content.Tree.ID}
		b.must(b.db.Write(b.ctx, func(tx *sqldb.Tx) error { return data.Record(b.ctx, tx, ws, []data.Use{use}) }))
		found := map[blob.Hash]bool{}
		b.must(b.db.Read(b.ctx, func(tx *sqldb.Tx) error {
			return data.References(b.ctx, tx, ws, func(r blob.Reference) { found[r.Hash] = true })
		}))
		if !found[v.Tree] || !found[content.Tree.ID] {
			b.t.Errorf("found %v; want %s and %s", found, v.Tree, content.Tree.ID)
		}
		uses, err := b.UsesOfRun(b.ctx, ws, run.ID)
		b.must(err)
		if len(uses) != 1 || uses[0].Name != "in" || uses[0].Tree != content.Tree.ID {
			b.t.Errorf("uses %+v", uses)
		}
	})
}

// The run that a version comes from stays as long as the version does.
func TestARunStaysWithTheDataMadeOfIt(t *testing.T) {
	each(t, func(b bench) {
		b.tracking.OnPurge(b.MayPurge, nil)
		var runs []string
		for range 2 {
			run, err := b.tracking.StartRun(b.ctx, ws, tracking.NewRun{Experiment: "e"})
			b.must(err)
			b.must(b.tracking.Upload(b.ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}, "out/a.csv", strings.NewReader("1")))
			runs = append(runs, run.ID)
		}
		b.register(data.Register{Name: "d", Path: "runs:/" + runs[0] + "/out"})
		for _, run := range runs {
			b.must(b.tracking.Delete(b.ctx, ws, run))
		}
		for _, dryRun := range []bool{true, false} {
			done, err := b.tracking.Purge(b.ctx, ws, tracking.Purge{DeletedBefore: time.Now().Add(time.Hour), DryRun: dryRun})
			b.must(err)
			if done.Runs != 1 || done.Kept != 1 || done.Reasons[0].ID != runs[0] || done.Reasons[0].Reason != "Version 1 of the data asset d comes from it." {
				t.Errorf("purged %+v", done)
			}
		}
		b.refused(b.db.Read(b.ctx, func(tx *sqldb.Tx) error { return b.MayPurge(b.ctx, tx, ws, runs[0]) }), atelier.Precondition, "data asset d")
		b.must(b.db.Read(b.ctx, func(tx *sqldb.Tx) error { return b.MayPurge(b.ctx, tx, "two", runs[0]) })) // whose data it is not
	})
}

// profile waits for a profile with a worker of its own.
func (b bench) profile(name, version string) data.ProfileState {
	b.t.Helper()
	ctx, stop := context.WithCancel(b.ctx)
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	defer func() { stop(); b.must(<-done) }()
	news := b.bus.Subscribe()
	defer news.Close()
	for {
		state, err := b.Profile(b.ctx, ws, name, version)
		b.must(err)
		if state.Status != data.ProfileQueued {
			return state
		}
		select {
		case <-news.Ready():
			news.Take()
		case <-time.After(time.Minute):
			b.t.Fatal("the profile is never made")
		}
	}
}

func TestProfilesAreMadeOnceForTheSameContent(t *testing.T) {
	each(t, func(b bench) {
		b.register(data.Register{Name: "d", Path: b.upload("d", map[string]string{"a.csv": "x,s\n1,a\n2,b\n3,a\n", "n.txt": "no"})})
		b.register(data.Register{Name: "d", Path: b.upload("d", map[string]string{"a.csv": "x,s,new\n1,a,t\n20,b,t\n30,b,t\n40,c,t\n"})})
		same := b.register(data.Register{Name: "same", Path: "azureml:d:1"})
		first := b.profile("d", "1")
		if first.Profile == nil || first.Profile.Rows != 3 || len(first.Profile.Columns) != 2 {
			b.t.Errorf("profile %+v", first)
		}
		if again, err := b.Profile(b.ctx, ws, "same", same.Version); err != nil || again.Status != data.ProfileReady {
			b.t.Errorf("of the same content %+v, %v", again, err)
		}
		b.profile("d", "2")
		got, err := b.Compare(b.ctx, ws, "d", "1", "2")
		b.must(err)
		var changes []string
		for _, c := range got.Columns {
			changes = append(changes, c.Name+" "+c.Change)
		}
		if diff := cmp.Diff([]string{"x values", "s values", "new added"}, changes); diff != "" || *got.Rows != [2]int64{3, 4} {
			b.t.Errorf("rows %v, columns (-want +got):\n%s", got.Rows, diff)
		}
		if d := *got.Columns[1].Distance; d < 0.41 || d > 0.42 { // 2/3, 1/3, 0 and 1/4, 2/4, 1/4
			b.t.Errorf("distance of words %g", d)
		}
		if diff := cmp.Diff(&data.FilesDifference{Added: []string{}, Removed: []string{"n.txt"}, Changed: []string{"a.csv"}}, got.Files); diff != "" {
			b.t.Errorf("files (-want +got):\n%s", diff)
		}
		shown, err := b.Preview(b.ctx, ws, "d", "2", data.PreviewOf{Rows: 2})
		b.must(err)
		if len(shown.Rows) != 2 || !shown.More || shown.Path != "a.csv" || *shown.Rows[1][0] != "20" {
			b.t.Errorf("preview %+v", shown)
		}
	})
}

func TestABrokenTableIsSaidInItsProfile(t *testing.T) {
	each(t, func(b bench) {
		b.register(data.Register{Name: "d", Path: b.upload("d", map[string]string{"a.csv": "x,y\n1\n"})})
		if state := b.profile("d", "1"); state.Status != data.ProfileFailed || !strings.Contains(state.Error, "Line 2 has 1 fields") {
			b.t.Errorf("%+v", state)
		}
		b.register(data.Register{Name: "text", Path: b.upload("d", map[string]string{"a.txt": "x"})})
		if state := b.profile("text", "1"); state.Status != data.ProfileFailed || !strings.Contains(state.Error, "no tables") {
			b.t.Errorf("%+v", state)
		}
		_, err := b.Preview(b.ctx, ws, "text", "1", data.PreviewOf{})
		b.refused(err, atelier.Precondition, "no tables")
		_, err = b.Preview(b.ctx, ws, "d", "1", data.PreviewOf{Path: "../a.csv"})
		b.refused(err, atelier.NotFound, "no table")
	})
}

func TestFrozenDataCannotChange(t *testing.T) {
	each(t, func(b bench) {
		dir := b.t.TempDir()
		file := filepath.Join(dir, "a.csv")
		b.must(os.WriteFile(file, []byte("x\n1\n"), 0o600))
		_, err := b.stores.Create(b.ctx, ws, datastore.Create{Name: "lake", Type: datastore.Local, Location: datastore.Location{Path: dir}})
		b.must(err)
		lake := "azureml://datastores/lake/paths/a.csv"
		loose := b.register(data.Register{Name: "loose", Type: data.File, Path: lake})
		frozen := b.register(data.Register{Name: "frozen", Type: data.File, Path: lake, Freeze: true})
		if loose.Reference == nil || loose.Tree != "" || frozen.Reference != nil || frozen.Tree == "" {
			b.t.Errorf("loose %+v, frozen %+v", loose, frozen)
		}
		if state := b.profile("loose", "1"); state.Profile == nil || state.Profile.Rows != 1 {
			b.t.Errorf("%+v", state)
		}
		b.must(os.WriteFile(file, []byte("x\n1\n2\n"), 0o600))
		for name, changed := range map[string]bool{"loose": true, "frozen": false} {
			content, err := b.Resolve(b.ctx, ws, "azureml:"+name+":1")
			b.must(err)
			if content.Changed != changed {
				b.t.Errorf("%s is changed: %v", name, content.Changed)
			}
		}
		b.must(os.Remove(file))
		_, err = b.Resolve(b.ctx, ws, "azureml:loose:1")
		b.refused(err, atelier.NotFound, "nothing at")
	})
}
