package mlflow_test

import (
	"strings"
	"testing"
)

func TestWorkspaces(t *testing.T) {
	each(t, func(h house) {
		const all = "/api/3.0/mlflow/workspaces"
		h.expect("POST", all, `{"name": "team-a", "description": "ours"}`, 201, `{"workspace":{"name":"team-a","description":"ours","default_artifact_root":"mlflow-artifacts:/"}}`)
		h.expect("GET", all+"/team-a", "", 200, `"description":"ours"`)
		h.expect("PATCH", all+"/team-a", `{"description": ""}`, 200, `{"name":"team-a","default`)
		listed := h.call("GET", "/ajax-api/3.0/mlflow/workspaces", "")
		for i, want := range []string{"default", "team-a", "vision"} {
			if got := at(listed, "workspaces", i, "name"); got != want {
				t.Errorf("workspace %d is %v, want %s", i, got, want)
			}
		}
		h.expect("POST", all, `{"name": "team-a"}`, 400, "RESOURCE_ALREADY_EXISTS")
		h.expect("POST", all, `{"name": "default"}`, 400, "RESOURCE_ALREADY_EXISTS")
		h.expect("POST", all, `{"name": "../x"}`, 400, "INVALID_PARAMETER_VALUE")
		h.expect("POST", all, `{}`, 400, "Missing value for required parameter 'name'")
		h.expect("POST", all, `{"name": "team-b", "default_artifact_root": "s3://bucket"}`, 400, "artifact root of its own")
		h.expect("PATCH", all+"/team-a", `{}`, 400, "at least one key")
		h.expect("GET", all+"/nobody", "", 404, "RESOURCE_DOES_NOT_EXIST")
		h.expect("DELETE", all+"/default", "", 400, "cannot be deleted")
		h.expect("DELETE", all+"/team-a?mode=ALL", "", 400, "Invalid deletion mode")
		h.expect("DELETE", all+"/team-a?mode=SET_DEFAULT", "", 501, "NOT_IMPLEMENTED")

		in := []string{"X-MLFLOW-WORKSPACE", "team-a"}
		for what, fill := range map[string]func(){
			"files":             func() { h.call("PUT", proxy+"/a.txt", "x", in...) },
			"registered models": func() { h.call("POST", api+"registered-models/create", `{"name": "m"}`, in...) },
			"experiments":       func() { h.call("POST", api+"experiments/create", `{"name": "e"}`, in...) },
			"runs":              func() { h.call("POST", api+"runs/create", `{}`, in...) },
		} {
			fill()
			h.expect("DELETE", all+"/team-a", "", 400, what)
			h.expect("DELETE", all+"/team-a?mode=CASCADE", "", 204, "")
			h.expect("POST", all, `{"name": "team-a"}`, 201, "team-a")
		}
		h.call("GET", api+"experiments/get?experiment_id=0", "", in...) // makes the default one
		h.expect("DELETE", all+"/team-a?mode=RESTRICT", "", 204, "")
		h.expect("GET", api+"experiments/get?experiment_id=0", "", 404, "team-a", in...)
	})
}

// expect makes a request and looks for a text in the answer.
func (h house) expect(method, path, body string, status int, text string, headers ...string) {
	h.t.Helper()
	if got, answer := h.send(method, path, body, headers...); got != status || !strings.Contains(answer, text) {
		h.t.Errorf("%s %s %s: %d %s; want %d with %q", method, path, body, got, answer, status, text)
	}
}
