package main

import (
	"context"
	"net"

	"github.com/atelier-ml/atelier/test/bench/internal/process"
)

// target is a server to measure, with how much it is given to do: who is slow is
// given less, so that a whole run takes minutes.
type target struct {
	name      string
	bin       string // its program
	start     func(ctx context.Context, folder string) (*process.Server, error)
	runs      int   // to search among
	big       int64 // bytes of a big artifact
	points    int   // to weigh on disk
	checkPage int   // how many runs a page has when new runs are counted
	later     bool  // whether it leaves work for later, which it begins when it is started
	large     bool  // whether it is also measured with 100,000 runs
}

const (
	ours        = "Atelier"
	fastTrackML = "FastTrackML"
	mlflow      = "MLflow"
)

func atelier(bin string) target {
	return target{name: ours, bin: bin, runs: 10_000, big: 2 << 30, points: 4_000_000, checkPage: walkPage, later: true, large: true,
		start: func(ctx context.Context, folder string) (*process.Server, error) {
			return process.StartAtelier(ctx, bin, folder)
		}}
}

// fastTrackMLAt is FastTrackML as it is started by default, with SQLite.
func fastTrackMLAt(bin string) target {
	return target{name: fastTrackML, bin: bin, runs: 10_000, big: 256 << 20, points: 320_000, checkPage: 50_000,
		start: process.Command{Path: bin, Healthy: "/health", Args: func(address, data string) []string {
			return []string{"server", "--listen-address", address, "--database-uri", "sqlite://" + data + "/fasttrackml.db",
				"--default-artifact-root", data + "/artifacts", "--log-level", "error"}
		}}.Start}
}

// mlflowAt is MLflow's own server as it is started by default, with SQLite.
func mlflowAt(bin string) target {
	return target{name: mlflow, bin: bin, runs: 1_040, big: 256 << 20, points: 96_000, checkPage: walkPage,
		start: process.Command{Path: bin, Healthy: "/health", Env: []string{"MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true"},
			Args: func(address, data string) []string {
				host, port, _ := net.SplitHostPort(address)
				return []string{"server", "--host", host, "--port", port, "--backend-store-uri", "sqlite:///" + data + "/mlflow.db",
					"--artifacts-destination", data + "/artifacts"}
			}}.Start}
}
