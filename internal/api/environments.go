package api

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/environment/builder"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

type environmentRoutes struct {
	environments *environment.Service
	builds       *builder.Service
}

// RegisterEnvironments adds the routes of environments and of their builds.
func RegisterEnvironments(t *route.Table, environments *environment.Service, builds *builder.Service) {
	e := &environmentRoutes{environments: environments, builds: builds}
	e.registerBuilds(t)
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/environments", Permission: "environments/read",
		Summary: "List curated environments and the workspace's own", Tag: "environments"}, e.list)
	route.Native(t, route.Route{Method: "POST", Path: inWorkspace + "/environments", Permission: "environments/write",
		Summary: "Register a version of an environment", Tag: "environments", Status: http.StatusCreated}, e.register)
	route.Native(t, route.Route{Method: "PATCH", Path: inWorkspace + "/environments/{environment}", Permission: "environments/write",
		Summary: "Archive or restore all versions of an environment", Tag: "environments"}, e.updateAll)
	route.Native(t, route.Route{Method: "PATCH", Path: inWorkspace + "/environments/{environment}/versions/{version}", Permission: "environments/write",
		Summary: "Change what is said about a version of an environment, or archive it", Tag: "environments"}, e.update)
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/environments/{environment}/versions/{version}", Permission: "environments/read",
		Summary: "Show a version of an environment", Tag: "environments"}, e.get)
}

type listEnvironments struct {
	WorkspacePath
	Name     string `query:"name" doc:"Only the versions of this environment."`
	Archived bool   `query:"archived" doc:"What is archived, too."`
}

func (e *environmentRoutes) list(ctx context.Context, in *listEnvironments) (*Body[atelier.Page[environment.Environment]], error) {
	all, err := e.environments.List(ctx, workspace.From(ctx).ID, environment.List{Name: in.Name, Archived: in.Archived})
	return answer(atelier.Page[environment.Environment]{Items: all}, err)
}

type registerEnvironmentRequest struct {
	WorkspacePath
	Body environment.RegisterEnvironment
}

func (e *environmentRoutes) register(ctx context.Context, in *registerEnvironmentRequest) (*Body[environment.Environment], error) {
	return answer(e.environments.Register(ctx, workspace.From(ctx).ID, in.Body))
}

// EnvironmentPath names an environment.
type EnvironmentPath struct {
	WorkspacePath
	Environment string `path:"environment"`
}

// EnvironmentVersionPath names a version of an environment.
type EnvironmentVersionPath struct {
	EnvironmentPath
	Version string `path:"version" doc:"a version, or \"latest\""`
}

func (e *environmentRoutes) get(ctx context.Context, in *EnvironmentVersionPath) (*Body[environment.Environment], error) {
	return answer(e.environments.Get(ctx, workspace.From(ctx).ID, in.Environment, in.Version))
}

type updateEnvironment struct {
	EnvironmentVersionPath
	Body environment.Update
}

func (e *environmentRoutes) update(ctx context.Context, in *updateEnvironment) (*Body[environment.Environment], error) {
	return answer(e.environments.Update(ctx, workspace.From(ctx).ID, in.Environment, in.Version, in.Body))
}

type updateEnvironments struct {
	EnvironmentPath
	Body environment.UpdateAll
}

func (e *environmentRoutes) updateAll(ctx context.Context, in *updateEnvironments) (*Body[atelier.Page[environment.Environment]], error) {
	all, err := e.environments.UpdateAll(ctx, workspace.From(ctx).ID, in.Environment, in.Body)
	return answer(atelier.Page[environment.Environment]{Items: all}, err)
}
