package api

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RegisterData adds the routes of data assets and their versions.
func RegisterData(t *route.Table, assets *data.Service) {
	r := &dataRoutes{assets}
	all, one := inWorkspace+"/data", inWorkspace+"/data/{asset}"
	versions, version := one+"/versions", one+"/versions/{version}"
	route.Native(t, route.Route{Method: "POST", Path: all, Permission: "data/write", Status: http.StatusCreated,
		Summary: "Register a version of a data asset", Tag: "data"}, r.register)
	route.Native(t, route.Route{Method: "GET", Path: all, Permission: "data/read", Summary: "List data assets by name", Tag: "data"}, r.list)
	route.Native(t, route.Route{Method: "GET", Path: one, Permission: "data/read", Summary: "Show a data asset", Tag: "data"}, r.get)
	route.Native(t, route.Route{Method: "PATCH", Path: one, Permission: "data/write",
		Summary: "Archive a data asset, or take it out of the archive", Tag: "data"}, r.update)
	route.Native(t, route.Route{Method: "GET", Path: versions, Permission: "data/read",
		Summary: "List the versions of a data asset, newest first", Tag: "data"}, r.listVersions)
	route.Native(t, route.Route{Method: "GET", Path: version, Permission: "data/read",
		Summary: "Show a version by its name, or \"latest\"", Tag: "data"}, r.getVersion)
	route.Native(t, route.Route{Method: "PATCH", Path: version, Permission: "data/write",
		Summary: "Change what is said about a version, or archive it", Tag: "data"}, r.updateVersion)
	route.Native(t, route.Route{Method: "GET", Path: version + "/uses", Permission: "data/read",
		Summary: "Which runs read or made a version, latest first", Tag: "data"}, r.uses)
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/runs/{run}/data", Permission: "data/read",
		Summary: "What a run read and made, down to the bytes", Tag: "data"}, r.ofRun)
	route.Native(t, route.Route{Method: "GET", Path: version + "/preview", Permission: "data/read",
		Summary: "The first rows of a table of a version", Tag: "data"}, r.preview)
	route.Native(t, route.Route{Method: "GET", Path: version + "/profile", Permission: "data/read",
		Summary: "What is known of the columns of a version; made in the background when first asked for", Tag: "data"}, r.profile)
	route.Native(t, route.Route{Method: "GET", Path: version + "/difference", Permission: "data/read",
		Summary: "What changed since another version", Tag: "data"}, r.difference)
}

type dataRoutes struct {
	assets *data.Service
}

type registerData struct {
	WorkspacePath
	Body data.Register
}

func (r *dataRoutes) register(ctx context.Context, in *registerData) (*Body[data.Version], error) {
	return answer(r.assets.Register(ctx, workspace.From(ctx).ID, in.Body))
}

// ListData asks for a page of assets or versions.
type ListData struct {
	Archived   bool   `query:"archived" doc:"Those that are archived too."`
	MaxResults int    `query:"max_results" minimum:"0" maximum:"1000"`
	PageToken  string `query:"page_token"`
}

func (in *ListData) list() data.List {
	return data.List{Archived: in.Archived, MaxResults: in.MaxResults, PageToken: in.PageToken}
}

type listData struct {
	WorkspacePath
	ListData
}

func (r *dataRoutes) list(ctx context.Context, in *listData) (*Body[atelier.Page[data.Asset]], error) {
	return answer(r.assets.List(ctx, workspace.From(ctx).ID, in.list()))
}

// DataPath names a data asset.
type DataPath struct {
	WorkspacePath
	Asset string `path:"asset"`
}

func (r *dataRoutes) get(ctx context.Context, in *DataPath) (*Body[data.Asset], error) {
	return answer(r.assets.Get(ctx, workspace.From(ctx).ID, in.Asset))
}

type updateData struct {
	DataPath
	Body data.UpdateAsset
}

func (r *dataRoutes) update(ctx context.Context, in *updateData) (*Body[data.Asset], error) {
	return answer(r.assets.Update(ctx, workspace.From(ctx).ID, in.Asset, in.Body))
}

type listDataVersions struct {
	DataPath
	ListData
}

func (r *dataRoutes) listVersions(ctx context.Context, in *listDataVersions) (*Body[atelier.Page[data.Version]], error) {
	return answer(r.assets.Versions(ctx, workspace.From(ctx).ID, in.Asset, in.list()))
}

// DataVersionPath names a version of a data asset.
type DataVersionPath struct {
	DataPath
	Version string `path:"version" doc:"the version, or \"latest\""`
}

func (r *dataRoutes) getVersion(ctx context.Context, in *DataVersionPath) (*Body[data.Version], error) {
	return answer(r.assets.Present(ctx, workspace.From(ctx).ID, in.Asset, in.Version))
}

type updateDataVersion struct {
	DataVersionPath
	Body data.UpdateVersion
}

func (r *dataRoutes) updateVersion(ctx context.Context, in *updateDataVersion) (*Body[data.Version], error) {
	return answer(r.assets.UpdateVersion(ctx, workspace.From(ctx).ID, in.Asset, in.Version, in.Body))
}

func (r *dataRoutes) uses(ctx context.Context, in *DataVersionPath) (*Body[atelier.Page[data.Use]], error) {
	return answer(r.assets.UsesOfVersion(ctx, workspace.From(ctx).ID, in.Asset, in.Version))
}

type previewData struct {
	DataVersionPath
	Path string `query:"path" doc:"Which table; the first one when it is left out."`
	Rows int    `query:"rows" minimum:"0" maximum:"1000" doc:"50 when it is left out."`
}

func (r *dataRoutes) preview(ctx context.Context, in *previewData) (*Body[data.Preview], error) {
	return answer(r.assets.Preview(ctx, workspace.From(ctx).ID, in.Asset, in.Version, data.PreviewOf{Path: in.Path, Rows: in.Rows}))
}

func (r *dataRoutes) profile(ctx context.Context, in *DataVersionPath) (*Body[data.ProfileState], error) {
	return answer(r.assets.Profile(ctx, workspace.From(ctx).ID, in.Asset, in.Version))
}

type compareData struct {
	DataVersionPath
	Since string `query:"since" required:"true" doc:"The other version, which came before."`
}

func (r *dataRoutes) difference(ctx context.Context, in *compareData) (*Body[data.Difference], error) {
	return answer(r.assets.Compare(ctx, workspace.From(ctx).ID, in.Asset, in.Since, in.Version))
}

type dataOfRun struct {
	WorkspacePath
	Run string `path:"run"`
}

func (r *dataRoutes) ofRun(ctx context.Context, in *dataOfRun) (*Body[atelier.Page[data.Use]], error) {
	uses, err := r.assets.UsesOfRun(ctx, workspace.From(ctx).ID, in.Run)
	return answer(atelier.Page[data.Use]{Items: uses}, err)
}
