package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/process"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/sdk/python"
)

const (
	// A worker that crashes is started again, at once at first, then after a
	// pause that doubles with each crash in a row.
	firstRestart = 100 * time.Millisecond
	lastRestart  = 30 * time.Second
	// steady is how long a worker has to live for its crash to count as the first.
	steady = time.Minute
	// lookEvery is how often a starting worker is asked whether it is ready.
	lookEvery = 20 * time.Millisecond
)

// runService keeps the task's scoring worker running until ctx ends. A worker
// that ends before it was ever ready has a fault that starting it again would
// not mend: the task fails with it.
func (r *runner) runService(ctx context.Context, p *place) outcome {
	r.streams.command.bound()
	serving := r.workPath("serving")
	if err := placeServing(serving); err != nil {
		return failed(compute.StartError, err.Error())
	}
	open, err := r.enclose(r.workerRights(p, interpreter(p)))
	if err != nil {
		return failed(compute.StartError, err.Error())
	}
	defer open()
	if r.task.Service.Collect != nil {
		defer r.collecting()()
	}
	pause, restarts := firstRestart, 0
	for everReady := false; ; {
		if err := r.status(compute.StatusRunning); err != nil {
			return failed(compute.StartError, err.Error())
		}
		started := time.Now()
		result, ready := r.serve(ctx, p, serving)
		everReady = everReady || ready
		switch {
		case ctx.Err() != nil:
			return outcome{canceled: true, exitCode: result.exitCode}
		case !everReady:
			return r.neverReady(result)
		}
		if time.Since(started) > steady {
			pause = firstRestart
		}
		restarts++
		r.noteRestart(result, restarts, pause)
		select {
		case <-ctx.Done():
			return outcome{canceled: true}
		case <-time.After(pause):
		}
		pause = min(2*pause, lastRestart)
	}
}

// noteRestart tells everybody who looks why the worker ended and when it comes back.
func (r *runner) noteRestart(result outcome, count int, pause time.Duration) {
	reason := compute.Failure{Code: compute.WorkerEnded, Message: fmt.Sprintf("The scoring worker ended (%s).", r.describe(result))}
	if result.failure != nil && result.failure.Code == compute.OutOfMemory {
		reason.Code = compute.OutOfMemory
	}
	fmt.Fprintf(r.streams.command, "%s It starts again in %v.\n", reason.Message, pause)
	err := r.journal.append(compute.Record{Type: compute.RestartRecord, Error: &reason,
		Restart: &compute.Restart{Count: count, NextAt: time.Now().Add(pause).UTC().Truncate(time.Millisecond)}})
	if err != nil {
		r.log.Error("write the journal", "error", err)
	}
}

// serve runs one worker to its end and reports whether it ever was ready.
func (r *runner) serve(ctx context.Context, p *place, serving string) (result outcome, ready bool) {
	os.Remove(r.failureFile())
	os.Remove(filepath.Join(r.dir, compute.SocketFile)) // the worker may make it, and not remove it
	cmd := r.workerCommand(p, serving)
	collects, err := r.openSpool()
	if err != nil {
		return failed(compute.StartError, err.Error()), false
	}
	if collects != "" {
		cmd.Env = append(cmd.Env, collects)
	}
	looking, stop := context.WithCancel(ctx)
	found := make(chan bool, 1)
	go func() { found <- r.awaitReady(looking) }()
	result = r.supervise(ctx, &member{cmd: cmd, log: r.streams.command})
	stop()
	return result, <-found
}

// awaitReady asks the worker until it answers, and notes that it does.
func (r *runner) awaitReady(ctx context.Context) bool {
	for ctx.Err() == nil {
		if pid, err := r.askHealth(ctx); err == nil {
			record := compute.Record{Type: compute.StatusRecord, Status: compute.StatusReady, WorkerPID: pid}
			if err := r.journal.append(record); err != nil {
				r.log.Error("write the journal", "error", err)
			}
			return true
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
	return false
}

func (r *runner) askHealth(ctx context.Context) (pid int, err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", filepath.Join(r.dir, compute.SocketFile))
	if err != nil {
		return 0, err
	}
	return endpoint.Healthy(conn, time.Now().Add(time.Second))
}

// neverReady is the outcome of a task whose worker could not be loaded. The
// worker says itself what was wrong, in Azure Machine Learning's words.
func (r *runner) neverReady(result outcome) outcome {
	reason := compute.Failure{Code: "ResourceNotReady", Message: fmt.Sprintf("The scoring worker ended before it was ready (%s).", r.describe(result))}
	switch {
	case result.failure == nil:
	case result.failure.Code == compute.StartError:
		reason.Message = result.failure.Message
	case result.failure.Code == compute.OutOfMemory:
		reason.Code = compute.OutOfMemory
	}
	text, err := os.ReadFile(r.failureFile())
	if err == nil {
		err = json.Unmarshal(text, &reason)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.log.Error("read why the worker ended", "error", err)
	}
	return outcome{exitCode: result.exitCode, failure: &reason}
}

func (r *runner) describe(result outcome) string {
	switch {
	case result.failure != nil && result.failure.Code == compute.OutOfMemory:
		return fmt.Sprintf("it used more memory than the %s it may (resources.limits.memory)", compute.FormatMemory(r.task.MemoryBytes))
	case result.exitCode == nil:
		return "it did not start"
	case *result.exitCode == 128+9:
		return "killed; the machine may have run out of memory"
	case *result.exitCode > 128:
		return fmt.Sprintf("signal %d", *result.exitCode-128)
	}
	return fmt.Sprintf("exit code %d", *result.exitCode)
}

func (r *runner) failureFile() string { return r.workPath("failure.json") }

// interpreter is the Python that runs the worker.
func interpreter(p *place) string {
	if p.ready != nil {
		return p.ready.Python
	}
	found, err := exec.LookPath("python3")
	if err != nil {
		return "python3" // starting it says what is wrong
	}
	return found
}

// workerCommand is the worker, in the task's environment. It is found through
// its working folder, which holds nothing else, so that it can be mixed up with
// nothing in the user's code.
func (r *runner) workerCommand(p *place, serving string) *exec.Cmd {
	service := r.task.Service
	cmd := exec.Command(interpreter(p), "-m", "atelier_serving.worker",
		"--socket", filepath.Join(r.dir, compute.SocketFile), "--code", p.code, "--failure", r.failureFile(),
		"--workers", strconv.Itoa(max(1, service.Workers)), "--concurrency", strconv.Itoa(max(1, service.Concurrency)))
	if service.BatchSize > 1 {
		cmd.Args = append(cmd.Args, "--batch-size", strconv.Itoa(service.BatchSize),
			"--batch-delay", strconv.FormatFloat(service.BatchDelayMS, 'g', -1, 64))
	}
	if service.ScoringScript != "" {
		cmd.Args = append(cmd.Args, "--entry", service.ScoringScript)
	}
	cmd.Dir, cmd.Env = serving, r.workerVariables(p)
	return cmd
}

// harmless are the machine's variables that a worker may see: what programs
// need to run, and no credential that happens to be set where the server was
// started.
var harmless = []string{"LANG", "LC_*", "TZ", "LD_LIBRARY_PATH", "CUDA_*", "NVIDIA_*", "OMP_*", "MKL_*", "OPENBLAS_*",
	"SSL_CERT_*", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "USER", "LOGNAME"}

// workerVariables is the environment of the worker. It holds nothing that opens
// the server, and its home is a folder of its own.
func (r *runner) workerVariables(p *place) []string {
	all := []string{"PATH=" + os.Getenv("PATH")}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		for _, pattern := range harmless {
			if matched, _ := path.Match(pattern, name); matched {
				all = append(all, entry)
			}
		}
	}
	if p.ready != nil {
		all = append(all, "VIRTUAL_ENV="+p.ready.Dir,
			"PATH="+filepath.Join(p.ready.Dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	all = append(all, "HOME="+r.workPath("home"), "TMPDIR="+r.workPath("tmp"), "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1")
	for key, value := range r.task.EnvironmentVariables {
		all = append(all, key+"="+r.fillVariable(value, &place{}))
	}
	if p.model != "" {
		all = append(all, "AZUREML_MODEL_DIR="+p.model)
	}
	return append(all, process.FolderVariable+"="+r.dir)
}

// placeServing writes the worker's sources, which the binary carries, into dir.
func placeServing(dir string) error {
	sources, err := fs.Sub(python.Serving, "src")
	if err != nil {
		return err
	}
	for _, folder := range []string{filepath.Join(dir, "..", "home"), filepath.Join(dir, "..", "tmp")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(dir); err != nil { // an earlier runner's
		return err
	}
	return os.CopyFS(dir, sources)
}

// fetchModel places the model as Azure Machine Learning does: the folder in
// AZUREML_MODEL_DIR is azureml-models/NAME/VERSION, and in it lies the file, or
// the folder, that was registered, under its own name.
func (r *runner) fetchModel(ctx context.Context, p *place) error {
	m := r.task.Model()
	if m == nil {
		return nil
	}
	p.model = r.workPath("azureml-models", safeName(m.ModelName), safeName(m.ModelVersion))
	if r.resumes {
		return nil
	}
	if err := r.fetchTree(ctx, m.ModelTree, "", filepath.Join(p.model, m.ModelFolder), true); err != nil {
		return fmt.Errorf("fetch the model: %w", err)
	}
	return nil
}
