package endpoint

import (
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/logs"
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
	ws  string
	ctx context.Context
	bus *event.Bus
}

func newFixture(t *testing.T, db *sqldb.DB) *fixture {
	t.Helper()
	dir := t.TempDir()
	clk, bus := clock.System{}, event.NewBus()
	blobs, err := blob.OpenDir(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	logStore, err := logs.Open(filepath.Join(dir, "logs"))
	if err != nil {
		t.Fatal(err)
	}
	secrets, _, err := vault.Open(t.Context(), db, vault.File(filepath.Join(dir, "key")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close(); logStore.Close() })
	who := access.New(db, clk)
	owner, _, err := who.Bootstrap(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	workspaces := workspace.New(db, who, bus)
	if err := workspaces.EnsureDefault(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	ws, err := workspaces.Get(t.Context(), workspace.Default)
	if err != nil {
		t.Fatal(err)
	}
	ctx := workspace.With(atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name}), ws)
	runs, collected := tracking.New(db, blobs, bus), collect.New(db, blobs, clk)
	service := New(Parts{DB: db, Bus: bus, Clock: clk, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Blobs: blobs, Logs: logStore,
		Vault: secrets, Access: who, Workspaces: workspaces, Models: model.New(db, blobs, bus, runs),
		Environments: environment.New(db), Data: data.New(db, blobs, bus, runs, nil, collected), Collected: collected,
		Driver: fake.New(clk, compute.Capacity{MemoryBytes: 8 << 30}, nil, nil), URL: func() string { return "http://atelier.test" }, MaxRequestBytes: 1000})
	return &fixture{Service: service, ws: ws.ID, ctx: ctx, bus: bus}
}

// folder stores files and returns their tree.
func (f *fixture) folder(t *testing.T, files map[string]string) blob.Tree {
	t.Helper()
	var all []blob.File
	for name, text := range files {
		hash, size, err := f.Blobs.Put(f.ctx, f.ws, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, blob.File{Path: name, Hash: hash, Size: size})
	}
	tree, err := blob.PutTree(f.ctx, f.Blobs, f.ws, all)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// scored is a deployment with a script, on the machine's own Python.
func (f *fixture) scored(t *testing.T, name string) CreateDeployment {
	t.Helper()
	tree := f.folder(t, map[string]string{"score.py": "def init(): pass\ndef run(x): return x\n"})
	return CreateDeployment{Name: name, Environment: "system",
		CodeConfiguration: &CodeConfiguration{Code: "azureml:" + string(tree.ID) + ":1", ScoringScript: "score.py"}}
}

func TestRowsComeBackAsTheyWere(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		f := newFixture(t, db)
		now := clock.System{}.Now()
		e := Endpoint{Workspace: f.ws, Name: "Ada-1", Description: "é", Tags: map[string]string{"a": "b"}, Properties: map[string]string{},
			AuthMode: KeyAuth, Traffic: Traffic{"blue": 100}, MirrorTraffic: Traffic{}, State: Failed,
			Error: &compute.Failure{Code: "X", Message: "y"}, CreatedBy: "ada", CreatedAt: now, UpdatedAt: now, keys: "sealed"}
		d := Deployment{Workspace: f.ws, Name: "blue", Endpoint: e.Name, State: Creating, CreatedBy: "ada", CreatedAt: now, UpdatedAt: now,
			Settings: Settings{Model: "azureml:m:1", InstanceCount: 3, EnvironmentVariables: map[string]string{"A": "1"}},
			Replicas: []Replica{}, revision: 7, userID: "u", lastEnded: "replica-0",
			source: Source{Script: "score.py", Model: &ModelSource{Name: "m", Tree: "t", Folder: "model"}}}
		r := Replica{ID: "replica-1", State: Ready, PID: 5, StartedAt: now, workspace: f.ws, endpoint: e.Name, deployment: "blue",
			revision: 7, handle: "h", lastSeq: 3, stopping: true, tokenAt: now,
			Restarts: &Restarts{Count: 2, Reason: compute.Failure{Code: "X", Message: "y"}, At: now, NextAt: now}}
		err := db.Write(f.ctx, func(tx *sqldb.Tx) error {
			for _, err := range []error{insertEndpoint(f.ctx, tx, e), insertDeployment(f.ctx, tx, d), insertReplica(f.ctx, tx, r)} {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Read(f.ctx, func(tx *sqldb.Tx) error {
			gotE, errE := selectEndpoint(f.ctx, tx, f.ws, e.Name)
			gotD, errD := selectDeployment(f.ctx, tx, f.ws, e.Name, "blue")
			gotR, errR := selectReplica(f.ctx, tx, f.ws, r.ID)
			for _, err := range []error{errE, errD, errR} {
				if err != nil {
					return err
				}
			}
			all := cmp.AllowUnexported(Endpoint{}, Deployment{}, Replica{}, Source{})
			if diff := cmp.Diff(e, gotE, all, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("endpoint (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(d, gotD, all, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("deployment (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(r, gotR, all); diff != "" {
				t.Errorf("replica (-want +got):\n%s", diff)
			}
			if n, err := CountReplicas(f.ctx, tx); n != 1 || err != nil {
				t.Errorf("%d replicas are counted, %v", n, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestEndpointsFromCreationToDeletion(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		f := newFixture(t, db)
		e, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "diabetes"})
		if err != nil || e.State != Succeeded || e.AuthMode != KeyAuth || e.ScoringURI != "http://atelier.test/workspaces/default/endpoints/diabetes/score" {
			t.Fatalf("created %+v, %v", e, err)
		}
		f.want(t, atelier.Conflict, f.try(f.Create(f.ctx, f.ws, CreateEndpoint{Name: "diabetes"})))
		f.want(t, atelier.Invalid, f.try(f.Create(f.ctx, f.ws, CreateEndpoint{Name: "-x"})))
		f.want(t, atelier.Invalid, f.try(f.Create(f.ctx, f.ws, CreateEndpoint{Name: "early", Traffic: Traffic{"blue": 100}})))
		f.want(t, atelier.NotFound, f.try(f.Get(f.ctx, "another workspace", "diabetes")))

		made, err := f.CreateDeployment(f.ctx, f.ws, "diabetes", f.scored(t, "blue"), true)
		if err != nil || made.Tags == nil || made.Properties == nil || made.EnvironmentVariables == nil {
			t.Fatalf("what was left out is empty, never null: %+v, %v", made, err)
		}
		f.want(t, atelier.Conflict, f.try(f.CreateDeployment(f.ctx, f.ws, "diabetes", f.scored(t, "blue"), false)))
		f.want(t, atelier.NotFound, f.try(f.CreateDeployment(f.ctx, f.ws, "nobody", f.scored(t, "blue"), false)))
		if _, err := f.CreateDeployment(f.ctx, f.ws, "diabetes", f.scored(t, "green"), false); err != nil {
			t.Fatal(err)
		}
		f.want(t, atelier.Invalid, f.try(f.Update(f.ctx, f.ws, "diabetes", UpdateEndpoint{Traffic: &Traffic{"blue": 99}})))
		if e, err = f.Update(f.ctx, f.ws, "diabetes", UpdateEndpoint{Traffic: &Traffic{"blue": 90, "green": 10}}); err != nil || e.Traffic["green"] != 10 {
			t.Fatalf("updated %+v, %v", e, err)
		}
		f.want(t, atelier.Precondition, f.DeleteDeployment(f.ctx, f.ws, "diabetes", "green"))
		if _, err = f.Update(f.ctx, f.ws, "diabetes", UpdateEndpoint{Traffic: &Traffic{"blue": 100}}); err != nil {
			t.Fatal(err)
		}
		if err := f.DeleteDeployment(f.ctx, f.ws, "diabetes", "green"); err != nil {
			t.Fatal(err)
		}
		if all, err := f.Deployments(f.ctx, f.ws, "diabetes"); err != nil || len(all) != 1 || all[0].Name != "blue" {
			t.Errorf("left %+v, %v", all, err)
		}
		if err := f.Delete(f.ctx, f.ws, "diabetes"); err != nil {
			t.Fatal(err)
		}
		f.want(t, atelier.NotFound, f.try(f.Deployment(f.ctx, f.ws, "diabetes", "blue")))
	})
}

func (f *fixture) try(_ any, err error) error { return err }

func (f *fixture) want(t *testing.T, code atelier.Code, err error) {
	t.Helper()
	if atelier.CodeOf(err) != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestKeysAreSealedAndReplaced(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		f := newFixture(t, db)
		if _, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "diabetes"}); err != nil {
			t.Fatal(err)
		}
		before, err := f.Credentials(f.ctx, f.ws, "diabetes")
		if err != nil || before.PrimaryKey == "" || before.PrimaryKey == before.SecondaryKey {
			t.Fatalf("keys %+v, %v", before, err)
		}
		e, err := f.Get(f.ctx, f.ws, "diabetes")
		if err != nil || strings.Contains(e.keys, before.PrimaryKey) {
			t.Errorf("the key is stored as it is: %q, %v", e.keys, err)
		}
		after, err := f.RegenerateKey(f.ctx, f.ws, "diabetes", PrimaryKey)
		if err != nil || after.PrimaryKey == before.PrimaryKey || after.SecondaryKey != before.SecondaryKey {
			t.Errorf("after %+v, before %+v, %v", after, before, err)
		}
		target, _ := f.router.find(endpointKey{f.ws, "diabetes"})
		if target.accepts(sha256.Sum256([]byte(before.PrimaryKey))) || !target.accepts(sha256.Sum256([]byte(after.PrimaryKey))) || !target.accepts(sha256.Sum256([]byte(after.SecondaryKey))) {
			t.Error("the router does not know the new keys, or still knows the old one")
		}
		f.want(t, atelier.Invalid, f.try(f.RegenerateKey(f.ctx, f.ws, "diabetes", "tertiary")))
	})
}

func TestSettingsAreChecked(t *testing.T) {
	f := newFixture(t, sqldbtest.SQLite(t, clock.System{}))
	if _, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "diabetes"}); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(c *CreateDeployment){
		"name":                                func(c *CreateDeployment) { c.Name = "no spaces" },
		"endpoint_name":                       func(c *CreateDeployment) { c.Endpoint = "other" },
		"model":                               func(c *CreateDeployment) { c.CodeConfiguration = nil },
		"code_configuration.code":             func(c *CreateDeployment) { c.CodeConfiguration.Code = "azureml:" + strings.Repeat("0", 64) + ":1" },
		"code_configuration.scoring_script":   func(c *CreateDeployment) { c.CodeConfiguration.ScoringScript = "../score.py" },
		"instance_count":                      func(c *CreateDeployment) { c.InstanceCount = 51 },
		"request_settings.request_timeout_ms": func(c *CreateDeployment) { c.RequestSettings = &RequestSettings{RequestTimeoutMS: 180_001} },
		"scale_settings.type":                 func(c *CreateDeployment) { c.ScaleSettings = &ScaleSettings{Type: "by_moon"} },
		"scale_settings.max_instances": func(c *CreateDeployment) {
			c.ScaleSettings = &ScaleSettings{Type: UtilizationScale, MaxInstances: 51}
		},
		"scale_settings.min_instances": func(c *CreateDeployment) {
			c.ScaleSettings = &ScaleSettings{Type: UtilizationScale, MinInstances: ptr(3), MaxInstances: 2}
		},
		"scale_settings.target_utilization_percentage": func(c *CreateDeployment) {
			c.ScaleSettings = &ScaleSettings{Type: UtilizationScale, TargetUtilization: 101}
		},
		"environment_variables.WORKER_COUNT": func(c *CreateDeployment) { c.EnvironmentVariables = map[string]string{"WORKER_COUNT": "many"} },
	} {
		ask := f.scored(t, "blue")
		change(&ask)
		_, err := f.CreateDeployment(f.ctx, f.ws, "diabetes", ask, false)
		if err == nil || atelier.Public(err).Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if all, err := f.Deployments(f.ctx, f.ws, "diabetes"); err != nil || len(all) != 0 {
		t.Errorf("something was created: %+v, %v", all, err)
	}
}

func TestAnUpdateMakesNewReplicasOnlyWhereItMust(t *testing.T) {
	f := newFixture(t, sqldbtest.SQLite(t, clock.System{}))
	if _, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "diabetes"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.CreateDeployment(f.ctx, f.ws, "diabetes", f.scored(t, "blue"), false); err != nil {
		t.Fatal(err)
	}
	text, count := "better", 2
	for _, test := range []struct {
		change   UpdateDeployment
		revision int64
		state    State
	}{
		{UpdateDeployment{Description: &text}, 1, Creating},
		{UpdateDeployment{RequestSettings: &RequestSettings{RequestTimeoutMS: 100}}, 1, Creating},
		{UpdateDeployment{InstanceCount: &count}, 1, Scaling},
		{UpdateDeployment{EnvironmentVariables: &map[string]string{"A": "1"}}, 2, Updating},
		{UpdateDeployment{RequestSettings: &RequestSettings{MaxConcurrentRequests: 2}}, 3, Updating},
	} {
		d, err := f.UpdateDeployment(f.ctx, f.ws, "diabetes", "blue", test.change)
		if err != nil || d.revision != test.revision || d.State != test.state {
			t.Errorf("%+v: revision %d, %s, %v; want %d, %s", test.change, d.revision, d.State, err, test.revision, test.state)
		}
	}
	d, err := f.Deployment(f.ctx, f.ws, "diabetes", "blue")
	want := RequestSettings{RequestTimeoutMS: 100, MaxConcurrentRequests: 2, MaxQueueWaitMS: 500}
	if err != nil || d.RequestSettings != want {
		t.Errorf("settings %+v, %v; want %+v", d.RequestSettings, err, want)
	}
}

// What a deployment runs is needed as long as it is there, also when nothing is
// registered under the name that its user wrote.
func TestDeploymentsReferToTheirFiles(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		f := newFixture(t, db)
		if _, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "diabetes"}); err != nil {
			t.Fatal(err)
		}
		model := f.folder(t, map[string]string{"weights": "w"})
		registered, err := f.Models.Register(f.ctx, f.ws, registration("m", model.ID))
		if err != nil {
			t.Fatal(err)
		}
		wanted := f.scored(t, "blue")
		wanted.Model = "azureml:m:1"
		if _, err := f.CreateDeployment(f.ctx, f.ws, "diabetes", wanted, false); err != nil {
			t.Fatal(err)
		}
		if err := f.Models.Delete(f.ctx, f.ws, "m"); err != nil {
			t.Fatal(err)
		}
		code, err := codeTree(wanted.CodeConfiguration.Code)
		if err != nil {
			t.Fatal(err)
		}
		found := map[blob.Hash]bool{}
		err = db.Read(f.ctx, func(tx *sqldb.Tx) error {
			return References(f.ctx, tx, f.ws, func(r blob.Reference) { found[r.Hash] = r.Tree })
		})
		if err != nil || !found[registered.Tree] || !found[code] {
			t.Errorf("refers to %v, %v; want %s and %s", found, err, registered.Tree, code)
		}
	})
}

// A run that a deployment names stays as long as the deployment does.
func TestARunStaysWithItsDeployment(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		f := newFixture(t, db)
		runs := tracking.New(db, f.Blobs, f.bus)
		runs.OnPurge(f.MayPurge, nil)
		run, err := runs.StartRun(f.ctx, f.ws, tracking.NewRun{Experiment: "e"})
		if err != nil {
			t.Fatal(err)
		}
		if err := runs.Upload(f.ctx, f.ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}, "model/weights", strings.NewReader("w")); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "diabetes"}); err != nil {
			t.Fatal(err)
		}
		wanted := f.scored(t, "blue")
		wanted.Model = "runs:/" + run.ID + "/model"
		if _, err := f.CreateDeployment(f.ctx, f.ws, "diabetes", wanted, false); err != nil {
			t.Fatal(err)
		}
		if err := runs.Delete(f.ctx, f.ws, run.ID); err != nil {
			t.Fatal(err)
		}
		purge := func() tracking.Purged {
			t.Helper()
			done, err := runs.Purge(f.ctx, f.ws, tracking.Purge{DeletedBefore: time.Now().Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		if done := purge(); done.Runs != 0 || done.Kept != 1 || done.Reasons[0].Reason != "The deployment blue of the endpoint diabetes names it." {
			t.Errorf("purged %+v", done)
		}
		err = db.Write(f.ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(f.ctx, `DELETE FROM deployments WHERE workspace_id = $1`, f.ws)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if done := purge(); done.Runs != 1 {
			t.Errorf("purged %+v once the deployment is gone", done)
		}
	})
}

func registration(name string, tree blob.Hash) model.Register {
	return model.Register{Name: name, Path: "azureml://datastores/workspaceblobstore/paths/LocalUpload/" + string(tree) + "/m"}
}

func TestLastLines(t *testing.T) {
	for _, test := range []struct {
		text string
		n    int
		want string
	}{{"", 3, ""}, {"a\nb\nc\n", 2, "b\nc\n"}, {"a\nb\nc", 2, "b\nc"}, {"a\nb\n", 5, "a\nb\n"}, {"a\n", 1, "a\n"}} {
		if got := lastLines(test.text, test.n); got != test.want {
			t.Errorf("the last %d of %q are %q, want %q", test.n, test.text, got, test.want)
		}
	}
}

func ptr[T any](v T) *T { return &v }
