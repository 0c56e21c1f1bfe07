package client

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier/internal/job"
)

// CreateCompute makes a compute.
func (c *Client) CreateCompute(ctx context.Context, ask job.CreateCompute) (job.Compute, error) {
	return post[job.Compute](ctx, c, c.path("computes"), ask)
}

// ListComputes returns the computes of the workspace.
func (c *Client) ListComputes(ctx context.Context) ([]job.Compute, error) {
	return list[job.Compute](ctx, c, c.path("computes"), nil, 0)
}

// GetCompute returns the compute called name.
func (c *Client) GetCompute(ctx context.Context, name string) (job.Compute, error) {
	return get[job.Compute](ctx, c, c.path("computes", name), nil)
}

// UpdateCompute changes a compute.
func (c *Client) UpdateCompute(ctx context.Context, name string, change job.UpdateCompute) (job.Compute, error) {
	return patch[job.Compute](ctx, c, c.path("computes", name), change)
}

// SwitchCompute starts or stops a compute, as verb says.
func (c *Client) SwitchCompute(ctx context.Context, name, verb string) (job.Compute, error) {
	return post[job.Compute](ctx, c, c.path("computes", name, verb), nil)
}

// DeleteCompute deletes a compute without jobs.
func (c *Client) DeleteCompute(ctx context.Context, name string) error {
	return c.delete(ctx, c.path("computes", name))
}

// JobLimits returns what the jobs of the workspace may have at a time.
func (c *Client) JobLimits(ctx context.Context) (job.WorkspaceLimits, error) {
	return get[job.WorkspaceLimits](ctx, c, c.path("job-limits"), nil)
}

// SetJobLimits replaces what the jobs of the workspace may have at a time.
func (c *Client) SetJobLimits(ctx context.Context, limits job.WorkspaceLimits) (job.WorkspaceLimits, error) {
	var kept job.WorkspaceLimits
	err := c.exchange(ctx, call{method: http.MethodPut, path: c.path("job-limits"), in: limits}, &kept)
	return kept, err
}
