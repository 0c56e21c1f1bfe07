package runner_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/api"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/local"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/logs"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/runner"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// TestMain lets the local driver start this test's own program as the runner.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "runner" {
		os.Exit(runner.Main(os.Args[2:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// patience bounds the wait for what a test expects.
const patience = 60 * time.Second

// world is a server with everything that jobs need, which can go away and come
// back at another address over the same data.
type world struct {
	t      testing.TB
	dir    string
	driver *local.Driver
	owner  access.User

	address string
	who     *access.Service

	jobs   *job.Service
	runs   *tracking.Service
	stores *datastore.Service
	blobs  *blob.Dir
	bus    *event.Bus
	ws     workspace.Workspace
	stop   func()
}

// roomy is a machine on which several jobs run, whatever this one has.
type roomy struct{ *local.Driver }

func (d roomy) Describe(ctx context.Context) (compute.Capacity, error) {
	c, err := d.Driver.Describe(ctx)
	c.CPUs = max(c.CPUs, 8)
	return c, err
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldIn(t, t.TempDir())
}

func newWorldIn(t testing.TB, dir string) *world {
	t.Helper()
	w := &world{t: t, dir: dir}
	var err error
	if w.driver, err = local.New(os.Args[0], filepath.Join(w.dir, "tasks")); err != nil {
		t.Fatal(err)
	}
	w.start()
	t.Cleanup(func() {
		w.stop()
		w.releaseAll()
	})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// releaseAll ends what a failed test left running.
func (w *world) releaseAll() {
	folders, _ := filepath.Glob(filepath.Join(w.dir, "tasks", "*"))
	for _, folder := range folders {
		w.driver.Release(context.Background(), handleOf(folder))
	}
}

// start brings the server up.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	clk := clock.System{}
	db, err := sqldb.Open(ctx, filepath.Join(w.dir, "atelier.db"), clk)
	w.must(err)
	w.blobs, err = blob.OpenDir(filepath.Join(w.dir, "blobs"))
	w.must(err)
	logStore, err := logs.Open(filepath.Join(w.dir, "logs"))
	w.must(err)
	w.bus = event.NewBus()
	who := access.New(db, clk)
	w.who = who
	workspaces := workspace.New(db, who, w.bus)
	owner, _, err := who.Bootstrap(ctx, "ada")
	w.must(err)
	if owner.ID != "" {
		w.owner = owner
	}
	w.must(workspaces.EnsureDefault(ctx, w.owner))
	w.ws, err = workspaces.Get(ctx, "default")
	w.must(err)
	w.runs = tracking.New(db, w.blobs, w.bus)
	w.stores = datastore.New(db, nil, who, w.bus, w.dir)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	address := "http://" + listener.Addr().String()
	w.address = address
	log := slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.jobs = job.New(job.Options{DB: db, Clock: clk, Bus: w.bus, Access: who, Blobs: w.blobs, Logs: logStore, Tracking: w.runs, Data: data.New(db, w.blobs, w.bus, w.runs, w.stores, collect.New(db, w.blobs, clk)), Stores: w.stores,
		Environments: environment.New(db), Driver: roomy{w.driver}, Log: log, ServerFile: filepath.Join(w.dir, "server.json"),
		ServerURL:       func() string { return address },
		EnvironmentsDir: filepath.Join(w.dir, "environments"), ToolsDir: filepath.Join(w.dir, "tools")})
	table := route.New(route.Options{Access: who, Workspaces: workspaces, Log: log, Version: "test"})
	api.RegisterFiles(table, w.blobs)
	api.RegisterDatastores(table, w.stores)
	api.RegisterJobs(table, w.jobs, w.bus)
	api.RegisterTasks(table, w.jobs, nil, w.runs)
	server := &http.Server{Handler: table, BaseContext: func(net.Listener) context.Context { return ctx }}
	text, _ := json.Marshal(map[string]string{"url": address})
	w.must(os.WriteFile(filepath.Join(w.dir, "server.json"), text, 0o600))

	var group sync.WaitGroup
	group.Go(func() { server.Serve(listener) })
	group.Go(func() { w.jobs.Run(ctx) })
	w.stop = sync.OnceFunc(func() {
		cancel()
		server.Close()
		group.Wait()
		logStore.Close()
		w.blobs.Close()
		db.Close()
	})
}

// user is the context of a request by the owner.
func (w *world) user() context.Context {
	return workspace.With(atelier.WithActor(w.t.Context(), atelier.Actor{Kind: atelier.User, ID: w.owner.ID, Name: "ada"}), w.ws)
}

// submit submits a shell command on the machine's own programs.
func (w *world) submit(command string, change ...func(*job.Spec)) job.Job {
	w.t.Helper()
	spec := job.Spec{Command: command, Environment: environment.Spec{Reference: job.SystemEnvironment}}
	for _, fn := range change {
		fn(&spec)
	}
	j, err := w.jobs.Submit(w.user(), w.ws.ID, spec)
	w.must(err)
	return j
}

// await waits until the job satisfies done.
func (w *world) await(name, what string, done func(job.Job) bool) job.Job {
	w.t.Helper()
	news := w.bus.Subscribe()
	defer news.Close()
	ctx, cancel := context.WithTimeout(w.user(), patience)
	defer cancel()
	for {
		j, err := w.jobs.Get(ctx, w.ws.ID, name)
		if err != nil {
			w.t.Fatalf("wait for %s: %v\n%s", what, err, w.log(name, job.RunnerLog))
		}
		if done(j) {
			return j
		}
		if _, err := news.Next(ctx); err != nil {
			w.t.Fatalf("the job did not become %s: it is %s, error %v\n%s", what, j.Status, j.Error, w.log(name, job.RunnerLog))
		}
	}
}

// finish waits for the job's end.
func (w *world) finish(name string, want job.Status) job.Job {
	w.t.Helper()
	j := w.await(name, "over", func(j job.Job) bool { return j.Status.Ended() })
	if j.Status != want {
		w.t.Fatalf("the job is %s, want %s: %+v\n%s", j.Status, want, j.Error, w.log(name, job.CommandLog))
	}
	return j
}

func (w *world) log(name, which string) string {
	w.t.Helper()
	log, err := w.jobs.OpenLog(w.user(), w.ws.ID, name, which)
	w.must(err)
	text, err := io.ReadAll(log.Reader(0))
	w.must(err)
	return string(text)
}

// awaitLog waits until the command's log contains text.
func (w *world) awaitLog(name, text string) {
	w.t.Helper()
	log, err := w.jobs.OpenLog(w.user(), w.ws.ID, name, job.CommandLog)
	w.must(err)
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for {
		grown := log.Changed()
		if strings.Contains(w.log(name, job.CommandLog), text) {
			return
		}
		select {
		case <-grown:
		case <-ctx.Done():
			w.t.Fatalf("the log does not have %q:\n%s", text, w.log(name, job.CommandLog))
		}
	}
}

// artifacts returns the content of what the run keeps, by path.
func (w *world) artifacts(name string) map[string]string {
	w.t.Helper()
	owner := tracking.Owner{Kind: tracking.RunArtifact, ID: name}
	files, err := w.runs.Files(w.user(), w.ws.ID, owner, "")
	w.must(err)
	found := map[string]string{}
	for _, file := range files {
		content, _, err := w.runs.Open(w.user(), w.ws.ID, owner, file.Path)
		w.must(err)
		text, err := io.ReadAll(content)
		w.must(err)
		content.Close()
		found[file.Path] = string(text)
	}
	return found
}

// tree uploads files as a client does.
func (w *world) tree(files map[string]string) blob.Tree {
	w.t.Helper()
	var listed []blob.File
	for path, content := range files {
		hash, size, err := w.blobs.Put(w.t.Context(), w.ws.ID, strings.NewReader(content))
		w.must(err)
		listed = append(listed, blob.File{Path: path, Hash: hash, Size: size})
	}
	tree, err := blob.PutTree(w.t.Context(), w.blobs, w.ws.ID, listed)
	w.must(err)
	return tree
}
