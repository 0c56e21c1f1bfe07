package job_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/logs"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// bench is a job service over a fake compute whose scripts the test chooses.
type bench struct {
	t      *testing.T
	db     *sqldb.DB
	clock  clock.Clock
	jobs   *job.Service
	runs   *tracking.Service
	blobs  blob.Store
	bus    *event.Bus
	driver *fake.Driver
	ws     workspace.Workspace
	ctx    context.Context
	deps   job.Options

	mu      sync.Mutex
	scripts map[string]fake.Script
	tasks   map[string]compute.Task // as they came to the compute
}

func newBench(t *testing.T, db *sqldb.DB, clk clock.Clock) *bench {
	t.Helper()
	b := &bench{t: t, db: db, clock: clk, bus: event.NewBus(), scripts: map[string]fake.Script{}, tasks: map[string]compute.Task{}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	who := access.New(db, clk)
	workspaces := workspace.New(db, who, b.bus)
	owner, _, err := who.Bootstrap(t.Context(), "ada")
	must(err)
	must(workspaces.EnsureDefault(t.Context(), owner))
	b.ws, err = workspaces.Get(t.Context(), "default")
	must(err)
	b.blobs, err = blob.OpenDir(filepath.Join(t.TempDir(), "blobs"))
	must(err)
	store, err := logs.Open(filepath.Join(t.TempDir(), "logs"))
	must(err)
	b.runs = tracking.New(db, b.blobs, b.bus)
	b.driver = fake.New(clk, compute.Capacity{Name: "fake", CPUs: 2}, b.script, b.report)
	stores := datastore.New(db, nil, who, b.bus, t.TempDir())
	b.deps = job.Options{DB: db, Clock: clk, Bus: b.bus, Access: who, Blobs: b.blobs, Logs: store, Tracking: b.runs,
		Models: model.New(db, b.blobs, b.bus, b.runs),
		Data:   data.New(db, b.blobs, b.bus, b.runs, stores, nil), Stores: stores,
		Environments: environment.New(db), Driver: b.driver, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		ServerURL: func() string { return "http://server" }}
	b.jobs = job.New(b.deps)
	actor := atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name}
	b.ctx = workspace.With(atelier.WithActor(t.Context(), actor), b.ws)
	return b
}

func (b *bench) script(task compute.Task) fake.Script {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tasks[task.ID] = task
	return b.scripts[task.ID]
}

// report speaks for a runner, with its token's rights.
func (b *bench) report(ctx context.Context, task compute.Task, report compute.Report) (compute.ReportAnswer, error) {
	return b.jobs.Report(asJob(ctx, b.ws, task.ID), b.ws.ID, task.ID, report)
}

func asJob(ctx context.Context, ws workspace.Workspace, name string) context.Context {
	return atelier.WithActor(ctx, atelier.Actor{Kind: atelier.JobActor, ID: name, Workspace: ws.ID})
}

// run runs the scheduler until the function it returns is called.
func (b *bench) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.jobs.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	b.t.Cleanup(stop)
	return stop
}

func (b *bench) submit(name string, script fake.Script, change ...func(*job.Spec)) job.Job {
	b.t.Helper()
	b.mu.Lock()
	b.scripts[name] = script
	b.mu.Unlock()
	spec := job.Spec{Name: name, Command: "train", Environment: environment.Spec{Reference: job.SystemEnvironment}}
	for _, fn := range change {
		fn(&spec)
	}
	j, err := b.jobs.Submit(b.ctx, b.ws.ID, spec)
	if err != nil {
		b.t.Fatal(err)
	}
	return j
}

func (b *bench) await(name string, want job.Status) job.Job {
	b.t.Helper()
	news := b.bus.Subscribe()
	defer news.Close()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	for {
		j, err := b.jobs.Get(ctx, b.ws.ID, name)
		if err != nil {
			b.t.Fatal(err)
		}
		if j.Status == want {
			return j
		}
		if _, err := news.Next(ctx); err != nil {
			b.t.Fatalf("%s is %s (%+v), want %s", name, j.Status, j.Error, want)
		}
	}
}

func (b *bench) runStatus(name string) tracking.RunStatus {
	b.t.Helper()
	run, err := b.runs.Run(b.ctx, b.ws.ID, name)
	if err != nil {
		b.t.Fatal(err)
	}
	return run.Status
}

func each(t *testing.T, test func(t *testing.T, b *bench)) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) { test(t, newBench(t, db, clock.System{})) })
}

func TestASubmittedJobIsKeptWhole(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		spec := job.Spec{Name: "whole", DisplayName: "Shown", Description: "words", ExperimentName: "exp",
			Tags: map[string]string{"a": "b"}, Properties: map[string]string{"mlflow.source.git.commit": "c0ffee", "azureml.git.dirty": "True"},
			Command: "train ${{inputs.rate}}", Compute: "azureml:serverless", Limits: job.Limits{Timeout: 60},
			Environment:          environment.Spec{Reference: job.SystemEnvironment},
			EnvironmentVariables: map[string]string{"X": "1"},
			Inputs:               map[string]job.Input{"rate": job.Literal(json.Number("0.10"))},
			Outputs:              map[string]job.Output{"model": {}}}
		submitted, err := b.jobs.Submit(b.ctx, b.ws.ID, spec)
		if err != nil {
			t.Fatal(err)
		}
		read, err := b.jobs.Get(b.ctx, b.ws.ID, "whole")
		if err != nil {
			t.Fatal(err)
		}
		asJSON := func(j job.Job) string { text, _ := json.MarshalIndent(j, "", " "); return string(text) }
		if diff := cmp.Diff(asJSON(submitted), asJSON(read)); diff != "" {
			t.Errorf("submitted and read differ:\n%s", diff)
		}
		if read.Status != job.Queued || read.CreatedBy != "ada" || read.Outputs["model"].Type != "uri_folder" || len(read.Notices) != 1 {
			t.Errorf("job %s", asJSON(read))
		}
		run, err := b.runs.Run(b.ctx, b.ws.ID, "whole")
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"a": "b", "mlflow.source.git.commit": "c0ffee", "azureml.git.dirty": "True", "mlflow.source.type": "JOB",
			"mlflow.source.name": "train ${{inputs.rate}}", "mlflow.note.content": "words", "mlflow.user": "ada", "mlflow.runName": "Shown"}
		got := maps.Clone(run.Tags)
		maps.DeleteFunc(got, func(key, _ string) bool { _, wanted := want[key]; return !wanted })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tags of the run (-want +got):\n%s", diff)
		}
		if run.Status != tracking.Scheduled || run.ExperimentName != "exp" || run.Name != "Shown" {
			t.Errorf("run %+v", run)
		}
	})
}

func TestRefusedJobsLeaveNothing(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}), clock.System{})
	b.submit("taken", fake.Script{})
	unknown := strings.Repeat("0", 64)
	upload := "azureml://datastores/workspaceblobstore/paths/LocalUpload/"
	tests := map[string]struct {
		change func(*job.Spec)
		code   atelier.Code
		field  string
	}{
		"no command":          {func(s *job.Spec) { s.Command = " " }, atelier.Invalid, "command"},
		"bad name":            {func(s *job.Spec) { s.Name = "a b" }, atelier.Invalid, "name"},
		"taken name":          {func(s *job.Spec) { s.Name = "taken" }, atelier.Conflict, "name"},
		"other type":          {func(s *job.Spec) { s.Type = "pipeline" }, atelier.NotImplemented, "type"},
		"unknown compute":     {func(s *job.Spec) { s.Compute = "azureml:gpu-cluster" }, atelier.NotFound, "compute"},
		"several machines":    {func(s *job.Spec) { s.Resources.InstanceCount = 2 }, atelier.Invalid, "resources.instance_count"},
		"negative timeout":    {func(s *job.Spec) { s.Limits.Timeout = -1 }, atelier.Invalid, "limits.timeout"},
		"local code":          {func(s *job.Spec) { s.Code = "./src" }, atelier.Invalid, "code"},
		"unknown snapshot":    {func(s *job.Spec) { s.Code = "azureml:" + unknown + ":1" }, atelier.Invalid, "code"},
		"no snapshot at all":  {func(s *job.Spec) { s.Code = "azureml:thing:1" }, atelier.Invalid, "code"},
		"unknown reference":   {func(s *job.Spec) { s.Command = "x ${{inputs.y}}" }, atelier.Invalid, "command"},
		"bad input name":      {func(s *job.Spec) { s.Inputs = map[string]job.Input{"a-b": job.Literal("1")} }, atelier.Invalid, "inputs"},
		"reserved name":       {func(s *job.Spec) { s.Outputs = map[string]job.Output{"Path": {}} }, atelier.Invalid, "inputs"},
		"local input":         {func(s *job.Spec) { s.Inputs = map[string]job.Input{"d": {Type: "uri_file", Path: "./x"}} }, atelier.Invalid, "inputs.d"},
		"unknown upload":      {func(s *job.Spec) { s.Inputs = map[string]job.Input{"d": {Path: upload + unknown}} }, atelier.Invalid, "inputs.d"},
		"unknown job":         {func(s *job.Spec) { s.Inputs = map[string]job.Input{"d": {Path: "azureml://jobs/no/outputs/x"}} }, atelier.NotFound, "inputs.d"},
		"remote folder":       {func(s *job.Spec) { s.Inputs = map[string]job.Input{"d": {Path: "https://x/y"}} }, atelier.Invalid, "inputs.d"},
		"address with a key":  {func(s *job.Spec) { s.Inputs = map[string]job.Input{"d": {Type: "uri_file", Path: "https://x/y?sig=z"}} }, atelier.Invalid, "inputs.d"},
		"bucket of nobody":    {func(s *job.Spec) { s.Inputs = map[string]job.Input{"d": {Path: "s3://x/y"}} }, atelier.NotFound, "inputs.d"},
		"bad output type":     {func(s *job.Spec) { s.Outputs = map[string]job.Output{"o": {Type: "folder"}} }, atelier.Invalid, "outputs.o.type"},
		"bad variable":        {func(s *job.Spec) { s.EnvironmentVariables = map[string]string{"A=B": ""} }, atelier.Invalid, "environment_variables"},
		"unknown environment": {func(s *job.Spec) { s.Environment = environment.Spec{Reference: "azureml:nothing:1"} }, atelier.NotFound, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			spec := job.Spec{Name: "refused", Command: "x", Environment: environment.Spec{Reference: job.SystemEnvironment}}
			test.change(&spec)
			_, err := b.jobs.Submit(b.ctx, b.ws.ID, spec)
			if atelier.CodeOf(err) != test.code || atelier.Public(err).Field != test.field && test.field != "" {
				t.Errorf("error %v (code %s, field %q), want code %s, field %q", err, atelier.CodeOf(err), atelier.Public(err).Field, test.code, test.field)
			}
			page, err := b.jobs.List(b.ctx, b.ws.ID, job.ListJobs{})
			if err != nil || len(page.Items) != 1 {
				t.Errorf("%d jobs, error %v", len(page.Items), err)
			}
			if _, err := b.runs.Run(b.ctx, b.ws.ID, "refused"); atelier.CodeOf(err) != atelier.NotFound {
				t.Errorf("a run was made: %v", err)
			}
		})
	}
}

func TestNamesAreMadeUp(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}), clock.System{})
	one, two := b.submit("", fake.Script{}), b.submit("", fake.Script{})
	if one.Name == two.Name || len(strings.Split(one.Name, "_")) != 3 || len(strings.Split(one.Name, "_")[2]) != 10 {
		t.Errorf("the names are %q and %q", one.Name, two.Name)
	}
}

func TestEveryEndReachesTheJobAndItsRun(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.run()
		tests := map[string]struct {
			script fake.Script
			want   job.Status
			run    tracking.RunStatus
			code   string
		}{
			"well":       {fake.Script{}, job.Completed, tracking.Finished, ""},
			"badly":      {fake.Script{ExitCode: 3}, job.Failed, tracking.Failed, compute.RunnerLost},
			"not-at-all": {fake.Script{FailAtStart: "No room."}, job.Failed, tracking.Failed, compute.StartError},
			"dead":       {fake.Script{Die: true}, job.Failed, tracking.Failed, compute.RunnerLost},
			"unheard":    {fake.Script{LoseContact: true}, job.Failed, tracking.Failed, compute.RunnerLost},
		}
		for name, test := range tests {
			b.submit(name, test.script)
			j := b.await(name, test.want)
			if got := b.runStatus(name); got != test.run {
				t.Errorf("%s: the run is %s, want %s", name, got, test.run)
			}
			if j.EndedAt == nil || test.code != "" && (j.Error == nil || j.Error.Code != test.code) {
				t.Errorf("%s: ended %v, error %+v, want code %q", name, j.EndedAt, j.Error, test.code)
			}
		}
	})
}

func TestJobsWaitForRoomInOrder(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}), clock.System{})
	b.run()
	for _, name := range []string{"first", "second"} {
		b.submit(name, fake.Script{Hang: true})
		b.await(name, job.Running)
	}
	b.submit("third", fake.Script{})
	why, err := b.jobs.Why(b.ctx, b.ws.ID, "third")
	if err != nil || why.Cause != "resources" || !strings.HasPrefix(why.Reason, "It needs 1 processor; of 2 processors, 0 processors are free.") {
		t.Errorf("why: %+v, %v", why, err)
	}
	if why, err := b.jobs.Why(b.ctx, b.ws.ID, "first"); err != nil || why.Reason != "It does not wait: it is Running." {
		t.Errorf("why a running job waits: %+v, %v", why, err)
	}
	if j, _ := b.jobs.Get(b.ctx, b.ws.ID, "third"); j.Status != job.Queued {
		t.Errorf("the third job is %s on a machine for two", j.Status)
	}
	if _, err := b.jobs.Cancel(b.ctx, b.ws.ID, "first"); err != nil {
		t.Fatal(err)
	}
	b.await("first", job.Canceled)
	b.await("third", job.Completed)
	b.jobs.Cancel(b.ctx, b.ws.ID, "second")
	b.await("second", job.Canceled)
	if got := b.runStatus("first"); got != tracking.Killed {
		t.Errorf("the run of a canceled job is %s", got)
	}
}

func TestARestartedServerTakesItsJobsUpAgain(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		stop := b.run()
		b.submit("running", fake.Script{Hang: true})
		b.await("running", job.Running)
		stop()
		b.submit("queued", fake.Script{})
		b.jobs = job.New(b.deps)
		b.run()
		b.await("queued", job.Completed)
		if _, err := b.jobs.Cancel(b.ctx, b.ws.ID, "running"); err != nil {
			t.Fatal(err)
		}
		b.await("running", job.Canceled)
	})
}

func TestASilentRunnerIsNotedAndForgiven(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	b := newBench(t, sqldbtest.SQLite(t, clk), clk)
	b.run()
	b.submit("quiet", fake.Script{Hang: true})
	b.await("quiet", job.Running)
	for range 12 { // each tick may come before the scheduler sleeps again
		clk.Advance(compute.SilentAfter)
		if j, _ := b.jobs.Get(b.ctx, b.ws.ID, "quiet"); j.Status == job.NotResponding {
			break
		}
	}
	stopTicking := make(chan struct{})
	go func() {
		for {
			select {
			case <-stopTicking:
				return
			default:
				clk.Advance(time.Minute)
			}
		}
	}()
	b.await("quiet", job.NotResponding)
	close(stopTicking)
	answer, err := b.report(t.Context(), compute.Task{ID: "quiet"}, compute.Report{Records: []compute.Record{}})
	if err != nil || answer.Acknowledged != 2 {
		t.Errorf("answer %+v, error %v", answer, err)
	}
	b.await("quiet", job.Running)
	b.jobs.Cancel(b.ctx, b.ws.ID, "quiet")
	b.await("quiet", job.Canceled)
}

// A runner repeats what was not acknowledged; the server takes each record once.
func TestReportsAreAppliedOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.run()
		b.submit("job", fake.Script{LoseContact: true, Hang: true})
		b.await("job", job.Preparing)
		zero := 0
		records := []compute.Record{
			{Seq: 1, At: time.Unix(1, 0), Type: compute.StatusRecord, Status: compute.StatusRunning},
			{Seq: 2, At: time.Unix(2, 0), Type: compute.UsageRecord, Usage: &compute.Usage{CPUSeconds: 2}},
			{Seq: 3, At: time.Unix(3, 0), Type: compute.EnvironmentRecord, Environment: &compute.EnvironmentInfo{Python: "3.12.1"}},
			{Seq: 4, At: time.Unix(4, 0), Type: compute.ExitRecord, ExitCode: &zero},
		}
		for _, sent := range [][]compute.Record{records[:2], records[:2], records[1:3], records, records} {
			answer, err := b.report(t.Context(), compute.Task{ID: "job"}, compute.Report{Records: sent})
			if want := max(sent[len(sent)-1].Seq, 2); err != nil || answer.Acknowledged != want {
				t.Fatalf("answer %+v, error %v, want %d acknowledged", answer, err, want)
			}
		}
		j := b.await("job", job.Completed)
		if j.StartedAt.Unix() != 1 || j.EndedAt.Unix() != 4 || j.Usage.CPUSeconds != 2 || j.EnvironmentInfo.Python != "3.12.1" {
			t.Errorf("started %v, ended %v, usage %+v, environment %+v", j.StartedAt, j.EndedAt, j.Usage, j.EnvironmentInfo)
		}
	})
}

func TestATaskSpeaksForItselfAlone(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}), clock.System{})
	b.submit("mine", fake.Script{})
	b.submit("yours", fake.Script{})
	for name, ctx := range map[string]context.Context{"a user": b.ctx, "another job": asJob(t.Context(), b.ws, "yours")} {
		if _, err := b.jobs.Report(ctx, b.ws.ID, "mine", compute.Report{}); atelier.CodeOf(err) != atelier.Forbidden {
			t.Errorf("%s reports: %v", name, err)
		}
		if _, err := b.jobs.WriteLog(ctx, b.ws.ID, "mine", job.CommandLog, 0, nil); atelier.CodeOf(err) != atelier.Forbidden {
			t.Errorf("%s writes the log: %v", name, err)
		}
	}
	own := asJob(t.Context(), b.ws, "mine")
	if _, err := b.jobs.WriteLog(own, b.ws.ID, "mine", "../other", 0, []byte("x")); atelier.CodeOf(err) != atelier.NotFound {
		t.Errorf("a log of another name: %v", err)
	}
}

func TestListPagesThroughAllJobs(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		var want []string
		for i := range 7 {
			name := fmt.Sprintf("job-%d", i)
			b.submit(name, fake.Script{}, func(spec *job.Spec) { spec.ExperimentName = fmt.Sprintf("exp-%d", i%2) })
			want = append([]string{name}, want...)
		}
		var got []string
		ask := job.ListJobs{MaxResults: 3}
		for {
			page, err := b.jobs.List(b.ctx, b.ws.ID, ask)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range page.Items {
				got = append(got, j.Name)
			}
			if ask.PageToken = page.NextPageToken; ask.PageToken == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("listed %v, want %v", got, want)
		}
		for ask, count := range map[job.ListJobs]int{
			{Experiment: "exp-1"}: 3, {Status: job.Queued}: 7, {Status: job.Failed}: 0, {Experiment: "exp-0", Status: job.Queued}: 4} {
			if page, err := b.jobs.List(b.ctx, b.ws.ID, ask); err != nil || len(page.Items) != count {
				t.Errorf("%+v: %d jobs, error %v, want %d", ask, len(page.Items), err, count)
			}
		}
		if _, err := b.jobs.List(b.ctx, b.ws.ID, job.ListJobs{Status: "Done"}); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("a status that there is not: %v", err)
		}
		if page, err := b.jobs.List(b.ctx, "another", job.ListJobs{}); err != nil || len(page.Items) != 0 {
			t.Errorf("another workspace lists %d jobs, error %v", len(page.Items), err)
		}
	})
}

func TestDeleteForgetsWhatHasEnded(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.run()
		b.submit("job", fake.Script{Hang: true})
		b.await("job", job.Running)
		if err := b.jobs.Delete(b.ctx, b.ws.ID, "job"); atelier.CodeOf(err) != atelier.Precondition {
			t.Errorf("a running job was deleted: %v", err)
		}
		b.jobs.Cancel(b.ctx, b.ws.ID, "job")
		b.await("job", job.Canceled)
		if _, err := b.jobs.Cancel(b.ctx, b.ws.ID, "job"); atelier.CodeOf(err) != atelier.Precondition {
			t.Errorf("an ended job was canceled: %v", err)
		}
		news := b.bus.Subscribe()
		defer news.Close()
		ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
		defer cancel()
		for err := b.jobs.Delete(b.ctx, b.ws.ID, "job"); err != nil; err = b.jobs.Delete(b.ctx, b.ws.ID, "job") {
			if _, waitErr := news.Next(ctx); waitErr != nil { // its task is being released
				t.Fatalf("delete: %v", err)
			}
		}
		if _, err := b.jobs.Get(b.ctx, b.ws.ID, "job"); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("a deleted job is there: %v", err)
		}
	})
}

// What a job reads is needed as long as the job is there: until its run is purged.
func TestAJobKeepsItsFilesUntilItsRunIsPurged(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.runs.OnPurge(b.jobs.MayPurge, b.jobs.Purge)
		code, data := b.folder("train.py", "print()"), b.folder("a.csv", "1,2")
		b.run()
		b.submit("job", fake.Script{Hang: true}, func(spec *job.Spec) {
			spec.Code = "azureml:" + string(code.ID) + ":1"
			spec.Inputs = map[string]job.Input{"data": {Type: "uri_folder",
				Path: "azureml://datastores/workspaceblobstore/paths/LocalUpload/" + string(data.ID) + "/a.csv"}}
		})
		b.await("job", job.Running)
		if found := b.references(); !found[code.ID] || !found[data.ID] {
			t.Errorf("a job refers to %v, want %s and %s", found, code.ID, data.ID)
		}
		if err := b.runs.Delete(b.ctx, b.ws.ID, "job"); err != nil {
			t.Fatal(err)
		}
		if done := b.purge(); done.Runs != 0 || done.Kept != 1 {
			t.Errorf("purged %+v of a running job", done)
		}
		b.jobs.Cancel(b.ctx, b.ws.ID, "job")
		b.await("job", job.Canceled)
		news := b.bus.Subscribe()
		defer news.Close()
		ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
		defer cancel()
		for b.purge().Runs == 0 {
			if _, err := news.Next(ctx); err != nil { // its task is being released
				t.Fatal(err)
			}
		}
		if _, err := b.jobs.Get(b.ctx, b.ws.ID, "job"); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("a purged job is there: %v", err)
		}
		if found := b.references(); len(found) > 0 {
			t.Errorf("a purged job refers to %v", found)
		}
	})
}

// folder stores one file and returns the folder that holds it.
func (b *bench) folder(name, content string) blob.Tree {
	b.t.Helper()
	hash, size, err := b.blobs.Put(b.ctx, b.ws.ID, strings.NewReader(content))
	if err != nil {
		b.t.Fatal(err)
	}
	tree, err := blob.PutTree(b.ctx, b.blobs, b.ws.ID, []blob.File{{Path: name, Hash: hash, Size: size}})
	if err != nil {
		b.t.Fatal(err)
	}
	return tree
}

func (b *bench) references() map[blob.Hash]bool {
	b.t.Helper()
	found := map[blob.Hash]bool{}
	err := b.db.Read(b.ctx, func(tx *sqldb.Tx) error {
		return job.References(b.ctx, tx, b.ws.ID, func(r blob.Reference) { found[r.Hash] = r.Tree })
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

func (b *bench) purge() tracking.Purged {
	b.t.Helper()
	done, err := b.runs.Purge(b.ctx, b.ws.ID, tracking.Purge{DeletedBefore: b.clock.Now().Add(time.Hour)})
	if err != nil {
		b.t.Fatal(err)
	}
	return done
}

// Many changes at once lose none.
func TestConcurrentChangesAreAllKept(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.run()
		b.submit("job", fake.Script{LoseContact: true, Hang: true})
		b.await("job", job.Preparing)
		records := []compute.Record{{Seq: 1, At: time.Unix(1, 0), Type: compute.StatusRecord, Status: compute.StatusRunning}}
		tell := func(n int) {
			answer, err := b.report(context.Background(), compute.Task{ID: "job"}, compute.Report{Records: records[:n]})
			if err != nil || answer.Acknowledged < int64(n) {
				t.Errorf("of %d records %d are kept, %v", n, answer.Acknowledged, err)
			}
		}
		tell(1) // before anybody cancels it: a job that ends before it was heard of never started
		var group sync.WaitGroup
		for seq := range int64(8) {
			records = append(records, compute.Record{Seq: seq + 2, At: time.Unix(1, 0), Type: compute.UsageRecord, Usage: &compute.Usage{CPUSeconds: 1}})
		}
		for n := range records {
			group.Go(func() { tell(n + 1) })
		}
		group.Go(func() {
			if _, err := b.jobs.Cancel(b.ctx, b.ws.ID, "job"); err != nil {
				t.Error(err)
			}
		})
		group.Wait()
		if j := b.await("job", job.Canceled); j.StartedAt == nil {
			t.Errorf("%+v never started", j)
		}
	})
}
