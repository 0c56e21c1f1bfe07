package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// TaskOwner is the service that a task works for: jobs or endpoints.
type TaskOwner interface {
	Report(ctx context.Context, ws, task string, report compute.Report) (compute.ReportAnswer, error)
	WriteLog(ctx context.Context, ws, task, name string, offset int64, p []byte) (int64, error)
	RevealSecrets(ctx context.Context, ws, task string) (compute.Secrets, error)
}

// RegisterTasks adds the routes that runners use. Only a task's own token may.
func RegisterTasks(t *route.Table, jobs TaskOwner, endpoints *endpoint.Service, runs *tracking.Service) {
	r := &taskRoutes{jobs: jobs, endpoints: endpoints, runs: runs}
	task := inWorkspace + "/tasks/{task}"
	route.Native(t, route.Route{Method: "POST", Path: task + "/report", Permission: "tasks/report/action",
		Summary: "Tell what happened to a task", Tag: "tasks"}, r.report)
	route.Native(t, route.Route{Method: "GET", Path: task + "/secrets", Permission: "tasks/report/action",
		Summary: "Fetch the secrets that a task names", Tag: "tasks"}, r.secrets)
	t.HandleFunc(route.Route{Method: "PUT", Path: task + "/logs", Permission: "tasks/report/action",
		Summary: "Write a piece of a task's log at its place", Tag: "tasks"}, r.writeLog)
	t.HandleFunc(route.Route{Method: "PUT", Path: task + "/collected", Permission: "tasks/report/action", MaxBody: maxCollected,
		Summary: "Keep rows that a deployment's collector wrote", Tag: "tasks"}, r.putCollected)
	t.HandleFunc(route.Route{Method: "PUT", Path: task + "/artifacts", Permission: "tasks/report/action", MaxBody: -1,
		Summary: "Keep a file that a job made", Tag: "tasks"}, r.putArtifact)
}

type taskRoutes struct {
	jobs      TaskOwner
	endpoints *endpoint.Service
	runs      *tracking.Service
}

// owner is the service that the sender's task works for.
func (r *taskRoutes) owner(ctx context.Context) TaskOwner {
	if actor, _ := atelier.ActorFrom(ctx); actor.Kind == atelier.Deployment {
		return r.endpoints
	}
	return r.jobs
}

type reportTask struct {
	WorkspacePath
	Task string `path:"task"`
	Body compute.Report
}

func (r *taskRoutes) report(ctx context.Context, in *reportTask) (*Body[compute.ReportAnswer], error) {
	return answer(r.owner(ctx).Report(ctx, workspace.From(ctx).ID, in.Task, in.Body))
}

type taskSecrets struct {
	WorkspacePath
	Task string `path:"task"`
}

func (r *taskRoutes) secrets(ctx context.Context, in *taskSecrets) (*Body[compute.Secrets], error) {
	return answer(r.owner(ctx).RevealSecrets(ctx, workspace.From(ctx).ID, in.Task))
}

func (r *taskRoutes) writeLog(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	offset, err := number(req, "offset", 0)
	var piece []byte
	if err == nil {
		piece, err = io.ReadAll(req.Body)
	}
	var size int64
	if err == nil {
		size, err = r.owner(ctx).WriteLog(ctx, workspace.From(ctx).ID, req.PathValue("task"), req.URL.Query().Get("name"), offset, piece)
	}
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]int64{"size": size})
}

// maxCollected bounds the rows that come at once.
const maxCollected = 80 << 20

func (r *taskRoutes) putCollected(w http.ResponseWriter, req *http.Request) {
	ctx, query := req.Context(), req.URL.Query()
	at, err := number(req, "at", 0)
	var dropped int64
	if err == nil {
		dropped, err = number(req, "dropped", 0)
	}
	batch := collect.Batch{Name: query.Get("batch"), At: time.UnixMilli(at), Dropped: dropped}
	if err == nil {
		batch.Lines, err = io.ReadAll(req.Body)
	}
	if err == nil {
		err = r.endpoints.AppendCollected(ctx, workspace.From(ctx).ID, req.PathValue("task"), query.Get("collection"), batch)
	}
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *taskRoutes) putArtifact(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	owner := tracking.Owner{Kind: tracking.RunArtifact, ID: req.PathValue("task")}
	err := r.runs.Upload(ctx, workspace.From(ctx).ID, owner, req.URL.Query().Get("path"), req.Body)
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
