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

// GetEnvironment returns one version of an environment; "latest" is one too.
func (c *Client) GetEnvironment(ctx context.Context, name, version string) (environment.Environment, error) {
	return get[environment.Environment](ctx, c, c.path("environments", name, "versions", version), nil)
}

// RegisterEnvironment registers a version of an environment.
func (c *Client) RegisterEnvironment(ctx context.Context, ask environment.RegisterEnvironment) (environment.Environment, error) {
	return post[environment.Environment](ctx, c, c.path("environments"), ask)
}
