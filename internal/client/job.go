package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/atelier-ml/atelier/internal/job"
)

// SubmitJob submits a job, whose local files have been uploaded.
func (c *Client) SubmitJob(ctx context.Context, ask job.Spec) (job.Job, error) {
	return post[job.Job](ctx, c, c.path("jobs"), ask)
}

// ListJobs returns jobs, newest first. MaxResults of 0 means all.
func (c *Client) ListJobs(ctx context.Context, ask job.ListJobs) ([]job.Job, error) {
	query := url.Values{}
	if ask.Experiment != "" {
		query.Set("experiment", ask.Experiment)
	}
	if ask.Status != "" {
		query.Set("status", string(ask.Status))
	}
	return list[job.Job](ctx, c, c.path("jobs"), query, ask.MaxResults)
}

// GetJob returns the job called name.
func (c *Client) GetJob(ctx context.Context, name string) (job.Job, error) {
	return get[job.Job](ctx, c, c.path("jobs", name), nil)
}

// CancelJob asks a job to end. It has ended when its status says so.
func (c *Client) CancelJob(ctx context.Context, name string) (job.Job, error) {
	return post[job.Job](ctx, c, c.path("jobs", name, "cancel"), nil)
}

// Why explains what a job waits for.
func (c *Client) Why(ctx context.Context, name string) (job.Explanation, error) {
	return get[job.Explanation](ctx, c, c.path("jobs", name, "why"), nil)
}

// RerunJob submits a job again as it was.
func (c *Client) RerunJob(ctx context.Context, name string, ask job.Rerun) (job.Job, error) {
	return post[job.Job](ctx, c, c.path("jobs", name, "rerun"), ask)
}

// CompareJobs says whether two jobs came to the same metrics.
func (c *Client) CompareJobs(ctx context.Context, name string, ask job.Compare) (job.Comparison, error) {
	query := url.Values{"ignore": ask.Ignore}
	if ask.With != "" {
		query.Set("with", ask.With)
	}
	for key, tolerance := range map[string]float64{"rtol": ask.Relative, "atol": ask.Absolute} {
		if tolerance != 0 {
			query.Set(key, strconv.FormatFloat(tolerance, 'g', -1, 64))
		}
	}
	return get[job.Comparison](ctx, c, c.path("jobs", name, "comparison"), query)
}

// DeleteJob deletes a job that has ended, with its run.
func (c *Client) DeleteJob(ctx context.Context, name string) error {
	return c.delete(ctx, c.path("jobs", name))
}
