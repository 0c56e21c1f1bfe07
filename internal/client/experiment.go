package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/atelier-ml/atelier/internal/tracking"
)

// ListExperiments returns the experiments of the workspace that a view shows,
// active ones for "".
func (c *Client) ListExperiments(ctx context.Context, view tracking.View) ([]tracking.Experiment, error) {
	query := url.Values{}
	if view != "" {
		query.Set("view", string(view))
	}
	return list[tracking.Experiment](ctx, c, c.path("experiments"), query, 0)
}

// GetExperiment returns the experiment with this name or id.
func (c *Client) GetExperiment(ctx context.Context, nameOrID string) (tracking.Experiment, error) {
	return get[tracking.Experiment](ctx, c, c.path("experiments", nameOrID), nil)
}

// CreateExperiment makes an experiment.
func (c *Client) CreateExperiment(ctx context.Context, name string, tags map[string]string) (tracking.Experiment, error) {
	return post[tracking.Experiment](ctx, c, c.path("experiments"), map[string]any{"name": name, "tags": tags})
}

// UpdateExperiment changes the name or the tags of an experiment.
func (c *Client) UpdateExperiment(ctx context.Context, nameOrID string, change tracking.UpdateExperiment) (tracking.Experiment, error) {
	return patch[tracking.Experiment](ctx, c, c.path("experiments", nameOrID), change)
}

// DeleteExperiment hides an experiment with its runs.
func (c *Client) DeleteExperiment(ctx context.Context, nameOrID string) error {
	return c.delete(ctx, c.path("experiments", nameOrID))
}

// RestoreExperiment brings a deleted experiment back.
func (c *Client) RestoreExperiment(ctx context.Context, nameOrID string) error {
	return c.exchange(ctx, call{method: "POST", path: c.path("experiments", nameOrID, "restore")}, nil)
}

// PurgeExperiments removes deleted experiments for good.
func (c *Client) PurgeExperiments(ctx context.Context, which tracking.PurgeExperiments) (tracking.Purged, error) {
	return post[tracking.Purged](ctx, c, c.path("experiments", "purge"), which)
}

// Storage says how much room the workspace takes, or one experiment, and names
// the largest runs.
func (c *Client) Storage(ctx context.Context, experiment string, largest int) (tracking.Storage, error) {
	query := url.Values{"largest": {strconv.Itoa(largest)}}
	if experiment != "" {
		query.Set("experiment", experiment)
	}
	return get[tracking.Storage](ctx, c, c.path("storage"), query)
}
