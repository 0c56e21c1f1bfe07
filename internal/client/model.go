package client

import (
	"context"

	"github.com/atelier-ml/atelier/internal/model"
)

// RegisterModel registers a version of a model, and the model with its first.
func (c *Client) RegisterModel(ctx context.Context, ask model.Register) (model.Version, error) {
	return post[model.Version](ctx, c, c.path("models"), ask)
}

// ListModels returns the models of the workspace.
func (c *Client) ListModels(ctx context.Context) ([]model.Model, error) {
	return list[model.Model](ctx, c, c.path("models"), nil, 0)
}

// GetModel returns the model called name.
func (c *Client) GetModel(ctx context.Context, name string) (model.Model, error) {
	return get[model.Model](ctx, c, c.path("models", name), nil)
}

// ListModelVersions returns the versions of a model.
func (c *Client) ListModelVersions(ctx context.Context, name string) ([]model.Version, error) {
	return list[model.Version](ctx, c, c.path("models", name, "versions"), nil, 0)
}

// GetModelVersion returns one version of a model; "latest" is one too.
func (c *Client) GetModelVersion(ctx context.Context, name, version string) (model.Version, error) {
	return get[model.Version](ctx, c, c.path("models", name, "versions", version), nil)
}

// UpdateModelVersion changes what people say of a version. Its files stay.
func (c *Client) UpdateModelVersion(ctx context.Context, name, version string, change model.UpdateVersion) (model.Version, error) {
	return patch[model.Version](ctx, c, c.path("models", name, "versions", version), change)
}

// DeleteModel deletes a model with all its versions.
func (c *Client) DeleteModel(ctx context.Context, name string) error {
	return c.delete(ctx, c.path("models", name))
}

// DeleteModelVersion deletes one version of a model.
func (c *Client) DeleteModelVersion(ctx context.Context, name, version string) error {
	return c.delete(ctx, c.path("models", name, "versions", version))
}
