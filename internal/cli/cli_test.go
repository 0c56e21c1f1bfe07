package cli_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/cli"
	"github.com/atelier-ml/atelier/internal/clock"
)

// noServer refuses every call: most mistakes are found before one is made.
type noServer struct{ t *testing.T }

func (n noServer) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("the command called %s %s", r.Method, r.URL)
	return nil, context.Canceled
}

// world is a State in an empty folder, with what it printed.
type world struct {
	*cli.State
	out, err strings.Builder
	hooks    cli.Hooks
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{hooks: cli.Hooks{Version: "1.2.3"}}
	w.State = &cli.State{
		Env: map[string]string{}, Dir: t.TempDir(), ConfigDir: t.TempDir(),
		Stdin: strings.NewReader(""), Stdout: &w.out, Stderr: &w.err,
		Clock: clock.NewFake(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)), Transport: noServer{t},
	}
	return w
}

// run runs one command and returns its exit code.
func (w *world) run(t *testing.T, args ...string) int {
	t.Helper()
	w.out.Reset()
	w.err.Reset()
	w.Args = args
	return cli.Main(t.Context(), w.State, w.hooks)
}

func (w *world) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(w.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMistakesExitWithTwo(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"frobnicate", `atelier: Unknown command "frobnicate" for "atelier". See ` + "`atelier --help`."},
		{"job", "atelier: `atelier job` needs a verb. Use one of:"},
		{"job show --color", "atelier: Unknown flag: --color. `atelier job show --help` shows what is allowed."},
		{"job show", "atelier: Which job? Name it: `atelier job show NAME`."},
		{"job show a b", "atelier: `atelier job show` takes one name, and there are 2: a, b."},
		{"token delete", "atelier: Which token? Name it: `atelier token revoke ID`."},
		{"token create --days 400", "atelier: --days: A token lasts from 1 to 366 days."},
		{"job create", "atelier: Required flag \"--file\" not set. See `atelier job create --help`."},
		{"job show a -n b", `atelier: Two names were given: "b" and "a".`},
		{"run list -o xml", `atelier: --output: There is no output form "xml". Use table, json or yaml.`},
		{"run list --max-results many", `atelier: Invalid argument "many" for "--max-results" flag`},
		{"online-endpoint update -n e --traffic blue=most", `atelier: --traffic: "most" is not a share in percent.`},
		{"online-endpoint create", "atelier: At least one of the flags in the group [file name] is required."},
		{"workspace create w --tag nonsense", `atelier: --tag: "nonsense" is not KEY=VALUE.`},
		{"workspace delete w", "atelier: This deletes for good and nobody is here to confirm. Add --yes."},
		{"run list --server nonsense", `atelier: "nonsense" is not the address of a server. Write it as http://127.0.0.1:8700.`},
	} {
		w := newWorld(t)
		if code := w.run(t, strings.Fields(test.args)...); code != 2 {
			t.Errorf("%q exits with %d, want 2", test.args, code)
		}
		if !strings.HasPrefix(w.err.String(), test.want) || w.out.Len() > 0 {
			t.Errorf("%q says %q and %q, want %q", test.args, w.err.String(), w.out.String(), test.want)
		}
	}
}

func TestOutputForms(t *testing.T) {
	w := newWorld(t)
	for form, want := range map[string]string{
		"table": "atelier 1.2.3\n",
		"json":  "{\n  \"version\": \"1.2.3\"\n}\n",
		"yaml":  "version: 1.2.3\n",
	} {
		if code := w.run(t, "version", "-o", form); code != 0 || w.out.String() != want {
			t.Errorf("%s: exit %d, %q; want %q", form, code, w.out.String(), want)
		}
	}
}

// upWith runs `up` and returns the options that the server would get.
func upWith(t *testing.T, w *world, args ...string) (cli.UpOptions, int) {
	t.Helper()
	var got cli.UpOptions
	w.hooks.Up = func(_ context.Context, options cli.UpOptions) error {
		got = options
		return nil
	}
	code := w.run(t, append([]string{"up"}, args...)...)
	return got, code
}

func TestUpTakesFlagThenVariableThenFileThenDefault(t *testing.T) {
	w := newWorld(t)
	ports := func(args ...string) int {
		t.Helper()
		got, code := upWith(t, w, args...)
		if code != 0 {
			t.Fatalf("exit %d: %s", code, w.err.String())
		}
		return got.Port
	}
	if got := ports(); got != 8700 {
		t.Errorf("default: %d", got)
	}
	w.write(t, "atelier.yml", "port: 1001\nhost: 0.0.0.0\n")
	if got := ports(); got != 1001 {
		t.Errorf("file: %d", got)
	}
	w.Env["ATELIER_PORT"] = "1002"
	if got := ports(); got != 1002 {
		t.Errorf("variable: %d", got)
	}
	if got := ports("--port", "1003"); got != 1003 {
		t.Errorf("flag: %d", got)
	}
	got, _ := upWith(t, w)
	if got.Host != "0.0.0.0" || got.DataDir != filepath.Join(w.Dir, "atelier-data") || got.LogLevel != "info" {
		t.Errorf("options: %+v", got)
	}
}

func TestUpPrintsItsConfiguration(t *testing.T) {
	w := newWorld(t)
	w.write(t, "conf/my.yml", "# ours\n\nport: 1001\ndatabase: postgres://me:hunter2@db/atelier\n")
	w.Env["ATELIER_LOG_LEVEL"], w.Env["ATELIER_OIDC_CLIENT_SECRET"] = "debug", "hunter2"
	if code := w.run(t, "up", "--config", "conf/my.yml", "--host", "::1", "--print-config"); code != 0 {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	want := `SETTING         VALUE                             SOURCE
host            ::1                               --host
port            1001                              conf/my.yml:3
data_dir        atelier-data                      default
database        postgres://me:***@db/atelier      conf/my.yml:4
storage                                           default
allowed_hosts                                     default
public_url                                        default
oidc_issuer                                       default
oidc_client_id                                    default
oidc_client_secret_file                           default
oidc_scopes     profile email                     default
oidc_groups_claim  groups                         default
oidc_sign_up    on                                default
gpus                                              default
vault_key_provider                                default
keep_environments  30d                             default
keep_audit      0                                 default
max_scoring_bytes  10485760                        default
access_log      off                               default
otlp_endpoint                                     default
log_level       debug                             ATELIER_LOG_LEVEL
log_format      text                              default
`
	if diff := cmp.Diff(squeeze(want), squeeze(w.out.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(w.out.String(), "hunter2") {
		t.Error("the database's password, or the identity provider's, was printed")
	}
}

// squeeze makes runs of blanks one blank.
func squeeze(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

func TestUpRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, test := range []struct{ file, args, want string }{
		{"prot: 9000", "", `atelier: atelier.yml:1: There is no setting "prot". The settings are: access_log, allowed_hosts, data_dir,`},
		{"port: nine", "", `atelier: atelier.yml:1: "nine" is not a value of port. Use a number from 0 to 65535.`},
		{"port: [1]", "", `atelier: atelier.yml:1: The setting "port" takes one value.`},
		{"- port", "", "atelier: atelier.yml:1: The configuration is not a list of settings."},
		{"port: 'x", "", "atelier: atelier.yml is not YAML:"},
		{"", "--database mysql://x", "atelier: --database: The value of database cannot be used. Use postgres://"},
		{"", "--storage s3://key:hunter2@models", "atelier: --storage: The value of storage cannot be used. The storage's address holds credentials"},
		{"storage: /srv/files", "", "atelier: atelier.yml:1: The value of storage cannot be used. The storage's address cannot be read."},
		{"", "--config gone.yml", "atelier: --config: The configuration file gone.yml cannot be read: no such file or directory."},
	} {
		w := newWorld(t)
		w.write(t, "atelier.yml", test.file)
		_, code := upWith(t, w, strings.Fields(test.args)...)
		if code != 2 || !strings.HasPrefix(w.err.String(), test.want) {
			t.Errorf("%q %q: exit %d, %q; want %q", test.file, test.args, code, w.err.String(), test.want)
		}
	}
}

// asked returns the path of the first call that a command makes.
func asked(t *testing.T, w *world, args ...string) (path, token string) {
	t.Helper()
	w.Transport = http.DefaultTransport
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		path, token = r.URL.Path, r.Header.Get("Authorization")
		rw.Write([]byte(`{"items":[]}`))
	}))
	defer server.Close()
	if w.Env["ATELIER_SERVER"] == "" {
		w.Env["ATELIER_SERVER"] = server.URL
		defer delete(w.Env, "ATELIER_SERVER")
	}
	if code := w.run(t, args...); code != 0 {
		t.Errorf("%v: exit %d: %s", args, code, w.err.String())
	}
	return path, token
}

func TestConfigFileIsFoundUpwards(t *testing.T) {
	w := newWorld(t)
	top := w.Dir
	w.write(t, "config.json", `{"subscription_id": "x", "resource_group": "y", "workspace_name": "top"}`)
	w.write(t, "a/.azureml/config.json", `{"workspace_name": "hidden"}`)
	w.write(t, "a/b/other/config.json", `{"some": "other program"}`)
	w.write(t, "a/b/list/config.json", `[1, 2]`)
	for _, test := range []struct{ dir, flag, variable, want string }{
		{".", "", "", "top"},
		{"a", "", "", "hidden"},
		{"a/b", "", "", "hidden"},
		{"a/b/other", "", "", "hidden"},
		{"a/b/list", "", "", "hidden"},
		{"a", "", "env", "env"},
		{"a", "flag", "env", "flag"},
	} {
		w.Dir = filepath.Join(top, test.dir)
		w.Env = map[string]string{"ATELIER_WORKSPACE": test.variable}
		args := []string{"experiment", "list"}
		if test.flag != "" {
			args = append(args, "--workspace-name", test.flag)
		}
		path, _ := asked(t, w, args...)
		if want := "/api/v1/workspaces/" + test.want + "/experiments"; path != want {
			t.Errorf("%+v asks for %s, want %s", test, path, want)
		}
	}
}

func TestABrokenConfigFileIsNamed(t *testing.T) {
	w := newWorld(t)
	w.write(t, "config.json", `{"workspace_name": 5}`)
	if code := w.run(t, "run", "list"); code != 2 || !strings.HasPrefix(w.err.String(), `atelier: config.json does not name a workspace: "workspace_name" must be text.`) {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	w.write(t, "config.json", `{"workspace_name": `)
	if code := w.run(t, "run", "list"); code != 2 || !strings.HasPrefix(w.err.String(), "atelier: config.json does not name a workspace:") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
}

func TestEnvQuotesForTheShell(t *testing.T) {
	w := newWorld(t)
	w.Env["ATELIER_TOKEN"] = `it's`
	for shell, want := range map[string]string{
		"sh":         "export MLFLOW_TRACKING_URI='http://127.0.0.1:8700/workspaces/vision'\nexport MLFLOW_TRACKING_TOKEN='it'\\''s'\n",
		"fish":       "set -gx MLFLOW_TRACKING_URI 'http://127.0.0.1:8700/workspaces/vision'\nset -gx MLFLOW_TRACKING_TOKEN 'it\\'s'\n",
		"powershell": "$env:MLFLOW_TRACKING_URI = 'http://127.0.0.1:8700/workspaces/vision'\n$env:MLFLOW_TRACKING_TOKEN = 'it''s'\n",
	} {
		if code := w.run(t, "env", "-w", "vision", "--shell", shell); code != 0 || w.out.String() != want {
			t.Errorf("%s: exit %d, %q; want %q", shell, code, w.out.String(), want)
		}
	}
	if code := w.run(t, "env", "--shell", "cmd"); code != 2 {
		t.Errorf("an unknown shell exits with %d", code)
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	w := newWorld(t)
	if code := w.run(t, "--help"); code != 0 || !strings.Contains(w.out.String(), "Exit codes:") {
		t.Errorf("exit %d, help:\n%s", code, w.out.String())
	}
}
