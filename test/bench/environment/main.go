// Command environment measures how long an environment of scikit-learn and pandas
// takes when uv's cache holds its packages, beside plain `uv venv && uv pip
// install` of the same packages, in turns in the same run. Ours also looks for the
// Python, lists what was installed and writes the lock.
//
//	go run ./test/bench/environment [-uv .venv/bin/uv] [-rounds 5]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

func main() {
	uv := flag.String("uv", "uv", "the uv that both use")
	rounds := flag.Int("rounds", 5, "how often each environment is made")
	flag.Parse()
	if err := measure(*uv, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "environment:", err)
		os.Exit(1)
	}
}

const requirements = "scikit-learn\npandas\n"

func measure(uv string, rounds int) error {
	uv, err := exec.LookPath(uv)
	if err != nil {
		return err
	}
	if uv, err = filepath.Abs(uv); err != nil {
		return err
	}
	if err := os.Setenv("PATH", filepath.Dir(uv)+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "atelier-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t, err := environment.TranslateRequirements(requirements, "requirements.txt")
	if err != nil {
		return err
	}
	b := bench{uv: uv, dir: dir, definition: t.Definition}
	ready, err := b.ours("warm") // fills the cache, and names the Python for both
	if err != nil {
		return err
	}
	b.definition.Python, b.python = ready.PythonVersion, ready.Python
	var ours, plain []time.Duration
	for i := range rounds {
		began := time.Now()
		if _, err := b.ours(fmt.Sprintf("ours-%d", i)); err != nil {
			return err
		}
		ours = append(ours, time.Since(began))
		began = time.Now()
		if err := b.plain(fmt.Sprintf("plain-%d", i)); err != nil {
			return err
		}
		plain = append(plain, time.Since(began))
	}
	report("scikit-learn + pandas, warm cache", timing.Sorted(ours))
	report("uv venv && uv pip install, the same", timing.Sorted(plain))
	return nil
}

type bench struct {
	uv, dir    string
	python     string
	definition environment.Definition
}

// ours makes the environment in a root of its own, where nothing is ready yet.
func (b bench) ours(name string) (environment.Ready, error) {
	ready, err := environment.Build(context.Background(), environment.BuildOptions{
		Root: filepath.Join(b.dir, name), Tools: filepath.Join(b.dir, "tools"), Definition: b.definition, Log: io.Discard})
	ready.Release()
	return ready, err
}

// plain does what somebody without us would type.
func (b bench) plain(name string) error {
	folder := filepath.Join(b.dir, name)
	for _, args := range [][]string{
		{"venv", "--quiet", "--no-project", "--python", b.python, folder},
		{"pip", "install", "--quiet", "--python", filepath.Join(folder, "bin", "python"), "scikit-learn", "pandas"},
	} {
		if said, err := exec.Command(b.uv, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("uv %s: %w: %s", args[0], err, said)
		}
	}
	return nil
}

func report(what string, times timing.Times) {
	fmt.Printf("%-44s %8.0f ms median, %.0f to %.0f\n", what, timing.Milliseconds(times.Median()), timing.Milliseconds(times.At(0)), timing.Milliseconds(times.At(100)))
}
