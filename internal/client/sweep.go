package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/atelier-ml/atelier/internal/sweep"
)

// Sweep frees the workspace's stored bytes that nothing refers to.
func (c *Client) Sweep(ctx context.Context, o sweep.Options) (sweep.Result, error) {
	var result sweep.Result
	query := url.Values{"dry_run": {strconv.FormatBool(o.DryRun)}, "grace": {o.Grace.String()}}
	err := c.exchange(ctx, call{method: http.MethodPost, path: c.path("gc"), query: query}, &result)
	return result, err
}

// SweepProgress says how far the sweep under way has come.
func (c *Client) SweepProgress(ctx context.Context) (sweep.Progress, error) {
	return get[sweep.Progress](ctx, c, c.path("gc"), nil)
}
