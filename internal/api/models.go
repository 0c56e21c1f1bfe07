package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RegisterModels adds the routes of registered models and their versions.
func RegisterModels(t *route.Table, models *model.Service) {
	m := &modelRoutes{models}
	all, one := inWorkspace+"/models", inWorkspace+"/models/{model}"
	versions, version := one+"/versions", one+"/versions/{version}"
	route.Native(t, route.Route{Method: "POST", Path: all, Permission: "models/write", Status: http.StatusCreated,
		Summary: "Register a version of a model", Tag: "models"}, m.register)
	route.Native(t, route.Route{Method: "POST", Path: all + "/import", Permission: "models/write",
		Summary: "Say when a model that was brought from elsewhere was made", Tag: "models"}, m.importTimes)
	route.Native(t, route.Route{Method: "GET", Path: all, Permission: "models/read", Summary: "List models by name", Tag: "models"}, m.list)
	route.Native(t, route.Route{Method: "GET", Path: one, Permission: "models/read", Summary: "Show a model", Tag: "models"}, m.get)
	route.Native(t, route.Route{Method: "DELETE", Path: one, Permission: "models/delete", Summary: "Delete a model with all its versions", Tag: "models"}, m.delete)
	route.Native(t, route.Route{Method: "GET", Path: versions, Permission: "models/read", Summary: "List a model's versions, newest first", Tag: "models"}, m.listVersions)
	route.Native(t, route.Route{Method: "GET", Path: version, Permission: "models/read",
		Summary: "Show a version by its number, or \"latest\"", Tag: "models"}, m.getVersion)
	route.Native(t, route.Route{Method: "PATCH", Path: version, Permission: "models/write",
		Summary: "Change what is said about a version", Tag: "models"}, m.updateVersion)
	route.Native(t, route.Route{Method: "DELETE", Path: version, Permission: "models/delete", Summary: "Delete a version", Tag: "models"}, m.deleteVersion)
}

type modelRoutes struct {
	models *model.Service
}

type registerModel struct {
	WorkspacePath
	Body model.Register
}

func (r *modelRoutes) register(ctx context.Context, in *registerModel) (*Body[model.Version], error) {
	ws := workspace.From(ctx).ID
	if err := atelier.CheckAssetName("model", in.Body.Name); err != nil {
		// A model that an MLflow client made may have a name that MLflow allows.
		if _, missing := r.models.Get(ctx, ws, in.Body.Name); missing != nil {
			return nil, err
		}
	}
	return answer(r.models.Register(ctx, ws, in.Body))
}

type importModelTimes struct {
	WorkspacePath
	Body model.ImportTimes
}

func (r *modelRoutes) importTimes(ctx context.Context, in *importModelTimes) (*Body[model.Model], error) {
	return answer(r.models.ImportTimes(ctx, workspace.From(ctx).ID, in.Body))
}

type searchModels struct {
	WorkspacePath
	Filter     string   `query:"filter" doc:"Conditions like name LIKE 'dia%' AND tags.team = 'blue', joined by AND."`
	OrderBy    []string `query:"order_by,explode" doc:"A field, then ASC or DESC."`
	MaxResults int      `query:"max_results" minimum:"0" maximum:"1000"`
	PageToken  string   `query:"page_token"`
}

func (in *searchModels) search() model.Search {
	return model.Search{Filter: in.Filter, OrderBy: in.OrderBy, MaxResults: in.MaxResults, PageToken: in.PageToken}
}

func (r *modelRoutes) list(ctx context.Context, in *searchModels) (*Body[atelier.Page[model.Model]], error) {
	return answer(r.models.Search(ctx, workspace.From(ctx).ID, in.search()))
}

// ModelPath names a model.
type ModelPath struct {
	WorkspacePath
	Model string `path:"model"`
}

func (r *modelRoutes) get(ctx context.Context, in *ModelPath) (*Body[model.Model], error) {
	return answer(r.models.Get(ctx, workspace.From(ctx).ID, in.Model))
}

func (r *modelRoutes) delete(ctx context.Context, in *ModelPath) (*Empty, error) {
	return &Empty{}, r.models.Delete(ctx, workspace.From(ctx).ID, in.Model)
}

type searchVersions struct {
	ModelPath
	Filter     string   `query:"filter"`
	OrderBy    []string `query:"order_by,explode"`
	MaxResults int      `query:"max_results" minimum:"0" maximum:"1000"`
	PageToken  string   `query:"page_token"`
}

func (r *modelRoutes) listVersions(ctx context.Context, in *searchVersions) (*Body[atelier.Page[model.Version]], error) {
	ws := workspace.From(ctx).ID
	if _, err := r.models.Get(ctx, ws, in.Model); err != nil {
		return nil, err
	}
	only := "name = '" + strings.ReplaceAll(in.Model, "'", "''") + "'"
	if in.Filter != "" {
		only += " AND " + in.Filter
	}
	size := atelier.PageSize(in.MaxResults, 100, 1000)
	return answer(r.models.SearchVersions(ctx, ws, model.Search{Filter: only, OrderBy: in.OrderBy, MaxResults: size, PageToken: in.PageToken}))
}

// VersionPath names a version of a model.
type VersionPath struct {
	ModelPath
	Version string `path:"version" doc:"the version's number, or \"latest\""`
}

func (r *modelRoutes) getVersion(ctx context.Context, in *VersionPath) (*Body[model.Version], error) {
	return answer(r.models.Version(ctx, workspace.From(ctx).ID, in.Model, in.Version))
}

type updateVersion struct {
	VersionPath
	Body model.UpdateVersion
}

func (r *modelRoutes) updateVersion(ctx context.Context, in *updateVersion) (*Body[model.Version], error) {
	return answer(r.models.UpdateVersion(ctx, workspace.From(ctx).ID, in.Model, in.Version, in.Body))
}

func (r *modelRoutes) deleteVersion(ctx context.Context, in *VersionPath) (*Empty, error) {
	return &Empty{}, r.models.DeleteVersion(ctx, workspace.From(ctx).ID, in.Model, in.Version)
}
