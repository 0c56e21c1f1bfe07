package route

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/audit"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// unentered are permissions under which so much is written that it is a record of its
// own: what runs log, what they upload, what runners report, and scoring requests.
var unentered = map[atelier.Permission]bool{"experiments/runs/write": true, "metadata/artifacts/write": true,
	"tasks/report/action": true, "endpoints/online/score/action": true}

// isChange reports whether a request of the route is entered into the audit log.
func (r Route) isChange() bool {
	name := string(r.Permission)
	if unentered[r.Permission] || r.Access == OwnKey || strings.HasSuffix(name, "/read") || strings.HasSuffix(name, "/list") {
		return false
	}
	return r.Signs || r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasSuffix(name, "/action")
}

// entry is what the log says of a request. The query is left out: there may be a
// secret in it.
func entry(ctx context.Context, req *http.Request, r Route) audit.Entry {
	e := audit.Entry{Action: cmp.Or(string(r.Permission), r.Method+" "+r.Path), Method: req.Method, Resource: req.URL.Path,
		Outcome: audit.Done, RequestID: exchangeOf(ctx).id, Address: req.RemoteAddr}
	if host, _, err := net.SplitHostPort(req.RemoteAddr); err == nil {
		e.Address = host
	}
	if ws, ok := workspace.Of(ctx); ok {
		e.WorkspaceID, e.Workspace = ws.ID, ws.Name
	}
	actor, ok := atelier.ActorFrom(ctx)
	if !ok {
		actor = exchangeOf(ctx).actor
	}
	e.ActorKind, e.ActorID, e.Actor = string(actor.Kind), actor.ID, actor.Name
	return e
}

// SignedInAs tells the audit log as whom a request has signed in.
func SignedInAs(ctx context.Context, actor atelier.Actor) { exchangeOf(ctx).actor = actor }

// audited runs a handler and enters what came of it: a change in the transaction that
// makes it, where there is one.
func (t *Table) audited(w http.ResponseWriter, req *http.Request, r Route, handler http.Handler) {
	ctx := req.Context()
	done := func() bool { return true }
	if r.isChange() && t.audit != nil {
		inner := ctx
		if r.Access == Public { // who it is turns out in the end
			done = func() bool { return false }
		} else {
			inner, done = t.audit.Along(ctx, entry(ctx, req, r))
		}
		req = req.WithContext(inner)
	}
	handler.ServeHTTP(w, req)
	switch status := exchangeOf(ctx).status; {
	case t.audit == nil:
	case status == http.StatusUnauthorized:
		t.enterRefusal(ctx, req, r, atelier.Unauthenticated)
	case status == http.StatusForbidden:
		t.enterRefusal(ctx, req, r, atelier.Forbidden)
	case status < http.StatusBadRequest && !done():
		t.enter(t.audit.Enter(context.WithoutCancel(ctx), entry(ctx, req, r)))
	}
}

func (t *Table) enterRefusal(ctx context.Context, req *http.Request, r Route, code atelier.Code) {
	if t.audit == nil {
		return
	}
	e := entry(ctx, req, r)
	e.Code = string(code)
	t.enter(t.audit.EnterRefusal(context.WithoutCancel(ctx), e))
}

func (t *Table) enter(err error) {
	if err != nil {
		t.log.Error("the audit log could not be written", "error", err)
	}
}
