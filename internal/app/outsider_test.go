package app_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier/internal/app"
	"github.com/atelier-ml/atelier/internal/route"
)

// An outsider gets the same answer about a workspace that is there and one that is
// not, on every route and in each dialect: asking tells no names.
func TestAnOutsiderLearnsNoNames(t *testing.T) {
	server := newServer(t)
	outsider := tokens(t, server)["owner of another"]
	const there, missing = "default", "nowhere" // of one length, for headers that count
	for _, r := range server.Table().Routes() {
		if r.Access != route.InWorkspace && r.Access != route.OwnKey {
			continue
		}
		for _, token := range []string{outsider, "", "no token"} {
			got, want := ask(server, r, there, token), ask(server, r, missing, token)
			if got != strings.ReplaceAll(want, missing, there) {
				t.Errorf("%s %s with %q:\n%s\nof one that is not there:\n%s", r.Method, r.Path, token, got, want)
			}
			if strings.HasPrefix(got, "2") {
				t.Errorf("%s %s with %q is answered: %s", r.Method, r.Path, token, got)
			}
		}
	}
}

// ask calls a route in a workspace, which its path or its header names, and returns
// the whole answer but for the request's id.
func ask(server *app.App, r route.Route, workspace, token string) string {
	path := placeholder.ReplaceAllString(strings.ReplaceAll(r.Path, "{workspace}", workspace), "x")
	req := httptest.NewRequest(r.Method, path, strings.NewReader("{}"))
	req.Host = "127.0.0.1"
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Request-Id", "same")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if r.WorkspaceHeader != "" {
		req.Header.Set(r.WorkspaceHeader, workspace)
	}
	answer := httptest.NewRecorder()
	server.Table().ServeHTTP(answer, req)
	headers := answer.Header().Clone()
	id := headers.Get("X-Request-Id")
	var text strings.Builder
	fmt.Fprintln(&text, answer.Code)
	headers.Write(&text)
	text.WriteString(answer.Body.String())
	if id == "" {
		return text.String()
	}
	return strings.ReplaceAll(text.String(), id, "ID")
}
