package runner

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/process"
	"github.com/atelier-ml/atelier/internal/environment"
)

// Why a command is made to end before it ends by itself. They are causes of the
// context in which it runs.
var (
	errCanceled = errors.New("the task was canceled")
	errTimeout  = errors.New("the task ran out of time")
	errMemory   = errors.New("the task used more memory than it may")
)

// runner is one task at work.
type runner struct {
	task compute.Task
	dir  string
	// plainDir is dir by a name that may stand in a shell command; linkDir holds
	// the link, if one was needed.
	plainDir, linkDir string

	log     *slog.Logger
	journal *journal
	queue   *queue
	streams *streams
	server  *server
	usage   atomic.Pointer[compute.Usage] // the last measurement, for heartbeats
	bound   *process.Bound                // of the command's memory; nil where the system has none
	cell    *process.Cell                 // where the command is started
	kept    pids                          // the children that somebody waits for
	ready   *environment.Ready            // kept from being removed until the end
	resumes bool                          // an earlier runner of this task has prepared its place

	progress atomic.Pointer[compute.Progress] // how far a batch task has come
	came     chan struct{}                    // receives when that changes

	secrets  map[string]string        // the values of the task's secrets, by name
	patterns atomic.Pointer[patterns] // what finds them
}

// outcome is how a task ended.
type outcome struct {
	exitCode *int
	ranks    []compute.Rank
	failure  *compute.Failure
	canceled bool
}

func failed(code, message string) outcome {
	return outcome{failure: &compute.Failure{Code: code, Message: message}}
}

// ended is the outcome of a task that was made to end.
func ended(cause error) outcome {
	if errors.Is(cause, errTimeout) {
		return failed(compute.Timeout, "The job ran longer than it may.")
	}
	if errors.Is(cause, errMemory) {
		return failed(compute.OutOfMemory, "The job used more memory than it may.")
	}
	return outcome{canceled: true}
}

// run takes the task from its beginning to the point where the server knows
// all. ctx ends when somebody cancels the task; shipping goes on after that.
func (r *runner) run(ctx context.Context, cancel context.CancelCauseFunc) error {
	shipping, stopShipping := context.WithCancel(context.Background())
	defer stopShipping()
	ship := newShipper(r, shipping, func() { cancel(errCanceled) })
	if r.journal.over() { // only the shipping is left
		return ship.finish()
	}
	go r.queue.ship(shipping, r.server, r.tellRefused)
	result := r.work(ctx)
	r.finalize(shipping, &result)
	if err := r.streams.flush(); err != nil {
		return err
	}
	if err := ship.drainLogs(); err != nil {
		return err
	}
	r.conclude(result)
	return ship.finish()
}

func (r *runner) work(ctx context.Context) outcome {
	if end, noted := r.journal.commandEnd(); noted {
		r.log.Warn("an earlier runner of this task died when its command had ended; what it made is kept by this one")
		return end
	}
	if r.journal.reached(compute.StatusRunning) {
		end := r.afterDeath()
		if r.task.Batch == nil {
			return end
		}
		r.resumes = true // its driver knows what is done
	}
	if err := r.status(compute.StatusPreparing); err != nil {
		return failed(compute.StartError, err.Error())
	}
	place, err := r.prepare(ctx)
	if ctx.Err() != nil {
		return ended(context.Cause(ctx))
	}
	if err != nil {
		return outcome{failure: failureOf(err)}
	}
	if r.task.Kind == compute.Service {
		return r.runService(ctx, place)
	}
	if r.task.Batch != nil {
		return r.runBatch(ctx, place)
	}
	return r.runCommand(ctx, place)
}

// afterDeath cleans up behind a runner that was killed: its command must not
// run twice, and must not go on without anybody watching.
func (r *runner) afterDeath() outcome {
	r.log.Warn("an earlier runner of this task died; its command is ended")
	if err := process.End(func() []process.Info { return process.InFolder(r.dir) }); err != nil {
		r.log.Error("end what the earlier runner left", "error", err)
	}
	return failed(compute.RunnerLost, "The process that watched the job died, and the job was ended. What it had written until then is kept.")
}

// finalize notes how the command ended, so that another runner can go on if this
// one dies, and uploads what it made. A failure here is the task's, unless it has
// a worse one.
func (r *runner) finalize(ctx context.Context, result *outcome) {
	if r.task.Kind != compute.Command {
		return
	}
	if _, noted := r.journal.commandEnd(); !noted {
		r.persist(compute.Record{Type: compute.StatusRecord, Status: compute.StatusFinalizing, ExitCode: result.exitCode, Ranks: result.ranks,
			Error: result.failure, Canceled: result.canceled})
	}
	err := r.shipLogged(ctx)
	if uploaded := r.upload(ctx); uploaded != nil {
		err = uploaded
	}
	if err != nil {
		r.log.Error("upload", "error", err)
		if result.failure == nil && !result.canceled {
			result.failure = &compute.Failure{Code: compute.UploadError, Message: err.Error()}
		}
	}
}

// conclude writes the last records.
func (r *runner) conclude(result outcome) {
	var records []compute.Record
	if usage := r.usage.Load(); usage != nil {
		records = append(records, compute.Record{Type: compute.UsageRecord, Usage: usage})
	}
	if r.noteProgress(); r.progress.Load() != nil {
		records = append(records, compute.Record{Type: compute.ProgressRecord, Progress: r.progress.Load()})
	}
	if result.failure != nil {
		result.failure.Message = r.patterns.Load().text(result.failure.Message)
		records = append(records, compute.Record{Type: compute.ErrorRecord, Error: result.failure})
	}
	records = append(records, compute.Record{Type: compute.ExitRecord, ExitCode: result.exitCode, Ranks: result.ranks, Canceled: result.canceled})
	r.persist(records...)
}

// persist writes records to the journal, and waits for a disk that is full: of
// what has happened already nothing may be forgotten.
func (r *runner) persist(records ...compute.Record) {
	for {
		err := r.journal.append(records...)
		if err == nil {
			return
		}
		r.log.Error("write the journal, and try again", "error", err)
		time.Sleep(lastPause)
	}
}

func (r *runner) status(status string) error {
	return r.journal.append(compute.Record{Type: compute.StatusRecord, Status: status})
}

// inParallel runs steps at the same time. The first failure ends the context
// of the others and is returned.
func inParallel(ctx context.Context, steps ...step) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for _, step := range steps {
		group.Go(func() {
			if err := step(ctx); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// now is the machine's time, as records carry it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}
