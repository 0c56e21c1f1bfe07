package batch

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// fixture is a service over a fresh database, in its default workspace.
type fixture struct {
	*Service
	t     *testing.T
	blobs blob.Store
	ws    string
	ctx   context.Context
}

func newFixture(t *testing.T, db *sqldb.DB) *fixture {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir, clk, bus := t.TempDir(), clock.System{}, event.NewBus()
	blobs, err := blob.OpenDir(filepath.Join(dir, "blobs"))
	must(err)
	t.Cleanup(func() { blobs.Close() })
	sealed, _, err := vault.Open(t.Context(), db, vault.File(filepath.Join(dir, "key")))
	must(err)
	who := access.New(db, clk)
	owner, _, err := who.Bootstrap(t.Context(), "ada")
	must(err)
	workspaces := workspace.New(db, who, bus)
	must(workspaces.EnsureDefault(t.Context(), owner))
	ws, err := workspaces.Get(t.Context(), workspace.Default)
	must(err)
	ctx := workspace.With(atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name}), ws)
	environments := environment.New(db)
	service := New(Parts{DB: db, Bus: bus, Environments: environments, Secrets: vault.New(db, sealed, who, nil), URL: func() string { return "http://atelier.test" },
		Finder: endpoint.Finder{Models: model.New(db, blobs, bus, tracking.New(db, blobs, bus)), Blobs: blobs, Environments: environments}})
	return &fixture{Service: service, t: t, blobs: blobs, ws: ws.ID, ctx: ctx}
}

// scored is a deployment with a script, on the machine's own Python.
func (f *fixture) scored(name string) CreateDeployment {
	f.t.Helper()
	hash, size, err := f.blobs.Put(f.ctx, f.ws, strings.NewReader("def init(): pass\ndef run(x): return x\n"))
	f.must(err)
	tree, err := blob.PutTree(f.ctx, f.blobs, f.ws, []blob.File{{Path: "score.py", Hash: hash, Size: size}})
	f.must(err)
	return CreateDeployment{Name: name, Definition: Definition{Environment: "system",
		CodeConfiguration: &endpoint.CodeConfiguration{Code: "azureml:" + string(tree.ID) + ":1", ScoringScript: "score.py"}}}
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) want(code atelier.Code, field string, err error) {
	f.t.Helper()
	if public := atelier.Public(err); err == nil || public.Code != code || public.Field != field {
		f.t.Errorf("%v at %q: %v, want %s at %q", atelier.CodeOf(err), public.Field, err, code, field)
	}
}

func TestEndpointsAreReplacedAndKeepTheirDeployments(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		f := newFixture(t, db)
		made, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "nightly", Tags: map[string]string{"a": "b"}})
		f.must(err)
		if made.AuthMode != AuthMode || made.State != Succeeded || !strings.HasSuffix(made.ScoringURI, "/default/batch-endpoints/nightly/invoke") {
			t.Errorf("made %+v", made)
		}
		first, err := f.CreateDeployment(f.ctx, f.ws, "nightly", f.scored("first"), true)
		f.must(err)
		again, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "nightly", Description: "anew"})
		f.must(err)
		if again.Defaults.Deployment != "first" || again.Description != "anew" || len(again.Tags) != 0 || !again.CreatedAt.Equal(made.CreatedAt) {
			t.Errorf("replaced %+v", again)
		}
		kept, err := f.Deployment(f.ctx, f.ws, "nightly", "first")
		f.must(err)
		if diff := cmp.Diff(first, kept, cmp.AllowUnexported(Deployment{})); diff != "" {
			t.Errorf("the deployment changed (-made +read):\n%s", diff)
		}
		page, err := f.List(f.ctx, f.ws, 1, "")
		f.must(err)
		if diff := cmp.Diff([]Endpoint{again}, page.Items); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
		f.must(f.Delete(f.ctx, f.ws, "nightly"))
		_, err = f.Deployment(f.ctx, f.ws, "nightly", "first")
		f.want(atelier.NotFound, "", err)
	})
}

func TestDeploymentsAreReplacedAndChanged(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		f := newFixture(t, db)
		_, err := f.CreateDeployment(f.ctx, f.ws, "nightly", f.scored("first"), false)
		f.want(atelier.NotFound, "", err)
		_, err = f.Create(f.ctx, f.ws, CreateEndpoint{Name: "nightly"})
		f.must(err)
		ask := f.scored("first")
		ask.Settings.MiniBatchSize = 3
		_, err = f.CreateDeployment(f.ctx, f.ws, "nightly", ask, false)
		f.must(err)
		replaced, err := f.CreateDeployment(f.ctx, f.ws, "nightly", f.scored("first"), false)
		f.must(err)
		if replaced.Settings.MiniBatchSize != 10 {
			t.Errorf("a deployment that is replaced keeps %d files in a mini batch", replaced.Settings.MiniBatchSize)
		}
		none := 0
		changed, err := f.UpdateDeployment(f.ctx, f.ws, "nightly", "first", Definition{Compute: "azureml:cluster",
			Settings: Settings{ErrorThreshold: &none, RetrySettings: RetrySettings{MaxRetries: &none}}})
		f.must(err)
		if changed.Compute != "azureml:cluster" || *changed.Settings.ErrorThreshold != 0 || *changed.Settings.RetrySettings.MaxRetries != 0 ||
			changed.Settings.MiniBatchSize != 10 || changed.CodeConfiguration == nil {
			t.Errorf("changed to %+v", changed)
		}
		all, err := f.Deployments(f.ctx, f.ws, "nightly")
		f.must(err)
		if diff := cmp.Diff([]Deployment{changed}, all, cmp.AllowUnexported(Deployment{})); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
	})
}

func TestTheDefaultDeploymentIsThereAndStays(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		f := newFixture(t, db)
		_, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "nightly", Defaults: Defaults{Deployment: "first"}})
		f.want(atelier.NotFound, "defaults.deployment_name", err)
		_, err = f.Get(f.ctx, f.ws, "nightly")
		f.want(atelier.NotFound, "", err)
		_, err = f.Create(f.ctx, f.ws, CreateEndpoint{Name: "nightly"})
		f.must(err)
		input := map[string]job.Input{"data": {Path: "azureml:a:1"}}
		_, err = f.Invoke(f.ctx, f.ws, "nightly", Invoke{Inputs: input})
		f.want(atelier.Precondition, "deployment_name", err)
		_, err = f.Invoke(f.ctx, f.ws, "nightly", Invoke{Deployment: "nobody", Inputs: input})
		f.want(atelier.NotFound, "deployment_name", err)
		_, err = f.CreateDeployment(f.ctx, f.ws, "nightly", f.scored("first"), true)
		f.must(err)
		_, err = f.CreateDeployment(f.ctx, f.ws, "nightly", f.scored("second"), false)
		f.must(err)
		f.want(atelier.Precondition, "", f.DeleteDeployment(f.ctx, f.ws, "nightly", "first"))
		_, err = f.Update(f.ctx, f.ws, "nightly", UpdateEndpoint{Defaults: &Defaults{Deployment: "second"}})
		f.must(err)
		f.must(f.DeleteDeployment(f.ctx, f.ws, "nightly", "first"))
	})
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	sqldbtest.Each(t, refuses)
}

func refuses(t *testing.T, db *sqldb.DB) {
	f := newFixture(t, db)
	_, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "nightly"})
	f.must(err)
	below := -2
	for field, spoil := range map[string]func(*CreateDeployment){
		"name":                                  func(c *CreateDeployment) { c.Name = "../x" },
		"endpoint_name":                         func(c *CreateDeployment) { c.Endpoint = "another" },
		"model":                                 func(c *CreateDeployment) { c.CodeConfiguration = nil },
		"code_configuration.code":               func(c *CreateDeployment) { c.CodeConfiguration.Code = "azureml:" + strings.Repeat("0", 64) + ":1" },
		"code_configuration.scoring_script":     func(c *CreateDeployment) { c.CodeConfiguration.ScoringScript = "../score.py" },
		"resources.instance_count":              func(c *CreateDeployment) { c.Resources.InstanceCount = 100_000 },
		"resources.memory":                      func(c *CreateDeployment) { c.Resources.Memory = "lots" },
		"settings.mini_batch_size":              func(c *CreateDeployment) { c.Settings.MiniBatchSize = -1 },
		"settings.max_concurrency_per_instance": func(c *CreateDeployment) { c.Settings.MaxConcurrency = -1 },
		"settings.error_threshold":              func(c *CreateDeployment) { c.Settings.ErrorThreshold = &below },
		"settings.retry_settings.max_retries":   func(c *CreateDeployment) { c.Settings.RetrySettings.MaxRetries = &below },
		"settings.retry_settings.timeout":       func(c *CreateDeployment) { c.Settings.RetrySettings.Timeout = 1 << 30 },
		"settings.output_action":                func(c *CreateDeployment) { c.Settings.OutputAction = "replace" },
		"settings.output_file_name":             func(c *CreateDeployment) { c.Settings.OutputFileName = "../../etc/passwd" },
		"settings.logging_level":                func(c *CreateDeployment) { c.Settings.LoggingLevel = "loud" },
	} {
		ask := f.scored("first")
		spoil(&ask)
		_, err := f.CreateDeployment(f.ctx, f.ws, "nightly", ask, false)
		f.want(atelier.Invalid, field, err)
	}
	ask := f.scored("first")
	ask.Type = "pipeline"
	_, err = f.CreateDeployment(f.ctx, f.ws, "nightly", ask, false)
	f.want(atelier.NotImplemented, "type", err)
	for _, name := range []string{"..", ".", "a/b", `a\b`, "a\nb", strings.Repeat("a", 300)} {
		if CheckFileName(name) == nil {
			t.Errorf("%q may name the file of the rows", name)
		}
	}
}

func TestAnInvocationNamesPlacesOfFiles(t *testing.T) {
	f := &fixture{t: t}
	place := job.Input{Path: "azureml:a:1"}
	for field, i := range map[string]Invoke{
		"inputs":           {},
		"inputs.model":     {Inputs: map[string]job.Input{"model": place}},
		"inputs.x":         {Inputs: map[string]job.Input{"x": job.Literal("y")}},
		"inputs.data.type": {Inputs: map[string]job.Input{"data": {Path: "azureml:a:1", Type: "mltable"}}},
		"inputs.data.mode": {Inputs: map[string]job.Input{"data": {Path: "azureml:a:1", Mode: "direct"}}},
		"outputs.other":    {Inputs: map[string]job.Input{"data": place}, Outputs: map[string]job.Output{"other": {}}},
		"instance_count":   {Inputs: map[string]job.Input{"data": place}, Instances: -1},
	} {
		f.want(atelier.Invalid, field, i.check())
	}
	good := Invoke{Inputs: map[string]job.Input{"data": place}, Outputs: map[string]job.Output{"score": {Path: "azureml://datastores/a/paths/b"}}}
	f.must(good.check())
}
