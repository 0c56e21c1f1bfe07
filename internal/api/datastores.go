package api

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RegisterDatastores adds the routes of datastores and of what lies in them.
func RegisterDatastores(t *route.Table, stores *datastore.Service) {
	r := &datastoreRoutes{stores}
	all, one := inWorkspace+"/datastores", inWorkspace+"/datastores/{datastore}"
	route.Native(t, route.Route{Method: "POST", Path: all, Permission: "datastores/write", Status: http.StatusCreated,
		Summary: "Create a datastore", Tag: "datastores"}, r.create)
	route.Native(t, route.Route{Method: "GET", Path: all, Permission: "datastores/read", Summary: "List datastores by name", Tag: "datastores"}, r.list)
	route.Native(t, route.Route{Method: "GET", Path: one, Permission: "datastores/read",
		Summary: "Show a datastore, without its credentials", Tag: "datastores"}, r.get)
	route.Native(t, route.Route{Method: "PATCH", Path: one, Permission: "datastores/write",
		Summary: "Change what is said of a datastore, or its credentials", Tag: "datastores"}, r.update)
	route.Native(t, route.Route{Method: "DELETE", Path: one, Permission: "datastores/delete",
		Summary: "Forget a datastore; what lies there stays", Tag: "datastores"}, r.delete)
	route.Native(t, route.Route{Method: "GET", Path: one + "/files", Permission: "datastores/read",
		Summary: "List the files at or below a path, in order", Tag: "datastores"}, r.files)
	t.HandleFunc(route.Route{Method: "GET", Path: one + "/content", Permission: "datastores/read",
		Summary: "Fetch the file at a path", Tag: "datastores"}, r.content)
}

type datastoreRoutes struct {
	stores *datastore.Service
}

type createDatastore struct {
	WorkspacePath
	Body datastore.Create
}

func (r *datastoreRoutes) create(ctx context.Context, in *createDatastore) (*Body[datastore.Datastore], error) {
	return answer(r.stores.Create(ctx, workspace.From(ctx).ID, in.Body))
}

func (r *datastoreRoutes) list(ctx context.Context, _ *WorkspacePath) (*Body[atelier.Page[datastore.Datastore]], error) {
	all, err := r.stores.List(ctx, workspace.From(ctx).ID)
	return answer(atelier.Page[datastore.Datastore]{Items: all}, err)
}

// DatastorePath names a datastore.
type DatastorePath struct {
	WorkspacePath
	Datastore string `path:"datastore"`
}

func (r *datastoreRoutes) get(ctx context.Context, in *DatastorePath) (*Body[datastore.Datastore], error) {
	return answer(r.stores.Get(ctx, workspace.From(ctx).ID, in.Datastore))
}

type updateDatastore struct {
	DatastorePath
	Body datastore.Update
}

func (r *datastoreRoutes) update(ctx context.Context, in *updateDatastore) (*Body[datastore.Datastore], error) {
	return answer(r.stores.Update(ctx, workspace.From(ctx).ID, in.Datastore, in.Body))
}

func (r *datastoreRoutes) delete(ctx context.Context, in *DatastorePath) (*Empty, error) {
	return &Empty{}, r.stores.Delete(ctx, workspace.From(ctx).ID, in.Datastore)
}

type listDatastoreFiles struct {
	DatastorePath
	Path      string `query:"path" doc:"A file or a folder; everything when it is left out."`
	PageToken string `query:"page_token"`
}

func (r *datastoreRoutes) files(ctx context.Context, in *listDatastoreFiles) (*Body[atelier.Page[datastore.Object]], error) {
	return answer(r.stores.Files(ctx, workspace.From(ctx).ID, in.Datastore, in.Path, in.PageToken))
}

func (r *datastoreRoutes) content(w http.ResponseWriter, req *http.Request) {
	content, size, err := r.stores.Content(req.Context(), workspace.From(req.Context()).ID, req.PathValue("datastore"), req.URL.Query().Get("path"))
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	defer content.Close()
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", "attachment")
	header.Set("Content-Length", strconv.FormatInt(size, 10))
	header.Set("Cache-Control", "no-store")
	io.Copy(w, content)
}
