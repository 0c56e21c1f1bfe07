package app

import (
	"context"

	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/audit"
	"github.com/atelier-ml/atelier/internal/batch"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/local"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/environment/builder"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sweep"
	"github.com/atelier-ml/atelier/internal/trace"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/upload"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// capabilities are the services of the server: what a workspace can do, each in
// one package.
type capabilities struct {
	access       *access.Service
	audit        *audit.Log
	workspaces   *workspace.Service
	runs         *tracking.Service
	models       *model.Service
	uploads      *upload.Service
	secrets      *vault.Service
	stores       *datastore.Service
	collected    *collect.Service
	assets       *data.Service
	environments *environment.Service
	builds       *builder.Service
	jobs         *job.Service
	endpoints    *endpoint.Service
	batches      *batch.Service
	sweeper      *sweep.Service
}

// assemble makes every capability on the ground, and tells each what the others
// need of it.
func (a *App) assemble(ctx context.Context, g ground) (c capabilities, err error) {
	c.access = access.New(g.db, g.clock)
	c.audit = audit.New(g.db)
	c.workspaces = workspace.New(g.db, c.access, g.bus)
	if err = a.firstStart(ctx, c.access, c.workspaces); err != nil {
		return c, err
	}
	driver, err := a.driver(ctx)
	if err != nil {
		return c, err
	}
	c.environments = environment.New(g.db)
	if c.builds, err = a.builder(g, c.environments, driver); err != nil {
		return c, err
	}
	c.runs = tracking.New(g.db, g.blobs, g.bus)
	c.models = model.New(g.db, g.blobs, g.bus, c.runs)
	c.uploads = upload.New(g.db, g.clock, c.runs, g.parts)
	c.secrets = vault.New(g.db, g.vault, c.access, a.log)
	c.stores = datastore.New(g.db, g.vault, c.access, g.bus, a.config.DataDir)
	c.collected = collect.New(g.db, g.blobs, g.clock)
	c.assets = data.New(g.db, g.blobs, g.bus, c.runs, c.stores, c.collected)
	c.jobs = job.New(job.Options{
		DB: g.db, Clock: g.clock, Bus: g.bus, Access: c.access, Blobs: g.blobs, Logs: g.logs, Log: a.log,
		Tracking: c.runs, Models: c.models, Data: c.assets, Stores: c.stores, Environments: c.environments, Secrets: c.secrets, Driver: driver,
		ServerFile: a.path("server.json"), ServerURL: a.address.url,
		EnvironmentsDir: a.path("environments"), ToolsDir: a.path("tools"), Replicas: endpoint.CountReplicas,
	})
	c.endpoints, err = a.endpoints(ctx, g, endpoint.Parts{Access: c.access, Secrets: c.secrets, Workspaces: c.workspaces, Models: c.models,
		Environments: c.environments, Data: c.assets, Collected: c.collected, Driver: driver})
	if err != nil {
		return c, err
	}
	c.batches = batch.New(batch.Parts{DB: g.db, Bus: g.bus, Environments: c.environments, Secrets: c.secrets, Jobs: c.jobs, URL: a.address.url,
		Finder: endpoint.Finder{Models: c.models, Blobs: g.blobs, Environments: c.environments}})
	c.guard()
	c.sweeper = sweep.New(g.db, g.blobs, g.clock, tracking.References, model.References, data.References, job.References,
		endpoint.References, batch.References, collect.References)
	return c, nil
}

// guard lets each capability keep what it still needs when another removes.
func (c capabilities) guard() {
	c.workspaces.GuardDeletion(job.RefuseDeletion)
	c.runs.OnPurge(c.jobs.MayPurge, c.jobs.Purge)
	c.runs.OnPurge(c.models.MayPurge, nil)
	c.runs.OnPurge(c.endpoints.MayPurge, nil)
	c.runs.OnPurge(c.batches.MayPurge, nil)
	c.runs.OnPurge(c.assets.MayPurge, nil)
	c.runs.HeldBy(model.References, data.Held, endpoint.References, batch.References, collect.References)
}

// workers are what runs beside the requests, until the server stops.
func (c capabilities) workers(g ground, config Config) []worker {
	compact := func(ctx context.Context) error { return c.runs.Compact(ctx, g.clock) }
	return []worker{
		{"jobs", c.jobs.Run}, {"endpoints", c.endpoints.Run}, {"data", c.assets.Run}, {"environments", c.builds.Run},
		{"metrics", compact}, {"storage", c.runs.SumUp}, {"uploads", c.uploads.Run}, {"collected requests", c.endpoints.Router().Record},
		{"audit", func(ctx context.Context) error { return c.audit.Run(ctx, config.KeepAudit) }},
	}
}

// endpoints makes the service of endpoints, with what the folder and the
// configuration say of it.
func (a *App) endpoints(ctx context.Context, g ground, parts endpoint.Parts) (*endpoint.Service, error) {
	tracer, err := trace.New(ctx, a.config.OTLPEndpoint, Version)
	if err != nil {
		return nil, err
	}
	a.onClose(tracer.Close)
	parts.DB, parts.Clock, parts.Bus, parts.Blobs, parts.Logs, parts.Vault, parts.Log = g.db, g.clock, g.bus, g.blobs, g.logs, g.vault, a.log
	parts.ServerFile, parts.URL, parts.EnvironmentsDir, parts.ToolsDir = a.path("server.json"), a.address.url, a.path("environments"), a.path("tools")
	parts.MaxRequestBytes, parts.AccessLog, parts.Tracer = a.config.MaxScoringBytes, a.config.AccessLog, tracer
	return endpoint.New(parts), nil
}

func (a *App) driver(ctx context.Context) (*local.Driver, error) {
	driver, err := local.New(a.config.Executable, a.path("tasks"), a.config.secrets()...)
	if err == nil {
		driver.HasGPUs(a.config.gpus(ctx))
	}
	return driver, err
}

func (a *App) builder(g ground, environments *environment.Service, driver compute.Driver) (*builder.Service, error) {
	return builder.New(builder.Options{Environments: environments, Driver: driver, Clock: g.clock, Log: a.log,
		Dir: a.path("environments"), ToolsDir: a.path("tools"), KeepUnused: a.config.KeepEnvironments})
}
