package job_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

func TestARerunHasTheSameFilesAndTheLock(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		code, old := b.folder("train.py", "print()"), b.folder("a.csv", "1,2")
		upload := func(id string) string {
			return "azureml://datastores/workspaceblobstore/paths/LocalUpload/" + id + "/a.csv"
		}
		register := func(path string) {
			if _, err := b.deps.Data.Register(b.ctx, b.ws.ID, data.Register{Name: "table", Type: data.File, Path: path}); err != nil {
				t.Fatal(err)
			}
		}
		register(upload(string(old.ID)))
		b.run()
		first := b.submit("first", fake.Script{Hang: true}, func(spec *job.Spec) {
			spec.Code, spec.Command = "azureml:"+string(code.ID)+":1", "train ${{inputs.alpha}} ${{inputs.data}}"
			spec.Environment = environment.Spec{PipRequirements: "numpy"}
			spec.Outputs = map[string]job.Output{"report": {Name: "reports", Version: "7"}}
			spec.Inputs = map[string]job.Input{"alpha": job.Literal("0.5"), "data": {Type: "uri_file", Path: "azureml:table@latest"}}
		})
		b.await("first", job.Running)
		if _, err := b.jobs.Rerun(b.ctx, b.ws.ID, "first", job.Rerun{}); atelier.CodeOf(err) != atelier.Precondition {
			t.Errorf("a job without an environment was repeated: %v", err)
		}
		_, err := b.jobs.Report(asJob(b.ctx, b.ws, "first"), b.ws.ID, "first", compute.Report{Records: []compute.Record{
			{Seq: 1000, Type: compute.EnvironmentRecord, Environment: &compute.EnvironmentInfo{Python: "3.11.7", Lock: []string{"numpy==2.0.0"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		register(upload(string(b.folder("a.csv", "3,4").ID))) // @latest is another one now

		again, err := b.jobs.Rerun(b.ctx, b.ws.ID, "first", job.Rerun{Name: "again"})
		if err != nil {
			t.Fatal(err)
		}
		if again.Name != "again" || again.Code != first.Code || again.Command != first.Command || again.Properties[job.RerunOf] != "first" || again.Inputs["alpha"].Value != "0.5" {
			t.Errorf("the new job is %+v", again.Spec)
		}
		if out := again.Outputs["report"]; out.Name != "" || out.Version != "" || !strings.Contains(strings.Join(again.Notices, " "), "report") {
			t.Errorf("it would register %+v again, and says %v", out, again.Notices)
		}
		if first.Properties[job.RerunOf] != "" || again.DisplayName != "again" {
			t.Errorf("the first job was changed: %+v, %q", first.Properties, again.DisplayName)
		}
		d, _, err := b.deps.Environments.Resolve(b.ctx, b.ws.ID, again.Environment)
		if err != nil || d.Python != "3.11.7" || !slices.Equal(d.Requirements, []string{"numpy==2.0.0"}) {
			t.Errorf("its environment is %+v, %v", d, err)
		}
		uses, err := b.deps.Data.UsesOfRun(b.ctx, b.ws.ID, "again")
		if err != nil || len(uses) != 1 || uses[0].Version != "1" || again.Inputs["data"].Path != "azureml:table:1" {
			t.Errorf("it reads %+v, %v as %q", uses, err, again.Inputs["data"].Path)
		}
		run, err := b.runs.Run(b.ctx, b.ws.ID, "again")
		if err != nil || run.Tags[job.RerunOf] != "first" {
			t.Errorf("its run has the tags %v, %v", run.Tags, err)
		}
		if _, err := b.jobs.Rerun(b.ctx, b.ws.ID, "first", job.Rerun{Name: "again"}); atelier.CodeOf(err) != atelier.Conflict {
			t.Errorf("the name was taken twice: %v", err)
		}
		if _, err := b.jobs.Rerun(b.ctx, b.ws.ID, "none", job.Rerun{}); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("no job was repeated: %v", err)
		}
	})
}

// logged ends a job that logged the values of one metric, one for each step.
func (b *bench) logged(name, key string, values ...float64) {
	b.t.Helper()
	b.submit(name, fake.Script{})
	b.await(name, job.Completed)
	var points []tracking.Metric
	for step, value := range values {
		points = append(points, tracking.Metric{Sample: series.Sample{Key: key, Point: series.Point{Step: int64(step), Timestamp: 1, Value: series.Value(value)}}})
	}
	if err := b.runs.Log(b.ctx, b.ws.ID, name, tracking.Batch{Metrics: points}); err != nil {
		b.t.Fatal(err)
	}
}

func TestComparisonsLookAtEveryPoint(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.run()
		nan, inf := math.NaN(), math.Inf(1)
		b.logged("first", "loss", 3, 2, nan, inf, 1)
		b.logged("same", "loss", 3, 2, nan, inf, 1)
		b.logged("middle", "loss", 3, 2.5, nan, inf, 1)
		b.logged("shorter", "loss", 3, 2, nan, inf)
		b.logged("other-key", "rmse", 1)
		b.logged("machine", "system/cpu", 5)
		for _, test := range []struct {
			job   string
			ask   job.Compare
			agree bool
			first int64 // step that differs, -1 for none
		}{
			{"same", job.Compare{}, true, -1},
			{"middle", job.Compare{}, false, 1},
			{"middle", job.Compare{Absolute: 0.5}, true, -1},
			{"middle", job.Compare{Relative: 0.2}, false, 1},
			{"middle", job.Compare{Relative: 0.25}, true, -1},
			{"middle", job.Compare{Ignore: []string{"lo*"}}, false, 1},
			{"shorter", job.Compare{}, false, -1},
			{"other-key", job.Compare{}, false, -1},
			{"machine", job.Compare{Ignore: []string{"loss"}}, false, -1},
		} {
			test.ask.With = "first"
			found, err := b.jobs.Compare(b.ctx, b.ws.ID, test.job, test.ask)
			if err != nil || found.Agree != test.agree || len(found.Metrics) == 0 {
				t.Errorf("%s %+v: %+v, %v", test.job, test.ask, found, err)
				continue
			}
			first := int64(-1)
			if step := found.Metrics[0].FirstStep; step != nil {
				first = *step
			}
			if first != test.first {
				t.Errorf("%s %+v differs first at %d, want %d", test.job, test.ask, first, test.first)
			}
		}
		if _, err := b.jobs.Compare(b.ctx, b.ws.ID, "same", job.Compare{}); atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), "repeats no other") {
			t.Errorf("compared with nothing: %v", err)
		}
		if _, err := b.jobs.Compare(b.ctx, b.ws.ID, "same", job.Compare{With: "first", Relative: nan}); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("compared without a measure: %v", err)
		}
	})
}
