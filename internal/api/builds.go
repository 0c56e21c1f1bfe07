package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

func (e *environmentRoutes) registerBuilds(t *route.Table) {
	all := inWorkspace + "/environments"
	one := all + "/{environment}/versions/{version}/build"
	route.Native(t, route.Route{Method: "GET", Path: all + "/builds", Permission: "environments/read",
		Summary: "Tell how far the workspace's environments are built", Tag: "environments"}, e.listBuilds)
	route.Native(t, route.Route{Method: "POST", Path: all + "/prune", Permission: "computes/write",
		Summary: "Remove built environments that nobody uses, of all workspaces", Tag: "environments"}, e.prune)
	route.Native(t, route.Route{Method: "GET", Path: one, Permission: "environments/read",
		Summary: "Tell how far an environment is built", Tag: "environments"}, e.build)
	route.Native(t, route.Route{Method: "POST", Path: one, Permission: "environments/write", Status: http.StatusAccepted,
		Summary: "Begin to build an environment, unless it is ready", Tag: "environments"}, e.startBuild)
	route.Native(t, route.Route{Method: "POST", Path: one + "/cancel", Permission: "environments/write",
		Summary: "Cancel the build of an environment", Tag: "environments"}, e.cancelBuild)
	t.HandleFunc(route.Route{Method: "GET", Path: one + "/log", Permission: "environments/read",
		Summary: "Read a part of the log of an environment's last build", Tag: "environments"}, e.buildLog)
}

func (e *environmentRoutes) listBuilds(ctx context.Context, _ *WorkspacePath) (*Body[atelier.Page[environment.Status]], error) {
	all, err := e.builds.Builds(ctx, workspace.From(ctx).ID)
	return answer(atelier.Page[environment.Status]{Items: all}, err)
}

func (e *environmentRoutes) build(ctx context.Context, in *EnvironmentVersionPath) (*Body[environment.Status], error) {
	return answer(e.builds.Status(ctx, workspace.From(ctx).ID, in.Environment, in.Version))
}

func (e *environmentRoutes) startBuild(ctx context.Context, in *EnvironmentVersionPath) (*Body[environment.Status], error) {
	return answer(e.builds.Start(ctx, workspace.From(ctx).ID, in.Environment, in.Version))
}

func (e *environmentRoutes) cancelBuild(ctx context.Context, in *EnvironmentVersionPath) (*Body[environment.Status], error) {
	return answer(e.builds.Cancel(ctx, workspace.From(ctx).ID, in.Environment, in.Version))
}

type pruneRequest struct {
	WorkspacePath
	DryRun    bool   `query:"dry_run" doc:"Only tell."`
	UnusedFor string `query:"unused_for" default:"168h" doc:"How long nobody may have used an environment that is removed."`
	MaxBytes  int64  `query:"max_bytes" default:"-1" doc:"Remove more, the least recently used first, until the rest is no larger."`
}

func (e *environmentRoutes) prune(ctx context.Context, in *pruneRequest) (*Body[environment.Pruned], error) {
	unused, err := time.ParseDuration(in.UnusedFor)
	if err != nil || unused < 0 {
		return nil, atelier.Errorf(atelier.Invalid, "%q is not a length of time.", atelier.Clip(in.UnusedFor, 40)).At("unused_for").
			WithHint("Give hours, as in 168h.")
	}
	return answer(e.builds.Prune(ctx, environment.Prune{UnusedFor: unused, MaxBytes: in.MaxBytes, DryRun: in.DryRun}))
}

// maxLogAnswer is how much of a build's log one answer has.
const maxLogAnswer = 1 << 20

// buildLog answers with a part of the log, in which X-Log-Size tells how long it
// is: whoever follows a build asks again from there.
func (e *environmentRoutes) buildLog(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	offset, err := number(req, "offset", 0)
	var piece []byte
	var size int64
	if err == nil {
		piece, size, err = e.builds.BuildLog(ctx, workspace.From(ctx).ID, req.PathValue("environment"), req.PathValue("version"), offset, maxLogAnswer)
	}
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	logHeader(w, size, int64(len(piece)))
	w.Write(piece)
}

// logHeader announces length bytes of a log that has size. A log is a stranger's
// text: no browser may take it for a page.
func logHeader(w http.ResponseWriter, size, length int64) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Log-Size", strconv.FormatInt(size, 10))
	header.Set("Content-Length", strconv.FormatInt(length, 10))
}
