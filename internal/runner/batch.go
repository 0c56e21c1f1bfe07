package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/atelier-ml/atelier/internal/compute"
)

const (
	// batchFolder holds what the driver of a batch task must find again when it, or
	// its runner, has died: which mini batches are done, and their rows.
	batchFolder = "batch"
	// driverTries is how often in a row a driver may die with nothing done.
	driverTries = 3
)

// batchPlan is what the driver is told. Its other side is atelier_serving/batch.py.
type batchPlan struct {
	compute.BatchTask
	Inputs []string `json:"inputs"` // files and folders
	Output string   `json:"output"`
	Code   string   `json:"code"`
	Folder string   `json:"folder"` // the journal's
}

// runBatch scores the files of the task's inputs. A driver that is killed is
// started again, and goes on with what is not done.
func (r *runner) runBatch(ctx context.Context, p *place) outcome {
	defer p.relay.close()
	if err := r.status(compute.StatusRunning); err != nil {
		return failed(compute.StartError, err.Error())
	}
	if err := errors.Join(placeServing(r.workPath("serving")), r.writePlan(p)); err != nil {
		return failed(compute.StartError, err.Error())
	}
	open, err := r.enclose(nil)
	if err != nil {
		return failed(compute.StartError, err.Error())
	}
	defer open()
	door, err := r.openDoor(p)
	if err != nil {
		r.tell(fmt.Sprintf("nobody can come to the job while it runs: %v", err))
	}
	defer door.close()
	for died := 1; ; died++ {
		r.noteProgress()
		before := r.progress.Load()
		result := r.drive(ctx, p)
		if ctx.Err() != nil || !driverDied(result) {
			return r.explained(result)
		}
		if r.noteProgress(); changed(before, r.progress.Load()) {
			died = 1
		}
		if died == driverTries {
			return result
		}
		fmt.Fprintf(r.streams.command, "The process that scores the mini batches died (%s). It is started again, and goes on with those that are not done.\n", r.describe(result))
	}
}

// driverDied reports whether a signal ended the driver that nobody of the product
// sent.
func driverDied(result outcome) bool {
	return result.exitCode != nil && *result.exitCode > 128 && (result.failure == nil || result.failure.Code == compute.UserError)
}

func changed(before, after *compute.Progress) bool {
	return after != nil && (before == nil || before.MiniBatchesDone != after.MiniBatchesDone)
}

// writePlan writes what the driver has to know.
func (r *runner) writePlan(p *place) error {
	plan := batchPlan{BatchTask: *r.task.Batch, Output: p.outputs[compute.ScoreOutput], Code: p.code, Folder: filepath.Join(r.dir, batchFolder)}
	for _, name := range slices.Sorted(maps.Keys(r.task.Inputs)) {
		plan.Inputs = append(plan.Inputs, p.inputs[name])
	}
	text, err := json.Marshal(plan)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(plan.Folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(r.batchFile("plan.json"), text, 0o600)
}

func (r *runner) batchFile(name string) string { return filepath.Join(r.dir, batchFolder, name) }

// drive runs one driver to its end.
func (r *runner) drive(ctx context.Context, p *place) outcome {
	os.Remove(r.batchFile("failure.json"))
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go r.watchProgress(watching)
	result := r.supervise(ctx, &member{cmd: r.driverCommand(p), log: r.streams.command})
	r.explainMemory(result)
	return result
}

// driverCommand is the driver, in the task's environment. Like a scoring worker, it
// is found through its working folder.
func (r *runner) driverCommand(p *place) *exec.Cmd {
	interpreter := "python3"
	if p.ready != nil {
		interpreter = p.ready.Python
	}
	cmd := exec.Command(interpreter, "-m", "atelier_serving.batch", r.batchFile("plan.json"))
	cmd.Dir = r.workPath("serving")
	cmd.Env = append(r.variables(p), "AZUREML_BI_OUTPUT_PATH="+p.outputs[compute.ScoreOutput])
	if p.model != "" {
		cmd.Env = append(cmd.Env, "AZUREML_MODEL_DIR="+p.model)
	}
	return cmd
}

// explained adds why the driver gave up, in its own words.
func (r *runner) explained(result outcome) outcome {
	if result.failure == nil || result.failure.Code != compute.UserError {
		return result
	}
	text, err := os.ReadFile(r.batchFile("failure.json"))
	if err == nil {
		err = json.Unmarshal(text, result.failure)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.log.Error("read why the scoring ended", "error", err)
	}
	return result
}

// watchProgress looks how far the driver has come, until ctx ends.
func (r *runner) watchProgress(ctx context.Context) {
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.noteProgress()
		}
	}
}

// noteProgress reads how far the driver has come, if this task has one.
func (r *runner) noteProgress() {
	if r.task.Batch == nil {
		return
	}
	text, err := os.ReadFile(r.batchFile("progress.json"))
	if err != nil {
		return // it has not begun
	}
	var now compute.Progress
	if err := json.Unmarshal(text, &now); err != nil {
		r.log.Error("read how far the scoring is", "error", err)
		return
	}
	if before := r.progress.Swap(&now); before == nil || *before != now {
		wake(r.came)
	}
}
