package api

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

type memberRoutes struct{ access *access.Service }

// registerMembers adds the routes of a workspace's members and roles.
func registerMembers(t *route.Table, who *access.Service) {
	route.Union[access.Definition](t)
	m := &memberRoutes{access: who}
	in := func(method, path string, permission atelier.Permission, summary string) route.Route {
		return route.Route{Method: method, Path: inWorkspace + path, Permission: permission, Summary: summary, Tag: "access"}
	}
	route.Native(t, in("GET", "/members", "members/read", "List members and their roles"), m.list)
	route.Native(t, in("PUT", "/members/{member}", "members/write", "Give a user or a team one role in place of all before"), m.set)
	route.Native(t, in("DELETE", "/members/{member}", "members/write", "Take all roles of a user or a team away"), m.remove)
	route.Native(t, in("PUT", "/members/{member}/roles/{role}", "members/write", "Give a user or a team one more role"), m.assign)
	route.Native(t, in("DELETE", "/members/{member}/roles/{role}", "members/write", "Take a role of a user or a team away"), m.unassign)

	route.Native(t, in("GET", "/roles", "roles/read", "List the roles of the workspace, built-in ones first"), m.roles)
	create := in("POST", "/roles", "roles/write", "Create a custom role, also from a role definition of Azure's")
	create.Status = http.StatusCreated
	route.Native(t, create, m.createRole)
	route.Native(t, in("GET", "/roles/{role}", "roles/read", "Show a role"), m.role)
	route.Native(t, in("PUT", "/roles/{role}", "roles/write", "Replace the definition of a custom role"), m.updateRole)
	route.Native(t, in("DELETE", "/roles/{role}", "roles/delete", "Delete a custom role that nobody has"), m.deleteRole)
	route.Native(t, route.Route{Method: "GET", Path: "/api/v1/permissions", Access: route.SignedIn,
		Summary: "List the permissions that roles are made of", Tag: "access"}, m.permissions)
}

// MemberPath names a member: a user by name, or team:NAME.
type MemberPath struct {
	WorkspacePath
	Member string `path:"member" doc:"a user's or service principal's name, or team:NAME"`
}

// RolePath names a role of a workspace.
type RolePath struct {
	WorkspacePath
	Role string `path:"role"`
}

func (m *memberRoutes) list(ctx context.Context, _ *WorkspacePath) (*Body[atelier.Page[access.Member]], error) {
	members, err := m.access.Members(ctx, workspace.From(ctx).ID)
	return answer(atelier.Page[access.Member]{Items: members}, err)
}

type setMemberRequest struct {
	MemberPath
	Body struct {
		Role string `json:"role" doc:"a built-in role, such as Reader, or a custom one"`
	}
}

func (m *memberRoutes) set(ctx context.Context, in *setMemberRequest) (*Body[access.Member], error) {
	return answer(m.access.SetMember(ctx, workspace.From(ctx).ID, in.Member, in.Body.Role))
}

func (m *memberRoutes) remove(ctx context.Context, in *MemberPath) (*Empty, error) {
	return &Empty{}, m.access.RemoveMember(ctx, workspace.From(ctx).ID, in.Member)
}

type assignmentPath struct {
	MemberPath
	Role string `path:"role"`
}

func (m *memberRoutes) assign(ctx context.Context, in *assignmentPath) (*Body[access.Member], error) {
	return answer(m.access.Assign(ctx, workspace.From(ctx).ID, in.Member, in.Role))
}

func (m *memberRoutes) unassign(ctx context.Context, in *assignmentPath) (*Empty, error) {
	return &Empty{}, m.access.Unassign(ctx, workspace.From(ctx).ID, in.Member, in.Role)
}

func (m *memberRoutes) roles(ctx context.Context, _ *WorkspacePath) (*Body[atelier.Page[access.Role]], error) {
	roles, err := m.access.Roles(ctx, workspace.From(ctx).ID)
	return answer(atelier.Page[access.Role]{Items: roles}, err)
}

type createRoleRequest struct {
	WorkspacePath
	Body access.Definition
}

func (m *memberRoutes) createRole(ctx context.Context, in *createRoleRequest) (*Body[access.Role], error) {
	return answer(m.access.CreateRole(ctx, workspace.From(ctx).ID, in.Body))
}

func (m *memberRoutes) role(ctx context.Context, in *RolePath) (*Body[access.Role], error) {
	return answer(m.access.Role(ctx, workspace.From(ctx).ID, in.Role))
}

type updateRoleRequest struct {
	RolePath
	Body access.Definition
}

func (m *memberRoutes) updateRole(ctx context.Context, in *updateRoleRequest) (*Body[access.Role], error) {
	return answer(m.access.UpdateRole(ctx, workspace.From(ctx).ID, in.Role, in.Body))
}

func (m *memberRoutes) deleteRole(ctx context.Context, in *RolePath) (*Empty, error) {
	return &Empty{}, m.access.DeleteRole(ctx, workspace.From(ctx).ID, in.Role)
}

func (m *memberRoutes) permissions(context.Context, *Empty) (*Body[atelier.Page[access.Known]], error) {
	return answer(atelier.Page[access.Known]{Items: access.Permissions()}, nil)
}
