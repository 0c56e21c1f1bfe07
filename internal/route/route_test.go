package route_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/workspace"
)

type house struct {
	table *route.Table
	who   *access.Service
	token string
}

func newHouse(t *testing.T, hosts ...string) *house {
	t.Helper()
	db := sqldbtest.SQLite(t, clock.System{})
	who := access.New(db, clock.System{})
	workspaces := workspace.New(db, who, event.NewBus())
	owner, token, err := who.Bootstrap(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if err := workspaces.EnsureDefault(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	table := route.New(route.Options{Access: who, Workspaces: workspaces, Log: slog.New(slog.DiscardHandler), Version: "test", Hosts: hosts})
	return &house{table: table, who: who, token: token}
}

func (h *house) call(req *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	h.table.ServeHTTP(answer, req)
	return answer
}

func (h *house) signedIn(method, path, body string) *http.Request {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", "application/json")
	return req
}

type echo struct {
	Workspace string `path:"workspace"`
	Body      struct {
		Name   string `json:"name" maxLength:"5"`
		Secret string `json:"secret,omitempty"`
	}
}

type nothing struct{}

func TestRouteWithoutPermissionCannotBeRegistered(t *testing.T) {
	h := newHouse(t)
	defer func() {
		if recover() == nil {
			t.Error("a route without a permission was accepted")
		}
	}()
	h.table.HandleFunc(route.Route{Method: "GET", Path: "/api/v1/open"}, func(http.ResponseWriter, *http.Request) {})
}

func TestRefusalNeverRepeatsTheValue(t *testing.T) {
	h := newHouse(t)
	route.Native(h.table, route.Route{Method: "POST", Path: "/api/v1/workspaces/{workspace}/things", Permission: "things/write"},
		func(context.Context, *echo) (*nothing, error) { return &nothing{}, nil })
	for name, body := range map[string]string{
		"too long":         `{"name": "hunter2-hunter2"}`,
		"unknown property": `{"name": "a", "password": "hunter2"}`,
		"wrong type":       `{"name": "a", "secret": ["hunter2"]}`,
	} {
		answer := h.call(h.signedIn("POST", "/api/v1/workspaces/default/things", body))
		if answer.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, answer.Code)
		}
		if strings.Contains(answer.Body.String(), "hunter2") {
			t.Errorf("%s: the answer repeats what was sent: %s", name, answer.Body)
		}
		var failure route.Failure
		if err := json.Unmarshal(answer.Body.Bytes(), &failure); err != nil || failure.Fault.Field == "" || failure.Fault.RequestID == "" {
			t.Errorf("%s: the answer does not say where: %s", name, answer.Body)
		}
	}
}

func TestGate(t *testing.T) {
	h := newHouse(t, "localhost")
	h.table.HandleFunc(route.Route{Method: "POST", Path: "/api/v1/workspaces/{workspace}/things", Permission: "things/write", MaxBody: 8},
		func(w http.ResponseWriter, req *http.Request) {
			if _, err := req.Body.Read(make([]byte, 100)); err != nil && err.Error() != "EOF" {
				route.WriteError(w, req, err)
				return
			}
			panic("a bug")
		})
	session := func(req *http.Request) {
		code, _, err := h.who.CreateLinkFor(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		secret, _, err := h.who.SignIn(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Del("Authorization")
		req.AddCookie(&http.Cookie{Name: route.SessionCookie, Value: secret})
	}
	cases := []struct {
		name   string
		path   string
		body   string
		change func(req *http.Request)
		want   int
	}{
		{"nobody", "default", "", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		{"wrong token", "default", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer atl_wrong") }, 401},
		{"unknown workspace", "other", "", func(*http.Request) {}, 404},
		{"cookie alone", "default", "", session, 403},
		{"cookie and intent", "default", "", func(r *http.Request) { session(r); r.Header.Set(route.IntentHeader, "1") }, 500},
		{"basic", "default", "", func(r *http.Request) { r.SetBasicAuth("x", h.token) }, 500},
		{"foreign host", "default", "", func(r *http.Request) { r.Host = "attacker.example" }, 403},
		{"body too large", "default", "123456789", func(*http.Request) {}, 413},
		{"panic", "default", "", func(*http.Request) {}, 500},
	}
	for _, c := range cases {
		req := h.signedIn("POST", "/api/v1/workspaces/"+c.path+"/things", c.body)
		req.Host = "localhost:8700"
		c.change(req)
		if answer := h.call(req); answer.Code != c.want {
			t.Errorf("%s: status %d, want %d: %s", c.name, answer.Code, c.want, answer.Body)
		}
	}
}

func TestRoutesAreDocumented(t *testing.T) {
	h := newHouse(t)
	route.Native(h.table, route.Route{Method: "POST", Path: "/api/v1/workspaces/{workspace}/things", Permission: "things/write", Summary: "Make a thing", Tag: "things"},
		func(context.Context, *echo) (*nothing, error) { return &nothing{}, nil })
	h.table.HandleFunc(route.Route{Method: "GET", Path: "/api/v1/workspaces/{workspace}/things/{thing}/raw", Permission: "things/read", Summary: "Raw bytes", Tag: "things"},
		func(http.ResponseWriter, *http.Request) {})
	document, err := h.table.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"post-things"`, `"get-things-thing-raw"`, `"x-permission": "things/write"`} {
		if !strings.Contains(string(document), want) {
			t.Errorf("the document lacks %s", want)
		}
	}
}

func TestWhatNoRouteAnswers(t *testing.T) {
	h := newHouse(t)
	h.table.Handle(route.Route{Method: "GET", Path: "/api/v1/known", Access: route.Public}, http.NotFoundHandler())
	h.table.Fallback(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("a page")) }))
	for _, request := range []string{"GET /api/v1/unknown", "POST /api/v1/known", "POST /api/2.0/mlflow/x", "GET /workspaces/a/b"} {
		method, path, _ := strings.Cut(request, " ")
		got := h.call(httptest.NewRequest(method, path, nil))
		if got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), `"not_found"`) {
			t.Errorf("%s answers %d %s, want the API's refusal", request, got.Code, got.Body)
		}
	}
	if got := h.call(httptest.NewRequest("GET", "/w/default/runs", nil)); got.Body.String() != "a page" {
		t.Errorf("a page's path answers %s", got.Body)
	}
}
