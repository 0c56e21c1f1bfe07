package client

import (
	"context"

	"github.com/atelier-ml/atelier/internal/environment"
)

// ListEnvironments returns the curated environments and those that the
// workspace has used.
func (c *Client) ListEnvironments(ctx context.Context) ([]environment.Environment, error) {
	return list[environment.Environment](ctx, c, c.path("environments"), nil, 0)
}
