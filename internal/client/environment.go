package client

import (
	"context"
	"net/url"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
)

// ListEnvironments returns the curated environments and those that the
// workspace has used.
func (c *Client) ListEnvironments(ctx context.Context, ask environment.List) ([]environment.Environment, error) {
	query := url.Values{}
	if ask.Name != "" {
		query.Set("name", ask.Name)
	}
	if ask.Archived {
		query.Set("archived", "true")
	}
	return list[environment.Environment](ctx, c, c.path("environments"), query, 0)
}

// GetEnvironment returns one version of an environment; "latest" is one too.
func (c *Client) GetEnvironment(ctx context.Context, name, version string) (environment.Environment, error) {
	return get[environment.Environment](ctx, c, c.path("environments", name, "versions", version), nil)
}

// RegisterEnvironment registers a version of an environment.
func (c *Client) RegisterEnvironment(ctx context.Context, ask environment.RegisterEnvironment) (environment.Environment, error) {
	return post[environment.Environment](ctx, c, c.path("environments"), ask)
}

// UpdateEnvironment changes what is said about a version.
func (c *Client) UpdateEnvironment(ctx context.Context, name, version string, change environment.Update) (environment.Environment, error) {
	return patch[environment.Environment](ctx, c, c.path("environments", name, "versions", version), change)
}

// UpdateEnvironments changes all versions of an environment.
func (c *Client) UpdateEnvironments(ctx context.Context, name string, change environment.UpdateAll) error {
	_, err := patch[atelier.Page[environment.Environment]](ctx, c, c.path("environments", name), change)
	return err
}
