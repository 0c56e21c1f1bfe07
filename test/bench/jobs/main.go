// Command jobs measures what stands between people and their jobs: how long one
// that does nothing takes from its submission to its end, how many of them are
// done in a second, what a plan costs while thousands wait, and how long a code
// folder that has not changed takes. Each figure stands beside what the machine
// itself needs for the least of it, measured in the same run.
//
//	go run ./test/bench/jobs [-bin bin/atelier] [-rounds 40] [-seconds 10] [-queued 10000] [-only done,rate,plan,snapshot]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/process"
	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// bench is what is measured, and how much of it.
type bench struct {
	server
	bin, dir string
	rounds   int
	lasting  time.Duration
	queued   int
}

func main() {
	bin := flag.String("bin", "bin/atelier", "the program to measure")
	rounds := flag.Int("rounds", 40, "how often each thing is done")
	seconds := flag.Int("seconds", 10, "for how long jobs are submitted without a break")
	queued := flag.Int("queued", 10_000, "how many jobs wait while plans are made")
	only := flag.String("only", "", "parts to measure, with commas between: done, rate, plan, snapshot")
	flag.Parse()
	b := bench{bin: *bin, rounds: *rounds, lasting: time.Duration(*seconds) * time.Second, queued: *queued}
	if err := b.measure(*only); err != nil {
		fmt.Fprintln(os.Stderr, "jobs:", err)
		os.Exit(1)
	}
}

func (b bench) measure(only string) (err error) {
	if b.bin, err = filepath.Abs(b.bin); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "atelier-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	started, err := process.StartAtelier(context.Background(), b.bin, b.dir)
	if err != nil {
		return err
	}
	b.server = server{started}
	defer b.Stop()
	kinds, err := b.kinds()
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		do   func([]kind) error
	}{{"done", b.done}, {"rate", b.rate}, {"plan", b.plan}, {"snapshot", b.snapshot}} {
		if only != "" && !strings.Contains(","+only+",", ","+part.name+",") {
			continue
		}
		if err := part.do(kinds); err != nil {
			return err
		}
	}
	return nil
}

// kind is a command that does nothing, in a job and by itself.
type kind struct {
	name string
	job  string   // as JSON
	bare []string // the same, without us
}

// kinds makes the environments ready, and returns the commands.
func (b bench) kinds() ([]kind, error) {
	kinds := []kind{
		{name: "shell (true, no environment)", job: `{"command": "true", "environment": "system"`, bare: []string{"bash", "-c", "true"}},
		{name: "Python (python -c pass)", job: `{"command": "python -c pass", "environment": {"pip_requirements": "# nothing"}`},
	}
	for _, kind := range kinds {
		if err := b.run(kind.job + "}"); err != nil {
			return nil, err
		}
	}
	found, err := filepath.Glob(filepath.Join(b.Data, "environments", "*", "bin", "python"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("the environment's Python: %v, %w", found, err)
	}
	kinds[1].bare = []string{"bash", "-c", found[0] + " -c pass"}
	return kinds, nil
}

// report prints the median, and how often it holds the limit's.
func report(name string, times, limit timing.Times) {
	ratio := ""
	if limit != nil {
		ratio = fmt.Sprintf("  %5.1f times the limit", float64(times.Median())/float64(limit.Median()))
	}
	fmt.Printf("%-58s %8.1f ms median (%.1f to %.1f)%s\n", name, timing.Milliseconds(times.Median()),
		timing.Milliseconds(times.At(0)), timing.Milliseconds(times.At(100)), ratio)
}
