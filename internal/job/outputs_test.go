package job_test

import (
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/model"
)

// made has a running job leave a file among its artifacts, and end.
func (b *bench) made(name string, files map[string]string, code int) job.Job {
	b.t.Helper()
	b.await(name, job.Preparing)
	for path, text := range files {
		hash, size, err := b.blobs.Put(b.ctx, b.ws.ID, strings.NewReader(text))
		if err == nil {
			err = b.runs.PutArtifact(b.ctx, b.ws.ID, name, path, hash, size)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	status := job.Completed
	record := compute.Record{Seq: 1, Type: compute.ExitRecord, ExitCode: &code}
	records := []compute.Record{record}
	if code != 0 {
		status = job.Failed
		records = []compute.Record{{Seq: 1, Type: compute.ErrorRecord, Error: &compute.Failure{Code: compute.UserError, Message: "wrong"}}, record}
		records[1].Seq = 2
	}
	if _, err := b.report(b.ctx, compute.Task{ID: name}, compute.Report{Records: records}); err != nil {
		b.t.Fatal(err)
	}
	j, err := b.jobs.Get(b.ctx, b.ws.ID, name)
	if err != nil {
		b.t.Fatal(err)
	}
	if j.Status != status && j.Error == nil {
		b.t.Fatalf("%s is %s", name, j.Status)
	}
	return j
}

// task is what the compute was given for a job.
func (b *bench) task(name string) compute.Task {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tasks[name]
}

var system = environment.Spec{Reference: job.SystemEnvironment}

var silent = fake.Script{LoseContact: true, Hang: true}

func modelOutput(kind, version string) func(*job.Spec) {
	return func(spec *job.Spec) {
		spec.Outputs = map[string]job.Output{"best": {Type: kind, Name: "ridge", Version: version}}
	}
}

const mlmodel = "flavors:\n  sklearn: {pickled_model: model.pkl}\n"

func TestOutputsBecomeModels(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.run()
		files := map[string]string{"named-outputs/best/MLmodel": mlmodel, "named-outputs/best/model.pkl": "x"}
		b.submit("one", silent, modelOutput("mlflow_model", ""))
		if j := b.made("one", files, 0); j.Status != job.Completed {
			t.Fatalf("%s, %+v", j.Status, j.Error)
		}
		v, err := b.deps.Models.Version(b.ctx, b.ws.ID, "ridge", "1")
		if err != nil || v.RunID != "one" || v.Type != model.MLflow || v.Flavors["sklearn"] == nil || v.Tree == "" {
			t.Errorf("the version is %+v, %v", v, err)
		}

		b.submit("failing", silent, modelOutput("mlflow_model", ""))
		b.made("failing", files, 1)
		b.submit("wrong", silent, modelOutput("mlflow_model", ""))
		j := b.made("wrong", map[string]string{"named-outputs/best/weights": "x"}, 0)
		if j.Status != job.Failed || !strings.Contains(j.Error.Message, "could not be registered as the model ridge: The files are not an MLflow model") {
			t.Errorf("a folder that is no MLflow model: %s, %+v", j.Status, j.Error)
		}
		if _, err := b.deps.Models.Version(b.ctx, b.ws.ID, "ridge", "2"); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("a job that failed left a version: %v", err)
		}

		b.submit("chosen", silent, modelOutput("custom_model", "7"))
		if _, err := b.deps.Models.Register(b.ctx, b.ws.ID, model.Register{Name: "ridge", Version: "7", Path: "azureml://jobs/one/outputs/best"}); err != nil {
			t.Fatal(err)
		}
		j = b.made("chosen", map[string]string{"named-outputs/best/weights": "x"}, 0)
		if j.Status != job.Failed || !strings.Contains(j.Error.Message, `There is a version "7" already.`) {
			t.Errorf("a version that somebody else made meanwhile: %s, %+v", j.Status, j.Error)
		}
	})
}

func TestOutputsThatCannotBeRegisteredAreRefusedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.run()
		b.submit("one", silent, modelOutput("custom_model", "3"))
		b.made("one", map[string]string{"named-outputs/best/weights": "x"}, 0)
		twice := job.Output{Name: "table", Version: "1"}
		for name, test := range map[string]struct {
			outputs map[string]job.Output
			code    atelier.Code
			field   string
		}{
			"taken":      {map[string]job.Output{"m": {Type: "custom_model", Name: "ridge", Version: "3"}}, atelier.Conflict, "outputs.m.version"},
			"twice":      {map[string]job.Output{"a": twice, "b": twice}, atelier.Conflict, "outputs.b.version"},
			"no number":  {map[string]job.Output{"m": {Type: "custom_model", Name: "ridge", Version: "new"}}, atelier.Invalid, "outputs.m.version"},
			"no name":    {map[string]job.Output{"m": {Type: "custom_model", Version: "3"}}, atelier.Invalid, "outputs.m.version"},
			"a bad name": {map[string]job.Output{"m": {Type: "custom_model", Name: "a:b"}}, atelier.Invalid, "outputs.m.name"},
			"a bad mode": {map[string]job.Output{"m": {Mode: "ro_mount"}}, atelier.Invalid, "outputs.m.mode"},
		} {
			_, err := b.jobs.Submit(b.ctx, b.ws.ID, job.Spec{Command: "x", Outputs: test.outputs})
			if public := atelier.Public(err); public.Code != test.code || public.Field != test.field {
				t.Errorf("%s: %v at %q", name, err, public.Field)
			}
		}
	})
}

func TestAnIdentityIsTakenAndExplained(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, kind := range job.IdentityTypes {
			j := b.submit("", fake.Script{}, func(spec *job.Spec) { spec.Identity = &job.Identity{Type: kind} })
			if len(j.Notices) != 1 || !strings.Contains(j.Notices[0], "a token of its own") || j.Identity.Type != kind {
				t.Errorf("%s: %v", kind, j.Notices)
			}
		}
		_, err := b.jobs.Submit(b.ctx, b.ws.ID, job.Spec{Command: "x", Identity: &job.Identity{Type: "me"}})
		if public := atelier.Public(err); public.Code != atelier.Invalid || public.Field != "identity.type" {
			t.Errorf("got %v", err)
		}
	})
}

func TestServicesThatAreNotOfferedAreRefusedByName(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for kind, want := range map[string]string{"ssh": "atelier job shell NAME", "vs_code": "jupyter_lab", "custom": "Only programs that are known", "emacs": "The types are tensor_board, jupyter_lab"} {
			_, err := b.jobs.Submit(b.ctx, b.ws.ID, job.Spec{Command: "x", Environment: system, Services: map[string]job.SideService{"me": {Type: kind}}})
			if public := atelier.Public(err); public.Code != atelier.Invalid || public.Field != "services.me.type" || !strings.Contains(public.Message, want) {
				t.Errorf("%s: %v", kind, err)
			}
		}
	})
}

func TestModelsAreInputsByEveryPath(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.run()
		b.submit("one", silent, modelOutput("mlflow_model", ""))
		b.made("one", map[string]string{"named-outputs/best/MLmodel": mlmodel}, 0)
		tree := b.folder("MLmodel", mlmodel)
		for _, path := range []string{"azureml:ridge:1", "azureml:ridge@latest", "models:/ridge/1", "azureml://jobs/one/outputs/best", "runs:/one/named-outputs/best",
			"azureml://datastores/workspaceblobstore/paths/LocalUpload/" + string(tree.ID), "azureml://datastores/workspaceblobstore/paths/azureml/one/best"} {
			for _, mode := range []string{"", "direct"} {
				j, err := b.jobs.Submit(b.ctx, b.ws.ID, job.Spec{Command: "cat ${{inputs.m}}", Environment: system,
					Inputs: map[string]job.Input{"m": {Type: "mlflow_model", Path: path, Mode: mode}}})
				if err != nil {
					t.Errorf("%s %s: %v", path, mode, err)
					continue
				}
				b.await(j.Name, job.Completed)
				if given := b.task(j.Name).Inputs["m"]; mode == "" && given.Tree == "" || mode == "direct" && *given.Value != path {
					t.Errorf("%s %s: the task has %+v", path, mode, given)
				}
			}
		}
		if _, err := b.jobs.Submit(b.ctx, b.ws.ID, job.Spec{Command: "x", Environment: system,
			Inputs: map[string]job.Input{"m": {Type: "mlflow_model", Path: "azureml://datastores/workspaceblobstore/paths/LocalUpload/" + string(b.folder("a", "x").ID)}}}); atelier.Public(err).Field != "inputs.m" && atelier.Public(err).Field != "path" {
			t.Errorf("a folder without MLmodel: %v", err)
		}
	})
}
