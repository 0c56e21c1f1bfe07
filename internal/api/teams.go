package api

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/route"
)

type teamRoutes struct{ access *access.Service }

// registerTeams adds the routes of teams.
func registerTeams(t *route.Table, who *access.Service) {
	r := &teamRoutes{access: who}
	const one, member = "/teams/{team}", "/teams/{team}/members/{user}"
	route.Native(t, onServer("GET", "/teams", "users/read", "List the teams of the server"), r.list)
	route.Native(t, onServer("POST", "/teams", "users/write", "Create a team"), r.create)
	route.Native(t, onServer("GET", one, "users/read", "Show a team and who is in it"), r.get)
	route.Native(t, onServer("PATCH", one, "users/write", "Change a team"), r.update)
	route.Native(t, onServer("DELETE", one, "users/write", "Delete a team with the roles that it has"), r.delete)
	route.Native(t, onServer("PUT", member, "users/write", "Put a user into a team"), r.add)
	route.Native(t, onServer("DELETE", member, "users/write", "Take a user out of a team"), r.remove)
}

// TeamWithMembers is a team and who is in it.
type TeamWithMembers struct {
	access.Team
	Members []access.TeamMember `json:"members"`
}

// TeamPath names a team.
type TeamPath struct {
	Team string `path:"team"`
}

func (r *teamRoutes) list(ctx context.Context, _ *Empty) (*Body[atelier.Page[access.Team]], error) {
	teams, err := r.access.Teams(ctx)
	return answer(atelier.Page[access.Team]{Items: teams}, err)
}

type createTeamRequest struct {
	Body access.CreateTeam
}

func (r *teamRoutes) create(ctx context.Context, in *createTeamRequest) (*Body[access.Team], error) {
	return answer(r.access.CreateTeam(ctx, in.Body))
}

func (r *teamRoutes) get(ctx context.Context, in *TeamPath) (*Body[TeamWithMembers], error) {
	team, members, err := r.access.Team(ctx, in.Team)
	return answer(TeamWithMembers{Team: team, Members: members}, err)
}

type updateTeamRequest struct {
	TeamPath
	Body access.UpdateTeam
}

func (r *teamRoutes) update(ctx context.Context, in *updateTeamRequest) (*Body[access.Team], error) {
	return answer(r.access.UpdateTeam(ctx, in.Team, in.Body))
}

func (r *teamRoutes) delete(ctx context.Context, in *TeamPath) (*Empty, error) {
	return &Empty{}, r.access.DeleteTeam(ctx, in.Team)
}

type teamMemberPath struct {
	TeamPath
	User string `path:"user"`
}

func (r *teamRoutes) add(ctx context.Context, in *teamMemberPath) (*Empty, error) {
	return &Empty{}, r.access.AddToTeam(ctx, in.Team, in.User)
}

func (r *teamRoutes) remove(ctx context.Context, in *teamMemberPath) (*Empty, error) {
	return &Empty{}, r.access.RemoveFromTeam(ctx, in.Team, in.User)
}
