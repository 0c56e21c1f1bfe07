package api

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/sweep"
	"github.com/atelier-ml/atelier/internal/workspace"
)

type sweepRoutes struct {
	sweeper *sweep.Service
}

// RegisterSweep adds the route that frees what nothing refers to.
func RegisterSweep(t *route.Table, sweeper *sweep.Service) {
	s := &sweepRoutes{sweeper}
	route.Native(t, route.Route{Method: "POST", Path: inWorkspace + "/gc", Permission: "workspaces/write",
		Summary: "Free the stored bytes that nothing refers to", Tag: "workspaces"}, s.run)
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/gc", Permission: "workspaces/write",
		Summary: "Say how far the sweep under way has come", Tag: "workspaces"}, s.progress)
}

func (s *sweepRoutes) progress(ctx context.Context, _ *WorkspacePath) (*Body[sweep.Progress], error) {
	return answer(s.sweeper.Progress(workspace.From(ctx).ID), nil)
}

type sweepRequest struct {
	WorkspacePath
	DryRun bool   `query:"dry_run" doc:"Only count."`
	Grace  string `query:"grace" default:"24h" doc:"How long nobody may have stored or asked for an object that is freed; at least 1h."`
}

func (s *sweepRoutes) run(ctx context.Context, in *sweepRequest) (*Body[sweep.Result], error) {
	grace, err := time.ParseDuration(in.Grace)
	if err != nil || grace < sweep.MinGrace {
		return nil, atelier.Errorf(atelier.Invalid, "%q is not a time to leave objects alone.", atelier.Clip(in.Grace, 40)).At("grace").
			WithHint("Give hours, as in 24h; at least 1h, so that uploads under way are safe.")
	}
	return answer(s.sweeper.Run(ctx, workspace.From(ctx).ID, sweep.Options{Grace: grace, DryRun: in.DryRun}))
}
