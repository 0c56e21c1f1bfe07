package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/audit"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

type auditRoutes struct{ log *audit.Log }

// RegisterAudit adds the routes of the audit log: a workspace's, and the server's with
// everything.
func RegisterAudit(t *route.Table, log *audit.Log) {
	a := &auditRoutes{log: log}
	in := route.Route{Method: "GET", Path: inWorkspace + "/audit", Permission: "audit/list", Tag: "access",
		Summary: "List what was done and refused in the workspace, newest first"}
	route.Native(t, in, a.list)
	all := onServer("GET", "/server/audit", "audit/list", "List what was done and refused on the server, newest first")
	route.Native(t, all, a.listAll)
	in.Path, in.Summary = in.Path+"/export", "Take the workspace's audit log away as JSON lines or CSV"
	t.HandleFunc(in, a.export)
	all.Path, all.Summary = all.Path+"/export", "Take the server's audit log away as JSON lines or CSV"
	t.HandleFunc(all, a.export)
}

// AuditFilter picks entries of the audit log.
type AuditFilter struct {
	Actor     string    `query:"actor" doc:"the name of who acted"`
	Action    string    `query:"action" doc:"the action; * stands for any characters"`
	Resource  string    `query:"resource" doc:"a part of the address"`
	Outcome   string    `query:"outcome" enum:"done,refused"`
	Since     time.Time `query:"since" doc:"from this time on"`
	Until     time.Time `query:"until" doc:"before this time"`
	PageSize  int       `query:"page_size" minimum:"0" maximum:"1000"`
	PageToken string    `query:"page_token"`
}

func (f AuditFilter) in(workspaceID string) audit.Filter {
	return audit.Filter{WorkspaceID: workspaceID, Actor: f.Actor, Action: f.Action, Resource: f.Resource, Outcome: f.Outcome, Since: f.Since, Until: f.Until}
}

type listAuditRequest struct {
	WorkspacePath
	AuditFilter
}

func (a *auditRoutes) list(ctx context.Context, in *listAuditRequest) (*Body[atelier.Page[audit.Entry]], error) {
	return answer(a.log.List(ctx, in.in(workspace.From(ctx).ID), in.PageSize, in.PageToken))
}

func (a *auditRoutes) listAll(ctx context.Context, in *AuditFilter) (*Body[atelier.Page[audit.Entry]], error) {
	return answer(a.log.List(ctx, in.in(""), in.PageSize, in.PageToken))
}

// export streams the log, of which a page is in memory at a time.
func (a *auditRoutes) export(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	f := AuditFilter{Actor: query.Get("actor"), Action: query.Get("action"), Resource: query.Get("resource"), Outcome: query.Get("outcome")}
	for name, when := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if text := query.Get(name); text != "" {
			var err error
			if *when, err = time.Parse(time.RFC3339, text); err != nil {
				route.WriteError(w, req, atelier.Errorf(atelier.Invalid, "%q is not a time like 2026-01-02T03:04:05Z.", atelier.Clip(text, 60)).At(name))
				return
			}
		}
	}
	ws, _ := workspace.Of(req.Context())
	write, finish := jsonLines(w)
	if query.Get("format") == "csv" {
		write, finish = commas(w)
	}
	if err := a.log.Each(req.Context(), f.in(ws.ID), write); err != nil {
		panic(http.ErrAbortHandler) // part of it has left: the reader must see that there is more
	}
	finish()
}

func jsonLines(w http.ResponseWriter) (write func(audit.Entry) error, finish func()) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Content-Disposition", `attachment; filename="audit.jsonl"`)
	encoder := json.NewEncoder(w)
	return func(e audit.Entry) error { return encoder.Encode(e) }, func() {}
}

func commas(w http.ResponseWriter) (write func(audit.Entry) error, finish func()) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="audit.csv"`)
	out := csv.NewWriter(w)
	out.Write([]string{"id", "at", "workspace", "actor_kind", "actor", "action", "method", "resource", "outcome", "code", "address", "request_id", "times"})
	return func(e audit.Entry) error {
		row := []string{e.ID, e.At.Format(time.RFC3339Nano), e.Workspace, e.ActorKind, e.Actor, e.Action, e.Method, e.Resource,
			e.Outcome, e.Code, e.Address, e.RequestID, strconv.Itoa(e.Times)}
		for i, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				row[i] = "'" + cell // a spreadsheet would take it for a formula
			}
		}
		return out.Write(row)
	}, out.Flush
}
