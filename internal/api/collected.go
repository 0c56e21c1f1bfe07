package api

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// registerCollected adds the routes by which collected data is read and deleted.
func (r *endpointRoutes) registerCollected(t *route.Table, deployment string) {
	const read, remove = atelier.Permission("endpoints/online/collected/read"), atelier.Permission("endpoints/online/collected/delete")
	collection := deployment + "/collected/{collection}"
	route.Native(t, route.Route{Method: "GET", Path: deployment + "/collected", Permission: read, Tag: "endpoints",
		Summary: "List what a deployment has collected"}, r.collected)
	route.Native(t, route.Route{Method: "GET", Path: collection, Permission: read, Tag: "endpoints",
		Summary: "Read rows that a deployment has collected, the newest first"}, r.collectedRows)
	route.Native(t, route.Route{Method: "DELETE", Path: collection, Permission: remove, Tag: "endpoints", Status: 200,
		Summary: "Delete what a deployment has collected"}, r.deleteCollected)
}

func (r *endpointRoutes) collected(ctx context.Context, in *DeploymentPath) (*Body[atelier.Page[endpoint.CollectedCollection]], error) {
	found, err := r.endpoints.CollectedBy(ctx, workspace.From(ctx).ID, in.Endpoint, in.Deployment)
	return answer(atelier.Page[endpoint.CollectedCollection]{Items: found}, err)
}

// CollectionPath is the path of one collection of a deployment.
type CollectionPath struct {
	DeploymentPath
	Collection string `path:"collection"`
}

func (in CollectionPath) key() collect.Key {
	return collect.Key{Endpoint: in.Endpoint, Deployment: in.Deployment, Collection: in.Collection}
}

func (r *endpointRoutes) collectedRows(ctx context.Context, in *struct {
	CollectionPath
	MaxResults int    `query:"max_results" minimum:"0" maximum:"1000"`
	PageToken  string `query:"page_token"`
}) (*Body[atelier.Page[collect.Event]], error) {
	return answer(r.endpoints.CollectedRows(ctx, workspace.From(ctx).ID, in.key(), in.MaxResults, in.PageToken))
}

func (r *endpointRoutes) deleteCollected(ctx context.Context, in *struct {
	CollectionPath
	Before time.Time `query:"before" doc:"Only what was collected before; everything when it is left out."`
}) (*Body[collect.Deleted], error) {
	return answer(r.endpoints.DeleteCollected(ctx, workspace.From(ctx).ID, in.key(), in.Before))
}
