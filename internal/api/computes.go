package api

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RegisterComputes adds the routes of computes and of the limits of jobs.
func RegisterComputes(t *route.Table, jobs *job.Service) {
	r := &computeRoutes{jobs}
	all, one := inWorkspace+"/computes", inWorkspace+"/computes/{compute}"
	route.Native(t, route.Route{Method: "POST", Path: all, Permission: "computes/write", Status: http.StatusCreated,
		Summary: "Create a compute", Tag: "computes"}, r.create)
	route.Native(t, route.Route{Method: "GET", Path: all, Permission: "computes/read", Summary: "List computes by name", Tag: "computes"}, r.list)
	route.Native(t, route.Route{Method: "GET", Path: one, Permission: "computes/read", Summary: "Show a compute", Tag: "computes"}, r.get)
	route.Native(t, route.Route{Method: "PATCH", Path: one, Permission: "computes/write", Summary: "Change a compute", Tag: "computes"}, r.update)
	route.Native(t, route.Route{Method: "DELETE", Path: one, Permission: "computes/delete",
		Summary: "Delete a compute without jobs", Tag: "computes"}, r.delete)
	route.Native(t, route.Route{Method: "POST", Path: one + "/start", Permission: "computes/write",
		Summary: "Let the jobs of a compute run", Tag: "computes"}, r.start)
	route.Native(t, route.Route{Method: "POST", Path: one + "/stop", Permission: "computes/write",
		Summary: "Have the queued jobs of a compute wait", Tag: "computes"}, r.stop)
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/job-limits", Permission: "computes/read",
		Summary: "Show what the jobs of the workspace may have at a time", Tag: "computes"}, r.limits)
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/queue", Permission: "jobs/read",
		Summary: "Show what the machine is busy with, and what each queued job waits for", Tag: "computes"}, r.queue)
	route.Native(t, route.Route{Method: "PUT", Path: inWorkspace + "/job-limits", Permission: "computes/write",
		Summary: "Set what the jobs of the workspace may have at a time", Tag: "computes"}, r.setLimits)
}

type computeRoutes struct {
	jobs *job.Service
}

type createCompute struct {
	WorkspacePath
	Body job.CreateCompute
}

func (r *computeRoutes) create(ctx context.Context, in *createCompute) (*Body[job.Compute], error) {
	return answer(r.jobs.CreateCompute(ctx, workspace.From(ctx).ID, in.Body))
}

func (r *computeRoutes) list(ctx context.Context, _ *WorkspacePath) (*Body[atelier.Page[job.Compute]], error) {
	all, err := r.jobs.ListComputes(ctx, workspace.From(ctx).ID)
	return answer(atelier.Page[job.Compute]{Items: all}, err)
}

// ComputePath names a compute.
type ComputePath struct {
	WorkspacePath
	Compute string `path:"compute"`
}

func (r *computeRoutes) get(ctx context.Context, in *ComputePath) (*Body[job.Compute], error) {
	return answer(r.jobs.GetCompute(ctx, workspace.From(ctx).ID, in.Compute))
}

type updateCompute struct {
	ComputePath
	Body job.UpdateCompute
}

func (r *computeRoutes) update(ctx context.Context, in *updateCompute) (*Body[job.Compute], error) {
	return answer(r.jobs.UpdateCompute(ctx, workspace.From(ctx).ID, in.Compute, in.Body))
}

func (r *computeRoutes) delete(ctx context.Context, in *ComputePath) (*Empty, error) {
	return &Empty{}, r.jobs.DeleteCompute(ctx, workspace.From(ctx).ID, in.Compute)
}

func (r *computeRoutes) start(ctx context.Context, in *ComputePath) (*Body[job.Compute], error) {
	return answer(r.jobs.StartCompute(ctx, workspace.From(ctx).ID, in.Compute))
}

func (r *computeRoutes) stop(ctx context.Context, in *ComputePath) (*Body[job.Compute], error) {
	return answer(r.jobs.StopCompute(ctx, workspace.From(ctx).ID, in.Compute))
}

func (r *computeRoutes) limits(ctx context.Context, _ *WorkspacePath) (*Body[job.WorkspaceLimits], error) {
	return answer(r.jobs.Limits(ctx, workspace.From(ctx).ID))
}

func (r *computeRoutes) queue(ctx context.Context, _ *WorkspacePath) (*Body[job.Queue], error) {
	return answer(r.jobs.Queue(ctx, workspace.From(ctx).ID))
}

type setLimits struct {
	WorkspacePath
	Body job.WorkspaceLimits
}

func (r *computeRoutes) setLimits(ctx context.Context, in *setLimits) (*Body[job.WorkspaceLimits], error) {
	return answer(r.jobs.SetLimits(ctx, workspace.From(ctx).ID, in.Body))
}
