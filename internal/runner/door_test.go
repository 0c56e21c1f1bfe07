package runner_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/job"
)

// api is a client as the given user, who is a member with the given role.
func (w *world) api(name, role string) *client.Client {
	w.t.Helper()
	user := w.owner
	var err error
	if name != w.owner.Name {
		user, err = w.who.CreateUser(w.t.Context(), name)
		w.must(err)
		_, err = w.who.SetMember(atelier.WithActor(w.t.Context(), atelier.Actor{Kind: atelier.System}), w.ws.ID, name, role)
		w.must(err)
	}
	token, err := w.who.CreateToken(w.t.Context(), user.ID, "test", 0)
	w.must(err)
	api, err := client.New(client.Config{Server: w.address, Token: token.Secret, Workspace: "default"})
	w.must(err)
	return api
}

// hold is a job that runs until its folder has a file called go.
const hold = `echo up; while [ ! -e go ]; do sleep 0.02; done`

// awaitUp waits until the command of hold runs, and the server knows: the log may come
// before the news.
func (w *world) awaitUp(name string) {
	w.t.Helper()
	w.awaitLog(name, "up")
	w.await(name, "running", func(j job.Job) bool { return j.Status == job.Running })
}

func (w *world) letGo() {
	w.must(os.WriteFile(filepath.Join(w.folder(), "work", "code", "go"), nil, 0o600))
}

// talk types into a shell and returns what it printed, and how it ended.
func talk(t *testing.T, api *client.Client, name string, ask client.Shell, keys string) (printed string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := api.OpenShell(ctx, name, ask)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(ctx, websocket.MessageBinary, []byte(keys)); err != nil {
		t.Fatal(err)
	}
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("the shell broke off after %q: %v", printed, err)
		}
		if kind == websocket.MessageBinary {
			printed += string(message)
			continue
		}
		var end compute.ShellEnd
		if err := json.Unmarshal(message, &end); err != nil {
			t.Fatal(err)
		}
		return printed, end.ExitCode
	}
}

func TestAShellInARunningJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(hold, func(spec *job.Spec) { spec.EnvironmentVariables = map[string]string{"GREETING": "hi there"} })
	w.awaitUp(j.Name)
	folder := w.folder()
	ada := w.api("ada", "")

	printed, code := talk(t, ada, j.Name, client.Shell{Size: compute.ShellSize{Rows: 33, Columns: 111}},
		"echo \"$GREETING, $AZUREML_RUN_ID\"; stty size; tty >/dev/null && pwd -P; sleep 600 & exit 4\n")
	for _, want := range []string{"hi there, " + j.Name, "33 111", filepath.Join(folder, "work", "code")} {
		if !strings.Contains(printed, want) {
			t.Errorf("the shell printed %q, without %q", printed, want)
		}
	}
	if code != 4 {
		t.Errorf("exit code %d", code)
	}
	if printed, code := talk(t, ada, j.Name, client.Shell{Command: "read word; echo got $word; exit 3"}, "this\n"); code != 3 || !strings.Contains(printed, "got this") {
		t.Errorf("a command printed %q and ended with %d", printed, code)
	}
	for name, role := range map[string]string{"reader": "Reader", "scientist": "Data Scientist"} {
		if _, err := w.api(name, role).OpenShell(t.Context(), j.Name, client.Shell{}); atelier.CodeOf(err) != atelier.Forbidden {
			t.Errorf("a %s entered somebody else's job: %v", role, err)
		}
	}
	if printed, _ := talk(t, w.api("helper", "Contributor"), j.Name, client.Shell{Command: "echo helped"}, ""); !strings.Contains(printed, "helped") {
		t.Errorf("a contributor saw %q", printed)
	}

	// A shell that is open when the job ends, ends with it.
	open, err := ada.OpenShell(t.Context(), j.Name, client.Shell{})
	w.must(err)
	defer open.CloseNow()
	w.letGo()
	w.finish(j.Name, job.Completed)
	w.wantNothingLeft(j.Name, folder)
	if _, err := ada.OpenShell(t.Context(), j.Name, client.Shell{}); atelier.CodeOf(err) != atelier.Precondition {
		t.Errorf("a shell in a job that has ended: %v", err)
	}
}

// board stands in for TensorBoard, which is large: it takes its options, shows the
// folder's files, and tells what it was sent.
const board = `#!/usr/bin/env python3
import http.server, os, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = self.path + " " + ",".join(os.listdir(options["--logdir"])) + " auth=" + str(self.headers["Authorization"]) + " cookie=" + str(self.headers["Cookie"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())
http.server.HTTPServer((options["--host"], int(options["--port"])), Page).serve_forever()
`

func (w *world) get(address string, header http.Header) (int, string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	w.must(err)
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	w.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	w.must(err)
	return response.StatusCode, string(text)
}

func TestServicesBesideAJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	programs := t.TempDir()
	w.must(os.WriteFile(filepath.Join(programs, "tensorboard"), []byte(board), 0o755))
	j := w.submit("echo 1 > ${{outputs.events}}/run; "+hold, func(spec *job.Spec) {
		spec.EnvironmentVariables = map[string]string{"PATH": programs + ":/usr/local/bin:/usr/bin:/bin"}
		spec.Outputs = map[string]job.Output{"events": {}}
		spec.Services = map[string]job.SideService{"board": {Type: compute.TensorBoard, LogDir: "${{outputs.events}}"}, "lab": {Type: compute.JupyterLab}}
	})
	w.awaitUp(j.Name)
	ada := w.api("ada", "")
	states, err := ada.SideServices(t.Context(), j.Name)
	w.must(err)
	if len(states) != 2 || states[0].Status != compute.ServiceRunning || states[1].Status != compute.ServiceFailed || !strings.Contains(states[1].Error, "no jupyter-lab in the job's environment") {
		t.Fatalf("the services are %+v", states)
	}
	if log := w.log(j.Name, job.CommandLog); !strings.Contains(log, "atelier: the service lab is not started: there is no jupyter-lab") {
		t.Errorf("the job's log does not say what is missing: %q", log)
	}
	token := func(name, role string) string {
		user, err := w.who.CreateUser(t.Context(), name)
		w.must(err)
		_, err = w.who.SetMember(atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.System}), w.ws.ID, name, role)
		w.must(err)
		token, err := w.who.CreateToken(t.Context(), user.ID, "", 0)
		w.must(err)
		return token.Secret
	}
	base := w.address + "/api/v1/workspaces/default/jobs/" + j.Name + "/services/"
	reader := token("reader", "Reader")
	bearer := http.Header{"Authorization": {"Bearer " + reader}, "Cookie": {"atelier_session=secret; own=1"}}
	status, text := w.get(base+"board/data/runs?x=1", bearer) // waits until the program listens
	if status != http.StatusOK || text != "/data/runs?x=1 run auth=None cookie=own=1" {
		t.Errorf("the board answered %d %q", status, text)
	}
	// No browser can be made to show it at the server's own address.
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth("x", reader)
	for name, header := range map[string]http.Header{"a password": basic.Header, "a cookie": {"Cookie": {"atelier_session=" + reader}}} {
		if status, text := w.get(base+"board/", header); status != http.StatusForbidden && status != http.StatusUnauthorized {
			t.Errorf("with %s: %d %q", name, status, text)
		}
	}
	for path, want := range map[string]int{"board2/": 404, "lab/": 403, "..%2f..%2fshell": 400} {
		if status, text := w.get(base+path, bearer); status != want {
			t.Errorf("%s: %d %q, want %d", path, status, text, want)
		}
	}
	folder := w.folder()
	w.letGo()
	w.finish(j.Name, job.Completed)
	w.wantNothingLeft(j.Name, folder)
}
