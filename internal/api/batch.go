package api

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/batch"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RegisterBatch adds the routes of batch endpoints and their deployments.
func RegisterBatch(t *route.Table, batches *batch.Service, jobs *job.Service) {
	b := &batchRoutes{batches: batches, jobs: jobs}
	all, one := inWorkspace+"/batch-endpoints", inWorkspace+"/batch-endpoints/{endpoint}"
	read := atelier.Permission("endpoints/batch/read")
	write := atelier.Permission("endpoints/batch/write")
	remove := atelier.Permission("endpoints/batch/delete")
	add := func(method, path string, permission atelier.Permission, summary string) route.Route {
		r := route.Route{Method: method, Path: path, Permission: permission, Summary: summary, Tag: "batch endpoints"}
		if method == "POST" {
			r.Status = http.StatusCreated
		}
		return r
	}
	route.Native(t, add("POST", all, write, "Create a batch endpoint, or replace it"), b.create)
	route.Native(t, add("GET", all, read, "List batch endpoints"), b.list)
	route.Native(t, add("GET", one, read, "Get a batch endpoint"), b.get)
	route.Native(t, add("PATCH", one, write, "Change a batch endpoint: its default deployment, above all"), b.update)
	route.Native(t, add("DELETE", one, remove, "Delete a batch endpoint with its deployments"), b.delete)
	route.Native(t, add("POST", one+"/invoke", "endpoints/batch/jobs/write", "Queue a job that scores files"), b.invoke)
	route.Native(t, add("GET", one+"/jobs", read, "List the jobs of a batch endpoint, newest first"), b.listJobs)

	deployments, deployment := one+"/deployments", one+"/deployments/{deployment}"
	route.Native(t, add("POST", deployments, write, "Put a deployment behind a batch endpoint, or replace it"), b.createDeployment)
	route.Native(t, add("GET", deployments, read, "List a batch endpoint's deployments"), b.listDeployments)
	route.Native(t, add("GET", deployment, read, "Get a batch deployment"), b.getDeployment)
	route.Native(t, add("PATCH", deployment, write, "Change a batch deployment"), b.updateDeployment)
	route.Native(t, add("DELETE", deployment, remove, "Delete a batch deployment that is not the default"), b.deleteDeployment)
	route.Native(t, add("GET", deployment+"/jobs", read, "List the jobs of a batch deployment, newest first"), b.listDeploymentJobs)
}

type batchRoutes struct {
	batches *batch.Service
	jobs    *job.Service
}

// pageAsked is which page of a list is wanted.
type pageAsked struct {
	MaxResults int    `query:"max_results" minimum:"0" maximum:"1000"`
	PageToken  string `query:"page_token"`
}

func (r *batchRoutes) create(ctx context.Context, in *struct {
	WorkspacePath
	Body batch.CreateEndpoint
}) (*Body[batch.Endpoint], error) {
	return answer(r.batches.Create(ctx, workspace.From(ctx).ID, in.Body))
}

func (r *batchRoutes) list(ctx context.Context, in *struct {
	WorkspacePath
	pageAsked
}) (*Body[atelier.Page[batch.Endpoint]], error) {
	return answer(r.batches.List(ctx, workspace.From(ctx).ID, in.MaxResults, in.PageToken))
}

func (r *batchRoutes) get(ctx context.Context, in *EndpointPath) (*Body[batch.Endpoint], error) {
	return answer(r.batches.Get(ctx, workspace.From(ctx).ID, in.Endpoint))
}

func (r *batchRoutes) update(ctx context.Context, in *struct {
	EndpointPath
	Body batch.UpdateEndpoint
}) (*Body[batch.Endpoint], error) {
	return answer(r.batches.Update(ctx, workspace.From(ctx).ID, in.Endpoint, in.Body))
}

func (r *batchRoutes) delete(ctx context.Context, in *EndpointPath) (*struct{}, error) {
	return nil, r.batches.Delete(ctx, workspace.From(ctx).ID, in.Endpoint)
}

func (r *batchRoutes) invoke(ctx context.Context, in *struct {
	EndpointPath
	Body batch.Invoke
}) (*Body[job.Job], error) {
	return answer(r.batches.Invoke(ctx, workspace.From(ctx).ID, in.Endpoint, in.Body))
}

func (r *batchRoutes) listJobs(ctx context.Context, in *struct {
	EndpointPath
	pageAsked
}) (*Body[atelier.Page[job.Job]], error) {
	if _, err := r.batches.Get(ctx, workspace.From(ctx).ID, in.Endpoint); err != nil {
		return nil, err
	}
	return answer(r.jobs.List(ctx, workspace.From(ctx).ID, job.ListJobs{Endpoint: in.Endpoint, MaxResults: in.MaxResults, PageToken: in.PageToken}))
}

func (r *batchRoutes) createDeployment(ctx context.Context, in *struct {
	EndpointPath
	SetDefault bool `query:"set_default" doc:"Make it the endpoint's default."`
	Body       batch.CreateDeployment
}) (*Body[batch.Deployment], error) {
	return answer(r.batches.CreateDeployment(ctx, workspace.From(ctx).ID, in.Endpoint, in.Body, in.SetDefault))
}

func (r *batchRoutes) listDeployments(ctx context.Context, in *EndpointPath) (*Body[atelier.Page[batch.Deployment]], error) {
	found, err := r.batches.Deployments(ctx, workspace.From(ctx).ID, in.Endpoint)
	return answer(atelier.Page[batch.Deployment]{Items: found}, err)
}

func (r *batchRoutes) getDeployment(ctx context.Context, in *DeploymentPath) (*Body[batch.Deployment], error) {
	return answer(r.batches.Deployment(ctx, workspace.From(ctx).ID, in.Endpoint, in.Deployment))
}

func (r *batchRoutes) updateDeployment(ctx context.Context, in *struct {
	DeploymentPath
	Body batch.Definition
}) (*Body[batch.Deployment], error) {
	return answer(r.batches.UpdateDeployment(ctx, workspace.From(ctx).ID, in.Endpoint, in.Deployment, in.Body))
}

func (r *batchRoutes) deleteDeployment(ctx context.Context, in *DeploymentPath) (*struct{}, error) {
	return nil, r.batches.DeleteDeployment(ctx, workspace.From(ctx).ID, in.Endpoint, in.Deployment)
}

func (r *batchRoutes) listDeploymentJobs(ctx context.Context, in *struct {
	DeploymentPath
	pageAsked
}) (*Body[atelier.Page[job.Job]], error) {
	if _, err := r.batches.Deployment(ctx, workspace.From(ctx).ID, in.Endpoint, in.Deployment); err != nil {
		return nil, err
	}
	return answer(r.jobs.List(ctx, workspace.From(ctx).ID, job.ListJobs{Endpoint: in.Endpoint, Deployment: in.Deployment,
		MaxResults: in.MaxResults, PageToken: in.PageToken}))
}
