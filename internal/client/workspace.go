package client

import (
	"context"

	"github.com/atelier-ml/atelier/internal/workspace"
)

// CreateWorkspace makes a workspace.
func (c *Client) CreateWorkspace(ctx context.Context, ask workspace.Create) (workspace.Workspace, error) {
	return post[workspace.Workspace](ctx, c, serverPath("workspaces"), ask)
}

// ListWorkspaces returns the workspaces that the user is a member of.
func (c *Client) ListWorkspaces(ctx context.Context) ([]workspace.Workspace, error) {
	return list[workspace.Workspace](ctx, c, serverPath("workspaces"), nil, 0)
}

// GetWorkspace returns the workspace called name.
func (c *Client) GetWorkspace(ctx context.Context, name string) (workspace.Workspace, error) {
	return get[workspace.Workspace](ctx, c, serverPath("workspaces", name), nil)
}

// UpdateWorkspace changes the workspace called name.
func (c *Client) UpdateWorkspace(ctx context.Context, name string, change workspace.Update) (workspace.Workspace, error) {
	return patch[workspace.Workspace](ctx, c, serverPath("workspaces", name), change)
}

// DeleteWorkspace deletes the workspace called name and all that it owns.
func (c *Client) DeleteWorkspace(ctx context.Context, name string) error {
	return c.delete(ctx, serverPath("workspaces", name))
}
