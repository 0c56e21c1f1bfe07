// Package script runs the command line against a real server, as people do: each
// file beside this one is a story in commands and what they print.
//
// A script's server runs in this process, on a port and a data folder of its
// own. Jobs run for real: the runner that the server starts is this test binary.
package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/atelier-ml/atelier/internal/app"
	"github.com/atelier-ml/atelier/internal/cli"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/runner"
)

// TestMain lets the test binary be the runner, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "runner" {
		os.Exit(runner.Main(os.Args[2:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   ".",
		Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":      serve,
			"atelier":    atelier,
			"exits":      exits,
			"input":      input,
			"save":       save,
			"track":      track,
			"finish":     finish,
			"files":      files,
			"eventually": eventually,
			"age":        age,
			"score":      score,
			"nowhere":    nowhere,
		},
	})
}

// session is what a script's commands share.
type session struct {
	code  int       // of the last command
	stdin io.Reader // of the next one
}

type sessionKey struct{}

func setUp(env *testscript.Env) error {
	env.Values[sessionKey{}] = &session{stdin: strings.NewReader("")}
	env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
	journals, err := filepath.Abs("../../internal/runlog/testdata")
	env.Setenv("JOURNALS", journals)
	return err
}

func sessionOf(ts *testscript.TestScript) *session {
	return ts.Value(sessionKey{}).(*session)
}

// serve starts a server and points the script's commands to it.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	executable, err := os.Executable()
	ts.Check(err)
	server, err := app.New(context.Background(), app.Config{
		DataDir: ts.MkAbs(".data"), Executable: executable, Log: slog.New(slog.DiscardHandler),
	})
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Run(ctx) }()
	ts.Defer(func() {
		cancel()
		if err := <-stopped; err != nil {
			ts.Logf("the server ended with %v", err)
		}
	})
	ts.Setenv("ATELIER_SERVER", server.URL())
	ts.Setenv("ATELIER_TOKEN", server.Token())
}

// atelier runs one command of the command line.
func atelier(ts *testscript.TestScript, neg bool, args []string) {
	s := sessionOf(ts)
	s.code = cli.Main(context.Background(), state(ts, args), cli.Hooks{Version: "test"})
	s.stdin = strings.NewReader("")
	if failed := s.code != 0; failed != neg {
		ts.Fatalf("exit code %d", s.code)
	}
}

// files makes a folder with many small files: folder, how many.
func files(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	for i := range n {
		ts.Check(os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), []byte{byte(i)}, 0o644))
	}
}

// age makes everything that the server stored two days old.
func age(ts *testscript.TestScript, neg bool, args []string) {
	then := time.Now().Add(-48 * time.Hour)
	ts.Check(filepath.WalkDir(ts.MkAbs(".data/blobs"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.Chtimes(path, then, then)
	}))
}

// nowhere looks for a text in everything that the server keeps: the database with
// its journal, the stored files, the logs and the folders of tasks.
func nowhere(ts *testscript.TestScript, neg bool, args []string) {
	looked := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(".data"), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // an ended task's folder goes while it is looked into
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if bytes.Contains(text, []byte(args[0])) {
			ts.Fatalf("%s holds %q", path, args[0])
		}
		looked++
		return err
	}))
	if looked < 5 {
		ts.Fatalf("there were only %d files to look into", looked)
	}
}

// eventually repeats a command of the command line until it succeeds, and prints
// what matches the pattern before it, if there is one: what it needs comes about
// by itself, soon.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	s := sessionOf(ts)
	pattern := regexp.MustCompile("")
	if args[0] != "atelier" {
		pattern, args = regexp.MustCompile("(?m)"+args[0]), args[1:]
	}
	for deadline := time.Now().Add(time.Minute); ; {
		var printed, said bytes.Buffer
		st := state(ts, args[1:])
		st.Stdout, st.Stderr = &printed, &said
		if s.code = cli.Main(context.Background(), st, cli.Hooks{Version: "test"}); s.code == 0 && pattern.Match(printed.Bytes()) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("exit code %d to the end:\n%s%s", s.code, printed.String(), said.String())
		}
		<-time.After(20 * time.Millisecond)
	}
}

func state(ts *testscript.TestScript, args []string) *cli.State {
	env := map[string]string{}
	for _, name := range []string{"ATELIER_SERVER", "ATELIER_TOKEN", "ATELIER_WORKSPACE"} {
		env[name] = ts.Getenv(name)
	}
	return &cli.State{
		Args: args, Env: env, Dir: ts.MkAbs("."), ConfigDir: ts.MkAbs(".config"),
		Stdin: sessionOf(ts).stdin, Stdout: ts.Stdout(), Stderr: ts.Stderr(), Clock: clock.System{},
	}
}

// exits checks the exit code of the command before.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := sessionOf(ts).code; got != want {
		ts.Fatalf("the command exited with %d, want %d", got, want)
	}
}

// input is what the next command reads from standard input.
func input(ts *testscript.TestScript, neg bool, args []string) {
	sessionOf(ts).stdin = strings.NewReader(strings.Join(args, " ") + "\n")
}

// save puts what the last command printed, without the line's end, into a variable.
func save(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// track logs one metric in a run of its own, as MLflow does: experiment, name,
// value. The run's id is left in RUN.
func track(ts *testscript.TestScript, neg bool, args []string) {
	experiment := mlflow(ts, "experiments/get-by-name?experiment_name="+args[0], nil)["experiment"]
	if experiment == nil {
		experiment = mlflow(ts, "experiments/create", map[string]any{"name": args[0]})
	}
	id := experiment.(map[string]any)["experiment_id"]
	run := mlflow(ts, "runs/create", map[string]any{"experiment_id": id, "run_name": args[1], "start_time": 1})["run"]
	info := run.(map[string]any)["info"].(map[string]any)
	mlflow(ts, "runs/log-metric", map[string]any{"run_id": info["run_id"], "key": "loss", "value": json.Number(args[2]), "timestamp": 1})
	ts.Setenv("RUN", info["run_id"].(string))
	ts.Setenv("RUN_PLACE", fmt.Sprintf("%v/%v/artifacts", id, info["run_id"]))
}

// finish ends the run that track began. The run keeps the files that are named.
func finish(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		address := ts.Getenv("ATELIER_SERVER") + "/api/2.0/mlflow-artifacts/artifacts/" + ts.Getenv("RUN_PLACE") + "/" + name
		request, err := http.NewRequest(http.MethodPut, address, strings.NewReader(ts.ReadFile(name)))
		ts.Check(err)
		request.Header.Set("Authorization", "Bearer "+ts.Getenv("ATELIER_TOKEN"))
		response, err := http.DefaultClient.Do(request)
		ts.Check(err)
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			ts.Fatalf("%s answered %s", address, response.Status)
		}
	}
	mlflow(ts, "runs/update", map[string]any{"run_id": ts.Getenv("RUN"), "status": "FINISHED", "end_time": 2})
}

// score sends an endpoint that many requests, whatever becomes of them.
func score(ts *testscript.TestScript, neg bool, args []string) {
	count, err := strconv.Atoi(args[1])
	ts.Check(err)
	for range count {
		request, err := http.NewRequest(http.MethodPost, ts.Getenv("ATELIER_SERVER")+"/workspaces/default/endpoints/"+args[0]+"/score", strings.NewReader("{}"))
		ts.Check(err)
		request.Header.Set("Authorization", "Bearer "+ts.Getenv("ATELIER_TOKEN"))
		response, err := http.DefaultClient.Do(request)
		ts.Check(err)
		_, err = io.Copy(io.Discard, response.Body)
		ts.Check(err)
		response.Body.Close()
	}
}

// mlflow calls MLflow's API: with a body by POST, else by GET. An experiment
// that is not there gives an empty answer.
func mlflow(ts *testscript.TestScript, path string, body any) map[string]any {
	method := http.MethodPost
	if body == nil {
		method = http.MethodGet
	}
	text, err := json.Marshal(body)
	ts.Check(err)
	request, err := http.NewRequest(method, ts.Getenv("ATELIER_SERVER")+"/api/2.0/mlflow/"+path, bytes.NewReader(text))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+ts.Getenv("ATELIER_TOKEN"))
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	answer := map[string]any{}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		ts.Fatalf("%s answered %s, not JSON: %v", path, response.Status, err)
	}
	if response.StatusCode >= 400 && !strings.Contains(path, "get-by-name") {
		ts.Fatalf("%s answered %s: %v", path, response.Status, answer)
	}
	return answer
}
