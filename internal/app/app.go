// Package app is the one place that wires everything: read top to bottom, it is
// the program's table of contents. Only cmd imports it.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/api"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/logs"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
	"github.com/atelier-ml/atelier/web"
)

// App is a server, made but not yet running.
type App struct {
	config   Config
	log      *slog.Logger
	address  *address
	listener net.Listener
	table    *route.Table
	workers  []worker
	welcome  welcome
	closers  []func() error
}

// New makes a server on config's data folder and takes its port. Nothing of the
// outside world is served before Run.
func New(ctx context.Context, config Config) (*App, error) {
	a := &App{config: config, log: config.Log, address: &address{}}
	if err := a.build(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) build(ctx context.Context) error {
	if err := a.openFolder(); err != nil {
		return err
	}
	if err := a.listen(); err != nil {
		return err
	}
	clk := clock.System{}
	db, err := sqldb.Open(ctx, a.config.databaseTarget(), clk)
	if err != nil {
		return databaseError(a.config, err)
	}
	a.onClose(db.Close)
	blobs, err := blob.OpenDir(a.path("blobs"))
	if err != nil {
		return err
	}
	a.onClose(blobs.Close)
	logStore, err := logs.Open(a.path("logs"))
	if err != nil {
		return err
	}
	a.onClose(logStore.Close)
	secrets, err := vault.Open(a.path("keys", "vault.key"))
	if err != nil {
		return err
	}
	bus := event.NewBus()
	who := access.New(db, clk)
	workspaces := workspace.New(db, who, bus)
	if err := a.firstStart(ctx, who, workspaces); err != nil {
		return err
	}

	a.table = route.New(route.Options{Access: who, Workspaces: workspaces, Log: a.log, Version: Version, Hosts: a.config.hosts()})
	api.RegisterOpenAPI(a.table)
	api.RegisterAccess(a.table, who, workspaces, a.address.url, Version)
	api.RegisterWorkspaces(a.table, workspaces, who, blobs)
	api.RegisterFiles(a.table, blobs)
	api.RegisterEvents(a.table, bus)
	a.table.Fallback(web.Handler())
	_ = secrets
	return nil
}

func (a *App) path(parts ...string) string {
	return filepath.Join(append([]string{a.config.DataDir}, parts...)...)
}

func (a *App) onClose(fn func() error) { a.closers = append(a.closers, fn) }

// Close releases what New took, last first. Run does it by itself.
func (a *App) Close() error {
	var all []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		all = append(all, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(all...)
}

// Table returns the routes, for the tests that go through all of them.
func (a *App) Table() *route.Table { return a.table }

// URL is where the server listens.
func (a *App) URL() string { return a.address.url() }

// Token returns the token that the first start made for the owner, "" when
// there was an owner already.
func (a *App) Token() string { return a.welcome.token }

// Run serves until ctx ends, then lets requests under way finish. Running jobs
// and endpoints are left alone: the next start takes them up again.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	if err := a.announce(); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{
		Handler:           a.table,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return working },
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	finished := supervise(working, a.log, a.workers)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(a.listener) }()

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop() // ends streams, which would otherwise be waited for
	closing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := server.Shutdown(closing)
	<-finished
	return err
}

// firstStart makes the owner and the default workspace when there are none.
func (a *App) firstStart(ctx context.Context, who *access.Service, workspaces *workspace.Service) error {
	owner, token, err := who.Bootstrap(ctx, a.config.ownerName())
	if err != nil {
		return err
	}
	if err := workspaces.EnsureDefault(ctx, owner); err != nil {
		return err
	}
	if token == "" {
		return nil
	}
	code, _, err := who.CreateLink(ctx, owner.ID)
	a.welcome = welcome{token: token, code: code}
	return err
}

func databaseError(config Config, err error) error {
	if config.Database == "" {
		return atelier.Errorf(atelier.Unavailable, "The database in %s cannot be opened: %w", config.DataDir, err).
			WithHint("If the file is damaged, restore it from a backup; nothing was changed.")
	}
	return atelier.Errorf(atelier.Unavailable, "The database server cannot be used: %w", err).
		WithHint("Check --database, and that the server runs.")
}
