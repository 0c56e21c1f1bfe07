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
	route.Native(t, route.Route{Method: "POST", Path: inWorkspace + "/experiments", Permission: "experiments/write",
		Summary: "Make an experiment", Tag: "experiments"}, e.create)
	route.Native(t, route.Route{Method: "POST", Path: inWorkspace + "/experiments/import", Permission: "experiments/write",
		Summary: "Bring an experiment that was made elsewhere, with its id if that is free", Tag: "experiments"}, e.importExperiment)
	route.Native(t, route.Route{Method: "PATCH", Path: inWorkspace + "/experiments/{experiment}", Permission: "experiments/write",
		Summary: "Change an experiment's name or tags", Tag: "experiments"}, e.update)
	route.Native(t, route.Route{Method: "DELETE", Path: inWorkspace + "/experiments/{experiment}", Permission: "experiments/delete",
		Summary: "Hide an experiment and its runs until it is restored", Tag: "experiments"}, e.delete)
	route.Native(t, route.Route{Method: "POST", Path: inWorkspace + "/experiments/{experiment}/restore", Permission: "experiments/delete",
		Summary: "Restore a deleted experiment and its runs", Tag: "experiments"}, e.restore)
	route.Native(t, route.Route{Method: "POST", Path: inWorkspace + "/experiments/purge", Permission: "workspaces/write",
		Summary: "Remove deleted experiments with their runs, for good", Tag: "experiments"}, e.purge)
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

// ExperimentPath names an experiment.
type ExperimentPath struct {
	WorkspacePath
	Experiment string `path:"experiment" doc:"the experiment's name or id"`
}

func (r *experimentRoutes) get(ctx context.Context, in *ExperimentPath) (*Body[tracking.Experiment], error) {
	return answer(r.tracking.FindExperiment(ctx, workspace.From(ctx).ID, in.Experiment))
}

type createExperiment struct {
	WorkspacePath
	Body struct {
		Name string            `json:"name"`
		Tags map[string]string `json:"tags,omitempty"`
	}
}

func (r *experimentRoutes) create(ctx context.Context, in *createExperiment) (*Body[tracking.Experiment], error) {
	ws := workspace.From(ctx).ID
	made, err := r.tracking.CreateExperiment(ctx, ws, tracking.NewExperiment{Name: in.Body.Name, Tags: in.Body.Tags})
	if err != nil {
		return nil, err
	}
	return answer(r.tracking.Experiment(ctx, ws, made.ID))
}

type importExperiment struct {
	WorkspacePath
	Body tracking.ImportExperiment
}

func (r *experimentRoutes) importExperiment(ctx context.Context, in *importExperiment) (*Body[tracking.Experiment], error) {
	return answer(r.tracking.ImportExperiment(ctx, workspace.From(ctx).ID, in.Body))
}

// find returns the id of the experiment that a path names.
func (r *experimentRoutes) find(ctx context.Context, name string) (ws, id string, err error) {
	ws = workspace.From(ctx).ID
	experiment, err := r.tracking.FindExperiment(ctx, ws, name)
	return ws, experiment.ID, err
}

type updateExperiment struct {
	ExperimentPath
	Body tracking.UpdateExperiment
}

func (r *experimentRoutes) update(ctx context.Context, in *updateExperiment) (*Body[tracking.Experiment], error) {
	ws, id, err := r.find(ctx, in.Experiment)
	if err != nil {
		return nil, err
	}
	return answer(r.tracking.UpdateExperiment(ctx, ws, id, in.Body))
}

func (r *experimentRoutes) delete(ctx context.Context, in *ExperimentPath) (*Empty, error) {
	ws, id, err := r.find(ctx, in.Experiment)
	if err != nil {
		return nil, err
	}
	return &Empty{}, r.tracking.DeleteExperiment(ctx, ws, id)
}

func (r *experimentRoutes) restore(ctx context.Context, in *ExperimentPath) (*Body[tracking.Experiment], error) {
	ws, id, err := r.find(ctx, in.Experiment)
	if err != nil {
		return nil, err
	}
	if err := r.tracking.RestoreExperiment(ctx, ws, id); err != nil {
		return nil, err
	}
	return answer(r.tracking.Experiment(ctx, ws, id))
}

type purgeExperiments struct {
	WorkspacePath
	Body tracking.PurgeExperiments
}

func (r *experimentRoutes) purge(ctx context.Context, in *purgeExperiments) (*Body[tracking.Purged], error) {
	return answer(r.tracking.PurgeExperiments(ctx, workspace.From(ctx).ID, in.Body))
}
