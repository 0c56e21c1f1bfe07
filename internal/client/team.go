package client

import (
	"context"

	"github.com/atelier-ml/atelier/internal/access"
)

// Team is a team and who is in it.
type Team struct {
	access.Team
	Members []access.TeamMember `json:"members"`
}

// ListTeams returns the teams of the server.
func (c *Client) ListTeams(ctx context.Context) ([]access.Team, error) {
	return list[access.Team](ctx, c, serverPath("teams"), nil, 0)
}

// GetTeam returns a team and who is in it.
func (c *Client) GetTeam(ctx context.Context, name string) (Team, error) {
	return get[Team](ctx, c, serverPath("teams", name), nil)
}

// CreateTeam makes a team.
func (c *Client) CreateTeam(ctx context.Context, ask access.CreateTeam) (access.Team, error) {
	return post[access.Team](ctx, c, serverPath("teams"), ask)
}

// UpdateTeam changes a team.
func (c *Client) UpdateTeam(ctx context.Context, name string, change access.UpdateTeam) (access.Team, error) {
	return patch[access.Team](ctx, c, serverPath("teams", name), change)
}

// DeleteTeam deletes a team with the roles that it has.
func (c *Client) DeleteTeam(ctx context.Context, name string) error {
	return c.delete(ctx, serverPath("teams", name))
}

// AddToTeam puts a user into a team.
func (c *Client) AddToTeam(ctx context.Context, team, user string) error {
	return c.exchange(ctx, call{method: "PUT", path: serverPath("teams", team, "members", user)}, nil)
}

// RemoveFromTeam takes a user out of a team.
func (c *Client) RemoveFromTeam(ctx context.Context, team, user string) error {
	return c.delete(ctx, serverPath("teams", team, "members", user))
}

// ServicePrincipal is a service principal with its secrets, without what they are.
type ServicePrincipal struct {
	access.User
	Secrets []access.Token `json:"secrets"`
}

// ListServicePrincipals returns the service principals of the server.
func (c *Client) ListServicePrincipals(ctx context.Context) ([]access.User, error) {
	return list[access.User](ctx, c, serverPath("service-principals"), nil, 0)
}

// GetServicePrincipal returns a service principal.
func (c *Client) GetServicePrincipal(ctx context.Context, name string) (ServicePrincipal, error) {
	return get[ServicePrincipal](ctx, c, serverPath("service-principals", name), nil)
}

// CreateServicePrincipal makes a service principal.
func (c *Client) CreateServicePrincipal(ctx context.Context, name, description string) (ServicePrincipal, error) {
	ask := map[string]string{"name": name, "description": description}
	return post[ServicePrincipal](ctx, c, serverPath("service-principals"), ask)
}

// DisableServicePrincipal keeps a service principal out, or lets it in again.
func (c *Client) DisableServicePrincipal(ctx context.Context, name string, disabled bool) (access.User, error) {
	return patch[access.User](ctx, c, serverPath("service-principals", name), map[string]bool{"disabled": disabled})
}

// DeleteServicePrincipal deletes a service principal.
func (c *Client) DeleteServicePrincipal(ctx context.Context, name string) error {
	return c.delete(ctx, serverPath("service-principals", name))
}

// CreatePrincipalSecret makes one more secret, which is in this answer only.
func (c *Client) CreatePrincipalSecret(ctx context.Context, name, description string, days int) (access.Token, error) {
	ask := map[string]any{"description": description, "expires_in_days": days}
	return post[access.Token](ctx, c, serverPath("service-principals", name, "secrets"), ask)
}

// DeletePrincipalSecret revokes a secret and the access tokens that were given for it.
func (c *Client) DeletePrincipalSecret(ctx context.Context, name, id string) error {
	return c.delete(ctx, serverPath("service-principals", name, "secrets", id))
}
