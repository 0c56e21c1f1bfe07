package environment_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// start returns the service, the ids of two workspaces, and a context in which
// their owner asks.
func start(t *testing.T, db *sqldb.DB) (s *environment.Service, ctx context.Context, ws, other string) {
	t.Helper()
	who := access.New(db, clock.System{})
	owner, _, err := who.Bootstrap(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	ctx = atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name})
	workspaces := workspace.New(db, who, event.NewBus())
	var ids [2]string
	for i, name := range []string{"first", "second"} {
		made, err := workspaces.Create(ctx, workspace.Create{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = made.ID
	}
	return environment.New(db), ctx, ids[0], ids[1]
}

func TestNamedVersionsCountUpAndPin(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, ctx, ws, other := start(t, db)
		for i, packages := range []string{"numpy==2.0.0", "numpy==2.1.3"} {
			made, err := s.Register(ctx, ws, environment.RegisterEnvironment{Name: "vision", PipRequirements: packages})
			if err != nil || made.Version != []string{"1", "2"}[i] || made.CreatedBy != "ada" {
				t.Fatalf("registering gave %+v, %v", made, err)
			}
		}
		for reference, want := range map[string]string{
			"azureml:vision:1": "numpy==2.0.0", "vision:2": "numpy==2.1.3", "azureml:vision@latest": "numpy==2.1.3", "vision": "numpy==2.1.3",
		} {
			d, resolved, err := s.Resolve(ctx, ws, environment.Spec{Reference: reference})
			if err != nil || len(d.Requirements) != 1 || d.Requirements[0] != want || resolved.Name != "vision" || resolved.Version == "" {
				t.Errorf("%s gave %v, %+v, %v", reference, d.Requirements, resolved, err)
			}
		}
		if _, _, err := s.Resolve(ctx, other, environment.Spec{Reference: "vision"}); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("another workspace sees it: %v", err)
		}
		if _, err := s.Register(ctx, ws, environment.RegisterEnvironment{Name: "vision", Version: "2", PipRequirements: "numpy"}); atelier.CodeOf(err) != atelier.Conflict {
			t.Errorf("a version was replaced: %v", err)
		}
		for _, name := range []string{"", "a/b", "AzureML-mine", "sklearn-1.5", environment.Anonymous} {
			if _, err := s.Register(ctx, ws, environment.RegisterEnvironment{Name: name, PipRequirements: "numpy"}); atelier.CodeOf(err) != atelier.Invalid {
				t.Errorf("the name %q: %v, want invalid", name, err)
			}
		}
	})
}

func TestAnonymousEnvironmentsAreKeptOnce(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, ctx, ws, other := start(t, db)
		for _, text := range []string{"dependencies: [python=3.11, numpy=2.1]", "# same\ndependencies:\n- numpy=2.1\n- python=3.11\n"} {
			d, resolved, err := s.Resolve(ctx, ws, environment.Spec{CondaFile: text, Image: "mcr.microsoft.com/x"})
			if err != nil || !strings.Contains(resolved.Hint, "mcr.microsoft.com/x") {
				t.Fatalf("%+v, %v", resolved, err)
			}
			if err := db.Write(ctx, func(tx *sqldb.Tx) error { return s.Keep(ctx, tx, ws, d) }); err != nil {
				t.Fatal(err)
			}
		}
		all, err := s.List(ctx, ws, environment.List{})
		if err != nil {
			t.Fatal(err)
		}
		var own []environment.Environment
		for _, e := range all {
			if !e.Curated {
				own = append(own, e)
			}
		}
		if len(own) != 1 || own[0].Name != environment.Anonymous || own[0].Requirements[0] != "numpy==2.1.*" {
			t.Fatalf("kept %+v", own)
		}
		again, _, err := s.Resolve(ctx, ws, environment.Spec{Reference: own[0].Name + ":" + own[0].Version})
		if err != nil || again.Hash() != own[0].Hash {
			t.Errorf("the kept one cannot be used again: %v", err)
		}
		if _, err := s.Get(ctx, other, own[0].Name, own[0].Version); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("another workspace sees it: %v", err)
		}
	})
}

func TestAzuresNamesFindOurs(t *testing.T) {
	s := environment.New(sqldbtest.SQLite(t, clock.System{}))
	for reference, want := range map[string]string{
		"": "sklearn-1.5", "sklearn-1.5": "sklearn-1.5", "AzureML-sklearn-1.5": "sklearn-1.5", "azureml:sklearn-1.5@latest": "sklearn-1.5",
		"azureml://registries/azureml/environments/sklearn-1.5/labels/latest": "sklearn-1.5",
		"azureml://registries/azureml/environments/sklearn-1.5/versions/33":   "sklearn-1.5",
		"azureml:AzureML-sklearn-1.0-ubuntu20.04-py38-cpu@latest":             "sklearn-1.5",
		"python": "python", "lightgbm-4.6": "lightgbm-4.6", "azureml:AzureML-lightgbm-3.3@latest": "lightgbm-4.6",
		"azureml://registries/azureml/environments/minimal-py312-inference/labels/latest": "minimal",
	} {
		d, resolved, err := s.Resolve(t.Context(), "ws", environment.Spec{Reference: reference})
		if err != nil || resolved.Name != want || len(d.Requirements) == 0 != (want == "python") {
			t.Errorf("%q gave %+v, %v; want %s", reference, resolved, err, want)
		}
	}
	d, _, _ := s.Resolve(t.Context(), "ws", environment.Spec{Reference: "minimal-py312-inference"})
	if d.Python != "3.12" {
		t.Errorf("the Python in the name is not used: %q", d.Python)
	}
	_, _, err := s.Resolve(t.Context(), "ws", environment.Spec{Reference: "azureml:our-own@latest"})
	if atelier.CodeOf(err) != atelier.NotFound || !strings.Contains(err.Error(), "sklearn-1.5") {
		t.Errorf("an unknown name should list what is there: %v", err)
	}
	for reference, hint := range map[string]string{
		"azureml:ACPT-Extended@latest": "torch.",
		"azureml://registries/azureml/environments/responsibleai-vision/versions/28":        "script imports.",
		"azureml://registries/azureml/environments/ai-ml-automl-dnn-text-gpu/labels/latest": "script imports.",
	} {
		_, _, err := s.Resolve(t.Context(), "ws", environment.Spec{Reference: reference})
		if atelier.CodeOf(err) != atelier.NotFound || !strings.Contains(err.Error(), "not offered here") || !strings.Contains(atelier.Public(err).Hint, hint) {
			t.Errorf("%s: %v (%s), want %q", reference, err, atelier.Public(err).Hint, hint)
		}
	}
}

// Whoever names one of Azure's environments is told what ours does not hold.
func TestStandInsSayWhatTheyLack(t *testing.T) {
	s := environment.New(sqldbtest.SQLite(t, clock.System{}))
	for reference, want := range map[string][2]string{
		"azureml:AzureML-acpt-pytorch-2.8-cuda12.6@latest":                               {"pytorch-2.8", "without DeepSpeed"},
		"azureml://registries/azureml/environments/acpt-pytorch-2.2-cuda12.1/versions/3": {"pytorch-2.8", "for PyTorch 2.2 write a conda_file"},
		"azureml://registries/azureml/environments/tensorflow-2.16-cuda12/labels/latest": {"tensorflow-2.16", "without Horovod"},
		"azureml://registries/azureml/environments/responsibleai-tabular/versions/28":    {"responsibleai-tabular", ""},
		"azureml:AzureML-responsibleai-ubuntu20.04-py310-cpu@latest":                     {"responsibleai-tabular", "call Azure"},
		"azureml://registries/azureml/environments/model-evaluation/versions/6":          {"model-evaluation", ""},
		"azureml:AzureML-AutoML@prod":                                                    {"automl", "without automated ML itself"},
	} {
		d, resolved, err := s.Resolve(t.Context(), "ws", environment.Spec{Reference: reference})
		if err != nil || d.Name != want[0] || !strings.Contains(resolved.Hint, want[1]) {
			t.Errorf("%s gave %s, %q, %v; want %q", reference, d.Name, resolved.Hint, err, want)
		}
	}
	d, _, _ := s.Resolve(t.Context(), "ws", environment.Spec{Reference: "azureml:AzureML-responsibleai-ubuntu20.04-py310-cpu@latest"})
	if d.Python != "3.10" {
		t.Errorf("the Python in the name is not used: %q", d.Python)
	}
}

func TestImageAloneIsAHint(t *testing.T) {
	s := environment.New(sqldbtest.SQLite(t, clock.System{}))
	for image, want := range map[string][2]string{
		"docker.io/python": {"python", ">=3.10,<3.14"}, "library/python:3.11.6": {"python", "3.11"}, "library/python:3.8": {"python", ">=3.10,<3.14"},
		"mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04": {environment.DefaultName, ">=3.10,<3.14"}, "mcr.microsoft.com/azureml/minimal-py312-inference": {environment.DefaultName, "3.12"},
	} {
		d, resolved, err := s.Resolve(t.Context(), "ws", environment.Spec{Image: image})
		if err != nil || d.Python != want[1] || resolved.Name != want[0] {
			t.Errorf("%s gave %q, %+v, %v", image, d.Python, resolved, err)
		}
		if !strings.Contains(resolved.Hint, image) || !strings.Contains(resolved.Hint, "hint") {
			t.Errorf("the user is not told: %q", resolved.Hint)
		}
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	s := environment.New(sqldbtest.SQLite(t, clock.System{}))
	for name, spec := range map[string]environment.Spec{
		"two pythons":  {CondaFile: "dependencies: [python=3.11]", PythonVersion: "3.12"},
		"two files":    {CondaFile: "dependencies: [python=3.11]", PipRequirements: "numpy"},
		"no content":   {Name: "x"},
		"not a python": {PythonVersion: "latest"},
		"bad label":    {Reference: "azureml:sklearn-1.5@stable"},
		"not a name":   {Reference: "azureml://datastores/a/paths/b"},
	} {
		if _, _, err := s.Resolve(t.Context(), "ws", spec); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

// pin is one line of a curated file: a package, one version, and when it holds.
var pin = regexp.MustCompile(`^([a-z0-9]+(?:-[a-z0-9]+)*)==([0-9][0-9a-z.+]*)(?:; (.+))?$`)

func TestCuratedEnvironmentsPinEveryPackageOnce(t *testing.T) {
	for _, e := range environment.Curated() {
		always := map[string]string{}
		for _, requirement := range e.Requirements {
			parts := pin.FindStringSubmatch(requirement)
			if parts == nil {
				t.Errorf("%s does not pin %q", e.Name, requirement)
				continue
			}
			if version, there := always[parts[1]]; there && version != parts[2] {
				t.Errorf("%s pins %s twice: %s and %s", e.Name, parts[1], version, parts[2])
			}
			if parts[3] == "" {
				always[parts[1]] = parts[2]
			}
			if strings.HasPrefix(parts[1], "nvidia-") && !strings.Contains(parts[3], "platform_machine != 'x86_64'") {
				t.Errorf("%s brings CUDA to machines without a GPU: %q", e.Name, requirement)
			}
		}
		if e.Description == "" || e.PythonVersion == "" || e.Hash == "" || len(e.Requirements) == 0 && e.Name != "python" {
			t.Errorf("%s is not complete: %+v", e.Name, e)
		}
	}
}

func TestArchivedVersionsAreLeftOutButStillRun(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, ctx, ws, other := start(t, db)
		yes, no, words := true, false, "for pictures"
		for _, packages := range []string{"numpy==2.0.0", "numpy==2.1.3"} {
			if _, err := s.Register(ctx, ws, environment.RegisterEnvironment{Name: "vision", PipRequirements: packages, Tags: map[string]string{"a": "b"}}); err != nil {
				t.Fatal(err)
			}
		}
		versions := func(archived bool) (names string) {
			all, err := s.List(ctx, ws, environment.List{Name: "vision", Archived: archived})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range all {
				names += e.Version
			}
			return names
		}
		changed, err := s.Update(ctx, ws, "vision", "2", environment.Update{Archived: &yes, Description: &words, Tags: map[string]*string{"a": nil, "c": &words}})
		if err != nil || !changed.Archived || changed.Description != words || len(changed.Tags) != 1 || changed.Tags["c"] != words {
			t.Errorf("archiving gave %+v, %v", changed, err)
		}
		if got := versions(false) + "|" + versions(true); got != "1|21" {
			t.Errorf("the lists have %s", got)
		}
		latest, err := s.Get(ctx, ws, "vision", environment.Latest)
		if err != nil || latest.Version != "1" {
			t.Errorf("the latest is %+v, %v", latest, err)
		}
		if d, _, err := s.Resolve(ctx, ws, environment.Spec{Reference: "vision:2"}); err != nil || d.Requirements[0] != "numpy==2.1.3" {
			t.Errorf("a job that names it gets %+v, %v", d, err)
		}
		if _, err := s.UpdateAll(ctx, ws, "vision", environment.UpdateAll{Archived: &yes}); err != nil || versions(false) != "" {
			t.Errorf("archiving all left %q, %v", versions(false), err)
		}
		if _, _, err := s.Resolve(ctx, ws, environment.Spec{Reference: "vision"}); atelier.CodeOf(err) != atelier.NotFound || !strings.Contains(err.Error(), "archived") {
			t.Errorf("with all archived: %v", err)
		}
		if _, err := s.UpdateAll(ctx, ws, "vision", environment.UpdateAll{Archived: &no}); err != nil || versions(false) != "21" {
			t.Errorf("restoring left %q, %v", versions(false), err)
		}
		for name, want := range map[string]atelier.Code{"vision:3": atelier.NotFound, "nothing:1": atelier.NotFound, "sklearn-1.5:1": atelier.Precondition} {
			name, version, _ := strings.Cut(name, ":")
			if _, err := s.Update(ctx, ws, name, version, environment.Update{Archived: &yes}); atelier.CodeOf(err) != want {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		}
		if _, err := s.UpdateAll(ctx, other, "vision", environment.UpdateAll{Archived: &yes}); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("another workspace archived it: %v", err)
		}
	})
}
