package app_test

import (
	"net/http"
	"strings"
	"testing"
)

// MLflow deletes a workspace that is empty, and nothing of ours that is kept in one
// is nothing.
func TestAWorkspaceThatHoldsSomethingIsNotEmpty(t *testing.T) {
	server := newServer(t)
	owner := server.Token()
	for noun, made := range map[string]struct{ path, body string }{
		"data assets":  {"/data", `{"name": "d", "type": "uri_file", "path": "https://example.com/d.csv"}`},
		"datastores":   {"/datastores", `{"name": "s", "type": "s3", "bucket": "b", "skip_validation": true}`},
		"environments": {"/environments", `{"name": "e", "conda_file": "dependencies: [python=3.12]"}`},
		"endpoints":    {"/online-endpoints", `{"name": "ask", "auth_mode": "key"}`},
		"jobs":         {"/jobs", `{"type": "command", "command": "true", "environment": "azureml:python:1"}`},
	} {
		name := strings.ReplaceAll(noun, " ", "-")
		must(t, server, owner, "POST", "/api/v1/workspaces", `{"name": "`+name+`"}`, nil)
		must(t, server, owner, "POST", "/api/v1/workspaces/"+name+made.path, made.body, nil)
		got := call(t, server, "DELETE", "/api/3.0/mlflow/workspaces/"+name+"?mode=RESTRICT", owner, "")
		if got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), noun) {
			t.Errorf("with %s: %d %s", noun, got.Code, got.Body)
		}
	}
}
