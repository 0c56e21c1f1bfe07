// Command tracking measures how a server keeps the history of runs. It drives any
// server that speaks MLflow's REST API: ours, and in the same run on the same
// machine FastTrackML and MLflow's own, and prints the ratios. What is measured,
// and how, is in docs/reference/benchmarks.md.
//
//	go run ./test/bench/tracking -bin bin/atelier -only log-batch,search -peers=false
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are what a run of the program is asked for.
type options struct {
	bin, fastTrackML, mlflow string
	peers                    bool
	servers, only            string
	limit, quiet             time.Duration
	folder                   string
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/atelier", "the program to measure")
	flag.StringVar(&o.fastTrackML, "fasttrackml", ".cache/fasttrackml-0.6.0/bin/fml", "FastTrackML's program")
	flag.StringVar(&o.mlflow, "mlflow", ".venv/bin/mlflow", "MLflow's program")
	flag.BoolVar(&o.peers, "peers", true, "measure the peers too")
	flag.StringVar(&o.servers, "servers", "", "measure only servers whose names begin so, separated by commas")
	flag.StringVar(&o.only, "only", "", "measure only scenarios whose names begin so, separated by commas")
	flag.DurationVar(&o.limit, "limit", 2*time.Second, "how long a scenario goes on")
	flag.DurationVar(&o.quiet, "quiet", 0, "how long to wait before each scenario for other programs to be quiet")
	flag.StringVar(&o.folder, "folder", os.TempDir(), "where to keep the data meanwhile, on the disk that is to be measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "tracking:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) error {
	targets, err := o.targets()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(o.folder, "atelier-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	all := &results{found: map[string]map[string]result{}}
	if all.limits, err = measureLimits(ctx, folder); err != nil {
		return err
	}
	fmt.Printf("This machine: %v\n", all.limits)
	printLineHeader(os.Stdout)
	curves := newCurves(1)
	for _, t := range targets {
		for _, group := range groups(t) {
			b := &bench{target: t, folder: folder, limit: o.limit, quiet: o.quiet, curves: curves}
			err := measureAll(ctx, b, o.wanted(group), func(s scenario, r result) {
				all.add(t, s, r)
				printLine(os.Stdout, t, s, r)
			})
			if ctx.Err() != nil {
				return err
			}
			if err != nil {
				fmt.Printf("%s: %v\n", t.name, err)
			}
		}
	}
	fmt.Println()
	all.printTable(os.Stdout)
	fmt.Println()
	all.printGates(os.Stdout)
	return nil
}

// targets are our server and the peers that are there.
func (o options) targets() ([]target, error) {
	var all []target
	for _, t := range []target{atelier(o.bin), fastTrackMLAt(o.fastTrackML), mlflowAt(o.mlflow)} {
		if !o.asksFor(t.name) {
			continue
		}
		if _, err := os.Stat(t.bin); err != nil {
			if t.name == ours {
				return nil, err
			}
			fmt.Printf("%s is not measured: %v\n", t.name, err)
			continue
		}
		all = append(all, t)
	}
	return all, nil
}

func (o options) asksFor(server string) bool {
	return beginsWithAny(strings.ToLower(server), strings.ToLower(o.servers)) && (o.peers || server == ours)
}

// groups are the scenarios that share a server.
func groups(t target) [][]scenario {
	all := [][]scenario{slices.Concat(readScenarios(), writeScenarios(), artifactScenarios()), diskScenarios()}
	if t.large {
		all = append(all, largeScenarios())
	}
	return all
}

func (o options) wanted(all []scenario) []scenario {
	return slices.DeleteFunc(all, func(s scenario) bool {
		return !beginsWithAny(s.name, o.only)
	})
}

// beginsWithAny reports whether name begins with one of a list of prefixes; an
// empty list allows every name.
func beginsWithAny(name, prefixes string) bool {
	return slices.ContainsFunc(strings.Split(prefixes, ","), func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
