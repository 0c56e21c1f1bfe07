package client

import (
	"context"
	"net/http"
	"time"

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

// CreateToken makes a personal token. Its secret is in this answer only.
func (c *Client) CreateToken(ctx context.Context, description string, days int) (access.Token, error) {
	ask := map[string]any{"description": description, "expires_in_days": days}
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

// CreateUser makes a user of the server.
func (c *Client) CreateUser(ctx context.Context, name string) (access.User, error) {
	return post[access.User](ctx, c, serverPath("users"), map[string]string{"name": name})
}

// ListUsers returns the users of the server.
func (c *Client) ListUsers(ctx context.Context) ([]access.User, error) {
	return list[access.User](ctx, c, serverPath("users"), nil, 0)
}

// ListMembers returns who may work in the workspace, and as what.
func (c *Client) ListMembers(ctx context.Context) ([]access.Member, error) {
	return list[access.Member](ctx, c, c.path("members"), nil, 0)
}

// SetMember gives user a role in the workspace, in place of the one before.
func (c *Client) SetMember(ctx context.Context, user, role string) (access.Member, error) {
	var member access.Member
	err := c.exchange(ctx, call{method: http.MethodPut, path: c.path("members", user), in: map[string]string{"role": role}}, &member)
	return member, err
}

// RemoveMember takes away user's role in the workspace.
func (c *Client) RemoveMember(ctx context.Context, user string) error {
	return c.delete(ctx, c.path("members", user))
}
