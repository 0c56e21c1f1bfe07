package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RegisterJobs adds the routes of jobs and their logs.
func RegisterJobs(t *route.Table, jobs *job.Service, bus *event.Bus) {
	j := &jobRoutes{jobs: jobs, bus: bus}
	route.Union[job.Input](t)
	route.Union[environment.Spec](t)
	all, one := inWorkspace+"/jobs", inWorkspace+"/jobs/{job}"
	route.Native(t, route.Route{Method: "POST", Path: all, Permission: "jobs/write", Status: http.StatusCreated,
		Summary: "Submit a job", Tag: "jobs"}, j.submit)
	route.Native(t, route.Route{Method: "GET", Path: all, Permission: "jobs/read", Summary: "List jobs, newest first", Tag: "jobs"}, j.list)
	route.Native(t, route.Route{Method: "GET", Path: one, Permission: "jobs/read", Summary: "Get a job", Tag: "jobs"}, j.get)
	route.Native(t, route.Route{Method: "DELETE", Path: one, Permission: "jobs/delete", Summary: "Delete a job that has ended", Tag: "jobs"}, j.delete)
	route.Native(t, route.Route{Method: "POST", Path: one + "/cancel", Permission: "jobs/cancel/action", Summary: "Ask a job to end", Tag: "jobs"}, j.cancel)
	route.Native(t, route.Route{Method: "GET", Path: one + "/why", Permission: "jobs/read", Summary: "Explain what a job waits for", Tag: "jobs"}, j.why)
	route.Native(t, route.Route{Method: "POST", Path: one + "/rerun", Permission: "jobs/write", Status: http.StatusCreated,
		Summary: "Submit a job again as it was, with the packages that it ran with", Tag: "jobs"}, j.rerun)
	route.Native(t, route.Route{Method: "GET", Path: one + "/comparison", Permission: "experiments/runs/read",
		Summary: "Say whether a job came to the same metrics as the one that it repeats, or as another", Tag: "jobs"}, j.compare)
	t.HandleFunc(route.Route{Method: "GET", Path: one + "/logs", Permission: "jobs/read", Summary: "Read a part of a job's log", Tag: "jobs"}, j.readLog)
	t.HandleFunc(route.Route{Method: "GET", Path: one + "/logs/stream", Permission: "jobs/read", Live: true,
		Summary: "Follow a job's log, as server-sent events", Tag: "jobs"}, j.followLog)
	t.HandleFunc(route.Route{Method: "PUT", Path: inWorkspace + "/tasks/{task}/outputs/{output}", Permission: "tasks/report/action", MaxBody: -1,
		Summary: "Write a file of a job's output into its datastore", Tag: "tasks"}, j.putOutput)
	registerDoors(t, jobs)
}

type jobRoutes struct {
	jobs *job.Service
	bus  *event.Bus
}

type submitJob struct {
	WorkspacePath
	Body job.Spec
}

// JobPath names a job.
type JobPath struct {
	WorkspacePath
	Job string `path:"job"`
}

type listJobs struct {
	WorkspacePath
	Experiment string `query:"experiment" doc:"Only jobs of the experiment with this name."`
	Status     string `query:"status" doc:"Only jobs with this status."`
	MaxResults int    `query:"max_results" minimum:"0" maximum:"1000"`
	PageToken  string `query:"page_token"`
}

func (r *jobRoutes) submit(ctx context.Context, in *submitJob) (*Body[job.Job], error) {
	return answer(r.jobs.Submit(ctx, workspace.From(ctx).ID, in.Body))
}

func (r *jobRoutes) list(ctx context.Context, in *listJobs) (*Body[atelier.Page[job.Job]], error) {
	return answer(r.jobs.List(ctx, workspace.From(ctx).ID, job.ListJobs{
		Experiment: in.Experiment, Status: job.Status(in.Status), MaxResults: in.MaxResults, PageToken: in.PageToken}))
}

func (r *jobRoutes) get(ctx context.Context, in *JobPath) (*Body[job.Job], error) {
	return answer(r.jobs.Get(ctx, workspace.From(ctx).ID, in.Job))
}

func (r *jobRoutes) cancel(ctx context.Context, in *JobPath) (*Body[job.Job], error) {
	return answer(r.jobs.Cancel(ctx, workspace.From(ctx).ID, in.Job))
}

func (r *jobRoutes) why(ctx context.Context, in *JobPath) (*Body[job.Explanation], error) {
	return answer(r.jobs.Why(ctx, workspace.From(ctx).ID, in.Job))
}

func (r *jobRoutes) delete(ctx context.Context, in *JobPath) (*struct{}, error) {
	return nil, r.jobs.Delete(ctx, workspace.From(ctx).ID, in.Job)
}

type rerunJob struct {
	JobPath
	Body job.Rerun
}

func (r *jobRoutes) rerun(ctx context.Context, in *rerunJob) (*Body[job.Job], error) {
	return answer(r.jobs.Rerun(ctx, workspace.From(ctx).ID, in.Job, in.Body))
}

type compareJobs struct {
	JobPath
	With     string   `query:"with" doc:"The other job; the one that this job repeats when it is left out."`
	Relative float64  `query:"rtol" doc:"How far values may be apart, as a part of the other's."`
	Absolute float64  `query:"atol" doc:"How far values may be apart."`
	Ignore   []string `query:"ignore,explode" doc:"Metrics that do not count; \"time/*\" is all that begin with \"time/\"."`
}

func (r *jobRoutes) compare(ctx context.Context, in *compareJobs) (*Body[job.Comparison], error) {
	return answer(r.jobs.Compare(ctx, workspace.From(ctx).ID, in.Job,
		job.Compare{With: in.With, Relative: in.Relative, Absolute: in.Absolute, Ignore: in.Ignore}))
}

func (r *jobRoutes) putOutput(w http.ResponseWriter, req *http.Request) {
	err := r.jobs.PutOutput(req.Context(), workspace.From(req.Context()).ID, req.PathValue("task"), req.PathValue("output"),
		job.Upload{Path: req.URL.Query().Get("path"), Content: req.Body, Size: req.ContentLength})
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// openLog reads which log a request wants, and from where.
func (r *jobRoutes) openLog(req *http.Request) (log job.Log, offset int64, err error) {
	name := req.URL.Query().Get("name")
	if name == "" {
		name = job.CommandLog
	}
	if offset, err = number(req, "offset", 0); err != nil {
		return log, 0, err
	}
	log, err = r.jobs.OpenLog(req.Context(), workspace.From(req.Context()).ID, req.PathValue("job"), name)
	return log, offset, err
}

// number reads a query parameter that is a whole number from 0.
func number(req *http.Request, name string, fallback int64) (int64, error) {
	text := req.URL.Query().Get(name)
	if text == "" {
		return fallback, nil
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value < 0 {
		return 0, atelier.Errorf(atelier.Invalid, "%q is not a whole number from 0.", atelier.Clip(text, 40)).At("query." + name)
	}
	return value, nil
}

// readLog answers the bytes as they were printed. They are never shown as
// anything but text: a job may print a page full of scripts.
func (r *jobRoutes) readLog(w http.ResponseWriter, req *http.Request) {
	log, offset, err := r.openLog(req)
	limit := int64(0)
	if err == nil {
		limit, err = number(req, "limit", 0)
	}
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	size := log.Size()
	length := max(0, size-offset)
	if limit > 0 {
		length = min(length, limit)
	}
	logHeader(w, size, length)
	io.Copy(w, io.LimitReader(log.Reader(offset), length))
}

// maxEvent bounds the text of one event of a log's stream.
const maxEvent = 64 << 10

type logText struct {
	Offset int64  `json:"offset"`
	Text   string `json:"text"`
}

type jobStatus struct {
	Status job.Status `json:"status"`
}

// followLog sends the log as it grows, the job's status as it changes, and ends
// when the job has ended and all was sent. Each event of text has the place
// behind it as its id, from which a client goes on after a lost connection.
func (r *jobRoutes) followLog(w http.ResponseWriter, req *http.Request) {
	log, offset, err := r.openLog(req)
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	news := r.bus.Subscribe(event.Job)
	defer news.Close()
	f := &follower{routes: r, log: log, offset: offset, stream: newStream(w)}
	for {
		grown := log.Changed() // asked before reading, so that nothing is missed
		ended, err := f.send(req)
		if ended || err != nil {
			return
		}
		if !f.await(req.Context(), grown, news, req.PathValue("job")) {
			return
		}
	}
}

type follower struct {
	routes *jobRoutes
	log    job.Log
	offset int64
	status job.Status
	stream *stream
}

// send sends what is new and reports whether the job has ended. The status is
// read before the log: what a job printed before its end is then all there.
func (f *follower) send(req *http.Request) (ended bool, err error) {
	j, err := f.routes.jobs.Get(req.Context(), workspace.From(req.Context()).ID, req.PathValue("job"))
	if err != nil {
		return false, err
	}
	if err := f.sendText(j.Status.Ended()); err != nil {
		return false, err
	}
	if j.Status != f.status {
		f.status = j.Status
		if err := f.stream.send("status", jobStatus{j.Status}); err != nil {
			return false, err
		}
	}
	if j.Status.Ended() {
		return true, f.stream.send("end", jobStatus{j.Status})
	}
	return false, nil
}

func (f *follower) sendText(all bool) error {
	piece := make([]byte, maxEvent)
	for {
		n, err := f.log.ReadAt(piece, f.offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		last := errors.Is(err, io.EOF)
		n = wholeRunes(piece[:n], all && last)
		if n > 0 {
			if _, err := fmt.Fprintf(f.stream.w, "id: %d\n", f.offset+int64(n)); err != nil {
				return err
			}
			if err := f.stream.send("log", logText{f.offset, string(piece[:n])}); err != nil {
				return err
			}
			f.offset += int64(n)
		}
		if last || n == 0 {
			return nil
		}
	}
}

// wholeRunes returns how much of p can be sent without cutting a character in
// two, unless there is no more to come. Bytes that are no text pass as they are.
func wholeRunes(p []byte, all bool) int {
	if all {
		return len(p)
	}
	for cut := 1; cut < utf8.UTFMax && cut <= len(p); cut++ {
		if tail := p[len(p)-cut:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return len(p) - cut
			}
			break
		}
	}
	return len(p)
}

// await waits until there may be something new. It is false once the client left.
func (f *follower) await(ctx context.Context, grown <-chan struct{}, news *event.Subscription, name string) bool {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		select {
		case <-grown:
			return true
		case <-ctx.Done():
			return false
		case <-alive.C:
			f.stream.comment()
		case <-news.Ready():
			for _, notice := range news.Take() {
				if notice.ID == name {
					return true
				}
			}
		}
	}
}
