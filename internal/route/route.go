// Package route is the one table of all routes. A route enters it with the
// permission that it needs or not at all, and from the table come the mux, the
// OpenAPI document, and the test that calls every route as every role.
//
// Every request passes the same gate: its host is checked, its sender is
// authenticated, its workspace is found, and its permission is asked for. A
// handler runs only after that, with the actor and the workspace in its context.
package route

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/audit"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// Access says what a route asks of its sender.
type Access int

const (
	InWorkspace Access = iota // the permission, in the workspace of the path
	OnServer                  // the permission, on the server as a whole
	SignedIn                  // only to be somebody
	Public                    // nothing
	OwnKey                    // the handler checks a key of its own (scoring)
)

func (a Access) String() string {
	return [...]string{"workspace", "server", "signed in", "public", "own key"}[a]
}

// Route is one entry of the table.
type Route struct {
	Method, Path string
	Permission   atelier.Permission // for InWorkspace and OnServer
	Access       Access
	Summary      string // one line, for the documentation
	Tag          string // the group in the documentation
	// Status is the status of success; 0 means 200, or 204 without a body.
	Status int
	// Errors writes refusals in the route's own dialect; nil means WriteError.
	Errors func(w http.ResponseWriter, r *http.Request, err error)
	// WorkspaceHeader names a request header that picks the workspace where the
	// path does not.
	WorkspaceHeader string
	// MaxBody bounds the request's body in bytes; 0 means 8 MiB, -1 no bound.
	MaxBody int64
	// Signs says that a GET signs somebody in, which is entered into the audit log.
	Signs bool
	// Live says that an answer may last: it ends when its reader loses access.
	Live bool
	// Hidden keeps the route out of the OpenAPI document.
	Hidden bool
}

const defaultMaxBody = 8 << 20

// Table holds the routes and serves them.
type Table struct {
	mux        *http.ServeMux
	api        huma.API
	access     *access.Service
	workspaces *workspace.Service
	log        *slog.Logger
	audit      *audit.Log
	routes     []Route
	// registering is the route that huma is being told of, for its mux to find.
	registering *Route
	hosts       []string
}

// Options are what a Table needs.
type Options struct {
	Access     *access.Service
	Workspaces *workspace.Service
	Log        *slog.Logger
	Audit      *audit.Log // nil keeps none
	Version    string
	// Hosts are the names by which the server may be addressed. Empty allows
	// every name: then the server must be reachable only through a proxy or
	// with credentials, as it always is.
	Hosts []string
}

// New returns an empty table.
func New(o Options) *Table {
	t := &Table{mux: http.NewServeMux(), access: o.Access, workspaces: o.Workspaces, log: o.Log, audit: o.Audit, hosts: o.Hosts}
	t.api = newAPI(t, o.Version)
	return t
}

// Routes returns the table, in the order of registration.
func (t *Table) Routes() []Route { return slices.Clone(t.routes) }

// Handle adds a route with a plain handler: a stream, or a foreign contract.
func (t *Table) Handle(r Route, handler http.Handler) {
	if r.Permission == "" && (r.Access == InWorkspace || r.Access == OnServer) {
		panic(fmt.Sprintf("route: %s %s needs a permission", r.Method, r.Path))
	}
	if r.Errors == nil {
		r.Errors = WriteError
	}
	t.routes = append(t.routes, r)
	t.mux.Handle(strings.TrimSpace(r.Method+" "+r.Path), t.gate(r, handler))
	if t.registering == nil && !r.Hidden {
		t.document(r)
	}
}

// HandleFunc is Handle for a function.
func (t *Table) HandleFunc(r Route, handler http.HandlerFunc) { t.Handle(r, handler) }

// Fallback answers what no route does: the Studio's pages, which find their own
// way. It sees no credentials. Under the paths of the APIs it is not asked, so
// that a program never gets a page for an answer.
func (t *Table) Fallback(handler http.Handler) {
	t.mux.Handle("/", handler)
	for _, prefix := range []string{"/api/", "/ajax-api/", "/workspaces/"} {
		t.mux.HandleFunc(prefix, noSuchRoute)
	}
}

func noSuchRoute(w http.ResponseWriter, req *http.Request) {
	WriteError(w, req, atelier.Errorf(atelier.NotFound, "There is no %s %s.", req.Method, atelier.Clip(req.URL.Path, 200)).
		WithHint("GET /api/v1/openapi.json lists what there is."))
}

// gate wraps a route's handler in the checks that every request passes.
func (t *Table) gate(r Route, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, err := t.admit(req, r)
		if err != nil {
			if atelier.CodeOf(err) == atelier.Unauthenticated {
				w.Header().Set("WWW-Authenticate", `Bearer realm="atelier", Basic realm="atelier"`)
			}
			if ctx == nil {
				ctx = req.Context()
			}
			if code := atelier.CodeOf(err); code == atelier.Unauthenticated || code == atelier.Forbidden || code == atelier.NotFound {
				t.enterRefusal(ctx, req, r, code)
			}
			r.Errors(w, req, err)
			return
		}
		if r.Live {
			var stop context.CancelFunc
			ctx, stop = t.whileAdmitted(ctx, req, r)
			defer stop()
		}
		if limit := bodyLimit(r); limit > 0 {
			req.Body = http.MaxBytesReader(w, req.Body, limit)
		}
		t.audited(w, req.WithContext(ctx), r, handler)
	})
}

func bodyLimit(r Route) int64 {
	if r.MaxBody == 0 {
		return defaultMaxBody
	}
	return r.MaxBody
}

// admit returns the context in which the request may be handled, or why not.
func (t *Table) admit(req *http.Request, r Route) (context.Context, error) {
	ctx := req.Context()
	if err := checkText(req.URL); err != nil || r.Access == Public {
		return ctx, err
	}
	if r.Access == OwnKey {
		ws, err := t.workspaces.Get(ctx, workspaceName(req, r))
		if atelier.CodeOf(err) == atelier.NotFound {
			err = nil // as one in which there is nothing
		}
		return workspace.With(ctx, ws), err
	}
	secret, err := credential(req)
	if err != nil {
		return nil, err
	}
	actor, err := t.access.Authenticate(ctx, secret)
	if err != nil {
		return nil, err
	}
	ctx = atelier.WithActor(ctx, actor)
	switch r.Access {
	case OnServer:
		return ctx, t.access.AuthorizeServer(ctx, actor, r.Permission)
	case InWorkspace:
		name := workspaceName(req, r)
		ws, err := t.workspaces.Get(ctx, name)
		if err == nil {
			err = t.access.Authorize(ctx, actor, ws.ID, r.Permission)
		}
		return workspace.With(ctx, ws), withoutTrace(err, name)
	}
	return ctx, nil
}

// withoutTrace makes a workspace that is not there and one that the actor is no
// member of the same: nobody learns names by asking.
func withoutTrace(err error, name string) error {
	if atelier.CodeOf(err) != atelier.NotFound {
		return err
	}
	return atelier.Errorf(atelier.NotFound, "There is no workspace %q, or you are not a member of it.", atelier.Clip(name, 60)).
		WithHint("See yours with `atelier workspace list`.")
}

func workspaceName(req *http.Request, r Route) string {
	if name := req.PathValue("workspace"); name != "" {
		return name
	}
	if r.WorkspaceHeader != "" {
		if name := req.Header.Get(r.WorkspaceHeader); name != "" {
			return name
		}
	}
	return workspace.Default
}

// SessionCookie carries a browser's session.
const SessionCookie = "atelier_session"

// IntentHeader must accompany a request that changes something on the strength
// of a cookie alone: no other site's page can send it.
const IntentHeader = "X-Atelier-Request"

// Credential returns the secret that a request carries, "" for none.
func Credential(req *http.Request) string {
	secret, err := credential(req)
	if err != nil {
		return ""
	}
	return secret
}

func credential(req *http.Request) (string, error) {
	if header := req.Header.Get("Authorization"); header != "" {
		if scheme, token, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Bearer") {
			return strings.TrimSpace(token), nil
		}
		if _, password, ok := req.BasicAuth(); ok {
			return password, nil
		}
	}
	cookie, err := req.Cookie(SessionCookie)
	if err != nil {
		return "", nil
	}
	safe := req.Method == http.MethodGet || req.Method == http.MethodHead
	if !safe && req.Header.Get(IntentHeader) == "" {
		return "", atelier.Errorf(atelier.Forbidden, "A request that changes something by cookie needs the header %s.", IntentHeader)
	}
	return cookie.Value, nil
}
