package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/app"
	"github.com/atelier-ml/atelier/internal/route"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func newServer(t *testing.T) *app.App {
	t.Helper()
	server, err := app.New(t.Context(), app.Config{DataDir: filepath.Join(t.TempDir(), "data"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

// answer records a response and ends the request's context at the first byte,
// so that a stream ends as soon as it has been admitted.
type answer struct {
	*httptest.ResponseRecorder
	end context.CancelFunc
}

func (a answer) Write(p []byte) (int, error) {
	defer a.end()
	return a.ResponseRecorder.Write(p)
}

func (a answer) Flush() {}

func call(t *testing.T, server *app.App, method, path, token, body string) *httptest.ResponseRecorder {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	req := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	req.Host = "127.0.0.1"
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	recorder := httptest.NewRecorder()
	server.Table().ServeHTTP(answer{recorder, end}, req)
	return recorder
}

// must calls as the owner and reads the answer into value.
func must(t *testing.T, server *app.App, token, method, path, body string, value any) {
	t.Helper()
	got := call(t, server, method, path, token, body)
	if got.Code >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, got.Code, got.Body)
	}
	if value != nil {
		if err := json.Unmarshal(got.Body.Bytes(), value); err != nil {
			t.Fatal(err)
		}
	}
}

// customRoles are what the matrix tries besides the built-in roles: one of Azure's own
// examples as it is, and one that takes away by wildcard.
var customRoles = map[string]string{
	"Azure MLOps": `{"Name": "Azure MLOps", "IsCustom": true, "Description": "Submits jobs and deploys", "AssignableScopes": ["/subscriptions/s"],
		"Actions": ["Microsoft.MachineLearningServices/workspaces/*/read",
			"Microsoft.MachineLearningServices/workspaces/jobs/*",
			"Microsoft.MachineLearningServices/workspaces/environments/write",
			"Microsoft.MachineLearningServices/workspaces/environments/build/action",
			"Microsoft.MachineLearningServices/workspaces/endpoints/pipelines/*",
			"Microsoft.MachineLearningServices/workspaces/onlineEndpoints/*",
			"Microsoft.MachineLearningServices/workspaces/metadata/codes/*/write"],
		"NotActions": ["Microsoft.MachineLearningServices/workspaces/jobs/delete", "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/listKeys/action"],
		"DataActions": [], "NotDataActions": []}`,
	"All but deletion": `{"name": "All but deletion", "actions": ["*"], "not_actions": ["*/delete", "members/*"]}`,
}

// tokens makes a user for every role in the default workspace, and one who owns
// another workspace only; a service principal and somebody of a team; and a token
// of the owner that is good for reading only. It returns a token for each.
func tokens(t *testing.T, server *app.App) map[string]string {
	t.Helper()
	owner := server.Token()
	all := map[string]string{"nobody": "", "server owner": owner}
	must(t, server, owner, "POST", "/api/v1/workspaces", `{"name":"other"}`, nil)
	addUser := func(name string) string {
		must(t, server, owner, "POST", "/api/v1/users", fmt.Sprintf(`{"name":%q}`, name), nil)
		var link struct{ Code string }
		must(t, server, owner, "POST", "/api/v1/sign-in-links", fmt.Sprintf(`{"user":%q}`, name), &link)
		signedIn := call(t, server, "POST", "/api/v1/sign-in", "", fmt.Sprintf(`{"code":%q}`, link.Code))
		if signedIn.Code != http.StatusOK {
			t.Fatalf("sign in: %d %s", signedIn.Code, signedIn.Body)
		}
		return signedIn.Result().Cookies()[0].Value
	}
	give := func(member, workspace, role string) {
		must(t, server, owner, "PUT", "/api/v1/workspaces/"+workspace+"/members/"+member, fmt.Sprintf(`{"role":%q}`, role), nil)
	}
	all["owner of another"] = addUser("outsider")
	give("outsider", "other", access.Owner)
	var roles []string
	for _, role := range access.BuiltInRoles() {
		roles = append(roles, role.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(customRoles)) {
		must(t, server, owner, "POST", "/api/v1/workspaces/default/roles", customRoles[name], nil)
		roles = append(roles, name)
	}
	for _, role := range roles {
		user := strings.ReplaceAll(strings.ToLower(role), " ", "-")
		all[role] = addUser(user)
		give(user, "default", role)
	}
	must(t, server, owner, "POST", "/api/v1/teams", `{"name":"readers"}`, nil)
	all["reader by team"] = addUser("teamster")
	must(t, server, owner, "PUT", "/api/v1/teams/readers/members/teamster", "", nil)
	give("team:readers", "default", access.Reader)
	all["contributing service"] = servicePrincipal(t, server, "ci")
	give("ci", "default", access.Contributor)
	var narrow access.Token
	must(t, server, owner, "POST", "/api/v1/me/tokens", `{"workspace":"default","actions":["*/read"]}`, &narrow)
	all["reading token"] = narrow.Secret
	return all
}

// servicePrincipal makes a service principal and returns an access token of its.
func servicePrincipal(t *testing.T, server *app.App, name string) string {
	t.Helper()
	var secret access.Token
	must(t, server, server.Token(), "POST", "/api/v1/service-principals", fmt.Sprintf(`{"name":%q}`, name), nil)
	must(t, server, server.Token(), "POST", "/api/v1/service-principals/"+name+"/secrets", `{}`, &secret)
	got := grant(server, url.Values{"grant_type": {"client_credentials"}, "client_id": {name}, "client_secret": {secret.Secret}})
	var token struct {
		Secret string `json:"access_token"`
	}
	if err := json.Unmarshal(got.Body.Bytes(), &token); err != nil || token.Secret == "" {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	return token.Secret
}

// grant asks for an access token.
func grant(server *app.App, form url.Values) *httptest.ResponseRecorder {
	req := httptest.NewRequest("POST", "/api/v1/oauth2/token", strings.NewReader(form.Encode()))
	req.Host = "127.0.0.1"
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got := httptest.NewRecorder()
	server.Table().ServeHTTP(got, req)
	return got
}

var placeholder = regexp.MustCompile(`\{[^}]+\}`)

// Every route is called as every role, as nobody, and by the owner of another
// workspace. Who is let in is kept in a golden file, so that a change of it is a
// line in a review.
func TestEveryRouteAsEveryRole(t *testing.T) {
	server := newServer(t)
	tokens := tokens(t, server)
	actors := []string{"nobody", "owner of another", access.Reader, "reader by team", "reading token", access.ComputeOperator, "Azure MLOps",
		access.DataScientist, "All but deletion", access.Contributor, "contributing service", access.Owner, "server owner"}
	roles := rolesOf(t, server)
	var golden strings.Builder
	for _, r := range server.Table().Routes() {
		path := strings.ReplaceAll(r.Path, "{workspace}", "default")
		path = placeholder.ReplaceAllString(path, "x")
		var letIn []string
		for _, actor := range actors {
			got := call(t, server, r.Method, path, tokens[actor], "{}")
			role, inWorkspace := roles[actor]
			if admitted(t, r, actor, got) {
				letIn = append(letIn, actor)
				inWorkspace = inWorkspace && !role.Allows(r.Permission)
			} else {
				inWorkspace = inWorkspace && role.Allows(r.Permission)
			}
			if inWorkspace && r.Access == route.InWorkspace {
				t.Errorf("%s %s as %s: status %d, but the role allows %v", r.Method, r.Path, actor, got.Code, role.Allows(r.Permission))
			}
		}
		fmt.Fprintf(&golden, "%-6s %s (%s): %s\n", r.Method, r.Path, strings.TrimSpace(r.Access.String()+" "+string(r.Permission)), strings.Join(letIn, ", "))
	}
	compare(t, filepath.Join("testdata", "authorization.golden"), golden.String())
}

// rolesOf returns what each actor's role allows, as the server tells it.
func rolesOf(t *testing.T, server *app.App) map[string]access.Role {
	t.Helper()
	var listed atelier.Page[access.Role]
	must(t, server, server.Token(), "GET", "/api/v1/workspaces/default/roles", "", &listed)
	roles := map[string]access.Role{}
	for _, role := range listed.Items {
		roles[role.Name] = role
	}
	roles["reader by team"], roles["reading token"] = roles[access.Reader], roles[access.Reader]
	roles["contributing service"] = roles[access.Contributor]
	return roles
}

// admitted tells whether the gate let the request through.
func admitted(t *testing.T, r route.Route, actor string, got *httptest.ResponseRecorder) bool {
	t.Helper()
	refused := got.Code == http.StatusUnauthorized || got.Code == http.StatusForbidden ||
		got.Code == http.StatusNotFound && strings.Contains(got.Body.String(), "not a member")
	open := r.Access == route.Public || r.Access == route.OwnKey
	if actor == "nobody" && !open && got.Code != http.StatusUnauthorized {
		t.Errorf("%s %s as nobody: status %d, want 401", r.Method, r.Path, got.Code)
	}
	if actor == "owner of another" && r.Access == route.InWorkspace && got.Code != http.StatusNotFound {
		t.Errorf("%s %s from another workspace: status %d, want 404", r.Method, r.Path, got.Code)
	}
	if got.Code >= http.StatusInternalServerError && got.Code != http.StatusNotImplemented {
		t.Errorf("%s %s as %s: status %d: %s", r.Method, r.Path, actor, got.Code, got.Body)
	}
	return !refused
}

// Every permission that a route in a workspace asks for can be given by a role.
func TestEveryPermissionIsKnown(t *testing.T) {
	known := map[atelier.Permission]bool{}
	for _, k := range access.Permissions() {
		known[k.Permission] = true
	}
	for _, r := range newServer(t).Table().Routes() {
		if r.Access == route.InWorkspace && !known[r.Permission] && r.Permission != "tasks/report/action" {
			t.Errorf("%s %s: %s is not in access/permission.go", r.Method, r.Path, r.Permission)
		}
	}
}

// The page of permissions is made from the list and from the routes.
func TestPermissionsAreDocumented(t *testing.T) {
	routes := map[atelier.Permission][]string{}
	for _, r := range newServer(t).Table().Routes() {
		if r.Access == route.InWorkspace && strings.HasPrefix(r.Path, "/api/v1/") && !r.Hidden {
			place := strings.TrimPrefix(r.Path, "/api/v1/workspaces/{workspace}")
			routes[r.Permission] = append(routes[r.Permission], "`"+r.Method+" "+place+"`")
		}
	}
	var page strings.Builder
	page.WriteString("<!-- Made by `go test ./internal/app -update`. Do not edit. -->\n\n# Permissions\n\n" +
		"What [roles](../guide/sharing.md) are made of, who has it by a built-in role, and which routes under\n" +
		"`/api/v1/workspaces/{workspace}` ask for it. MLflow's routes ask for the same permissions.\n\n" +
		"| permission | lets somebody | built-in roles | routes |\n| --- | --- | --- | --- |\n")
	for _, k := range access.Permissions() {
		var roles []string
		for _, role := range access.BuiltInRoles() {
			if role.Allows(k.Permission) {
				roles = append(roles, role.Name)
			}
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", k.Permission, k.Description, strings.Join(roles, ", "), strings.Join(routes[k.Permission], "<br>"))
	}
	compare(t, filepath.Join("..", "..", "docs", "reference", "permissions.md"), page.String())
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s differs from the code; if that is meant, run `make gen`.\n%s", file, difference(string(want), got))
	}
}

// difference lists the lines that only one of the two texts has.
func difference(want, got string) string {
	var lines []string
	only := func(sign, a, b string) {
		known := map[string]bool{}
		for line := range strings.Lines(b) {
			known[line] = true
		}
		for line := range strings.Lines(a) {
			if !known[line] && len(lines) < 40 {
				lines = append(lines, sign+" "+strings.TrimSuffix(line, "\n"))
			}
		}
	}
	only("-", want, got)
	only("+", got, want)
	return strings.Join(lines, "\n")
}

// The committed document is the one that the code gives.
func TestOpenAPIDocumentIsCommitted(t *testing.T) {
	document, err := newServer(t).Table().OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join("..", "..", "api", "openapi.json"), string(document))
}

func TestStartErrorsSayWhatToDo(t *testing.T) {
	config := app.Config{DataDir: filepath.Join(t.TempDir(), "data"), Log: slog.New(slog.DiscardHandler)}
	first, err := app.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := app.New(t.Context(), config); atelier.CodeOf(err) != atelier.Conflict || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("second server on the folder: %v", err)
	}
	var port int
	fmt.Sscanf(first.URL(), "http://127.0.0.1:%d", &port)
	taken := config
	taken.DataDir, taken.Port = filepath.Join(t.TempDir(), "data"), port
	if _, err := app.New(t.Context(), taken); atelier.CodeOf(err) != atelier.Conflict || !strings.Contains(err.Error(), "--port") {
		t.Errorf("port in use: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	unwritable := config
	unwritable.DataDir = filepath.Join(file, "data")
	if _, err := app.New(t.Context(), unwritable); atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("folder that cannot be made: %v", err)
	}
}

func TestAStartDoesNotClaimToHaveSignedTheCommandLineIn(t *testing.T) {
	var said strings.Builder
	server, err := app.New(t.Context(), app.Config{DataDir: filepath.Join(t.TempDir(), "data"), Log: slog.New(slog.DiscardHandler),
		Stdout: &said, SaveToken: func(string, string) error { return os.ErrPermission }})
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := server.Run(ended); err != nil && !errors.Is(err, http.ErrServerClosed) {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "is not signed in") || strings.Contains(said.String(), "is signed in already") {
		t.Errorf("the start said:\n%s", said.String())
	}
	if !strings.Contains(said.String(), "export ATELIER_SERVER="+server.URL()) {
		t.Errorf("the start does not say how to find a server on another port than the usual:\n%s", said.String())
	}
}
