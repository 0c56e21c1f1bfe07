package app_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/app"
	"github.com/atelier-ml/atelier/internal/audit"
)

func entries(t *testing.T, server *app.App, query string) []audit.Entry {
	t.Helper()
	var page atelier.Page[audit.Entry]
	must(t, server, server.Token(), "GET", "/api/v1/server/audit?"+query, "", &page)
	return page.Items
}

// Every change is in the log, and every refusal, with who, what and from where; reading
// is not, and no secret is.
func TestChangesAndRefusalsAreEntered(t *testing.T) {
	server := newServer(t)
	all := tokens(t, server)
	must(t, server, all["Contributor"], "PATCH", "/api/v1/workspaces/default", `{"description":"x"}`, nil)
	must(t, server, all["Contributor"], "GET", "/api/v1/workspaces/default", "", nil)
	call(t, server, "PUT", "/api/v1/workspaces/default/members/reader", all["Contributor"], `{"role":"Owner"}`)
	call(t, server, "GET", "/api/v1/workspaces/default", all["owner of another"], "")
	for range 3 {
		call(t, server, "GET", "/api/v1/workspaces/default/audit?actor=x", all["Reader"], "")
	}
	call(t, server, "POST", "/api/v1/sign-in", "", `{"code":"a-secret-guess"}`)
	call(t, server, "PATCH", "/api/v1/workspaces/default", all["Contributor"], `{"unknown":1}`)
	must(t, server, all["Owner"], "PUT", "/api/v1/workspaces/default/secrets/key", `{"value":"hunter2hunter2"}`, nil)

	var got []string
	for _, e := range entries(t, server, "since="+entries(t, server, "action=workspaces/write")[0].At.Format("2006-01-02T15:04:05.999999Z")) {
		if e.Address == "" || e.RequestID == "" || e.At.IsZero() {
			t.Errorf("%+v", e)
		}
		got = append(got, strings.Join([]string{e.Actor, e.Action, e.Resource, e.Outcome, e.Code, e.Workspace}, " | "))
	}
	want := []string{
		"owner | secrets/write | /api/v1/workspaces/default/secrets/key | done |  | default",
		" | POST /api/v1/sign-in | /api/v1/sign-in | refused | unauthenticated | ",
		"reader | audit/list | /api/v1/workspaces/default/audit | refused | forbidden | default",
		"outsider | workspaces/read | /api/v1/workspaces/default | refused | not_found | default",
		"contributor | members/write | /api/v1/workspaces/default/members/reader | refused | forbidden | default",
		"contributor | workspaces/write | /api/v1/workspaces/default | done |  | default",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	export := call(t, server, "GET", "/api/v1/server/audit/export", server.Token(), "").Body.String()
	for _, secret := range append([]string{"a-secret-guess", "hunter2"}, all["Reader"], all["reading token"], server.Token()) {
		if strings.Contains(export, secret) {
			t.Errorf("the log has the secret %q", secret)
		}
	}
}

func TestTheAuditLogIsFilteredAndTakenAway(t *testing.T) {
	server := newServer(t)
	all := tokens(t, server)
	must(t, server, all["Owner"], "PATCH", "/api/v1/workspaces/default", `{"description":"x"}`, nil)
	for query, want := range map[string]int{"actor=owner": 2, "action=WORKSPACES/*&actor=owner": 1, "action=%25": 0, "resource=workspaces/other/": 1, "actor=nobody": 0,
		"outcome=refused": 0, "until=2020-01-01T00:00:00Z": 0, "actor=owner&since=2020-01-01T00:00:00Z": 2} {
		if got := entries(t, server, query); len(got) != want {
			t.Errorf("%s: %d entries, want %d: %+v", query, len(got), want, got)
		}
	}
	var first atelier.Page[audit.Entry]
	must(t, server, all["Owner"], "GET", "/api/v1/workspaces/default/audit?page_size=2", "", &first)
	var second atelier.Page[audit.Entry]
	must(t, server, all["Owner"], "GET", "/api/v1/workspaces/default/audit?page_size=2&page_token="+first.NextPageToken, "", &second)
	if len(first.Items) != 2 || len(second.Items) != 2 || first.Items[1].At.Before(second.Items[0].At) {
		t.Errorf("%+v then %+v", first, second)
	}
	for _, e := range append(first.Items, second.Items...) {
		if e.Workspace != "default" {
			t.Errorf("an owner of a workspace sees %+v", e)
		}
	}
	lines := strings.Split(strings.TrimSpace(call(t, server, "GET", "/api/v1/server/audit/export", server.Token(), "").Body.String()), "\n")
	rows, err := csv.NewReader(call(t, server, "GET", "/api/v1/server/audit/export?format=csv", server.Token(), "").Body).ReadAll()
	if err != nil || len(rows) != len(lines)+1 || len(lines) < 20 {
		t.Errorf("%d lines and %d rows: %v", len(lines), len(rows), err)
	}
	if err := json.Unmarshal([]byte(lines[0]), &audit.Entry{}); err != nil {
		t.Error(err)
	}
}
