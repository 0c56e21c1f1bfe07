// Package app is the one place that wires everything: read top to bottom, it is
// the program's table of contents. Only cmd imports it.
package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/blob/s3"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/logs"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/upload"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
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
	g, err := a.openGround(ctx)
	if err != nil {
		return err
	}
	c, err := a.assemble(ctx, g)
	if err != nil {
		return err
	}
	a.workers = c.workers(g, a.config)
	a.table = a.routes(g, c)
	return nil
}

// ground is what every capability stands on.
type ground struct {
	clock clock.Clock
	db    *sqldb.DB
	blobs blob.Store
	parts *upload.Folder
	logs  *logs.Store
	vault *vault.Vault
	// keeper looks after the vault's key.
	keeper *vault.Keeper
	bus    *event.Bus
}

func (a *App) openGround(ctx context.Context) (g ground, err error) {
	g.clock, g.bus = clock.System{}, event.NewBus()
	if g.db, err = sqldb.Open(ctx, a.config.databaseTarget(), g.clock); err != nil {
		return g, databaseError(a.config, err)
	}
	a.onClose(g.db.Close)
	if g.blobs, err = a.openBlobs(ctx, g.clock); err != nil {
		return g, err
	}
	if g.parts, err = upload.OpenFolder(a.path("parts")); err != nil {
		return g, err
	}
	a.onClose(g.parts.Close)
	if g.logs, err = logs.Open(a.path("logs")); err != nil {
		return g, err
	}
	a.onClose(g.logs.Close)
	return g, a.openVault(ctx, &g)
}

// openVault opens the vault and says when its key does not open everything.
func (a *App) openVault(ctx context.Context, g *ground) error {
	provider, err := a.config.keyProvider(a.path("keys", "vault.key"))
	if err != nil {
		return err
	}
	g.vault, g.keeper, err = vault.Open(ctx, g.db, provider, vault.SealedSecrets, datastore.SealedCredentials, endpoint.SealedKeys)
	if err != nil {
		return err
	}
	status, err := g.keeper.Status(ctx)
	if status.Unreadable > 0 {
		a.log.Error("the vault's key does not open everything that is sealed: put the right key back, or set anew what it does not open",
			"key", status.Provider, "sealed", status.Sealed, "unreadable", status.Unreadable)
	}
	return err
}

func (a *App) openBlobs(ctx context.Context, clk clock.Clock) (blob.Store, error) {
	if a.config.Storage != "" {
		address, err := s3.ParseAddress(a.config.Storage)
		if err != nil {
			return nil, err
		}
		return s3.Open(ctx, address, a.path("incoming"), clk)
	}
	blobs, err := blob.OpenDir(a.path("blobs"))
	if err != nil {
		return nil, err
	}
	a.onClose(blobs.Close)
	return blobs, nil
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

// publicURL is the address by which people reach the server.
func (a *App) publicURL() string { return cmp.Or(a.config.PublicURL, a.address.url()) }

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
		return a.ensureToken(ctx, who, owner)
	}
	code, _, err := who.CreateLink(ctx, owner.ID)
	a.welcome = welcome{token: token, code: code}
	return err
}

// ensureToken makes the owner a token for the command line on this machine when
// it has none for the address: whoever starts the server owns its data anyway.
func (a *App) ensureToken(ctx context.Context, who *access.Service, owner access.User) error {
	if a.config.HasToken == nil || a.config.HasToken(a.URL()) {
		return nil
	}
	token, err := who.CreateToken(ctx, owner.ID, access.CommandLineToken, access.MaxTokenLifetime)
	a.welcome.token = token.Secret
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
