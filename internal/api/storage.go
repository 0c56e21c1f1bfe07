package api

import (
	"context"

	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/workspace"
)

type storageRoutes struct {
	tracking *tracking.Service
}

// RegisterStorage adds the routes that say how much room things take.
func RegisterStorage(t *route.Table, tracked *tracking.Service) {
	s := &storageRoutes{tracked}
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/storage", Permission: "experiments/read",
		Summary: "Say how much room the workspace, its experiments and its largest runs take", Tag: "workspaces"}, s.all)
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/runs/{run}/storage", Permission: "experiments/runs/read",
		Summary: "Say how much room a run takes", Tag: "runs"}, s.run)
}

type storageRequest struct {
	WorkspacePath
	Experiment string `query:"experiment" doc:"Only this one, by its name or id."`
	Largest    int    `query:"largest" minimum:"0" maximum:"100" default:"10" doc:"How many of the largest runs to name."`
}

func (s *storageRoutes) all(ctx context.Context, in *storageRequest) (*Body[tracking.Storage], error) {
	ws, id := workspace.From(ctx).ID, ""
	if in.Experiment != "" {
		experiment, err := s.tracking.FindExperiment(ctx, ws, in.Experiment)
		if err != nil {
			return nil, err
		}
		id = experiment.ID
	}
	return answer(s.tracking.StorageOf(ctx, ws, id, in.Largest))
}

func (s *storageRoutes) run(ctx context.Context, in *RunPath) (*Body[tracking.RunStorage], error) {
	return answer(s.tracking.RunStorage(ctx, workspace.From(ctx).ID, in.Run))
}
