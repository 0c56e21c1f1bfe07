package api

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RegisterExperiments adds the routes of experiments.
func RegisterExperiments(t *route.Table, tracked *tracking.Service) {
	e := &experimentRoutes{tracked}
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/experiments", Permission: "experiments/read",
		Summary: "List experiments, newest first", Tag: "experiments"}, e.list)
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/experiments/{experiment}", Permission: "experiments/read",
		Summary: "Show an experiment by its name or id", Tag: "experiments"}, e.get)
}

type experimentRoutes struct {
	tracking *tracking.Service
}

type listExperiments struct {
	WorkspacePath
	Filter     string        `query:"filter" doc:"Conditions like name LIKE 'dia%', joined by AND."`
	OrderBy    []string      `query:"order_by,explode" doc:"A field, then ASC or DESC."`
	View       tracking.View `query:"view" enum:"active,deleted,all" default:"active"`
	MaxResults int           `query:"max_results" minimum:"0" maximum:"1000"`
	PageToken  string        `query:"page_token"`
}

func (r *experimentRoutes) list(ctx context.Context, in *listExperiments) (*Body[atelier.Page[tracking.Experiment]], error) {
	return answer(r.tracking.SearchExperiments(ctx, workspace.From(ctx).ID, tracking.Search{
		Filter: in.Filter, OrderBy: in.OrderBy, View: in.View, MaxResults: in.MaxResults, PageToken: in.PageToken}))
}

type experimentPath struct {
	WorkspacePath
	Experiment string `path:"experiment" doc:"the experiment's name or id"`
}

func (r *experimentRoutes) get(ctx context.Context, in *experimentPath) (*Body[tracking.Experiment], error) {
	return answer(r.tracking.FindExperiment(ctx, workspace.From(ctx).ID, in.Experiment))
}
