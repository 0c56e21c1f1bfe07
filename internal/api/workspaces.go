package api

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// WorkspacePath is the part that the paths of all routes in a workspace share.
// It and its like are exported because huma does not look into an embedded type
// that is not, and would leave its fields empty.
type WorkspacePath struct {
	Workspace string `path:"workspace" doc:"the workspace's name"`
}

type workspaceRoutes struct {
	workspaces *workspace.Service
	access     *access.Service
	blobs      blob.Store
}

// RegisterWorkspaces adds the routes of workspaces.
func RegisterWorkspaces(t *route.Table, workspaces *workspace.Service, who *access.Service, blobs blob.Store) {
	w := &workspaceRoutes{workspaces: workspaces, access: who, blobs: blobs}
	route.Native(t, route.Route{Method: "GET", Path: "/api/v1/workspaces", Access: route.SignedIn,
		Summary: "List the workspaces that you are a member of", Tag: "workspaces"}, w.list)
	route.Native(t, route.Route{Method: "POST", Path: "/api/v1/workspaces", Access: route.OnServer, Permission: "workspaces/create",
		Summary: "Create a workspace", Tag: "workspaces", Status: http.StatusCreated}, w.create)
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace, Permission: "workspaces/read",
		Summary: "Show a workspace", Tag: "workspaces"}, w.get)
	route.Native(t, route.Route{Method: "PATCH", Path: inWorkspace, Permission: "workspaces/write",
		Summary: "Change a workspace", Tag: "workspaces"}, w.update)
	route.Native(t, route.Route{Method: "DELETE", Path: inWorkspace, Permission: "workspaces/delete",
		Summary: "Delete a workspace and everything in it", Tag: "workspaces"}, w.delete)
}

func (w *workspaceRoutes) list(ctx context.Context, _ *Empty) (*Body[atelier.Page[workspace.Workspace]], error) {
	actor, _ := atelier.ActorFrom(ctx)
	page := atelier.Page[workspace.Workspace]{Items: []workspace.Workspace{}}
	if actor.Kind != atelier.User {
		return answer(page, atelier.Errorf(atelier.Forbidden, "A task's token is good for its own workspace only."))
	}
	visible, err := visibleWorkspaces(ctx, w.workspaces, w.access)
	for _, ws := range visible {
		page.Items = append(page.Items, ws.Workspace)
	}
	return answer(page, err)
}

type createWorkspaceRequest struct {
	Body workspace.Create
}

func (w *workspaceRoutes) create(ctx context.Context, in *createWorkspaceRequest) (*Body[workspace.Workspace], error) {
	return answer(w.workspaces.Create(ctx, in.Body))
}

func (w *workspaceRoutes) get(ctx context.Context, _ *WorkspacePath) (*Body[workspace.Workspace], error) {
	return answer(workspace.From(ctx), nil)
}

type updateWorkspaceRequest struct {
	WorkspacePath
	Body workspace.Update
}

func (w *workspaceRoutes) update(ctx context.Context, in *updateWorkspaceRequest) (*Body[workspace.Workspace], error) {
	return answer(w.workspaces.Update(ctx, in.Workspace, in.Body))
}

func (w *workspaceRoutes) delete(ctx context.Context, in *WorkspacePath) (*Empty, error) {
	ws, err := w.workspaces.Delete(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return &Empty{}, w.blobs.DeleteAll(ctx, ws.ID)
}
