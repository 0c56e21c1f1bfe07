// Command atelier is the whole product in one program: the server, the command
// line that speaks to it, and the runner that the server starts beside jobs.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/atelier-ml/atelier/internal/app"
	"github.com/atelier-ml/atelier/internal/cli"
	"github.com/atelier-ml/atelier/internal/runner"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := cli.Main(ctx, process(), cli.Hooks{Up: up, Runner: runner.Main, Version: app.Version})
	stop()
	os.Exit(code)
}

// growth is how many percent the server's memory may grow before what is unused is
// collected. It is some ten megabytes, so that Go's own 100 would have it collected
// for every few requests.
const growth = 300

// up runs the server until ctx ends.
func up(ctx context.Context, options cli.UpOptions) error {
	if _, chosen := os.LookupEnv("GOGC"); !chosen {
		debug.SetGCPercent(growth)
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	server, err := app.New(ctx, app.Config{
		Host: options.Host, Port: options.Port, DataDir: options.DataDir, Database: options.Database,
		Storage: options.Storage, AllowedHosts: options.AllowedHosts, GPUs: options.GPUs, Executable: executable, Log: logger(options),
		VaultKeyProvider: options.VaultKeyProvider, BaoToken: options.BaoToken, BaoNamespace: options.BaoNamespace,
		MaxScoringBytes: options.MaxScoringBytes, AccessLog: options.AccessLog, OTLPEndpoint: options.OTLPEndpoint,
		KeepEnvironments: options.KeepEnvironments, KeepAudit: options.KeepAudit,
		PublicURL: options.PublicURL, OIDC: options.OIDC, Stdout: options.Stdout, SaveToken: options.SaveToken, HasToken: options.HasToken,
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

func logger(options cli.UpOptions) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(options.LogLevel)) != nil {
		level = slog.LevelInfo
	}
	settings := &slog.HandlerOptions{Level: level}
	if options.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(options.Stderr, settings))
	}
	return slog.New(slog.NewTextHandler(options.Stderr, settings))
}
