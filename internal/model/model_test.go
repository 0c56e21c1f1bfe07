package model_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
)

const ws = "one"

type bench struct {
	*model.Service
	t        *testing.T
	ctx      context.Context
	tracking *tracking.Service
	blobs    blob.Store
}

func each(t *testing.T, test func(b bench)) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		blobs, err := blob.OpenDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { blobs.Close() })
		err = db.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
				VALUES ($1, $1, '', '', '{}', '', 0, 0)`, ws)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		bus := event.NewBus()
		tracked := tracking.New(db, blobs, bus)
		ctx := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: "u1", Name: "ada"})
		test(bench{model.New(db, blobs, bus, tracked), t, ctx, tracked, blobs})
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

const mlmodel = "artifact_path: model\nflavors:\n  sklearn:\n    pickled_model: model.pkl\n    sklearn_version: 1.5.0\n  python_function:\n    loader_module: mlflow.sklearn\n    odd: .nan\n"

// run makes a run that keeps files.
func (b bench) run(files map[string]string) tracking.Run {
	b.t.Helper()
	run, err := b.tracking.StartRun(b.ctx, ws, tracking.NewRun{Experiment: "e"})
	b.must(err)
	b.upload(tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}, files)
	return run
}

func (b bench) upload(owner tracking.Owner, files map[string]string) {
	b.t.Helper()
	for path, content := range files {
		b.must(b.tracking.Upload(b.ctx, ws, owner, path, strings.NewReader(content)))
	}
}

func (b bench) register(r model.Register) model.Version {
	b.t.Helper()
	v, err := b.Register(b.ctx, ws, r)
	b.must(err)
	return v
}

func (b bench) paths(v model.Version) []string {
	b.t.Helper()
	tree, err := blob.GetTree(b.ctx, b.blobs, ws, v.Tree)
	b.must(err)
	var paths []string
	for _, file := range tree.Files {
		paths = append(paths, file.Path)
	}
	return paths
}

func TestEveryFormOfPath(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(map[string]string{
			"model/MLmodel": mlmodel, "model/model.pkl": "bytes", "named-outputs/weights/w.bin": "w", "outputs/model.pkl": "other",
		})
		logged, err := b.tracking.CreateLoggedModel(b.ctx, ws, tracking.NewLoggedModel{ExperimentID: run.ExperimentID, Name: "forest", SourceRunID: run.ID})
		b.must(err)
		b.upload(tracking.Owner{Kind: tracking.LoggedModelArtifact, ID: logged.ID}, map[string]string{"MLmodel": mlmodel, "data/x": "x"})
		hash, size, err := b.blobs.Put(b.ctx, ws, strings.NewReader("up"))
		b.must(err)
		plain, err := blob.PutTree(b.ctx, b.blobs, ws, []blob.File{{Path: "a.txt", Hash: hash, Size: size}, {Path: "b/c.txt", Hash: hash, Size: size}})
		b.must(err)
		b.register(model.Register{Name: "base", Path: "runs:/" + run.ID + "/model"})

		upload := "azureml://datastores/workspaceblobstore/paths/LocalUpload/" + string(plain.ID)
		cases := []struct {
			path, kind, run, logged string
			files                   []string
		}{
			{"runs:/" + run.ID + "/model", model.MLflow, run.ID, "", []string{"MLmodel", "model.pkl"}},
			{"runs:/" + run.ID + "/outputs/model.pkl", model.Custom, run.ID, "", []string{"model.pkl"}},
			{"runs:/" + run.ID + "/forest", model.MLflow, run.ID, logged.ID, []string{"MLmodel", "data/x"}},
			{"models:/" + logged.ID, model.MLflow, run.ID, logged.ID, []string{"MLmodel", "data/x"}},
			{"models:/base/1", model.MLflow, run.ID, "", []string{"MLmodel", "model.pkl"}},
			{"azureml:base@latest", model.MLflow, run.ID, "", []string{"MLmodel", "model.pkl"}},
			{run.ArtifactURI + "/model", model.MLflow, run.ID, "", []string{"MLmodel", "model.pkl"}},
			{logged.ArtifactURI, model.MLflow, run.ID, logged.ID, []string{"MLmodel", "data/x"}},
			{"azureml://jobs/" + run.ID + "/outputs/artifacts/paths/model", model.MLflow, run.ID, "", []string{"MLmodel", "model.pkl"}},
			{"azureml://jobs/" + run.ID + "/outputs/artifacts/paths/model/", model.MLflow, run.ID, "", []string{"MLmodel", "model.pkl"}},
			{"azureml://jobs/" + run.ID + "/outputs/weights", model.Custom, run.ID, "", []string{"w.bin"}},
			{"azureml://jobs/" + run.ID + "/outputs/weights/paths/w.bin", model.Custom, run.ID, "", []string{"w.bin"}},
			{"azureml://datastores/workspaceblobstore/paths/azureml/" + run.ID + "/weights/", model.Custom, run.ID, "", []string{"w.bin"}},
			{upload + "/folder", model.Custom, "", "", []string{"a.txt", "b/c.txt"}},
			{upload + "/folder/b", model.Custom, "", "", []string{"c.txt"}},
			{upload + "/a.txt", model.Custom, "", "", []string{"a.txt"}},
			{upload, model.Custom, "", "", []string{"a.txt", "b/c.txt"}},
		}
		for _, c := range cases {
			v, err := b.Register(b.ctx, ws, model.Register{Name: "m", Path: c.path})
			if err != nil {
				t.Errorf("%s: %v", c.path, err)
				continue
			}
			if v.Type != c.kind || v.RunID != c.run || v.LoggedModelID != c.logged || v.CreatedBy != "ada" {
				t.Errorf("%s: %+v", c.path, v)
			}
			if diff := cmp.Diff(c.files, b.paths(v)); diff != "" {
				t.Errorf("%s: %s", c.path, diff)
			}
		}
	})
}

func TestPathsThatAreRefused(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(map[string]string{"a.txt": "x"})
		for path, code := range map[string]atelier.Code{
			"":                                   atelier.Invalid,
			"./local":                            atelier.Invalid,
			"/etc/passwd":                        atelier.Invalid,
			"file:///etc/passwd":                 atelier.Invalid,
			"s3://bucket/model":                  atelier.Invalid,
			"https://example.org/m":              atelier.Invalid,
			"runs:/" + run.ID + "/../../etc":     atelier.Invalid,
			"runs:/" + run.ID + "/%2e%2e/x":      atelier.Invalid,
			"mlflow-artifacts:/0/../../x":        atelier.Invalid,
			"runs:/" + run.ID + "/nothing":       atelier.NotFound,
			"runs:/nobody/model":                 atelier.NotFound,
			"models:/m-nothing":                  atelier.NotFound,
			"models:/nothing/1":                  atelier.NotFound,
			"azureml://datastores/other/paths/x": atelier.NotFound,
			"azureml://datastores/workspaceblobstore/paths/x":                     atelier.NotFound,
			"azureml://datastores/workspaceblobstore/paths/LocalUpload/../x":      atelier.Invalid,
			"azureml://jobs/" + run.ID + "/outputs/artifacts/paths/../../a.txt":   atelier.Invalid,
			"azureml://jobs/nobody/outputs/artifacts/paths/model":                 atelier.NotFound,
			"mlflow-artifacts:/0/" + strings.Repeat("0", 32) + "/artifacts/model": atelier.NotFound,
		} {
			if _, err := b.Register(b.ctx, ws, model.Register{Name: "m", Path: path}); atelier.CodeOf(err) != code {
				t.Errorf("%q: %v, want %s", path, err, code)
			}
		}
		if _, err := b.Get(b.ctx, ws, "m"); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("a refused version left a model behind: %v", err)
		}
		_, err := b.Register(b.ctx, ws, model.Register{Name: "m", Type: model.MLflow, Path: "runs:/" + run.ID + "/a.txt"})
		b.refused(err, atelier.Invalid, "not an MLflow model")
	})
}

func TestVersionsCountUpAndNeverChange(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(map[string]string{"model/w.bin": "first"})
		path := "runs:/" + run.ID + "/model"
		one := b.register(model.Register{Name: "m", Path: path})
		b.upload(tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}, map[string]string{"model/w.bin": "second"})
		two := b.register(model.Register{Name: "m", Path: path})
		if one.Version != "1" || two.Version != "2" || one.Tree == two.Tree {
			t.Errorf("versions %+v and %+v", one, two)
		}
		again, err := b.Version(b.ctx, ws, "m", "1")
		b.must(err)
		if diff := cmp.Diff(one, again); diff != "" {
			t.Error(diff)
		}
		b.must(b.DeleteVersion(b.ctx, ws, "m", "2"))
		if three := b.register(model.Register{Name: "m", Path: path}); three.Version != "3" {
			t.Errorf("after a deletion the next version is %s, want 3", three.Version)
		}
		if nine := b.register(model.Register{Name: "m", Version: "9", Path: path}); nine.Version != "9" {
			t.Errorf("asked for 9, got %s", nine.Version)
		}
		_, err = b.Register(b.ctx, ws, model.Register{Name: "m", Version: "9", Path: path})
		b.refused(err, atelier.Conflict, "already")
		latest, err := b.Version(b.ctx, ws, "m", "latest")
		b.must(err)
		if latest.Version != "9" {
			t.Errorf("latest is %s", latest.Version)
		}
	})
}

func TestMLmodelIsReadAsData(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(map[string]string{"good/MLmodel": mlmodel, "bad/MLmodel": "flavors: [", "hostile/MLmodel": "flavors: !!python/object/apply:os.system ['true']\n"})
		v := b.register(model.Register{Name: "m", Path: "runs:/" + run.ID + "/good"})
		want := map[string]any{
			"sklearn":         map[string]any{"pickled_model": "model.pkl", "sklearn_version": "1.5.0"},
			"python_function": map[string]any{"loader_module": "mlflow.sklearn", "odd": "NaN"},
		}
		if diff := cmp.Diff(want, v.Flavors); diff != "" {
			t.Error(diff)
		}
		for _, folder := range []string{"bad", "hostile"} {
			_, err := b.Register(b.ctx, ws, model.Register{Name: "m", Path: "runs:/" + run.ID + "/" + folder})
			b.refused(err, atelier.Invalid, "MLmodel cannot be read")
		}
	})
}

func TestAliasesAndStages(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(map[string]string{"w.bin": "w"})
		for range 3 {
			b.register(model.Register{Name: "m", Path: "runs:/" + run.ID + "/w.bin"})
		}
		b.must(b.SetAlias(b.ctx, ws, "m", "champion", "2"))
		champion, err := b.Version(b.ctx, ws, "m", "@champion")
		b.must(err)
		if champion.Version != "2" || !cmp.Equal(champion.Aliases, []string{"champion"}) {
			t.Errorf("champion is %+v", champion)
		}
		for _, alias := range []string{"latest", "v1", "V12", "", "a b"} {
			b.refused(b.SetAlias(b.ctx, ws, "m", alias, "1"), atelier.Invalid, "Invalid alias")
		}
		b.refused(b.SetAlias(b.ctx, ws, "m", "a", "7"), atelier.NotFound, "not found")
		_, err = b.Transition(b.ctx, ws, "m", "1", "production", false)
		b.must(err)
		_, err = b.Transition(b.ctx, ws, "m", "2", "Production", true)
		b.must(err)
		latest, err := b.LatestVersions(b.ctx, ws, "m", nil)
		b.must(err)
		got := map[string]string{}
		for _, v := range latest {
			got[v.Stage] = v.Version
		}
		if diff := cmp.Diff(map[string]string{model.Production: "2", model.Archived: "1", model.NoStage: "3"}, got); diff != "" {
			t.Error(diff)
		}
		m, err := b.Rename(b.ctx, ws, "m", "renamed")
		b.must(err)
		if diff := cmp.Diff(map[string]string{"champion": "2"}, m.Aliases); diff != "" || m.LatestVersion != "3" {
			t.Errorf("after renaming: %+v %s", m, diff)
		}
		b.must(b.DeleteVersion(b.ctx, ws, "renamed", "2"))
		_, err = b.Version(b.ctx, ws, "renamed", "@champion")
		b.refused(err, atelier.Invalid, "alias champion not found")
	})
}

func TestSearchHidesPrompts(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(map[string]string{"w.bin": "w"})
		b.register(model.Register{Name: "net", Path: "runs:/" + run.ID + "/w.bin", Tags: map[string]string{"team": "blue"}})
		_, err := b.Create(b.ctx, ws, model.Create{Name: "greeting", Tags: map[string]string{model.TagPrompt: "true"}})
		b.must(err)
		b.register(model.Register{Name: "greeting", Path: "prompt-template", Tags: map[string]string{model.TagPrompt: "true"}})
		for filter, want := range map[string]string{
			"": "net", "name = 'net'": "net", "name LIKE 'n%'": "net", "name ILIKE 'N%'": "net", "name LIKE 'N%'": "",
			"tags.`mlflow.prompt.is_prompt` = 'true'":                  "greeting",
			"tags.`mlflow.prompt.is_prompt` != 'true' AND name != 'x'": "net", "tags.mlflow.prompt.is_prompt = 'false'": "net",
		} {
			page, err := b.Search(b.ctx, ws, model.Search{Filter: filter})
			b.must(err)
			var names []string
			for _, m := range page.Items {
				names = append(names, m.Name)
			}
			if strings.Join(names, " ") != want {
				t.Errorf("filter %q finds %v, want %s", filter, names, want)
			}
		}
		page, err := b.SearchVersions(b.ctx, ws, model.Search{Filter: "run_id = '" + run.ID + "' AND tags.team = 'blue' AND version_number >= 1"})
		b.must(err)
		if len(page.Items) != 1 || page.Items[0].Name != "net" {
			t.Errorf("versions of the run: %+v", page.Items)
		}
	})
}
