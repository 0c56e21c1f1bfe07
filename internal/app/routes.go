package app

import (
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/api"
	"github.com/atelier-ml/atelier/internal/batch"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/lineage"
	"github.com/atelier-ml/atelier/internal/mlflow"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
	"github.com/atelier-ml/atelier/web"
)

// routes is everything that the server answers: its own API, MLflow's, and the
// Studio for the rest.
func (a *App) routes(g ground, c capabilities) *route.Table {
	t := route.New(route.Options{Access: c.access, Workspaces: c.workspaces, Audit: c.audit, Log: a.log, Version: Version, Hosts: a.config.hosts()})
	api.RegisterOpenAPI(t)
	federation := access.NewFederation(c.access, a.config.OIDC, func() string { return a.publicURL() + api.CallbackPath })
	api.RegisterAccess(t, api.Access{Service: c.access, Workspaces: c.workspaces, Federation: federation, URL: a.publicURL, Version: Version})
	api.RegisterAudit(t, c.audit)
	api.RegisterWorkspaces(t, c.workspaces, c.access, g.blobs)
	api.RegisterFiles(t, g.blobs)
	api.RegisterSweep(t, c.sweeper)
	api.RegisterEvents(t, g.bus)
	api.RegisterEnvironments(t, c.environments, c.builds)
	api.RegisterJobs(t, c.jobs, g.bus)
	api.RegisterComputes(t, c.jobs)
	api.RegisterTasks(t, c.jobs, c.endpoints, c.runs)
	api.RegisterExperiments(t, c.runs)
	api.RegisterRuns(t, c.runs)
	api.RegisterStorage(t, c.runs)
	api.RegisterModels(t, c.models)
	api.RegisterVault(t, c.secrets, g.keeper)
	api.RegisterDatastores(t, c.stores)
	api.RegisterData(t, c.assets)
	api.RegisterLineage(t, lineage.New(g.db, c.environments), c.access)
	api.RegisterEndpoints(t, c.endpoints)
	api.RegisterBatch(t, c.batches, c.jobs)
	contents := []workspace.Guard{job.RefuseFull, tracking.RefuseFull, model.RefuseFull, data.RefuseFull, datastore.RefuseFull,
		environment.RefuseFull, vault.RefuseFull, endpoint.RefuseFull, batch.RefuseFull}
	mlflow.Register(t, mlflow.Parts{Tracking: c.runs, Models: c.models, Uploads: c.uploads, Workspaces: c.workspaces, Access: c.access,
		Contents: contents, Blobs: g.blobs, Log: a.log})
	t.Fallback(web.Handler())
	return t
}
