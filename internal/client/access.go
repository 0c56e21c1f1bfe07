package client

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
)

// Me is who the server takes the caller for.
type Me struct {
	User       access.User `json:"user"`
	Workspaces []struct {
		Name        string   `json:"name"`
		DisplayName string   `json:"display_name"`
		Role        string   `json:"role"`
		Permissions []string `json:"permissions"`
	} `json:"workspaces"`
}

// SignInLink is a one-time address that signs a browser in.
type SignInLink struct {
	URL       string    `json:"url"`
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Me returns the caller.
func (c *Client) Me(ctx context.Context) (Me, error) {
	return get[Me](ctx, c, serverPath("me"), nil)
}

// NewSignInLink makes a one-time link that signs a browser in: as the caller,
// or as user when an owner of the server asks.
func (c *Client) NewSignInLink(ctx context.Context, user string) (SignInLink, error) {
	ask := map[string]string{}
	if user != "" {
		ask["user"] = user
	}
	return post[SignInLink](ctx, c, serverPath("sign-in-links"), ask)
}

// NewToken asks for a personal token.
type NewToken struct {
	Description   string   `json:"description,omitempty"`
	ExpiresInDays int      `json:"expires_in_days,omitempty"`
	Workspace     string   `json:"workspace,omitempty"`
	Actions       []string `json:"actions,omitempty"`
}

// CreateToken makes a personal token. Its secret is in this answer only.
func (c *Client) CreateToken(ctx context.Context, ask NewToken) (access.Token, error) {
	return post[access.Token](ctx, c, serverPath("me", "tokens"), ask)
}

// ListTokens returns the caller's personal tokens, without their secrets.
func (c *Client) ListTokens(ctx context.Context) ([]access.Token, error) {
	return list[access.Token](ctx, c, serverPath("me", "tokens"), nil, 0)
}

// DeleteToken revokes one of the caller's personal tokens.
func (c *Client) DeleteToken(ctx context.Context, id string) error {
	return c.delete(ctx, serverPath("me", "tokens", id))
}

// CreateUser makes a user of the server, whom the identity provider knows by email
// when that is not empty.
func (c *Client) CreateUser(ctx context.Context, name, email string) (access.User, error) {
	ask := map[string]string{"name": name}
	if email != "" {
		ask["email"] = email
	}
	return post[access.User](ctx, c, serverPath("users"), ask)
}

// GetUser returns one user.
func (c *Client) GetUser(ctx context.Context, name string) (access.User, error) {
	return get[access.User](ctx, c, serverPath("users", name), nil)
}

// UpdateUser changes a user.
func (c *Client) UpdateUser(ctx context.Context, name string, change access.UpdateUser) (access.User, error) {
	return patch[access.User](ctx, c, serverPath("users", name), change)
}

// ListUsers returns the users of the server.
func (c *Client) ListUsers(ctx context.Context) ([]access.User, error) {
	return list[access.User](ctx, c, serverPath("users"), nil, 0)
}

// ListMembers returns who may work in the workspace, and as what.
func (c *Client) ListMembers(ctx context.Context) ([]access.Member, error) {
	return list[access.Member](ctx, c, c.path("members"), nil, 0)
}

// SetMember gives a user, or team:NAME, a role in the workspace, in place of all before.
func (c *Client) SetMember(ctx context.Context, name, role string) (access.Member, error) {
	return put[access.Member](ctx, c, c.path("members", name), map[string]string{"role": role})
}

// RemoveMember takes away all roles of a user, or team:NAME, in the workspace.
func (c *Client) RemoveMember(ctx context.Context, name string) error {
	return c.delete(ctx, c.path("members", name))
}

// AssignRole gives a user, or team:NAME, one more role in the workspace.
func (c *Client) AssignRole(ctx context.Context, name, role string) (access.Member, error) {
	return put[access.Member](ctx, c, c.path("members", name, "roles", role), nil)
}

// UnassignRole takes one role of a user, or team:NAME, in the workspace away.
func (c *Client) UnassignRole(ctx context.Context, name, role string) error {
	return c.delete(ctx, c.path("members", name, "roles", role))
}

// ListRoles returns the roles of the workspace.
func (c *Client) ListRoles(ctx context.Context) ([]access.Role, error) {
	return list[access.Role](ctx, c, c.path("roles"), nil, 0)
}

// GetRole returns one role of the workspace.
func (c *Client) GetRole(ctx context.Context, name string) (access.Role, error) {
	return get[access.Role](ctx, c, c.path("roles", name), nil)
}

// CreateRole makes a custom role in the workspace.
func (c *Client) CreateRole(ctx context.Context, d access.Definition) (access.Role, error) {
	return post[access.Role](ctx, c, c.path("roles"), d)
}

// UpdateRole replaces the definition of a custom role.
func (c *Client) UpdateRole(ctx context.Context, name string, d access.Definition) (access.Role, error) {
	return put[access.Role](ctx, c, c.path("roles", name), d)
}

// DeleteRole deletes a custom role that nobody has.
func (c *Client) DeleteRole(ctx context.Context, name string) error {
	return c.delete(ctx, c.path("roles", name))
}

// Permissions returns what roles are made of.
func (c *Client) Permissions(ctx context.Context) ([]access.Known, error) {
	return list[access.Known](ctx, c, serverPath("permissions"), nil, 0)
}

// SignInAddress returns where a browser signs in with the server's identity provider.
func (c *Client) SignInAddress(ctx context.Context) (string, error) {
	info, err := get[struct {
		SignIn string `json:"sign_in"`
	}](ctx, c, serverPath("server"), nil)
	if err == nil && info.SignIn == "" {
		err = atelier.Errorf(atelier.Precondition, "The server %s has no identity provider.", c.server).
			WithHint("Make a token in the Studio, or have one made, and use `atelier sign-in`.")
	}
	return c.server + info.SignIn, err
}

// RedeemSignIn changes the code that the server sent a browser back with for a token.
func (c *Client) RedeemSignIn(ctx context.Context, code, verifier, description string) (access.Token, error) {
	ask := map[string]string{"code": code, "verifier": verifier, "description": atelier.Clip(description, 200)}
	return post[access.Token](ctx, c, serverPath("sign-in", "token"), ask)
}
