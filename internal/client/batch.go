package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/atelier-ml/atelier/internal/batch"
	"github.com/atelier-ml/atelier/internal/job"
)

const batchEndpoints = "batch-endpoints"

// CreateBatchEndpoint makes a batch endpoint, or replaces it.
func (c *Client) CreateBatchEndpoint(ctx context.Context, ask batch.CreateEndpoint) (batch.Endpoint, error) {
	return post[batch.Endpoint](ctx, c, c.path(batchEndpoints), ask)
}

// ListBatchEndpoints returns the batch endpoints of the workspace.
func (c *Client) ListBatchEndpoints(ctx context.Context) ([]batch.Endpoint, error) {
	return list[batch.Endpoint](ctx, c, c.path(batchEndpoints), nil, 0)
}

// GetBatchEndpoint returns the batch endpoint called name.
func (c *Client) GetBatchEndpoint(ctx context.Context, name string) (batch.Endpoint, error) {
	return get[batch.Endpoint](ctx, c, c.path(batchEndpoints, name), nil)
}

// UpdateBatchEndpoint changes the batch endpoint called name.
func (c *Client) UpdateBatchEndpoint(ctx context.Context, name string, change batch.UpdateEndpoint) (batch.Endpoint, error) {
	return patch[batch.Endpoint](ctx, c, c.path(batchEndpoints, name), change)
}

// DeleteBatchEndpoint deletes a batch endpoint with its deployments.
func (c *Client) DeleteBatchEndpoint(ctx context.Context, name string) error {
	return c.delete(ctx, c.path(batchEndpoints, name))
}

// InvokeBatch queues a job that scores what the inputs hold.
func (c *Client) InvokeBatch(ctx context.Context, name string, ask batch.Invoke) (job.Job, error) {
	return post[job.Job](ctx, c, c.path(batchEndpoints, name, "invoke"), ask)
}

// ListBatchJobs returns the jobs of a batch endpoint, or of one deployment of it,
// newest first.
func (c *Client) ListBatchJobs(ctx context.Context, name, deployment string) ([]job.Job, error) {
	if deployment != "" {
		return list[job.Job](ctx, c, c.path(batchEndpoints, name, "deployments", deployment, "jobs"), nil, 0)
	}
	return list[job.Job](ctx, c, c.path(batchEndpoints, name, "jobs"), nil, 0)
}

// CreateBatchDeployment makes a deployment of a batch endpoint, or replaces it. With
// makeDefault, it is the one that is asked when none is named.
func (c *Client) CreateBatchDeployment(ctx context.Context, to string, ask batch.CreateDeployment, makeDefault bool) (batch.Deployment, error) {
	var made batch.Deployment
	request := call{method: http.MethodPost, path: c.path(batchEndpoints, to, "deployments"), in: ask}
	if makeDefault {
		request.query = url.Values{"set_default": {"true"}}
	}
	err := c.exchange(ctx, request, &made)
	return made, err
}

// ListBatchDeployments returns the deployments of a batch endpoint.
func (c *Client) ListBatchDeployments(ctx context.Context, of string) ([]batch.Deployment, error) {
	return list[batch.Deployment](ctx, c, c.path(batchEndpoints, of, "deployments"), nil, 0)
}

// GetBatchDeployment returns one deployment of a batch endpoint.
func (c *Client) GetBatchDeployment(ctx context.Context, of, name string) (batch.Deployment, error) {
	return get[batch.Deployment](ctx, c, c.path(batchEndpoints, of, "deployments", name), nil)
}

// UpdateBatchDeployment changes what change gives.
func (c *Client) UpdateBatchDeployment(ctx context.Context, of, name string, change batch.Definition) (batch.Deployment, error) {
	return patch[batch.Deployment](ctx, c, c.path(batchEndpoints, of, "deployments", name), change)
}

// DeleteBatchDeployment deletes a deployment that is not the default.
func (c *Client) DeleteBatchDeployment(ctx context.Context, of, name string) error {
	return c.delete(ctx, c.path(batchEndpoints, of, "deployments", name))
}
