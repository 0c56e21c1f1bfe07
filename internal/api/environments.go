package api

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

type environmentRoutes struct {
	environments *environment.Service
}

// RegisterEnvironments adds the routes of environments.
func RegisterEnvironments(t *route.Table, environments *environment.Service) {
	e := &environmentRoutes{environments: environments}
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/environments", Permission: "environments/read",
		Summary: "List curated environments and the workspace's own", Tag: "environments"}, e.list)
	route.Native(t, route.Route{Method: "POST", Path: inWorkspace + "/environments", Permission: "environments/write",
		Summary: "Register a version of an environment", Tag: "environments", Status: http.StatusCreated}, e.register)
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/environments/{environment}/versions/{version}", Permission: "environments/read",
		Summary: "Show a version of an environment", Tag: "environments"}, e.get)
}

func (e *environmentRoutes) list(ctx context.Context, _ *WorkspacePath) (*Body[atelier.Page[environment.Environment]], error) {
	all, err := e.environments.List(ctx, workspace.From(ctx).ID)
	return answer(atelier.Page[environment.Environment]{Items: all}, err)
}

type registerEnvironmentRequest struct {
	WorkspacePath
	Body environment.RegisterEnvironment
}

func (e *environmentRoutes) register(ctx context.Context, in *registerEnvironmentRequest) (*Body[environment.Environment], error) {
	return answer(e.environments.Register(ctx, workspace.From(ctx).ID, in.Body))
}

type environmentPath struct {
	WorkspacePath
	Environment string `path:"environment"`
	Version     string `path:"version" doc:"a version, or \"latest\""`
}

func (e *environmentRoutes) get(ctx context.Context, in *environmentPath) (*Body[environment.Environment], error) {
	return answer(e.environments.Get(ctx, workspace.From(ctx).ID, in.Environment, in.Version))
}
