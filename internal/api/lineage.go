package api

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/lineage"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

type lineageRoutes struct {
	lineage *lineage.Service
	access  *access.Service
}

// RegisterLineage adds the route of the graph of where things come from.
func RegisterLineage(t *route.Table, l *lineage.Service, who *access.Service) {
	r := &lineageRoutes{l, who}
	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/lineage", Permission: "data/read",
		Summary: "Show what a thing comes from and what became of it; only what the reader may see", Tag: "data"}, r.of)
}

type lineageRequest struct {
	WorkspacePath
	Of        string `query:"of" required:"true" doc:"data:NAME:VERSION, model:NAME:VERSION, run:NAME, environment:NAME:VERSION or deployment:ENDPOINT/NAME."`
	Direction string `query:"direction" enum:"both,sources,uses" doc:"What it comes from, what became of it, or both, which is the default."`
	Depth     int    `query:"depth" minimum:"0" maximum:"20" doc:"How many steps to follow; 5 when it is left out."`
}

func (r *lineageRoutes) of(ctx context.Context, in *lineageRequest) (*Body[lineage.Graph], error) {
	ws := workspace.From(ctx).ID
	actor, _ := atelier.ActorFrom(ctx)
	role, err := r.access.RoleIn(ctx, actor, ws)
	if err != nil {
		return nil, err
	}
	return answer(r.lineage.Of(ctx, ws, lineage.Ask{Of: in.Of, Direction: lineage.Direction(in.Direction), Depth: in.Depth,
		May: func(kind lineage.Kind) bool { return role.Allows(kind.Permission()) }}))
}
