package app_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A stream that somebody reads ends when they lose the right to: by a role, a team,
// a token or altogether.
func TestStreamsEndWithAccess(t *testing.T) {
	server := newServer(t)
	all := tokens(t, server)
	listening := httptest.NewServer(server.Table())
	t.Cleanup(listening.Close)
	owner := server.Token()
	open := func(token string) io.ReadCloser {
		ctx, stop := context.WithCancel(t.Context())
		t.Cleanup(stop)
		req, err := http.NewRequestWithContext(ctx, "GET", listening.URL+"/api/v1/workspaces/default/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("the stream: %d", answer.StatusCode)
		}
		if _, err := io.ReadFull(answer.Body, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		return answer.Body
	}
	for name, lose := range map[string]struct{ token, method, path, body string }{
		"the role":       {all["Reader"], "DELETE", "/api/v1/workspaces/default/members/reader", ""},
		"a lesser role":  {all["Contributor"], "PUT", "/api/v1/workspaces/default/members/contributor", `{"role":"Compute Operator"}`},
		"the team":       {all["reader by team"], "DELETE", "/api/v1/teams/readers/members/teamster", ""},
		"the user":       {all["Data Scientist"], "PATCH", "/api/v1/users/data-scientist", `{"disabled":true}`},
		"the definition": {all["Azure MLOps"], "PUT", "/api/v1/workspaces/default/roles/Azure%20MLOps", `{"actions":["models/read"]}`},
		"the service":    {all["contributing service"], "PATCH", "/api/v1/service-principals/ci", `{"disabled":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			stream := open(lose.token)
			must(t, server, owner, lose.method, lose.path, lose.body, nil)
			if _, err := io.Copy(io.Discard, stream); err != nil && !strings.Contains(err.Error(), "EOF") {
				t.Errorf("the stream ended with %v", err)
			}
		})
	}
	stream := open(owner) // who has lost nothing reads on
	must(t, server, owner, "POST", "/api/v1/teams", `{"name":"others"}`, nil)
	must(t, server, owner, "PATCH", "/api/v1/workspaces/default", `{"description":"x"}`, nil)
	news := make([]byte, 64)
	if n, err := io.ReadAtLeast(stream, news, 20); err != nil || !strings.Contains(string(news[:n]), "event") {
		t.Errorf("%q %v", news[:n], err)
	}
}
