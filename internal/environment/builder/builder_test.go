package builder_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/environment/builder"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

const ws = "w1"

// bench is a builder whose runners never end by themselves.
type bench struct {
	*testing.T
	options builder.Options
	started chan compute.Task
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, started: make(chan compute.Task, 100)}
	clk := clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	script := func(task compute.Task) fake.Script {
		b.started <- task
		return fake.Script{Hang: true}
	}
	driver := fake.New(clk, compute.Capacity{}, script, func(context.Context, compute.Task, compute.Report) (compute.ReportAnswer, error) {
		return compute.ReportAnswer{}, nil
	})
	db := sqldbtest.SQLite(t, clk)
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
			VALUES ($1, 'first', '', '', '{}', '', 0, 0)`, ws)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.options = builder.Options{Environments: environment.New(db), Driver: driver, Clock: clk,
		Log: slog.New(slog.DiscardHandler), Dir: filepath.Join(t.TempDir(), "environments")}
	return b
}

// open returns a server's builder, at work until the test stops it.
func (b *bench) open() (s *builder.Service, stop func()) {
	b.Helper()
	s, err := builder.New(b.options)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	b.Cleanup(stop)
	return s, stop
}

func (b *bench) register(name string) {
	b.Helper()
	ask := environment.RegisterEnvironment{Name: name, PipRequirements: name + "==1.0", PipRequirementsName: "acme.txt"}
	if _, err := b.options.Environments.Register(b.Context(), ws, ask); err != nil {
		b.Fatal(err)
	}
}

// handles are those that are kept for the next server.
func (b *bench) handles() []string {
	found, err := filepath.Glob(filepath.Join(b.options.Dir, "*.task"))
	if err != nil {
		b.Fatal(err)
	}
	return found
}

func TestOneRunnerBuilds(t *testing.T) {
	b := newBench(t)
	b.register("vision")
	s, _ := b.open()
	for range 2 {
		status, err := s.Start(t.Context(), ws, "vision", "latest")
		if err != nil || status.State != environment.Building {
			t.Fatalf("%+v, %v", status, err)
		}
	}
	task := <-b.started
	if task.Kind != compute.Build || task.Token != "" || task.Environment.Source != "" || task.Environment.Name != "" || task.Environment.Requirements[0] != "vision==1.0" {
		t.Errorf("the runner is told %+v", task)
	}
	if len(b.started) != 0 || len(b.handles()) != 1 {
		t.Errorf("%d more runners, handles %v", len(b.started), b.handles())
	}
	if _, err := s.Start(t.Context(), ws, "no-such", "latest"); atelier.CodeOf(err) != atelier.NotFound {
		t.Errorf("an unknown environment: %v", err)
	}
	if _, err := s.Status(t.Context(), "w2", "vision", "latest"); atelier.CodeOf(err) != atelier.NotFound {
		t.Errorf("another workspace's: %v", err)
	}
}

func TestTheNextServerTakesABuildOver(t *testing.T) {
	b := newBench(t)
	b.register("vision")
	first, stop := b.open()
	if _, err := first.Start(t.Context(), ws, "vision", "latest"); err != nil {
		t.Fatal(err)
	}
	stop()
	second, stop := b.open()
	status, err := second.Status(t.Context(), ws, "vision", "latest")
	if err != nil || status.State != environment.Building {
		t.Fatalf("%+v, %v", status, err)
	}
	if _, err := second.Cancel(t.Context(), ws, "vision", "latest"); err != nil {
		t.Fatal(err)
	}
	for len(b.handles()) > 0 { // the runner ends, and what it left is removed
		if _, err := second.Status(t.Context(), ws, "vision", "latest"); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if _, err := second.Cancel(t.Context(), ws, "vision", "latest"); atelier.CodeOf(err) != atelier.Precondition {
		t.Errorf("a build that is over: %v", err)
	}
}

func TestBuildsAreLimited(t *testing.T) {
	b := newBench(t)
	s, _ := b.open()
	for i := range builder.MaxBuilds + 1 {
		name := fmt.Sprintf("e%d", i)
		b.register(name)
		_, err := s.Start(t.Context(), ws, name, "latest")
		if full := i == builder.MaxBuilds; full != (atelier.CodeOf(err) == atelier.Exhausted) {
			t.Errorf("build %d: %v", i, err)
		}
	}
	all, err := s.Builds(t.Context(), ws)
	building := 0
	for _, status := range all {
		if status.State == environment.Building {
			building++
		}
	}
	if err != nil || building != builder.MaxBuilds {
		t.Errorf("%d are being built, %v", building, err)
	}
}
