package runner_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/process"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/tracking"
)

func handleOf(folder string) compute.Handle { return compute.Handle(filepath.Base(folder)) }

// folder is where the world's only task works.
func (w *world) folder() string {
	w.t.Helper()
	folders, err := filepath.Glob(filepath.Join(w.dir, "tasks", "*"))
	if err != nil || len(folders) != 1 {
		w.t.Fatalf("the tasks' folders are %v, want one", folders)
	}
	return folders[0]
}

// wantNothingLeft waits until the task's folder is gone and checks that nothing
// of it runs.
func (w *world) wantNothingLeft(name, folder string) {
	w.t.Helper()
	w.await(name, "released", func(job.Job) bool {
		_, err := os.Stat(folder)
		return os.IsNotExist(err)
	})
	for _, p := range process.InFolder(folder) {
		if !p.Zombie {
			w.t.Errorf("process %d is left", p.PID)
		}
	}
}

func TestAJobRunsToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.finish(w.submit("echo hello; echo there >&2").Name, job.Completed)
	if got := w.log(j.Name, job.CommandLog); got != "hello\nthere\n" {
		t.Errorf("log %q", got)
	}
	if j.ExitCode == nil || *j.ExitCode != 0 || j.Error != nil {
		t.Errorf("exit code %v, error %v", j.ExitCode, j.Error)
	}
	if j.StartedAt == nil || j.EndedAt == nil || j.EndedAt.Before(*j.StartedAt) || j.Runner == nil || j.Usage == nil {
		t.Errorf("started %v, ended %v, runner %v, usage %v", j.StartedAt, j.EndedAt, j.Runner, j.Usage)
	}
	run, err := w.runs.Run(w.user(), w.ws.ID, j.Name)
	w.must(err)
	if run.Status != tracking.Finished || !run.Job || run.User != "ada" || run.Tags["mlflow.source.type"] != "JOB" {
		t.Errorf("run %+v", run)
	}
}

func TestCodeInputsAndOutputs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.tree(map[string]string{"train.sh": "cat data/fixed.txt\n", "data/fixed.txt": "fixed\n"})
	data := w.tree(map[string]string{"my data.csv": "1,2\n"})
	folder := w.tree(map[string]string{"a/b.txt": "deep\n", "c.txt": "flat\n"})
	j := w.submit(strings.Join([]string{
		`set -e`,
		`sh train.sh`,
		`cat ${{inputs.table}} ${{inputs.all}}/a/b.txt ${{inputs.part}}/b.txt`,
		`echo ${{inputs.rate}} ${{inputs.flag}} ${{inputs.word}} $[[--seed ${{inputs.seed}}]]`,
		`(echo changed > ${{inputs.table}}) 2>/dev/null || echo read-only`,
		`echo model > ${{outputs.model}}/weights; echo 0.5 > ${{outputs.score}}`,
		`mkdir -p outputs/deep; echo kept > outputs/deep/x.txt; echo logged > logs/l.txt; echo lost > elsewhere.txt`,
		`test $AZURE_ML_OUTPUT_model = ${{outputs.model}}; echo $GREETING $AZUREML_RUN_ID $MLFLOW_RUN_ID $MLFLOW_EXPERIMENT_NAME`,
		`echo $RATE; cat $WEIGHTS`,
	}, "\n"), func(spec *job.Spec) {
		spec.Name, spec.ExperimentName = "files", "exp"
		spec.Code = "azureml:" + string(code.ID) + ":1"
		spec.EnvironmentVariables = map[string]string{"GREETING": "hi there", "MLFLOW_RUN_ID": "stolen",
			"RATE": "rate ${{inputs.rate}}", "WEIGHTS": "${{outputs.model}}/weights"}
		upload := "azureml://datastores/workspaceblobstore/paths/LocalUpload/"
		spec.Inputs = map[string]job.Input{
			"table": {Type: "uri_file", Path: upload + string(data.ID) + "/my data.csv"},
			"all":   {Type: "uri_folder", Path: upload + string(folder.ID) + "/folder", Mode: "download"},
			"part":  {Type: "uri_folder", Path: upload + string(folder.ID) + "/a"},
			"rate":  job.Literal(json.Number("0.10")), "flag": job.Literal(true), "word": job.Literal("${{inputs.rate}}x"),
		}
		spec.Outputs = map[string]job.Output{"model": {}, "score": {Type: "uri_file"}}
	})
	w.finish(j.Name, job.Completed)
	want := "fixed\n1,2\ndeep\ndeep\n0.10 True 0.10x\n" + readOnlyLine() + "hi there files files exp\nrate 0.10\nmodel\n"
	if diff := cmp.Diff(want, w.log(j.Name, job.CommandLog)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	kept := w.artifacts(j.Name)
	if diff := cmp.Diff(map[string]string{
		"outputs/deep/x.txt": "kept\n", "logs/l.txt": "logged\n", "named-outputs/model/weights": "model\n",
		"named-outputs/score/score": "0.5\n", job.CommandLog: want}, kept); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}

	next := w.submit("cat ${{inputs.model}}/weights ${{inputs.file}}", func(spec *job.Spec) {
		spec.Inputs = map[string]job.Input{
			"model": {Type: "uri_folder", Path: "azureml://jobs/files/outputs/model"},
			"file":  {Type: "uri_file", Path: "runs:/files/outputs/deep/x.txt"},
		}
	})
	w.finish(next.Name, job.Completed)
	if got := w.log(next.Name, job.CommandLog); got != "model\nkept\n" {
		t.Errorf("the second job read %q", got)
	}
}

// Names of files come from anybody and are bytes, not words of a shell.
func TestFilesWithAwkwardNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := []string{"a\nb.py", "-rf", "$(touch hacked)", "..c", "'\"\x1b[31m"}
	files := map[string]string{}
	for _, name := range names {
		files[name] = name
	}
	code := w.tree(files)
	withCode := func(spec *job.Spec) { spec.Code = "azureml:" + string(code.ID) + ":1" }
	j := w.submit(`test -e hacked || for f in [!lo]* ..c; do cat -- "$f"; echo; done`, withCode)
	w.finish(j.Name, job.Completed)
	got := w.log(j.Name, job.CommandLog)
	for _, name := range names {
		if !strings.Contains(got, name+"\n") {
			t.Errorf("%q is not in %q", name, got)
		}
	}

	// An artifact has a name that can stand in an address.
	j = w.submit(`cp -- "$(printf 'a\nb.py')" outputs/`, withCode)
	w.finish(j.Name, job.Failed)
	failed, err := w.jobs.Get(w.user(), w.ws.ID, j.Name)
	w.must(err)
	if failed.Error == nil || !strings.Contains(failed.Error.Message, `Invalid path "outputs/a\nb.py"`) {
		t.Errorf("the error is %+v", failed.Error)
	}
}

// What a command installs with pip stays with it: environments are shared.
func TestACommandThatUsesPipHasAnEnvironmentOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wheels := t.TempDir()
	wheel, err := pipWheel()
	w.must(errors.Join(err, os.WriteFile(filepath.Join(wheels, "pip-9.9-py3-none-any.whl"), wheel, 0o644)))
	packages := environment.Spec{PipRequirements: "--no-index\n--find-links=" + wheels + "\n"}
	j := w.submit(`python -m pip && python -c 'import sys; print(sys.prefix)'`, func(s *job.Spec) { s.Environment = packages })
	w.finish(j.Name, job.Completed)
	if got := w.log(j.Name, job.CommandLog); !strings.HasPrefix(got, "pip is here\n") || !strings.Contains(got, "/work/environment/") {
		t.Errorf("the command said %q", got)
	}
	j = w.submit(`python -c 'import sys; print(sys.prefix)'`, func(s *job.Spec) { s.Environment = packages })
	w.finish(j.Name, job.Completed)
	if got := w.log(j.Name, job.CommandLog); strings.Contains(got, "/work/") {
		t.Errorf("a command without pip ran in %q", got)
	}
}

// pipWheel is a wheel called pip, which only says that it is there.
func pipWheel() ([]byte, error) {
	var wheel bytes.Buffer
	archive := zip.NewWriter(&wheel)
	const info = "pip-9.9.dist-info/"
	for name, text := range map[string]string{
		"pip.py":          "print('pip is here')\n",
		info + "METADATA": "Metadata-Version: 2.1\nName: pip\nVersion: 9.9\n",
		info + "WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD":   "pip.py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n",
	} {
		out, err := archive.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(out, text); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return wheel.Bytes(), err
}

// A laptop's folders have names that a shell would take apart.
func TestADataFolderWithAnAwkwardName(t *testing.T) {
	t.Parallel()
	w := newWorldIn(t, filepath.Join(t.TempDir(), "My $(Project) 'one'"))
	data := w.tree(map[string]string{"a file.csv": "1,2\n"})
	j := w.submit(`cat ${{inputs.table}}; echo 3,4 > ${{outputs.copy}}/b.csv`, func(spec *job.Spec) {
		spec.Inputs = map[string]job.Input{"table": {Type: "uri_file",
			Path: "azureml://datastores/workspaceblobstore/paths/LocalUpload/" + string(data.ID) + "/a file.csv"}}
		spec.Outputs = map[string]job.Output{"copy": {}}
	})
	w.finish(j.Name, job.Completed)
	if got := w.log(j.Name, job.CommandLog); got != "1,2\n" {
		t.Errorf("log %q", got)
	}
	if got := w.artifacts(j.Name)["named-outputs/copy/b.csv"]; got != "3,4\n" {
		t.Errorf("output %q", got)
	}
}

// readOnlyLine is what the job above prints: nobody stops root from writing.
func readOnlyLine() string {
	if os.Getuid() == 0 {
		return ""
	}
	return "read-only\n"
}

// A job that takes too much at once is ended before anybody could have measured it,
// where the system bounds memory; where it does not, the job says so.
func TestTheSystemHoldsAJobToItsMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit("head -c 300000000 /dev/zero | tail -n 1 | wc -c", func(spec *job.Spec) { spec.Resources.Memory = "64Mi" })
	machine, err := w.driver.Describe(t.Context())
	w.must(err)
	if machine.Unbounded != "" {
		if len(j.Notices) != 1 || !strings.Contains(j.Notices[0], machine.Unbounded) {
			t.Errorf("notices %q", j.Notices)
		}
		return
	}
	j = w.finish(j.Name, job.Failed)
	if len(j.Notices) != 0 || j.Error == nil || j.Error.Code != compute.OutOfMemory || !strings.Contains(j.Error.Message, "64Mi") {
		t.Errorf("error %+v, notices %q", j.Error, j.Notices)
	}
}

func TestEndsAreToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		name, command string
		status        job.Status
		run           tracking.RunStatus
		code          int
		failure       string
		timeout       int
	}{
		{"exits with 3", "exit 3", job.Failed, tracking.Failed, 3, compute.UserError, 0},
		{"crashes", "kill -SEGV $$", job.Failed, tracking.Failed, 128 + 11, compute.UserError, 0},
		{"its child crashes", "sh -c 'kill -KILL $$'", job.Failed, tracking.Failed, 128 + 9, compute.UserError, 0},
		{"is no command", "no-such-command-at-all", job.Failed, tracking.Failed, 127, compute.UserError, 0},
		{"runs out of time", "sleep 600", job.Canceled, tracking.Killed, 128 + 15, compute.Timeout, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := w.submit(test.command, func(spec *job.Spec) { spec.Limits.Timeout = test.timeout })
			j = w.finish(j.Name, test.status)
			if j.Error == nil || j.Error.Code != test.failure || j.Error.Message == "" {
				t.Errorf("error %+v, want the code %s", j.Error, test.failure)
			}
			if j.ExitCode == nil || *j.ExitCode != test.code {
				t.Errorf("exit code %v, want %d", j.ExitCode, test.code)
			}
			run, err := w.runs.Run(w.user(), w.ws.ID, j.Name)
			w.must(err)
			if run.Status != test.run || run.EndedAt == nil {
				t.Errorf("the run is %s, ended %v", run.Status, run.EndedAt)
			}
		})
	}
}

// Jobs that run at the same time get GPUs of their own, by index, whatever their own
// variables say; who waits for some gets those that another gives back.
func TestJobsSeeTheirOwnGPUsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.driver.HasGPUs(4)
	sign := filepath.Join(t.TempDir(), "sign")
	show := "python3 -c 'import os; print([os.environ.get(v + \"_VISIBLE_DEVICES\") for v in (\"CUDA\", \"NVIDIA\", \"ROCR\", \"HIP\")])'"
	submit := func(gpus int, command string) job.Job {
		return w.submit(command, func(s *job.Spec) {
			s.Resources.GPUs = gpus
			s.EnvironmentVariables = map[string]string{"CUDA_VISIBLE_DEVICES": "0,1,2,3", "HIP_VISIBLE_DEVICES": "3", "ROCR_VISIBLE_DEVICES": "3"}
		})
	}
	hold := "; while [ ! -e " + sign + " ]; do sleep 0.02; done"
	wants := []struct {
		gpus     int
		command  string
		has      []int
		sees     string
		finished bool
	}{
		{2, show + hold, []int{0, 1}, "['0,1', '0,1', '0,1', '0,1']\n", false},
		{1, show + hold, []int{2}, "['2', '2', '2', '0']\n", false},
		{0, show, nil, "['', 'void', '', '']\n", true},
	}
	var held []string
	for _, want := range wants {
		name := submit(want.gpus, want.command).Name
		if want.finished {
			w.finish(name, job.Completed)
		} else {
			held = append(held, name)
		}
		w.awaitLog(name, want.sees)
		j, err := w.jobs.Get(w.user(), w.ws.ID, name)
		w.must(err)
		if got := w.log(name, job.CommandLog); got != want.sees || !slices.Equal(j.GPUs, want.has) {
			t.Errorf("of %d GPUs the job has %v, and sees %q, want %v and %q", want.gpus, j.GPUs, got, want.has, want.sees)
		}
	}
	late := submit(3, show).Name
	why, err := w.jobs.Why(w.user(), w.ws.ID, late)
	w.must(err)
	if why.Cause != "resources" || why.Free.GPUs != 1 {
		t.Errorf("a job for three GPUs, of which one is free: %+v", why)
	}
	w.must(os.WriteFile(sign, nil, 0o600))
	for _, name := range held {
		w.finish(name, job.Completed)
	}
	j := w.finish(late, job.Completed)
	if got := w.log(late, job.CommandLog); !strings.HasSuffix(got, "'0,1,2']\n") || len(j.GPUs) != 3 {
		t.Errorf("the GPUs %v, seen as %q", j.GPUs, got)
	}
}

func TestAJobThatUsesTooMuchMemoryIsEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// Without an end of a line, tail keeps all in memory until its input ends.
	j := w.finish(w.submit("(head -c 200000000 /dev/zero; sleep 1000) | tail -n 1",
		func(s *job.Spec) { s.Resources.Memory = "64Mi" }).Name, job.Failed)
	if j.Error == nil || j.Error.Code != compute.OutOfMemory || !strings.Contains(j.Error.Message, "64Mi") {
		t.Errorf("error %+v", j.Error)
	}
}

func TestCancelIsGentle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(`trap 'echo tidying up > outputs/last.txt; exit 0' TERM; echo started; while true; do sleep 0.05; done`)
	w.awaitLog(j.Name, "started")
	_, err := w.jobs.Cancel(w.user(), w.ws.ID, j.Name)
	w.must(err)
	w.finish(j.Name, job.Canceled)
	if got := w.artifacts(j.Name)["outputs/last.txt"]; got != "tidying up\n" {
		t.Errorf("the job's last words are %q", got)
	}
}

func TestCancelEndsWhatWillNotListen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(`trap '' TERM; (setsid sh -c "trap '' TERM; while true; do sleep 1; done" &) ; echo started; while true; do sleep 1; done`)
	w.awaitLog(j.Name, "started")
	folder := w.folder()
	_, err := w.jobs.Cancel(w.user(), w.ws.ID, j.Name)
	w.must(err)
	w.finish(j.Name, job.Canceled)
	w.wantNothingLeft(j.Name, folder)
}

func TestNoChildStaysBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(strings.Join([]string{
		`sleep 600 &`,
		`(setsid sleep 600 >/dev/null 2>&1 &)`,
		`(setsid sh -c '(env -i sleep 600 &) ; sleep 600' &)`,
		`nohup sleep 600 &`,
		`echo done`}, "\n"))
	w.awaitLog(j.Name, "done")
	folder := w.folder()
	w.finish(j.Name, job.Completed)
	w.wantNothingLeft(j.Name, folder)
}

func TestAHundredMegabytesAreLoggedInLittleMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lines = 1 << 20 // of 100 bytes
	j := w.submit(fmt.Sprintf(`yes %s | head -n %d; echo printed > outputs/printed; while [ ! -e go ]; do sleep 0.02; done`,
		strings.Repeat("x", 99), lines))
	log, err := w.jobs.OpenLog(w.user(), w.ws.ID, j.Name, job.CommandLog)
	w.must(err)
	for log.Size() < lines*100 {
		select {
		case <-log.Changed():
		case <-t.Context().Done():
			t.Fatal("the log does not arrive")
		}
	}
	running := w.await(j.Name, "running", func(j job.Job) bool { return j.Runner != nil })
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", running.Runner.PID))
	w.must(err)
	var peak int
	for line := range strings.SplitSeq(string(status), "\n") {
		fmt.Sscanf(line, "VmHWM: %d kB", &peak)
	}
	if peak == 0 || peak > 100<<10 {
		t.Errorf("the runner used %d kB of memory", peak)
	}
	w.must(os.WriteFile(filepath.Join(w.folder(), "work", "code", "go"), nil, 0o600))
	w.finish(j.Name, job.Completed)
	if log.Size() != lines*100 {
		t.Errorf("the log has %d bytes, want %d", log.Size(), lines*100)
	}
}

func TestBinaryOutputIsUnharmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit("head -c 3000000 /dev/urandom > outputs/noise; cat outputs/noise")
	w.finish(j.Name, job.Completed)
	kept := w.artifacts(j.Name)
	logged := w.log(j.Name, job.CommandLog)
	if sha256.Sum256([]byte(logged)) != sha256.Sum256([]byte(kept["outputs/noise"])) || len(logged) != 3000000 {
		t.Errorf("logged %d bytes, kept %d, and they differ", len(logged), len(kept["outputs/noise"]))
	}
	if kept[job.CommandLog] != logged {
		t.Error("the log that is kept differs from the live one")
	}
}

func TestAJobGoesOnWithoutItsServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(`echo before; while [ ! -e go ]; do sleep 0.02; done; for i in 1 2 3; do echo line $i; done; echo made > outputs/made`)
	w.awaitLog(j.Name, "before")
	folder := w.folder()
	w.stop()
	w.must(os.WriteFile(filepath.Join(folder, "work", "code", "go"), nil, 0o600))
	w.start()
	w.finish(j.Name, job.Completed)
	if got := w.log(j.Name, job.CommandLog); got != "before\nline 1\nline 2\nline 3\n" {
		t.Errorf("log %q", got)
	}
	if got := w.artifacts(j.Name)["outputs/made"]; got != "made\n" {
		t.Errorf("output %q", got)
	}
	w.wantNothingLeft(j.Name, folder)
}

func TestRequestsOfTheCommandWaitForTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(`cat > ask.py <<'END'
import json, os, urllib.request
def ask(token):
    url = os.environ["ATELIER_SERVER"] + "/api/v1/workspaces/" + os.environ["ATELIER_WORKSPACE"] + "/jobs/" + os.environ["ATELIER_JOB_NAME"]
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token})
    try:
        return json.load(urllib.request.urlopen(request))["status"]
    except urllib.error.HTTPError as error:
        return error.code
print("strangers:", ask("wrong"), flush=True)
while not os.path.exists("go"):
    pass
print("asking", flush=True)
print("status:", ask(os.environ["MLFLOW_TRACKING_TOKEN"]))
END
python3 ask.py`)
	w.awaitLog(j.Name, "strangers: 401")
	folder := w.folder()
	w.stop()
	w.must(os.WriteFile(filepath.Join(folder, "work", "code", "go"), nil, 0o600))
	waitForText(t, filepath.Join(folder, "logs", filepath.FromSlash(job.CommandLog)), "asking")
	w.start()
	w.finish(j.Name, job.Completed)
	if got := w.log(j.Name, job.CommandLog); !strings.HasSuffix(got, "status: Running\n") {
		t.Errorf("log %q", got)
	}
}

// The server's side is away, so the file itself is looked at.
func waitForText(t *testing.T, path, text string) {
	t.Helper()
	for t.Context().Err() == nil {
		if content, _ := os.ReadFile(path); strings.Contains(string(content), text) {
			return
		}
	}
}

func TestAKilledRunnerFailsItsJobAndLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(`(setsid sleep 600 &); echo kept > outputs/kept; echo printed; sleep 600`)
	w.awaitLog(j.Name, "printed")
	folder := w.folder()
	running := w.await(j.Name, "running", func(j job.Job) bool { return j.Runner != nil })
	w.must(syscall.Kill(running.Runner.PID, syscall.SIGKILL))
	over := w.finish(j.Name, job.Failed)
	if over.Error == nil || over.Error.Code != compute.RunnerLost {
		t.Errorf("error %+v", over.Error)
	}
	if got := w.artifacts(j.Name)["outputs/kept"]; got != "kept\n" {
		t.Errorf("output %q", got)
	}
	w.wantNothingLeft(j.Name, folder)
}

func TestARunnerKilledWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(`echo printed; while [ ! -e go ]; do sleep 0.02; done; echo unseen; sleep 600`)
	w.awaitLog(j.Name, "printed")
	folder := w.folder()
	running := w.await(j.Name, "running", func(j job.Job) bool { return j.Runner != nil })
	w.stop()
	w.must(os.WriteFile(filepath.Join(folder, "work", "code", "go"), nil, 0o600))
	waitForText(t, filepath.Join(folder, "logs", filepath.FromSlash(job.CommandLog)), "unseen")
	w.must(syscall.Kill(running.Runner.PID, syscall.SIGKILL))
	w.start()
	w.finish(j.Name, job.Failed)
	if got := w.log(j.Name, job.CommandLog); got != "printed\nunseen\n" {
		t.Errorf("log %q", got)
	}
	w.wantNothingLeft(j.Name, folder)
}

func TestACanceledQueueNeverRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	capacity, err := w.driver.Describe(t.Context())
	w.must(err)
	holder := w.submit("sleep 600", func(spec *job.Spec) { spec.Resources.CPUs = capacity.CPUs })
	w.await(holder.Name, "running", func(j job.Job) bool { return j.Status == job.Running })
	queued := w.submit("echo ran")
	if got := w.finishCanceled(queued.Name); got.ExitCode != nil || w.log(queued.Name, job.CommandLog) != "" {
		t.Error("a job that was canceled in the queue ran")
	}
	w.finishCanceled(holder.Name)
}

func (w *world) finishCanceled(name string) job.Job {
	w.t.Helper()
	_, err := w.jobs.Cancel(w.user(), w.ws.ID, name)
	w.must(err)
	return w.finish(name, job.Canceled)
}

// BenchmarkSubmitToFirstLine measures from the submission of a job to the
// moment at which its first line is readable on the server.
func BenchmarkSubmitToFirstLine(b *testing.B) {
	w := newWorld(b)
	for b.Loop() {
		j := w.submit("echo first")
		w.awaitLog(j.Name, "first\n")
		b.StopTimer()
		w.finish(j.Name, job.Completed)
		b.StartTimer()
	}
}
