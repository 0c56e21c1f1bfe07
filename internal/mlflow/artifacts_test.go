package mlflow_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files are the paths that a list answers, folders with a slash.
func files(list any) (paths []string) {
	for i := 0; at(list, "files", i) != nil; i++ {
		path := at(list, "files", i, "path").(string)
		if at(list, "files", i, "is_dir") == true {
			path += "/"
		}
		paths = append(paths, path)
	}
	return paths
}

// A path that belongs to no run is kept for the workspace: clients write to
// "mlflow-artifacts:/anything" and read it back.
func TestFreePaths(t *testing.T) {
	each(t, func(h house) {
		h.call("PUT", proxy+"/shared/data%20sets/a.bin", "0123456789")
		h.call("PUT", proxy+"/shared/b.txt", "b")
		h.call("PUT", proxy+"/0/notes.txt", "of the experiment")
		h.call("PUT", proxy+"/top.txt", "top")
		for path, want := range map[string][]string{"": {"0/", "shared/", "top.txt"}, "shared": {"b.txt", "data sets/"}, "shared/data sets/": {"a.bin"}, "0": {"notes.txt"}, "nothing": nil} {
			if diff := cmp.Diff(want, files(h.call("GET", proxy+"?path="+strings.ReplaceAll(path, " ", "+"), ""))); diff != "" {
				t.Errorf("list %q: %s", path, diff)
			}
		}
		if status, text := h.send("GET", proxy+"/shared/data%20sets/a.bin", "", "Range", "bytes=2-4"); status != http.StatusPartialContent || text != "234" {
			t.Errorf("a range: %d %s", status, text)
		}
		if status, text := h.send("GET", "/workspaces/vision"+proxy+"/top.txt", ""); status != 404 {
			t.Errorf("another workspace sees it: %d %s", status, text)
		}
		if status, _ := h.send("GET", proxy+"/shared", ""); status != 404 {
			t.Errorf("a folder as a file: %d", status)
		}
		if status, text := h.send("PUT", proxy+"/shared", "x"); status != 400 || !strings.Contains(text, "there is a folder") {
			t.Errorf("a file where a folder is: %d %s", status, text)
		}
		h.call("DELETE", proxy+"/shared/data%20sets", "")
		h.call("DELETE", proxy+"/top.txt", "")
		if diff := cmp.Diff([]string{"0/", "shared/"}, files(h.call("GET", proxy, ""))); diff != "" {
			t.Error(diff)
		}
		h.call("PUT", proxy+"/shared/m/MLmodel", "flavors:\n  sklearn: {}\n")
		h.call("POST", api+"registered-models/create", `{"name": "m"}`)
		h.call("POST", api+"model-versions/create", `{"name": "m", "source": "mlflow-artifacts:/shared/m"}`)
		if status, text := h.send("POST", api+"model-versions/create", `{"name": "m", "source": "mlflow-artifacts:/"}`); status != 400 {
			t.Errorf("everything as one model: %d %s", status, text)
		}
	})
}

// What has the form of a run's place is one, or nothing: late files of a run that
// is gone are refused, not kept where nobody looks for them.
func TestNoFreePathLooksLikeARun(t *testing.T) {
	each(t, func(h house) {
		gone := strings.Repeat("ab", 16)
		for _, path := range []string{"/0/" + gone + "/artifacts/x", "/77/nobody/artifacts/x", "/0/models/m-" + gone + "/artifacts/x",
			"/some/where/" + gone + "/artifacts/x", "/0/models/m-x/artifacts/x"} {
			if status, _ := h.send("PUT", proxy+path, "x"); status != 404 {
				t.Errorf("%s: %d", path, status)
			}
		}
		for _, path := range []string{"/trees/x", "/trees", "/trees/" + strings.Repeat("0", 64) + "/a"} {
			if status, _ := h.send("PUT", proxy+path, "x"); status != 400 {
				t.Errorf("%s: %d", path, status)
			}
		}
		h.call("PUT", proxy+"/my/artifacts/x", "free")
	})
}

func TestFilesForPages(t *testing.T) {
	each(t, func(h house) {
		model := h.registered()
		id := h.run(`{}`)
		h.call("PUT", proxy+"/0/"+id+"/artifacts/page.html", "<script>alert(1)</script>")
		for path, want := range map[string]string{
			"/get-artifact?path=page.html&run_uuid=" + id:                                                 "<script>",
			"/get-artifact?path=page.html&run_id=" + id:                                                   "<script>",
			"/workspaces/default/get-artifact?path=page.html&run_id=" + id:                                "<script>",
			"/model-versions/get-artifact?name=m&version=1&path=MLmodel":                                  "flavors",
			"/ajax-api/2.0/mlflow/logged-models/" + model + "/artifacts/files?artifact_file_path=MLmodel": "flavors",
			proxy + "/0/" + id + "/artifacts/page.html":                                                   "<script>",
		} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", h.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+h.token)
			answer, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if status, text := h.send("GET", path, ""); status != 200 || !strings.HasPrefix(text, want) {
				t.Errorf("%s: %d %s", path, status, text)
			}
			for name, want := range map[string]string{"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff",
				"Content-Security-Policy": "sandbox; default-src 'none'"} {
				if got := answer.Header.Get(name); got != want {
					t.Errorf("%s: %s is %q", path, name, got)
				}
			}
			if got := answer.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=") {
				t.Errorf("%s: shown in the browser: %q", path, got)
			}
			if status, _ := h.send("GET", path, "", "Authorization", "Bearer wrong"); status != 401 {
				t.Errorf("%s without a token: %d", path, status)
			}
		}
		for path, want := range map[string]int{
			"/get-artifact?path=page.html": 400, "/get-artifact?run_id=" + id: 400, "/get-artifact?path=x&run_id=" + id: 404,
			"/get-artifact?path=..%2fx&run_id=" + id: 400, "/workspaces/vision/get-artifact?path=page.html&run_id=" + id: 404,
			"/model-versions/get-artifact?name=m&version=3&path=MLmodel": 404, "/model-versions/get-artifact?name=m&version=1&path=%2fetc%2fpasswd": 400,
			"/model-versions/get-artifact?name=m&path=x": 400, "/ajax-api/2.0/mlflow/logged-models/" + model + "/artifacts/files": 400,
		} {
			if status, text := h.send("GET", path, ""); status != want {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
	})
}

func TestUploadFromPages(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		upload := "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=" + id + "&path="
		h.call("POST", upload+"a/b.json", `{"x": 1}`)
		if diff := cmp.Diff([]string{"a/b.json"}, files(h.call("GET", api+"artifacts/list?path=a&run_id="+id, ""))); diff != "" {
			t.Error(diff)
		}
		big := strings.Repeat("x", 10<<20+1)
		for _, c := range []struct{ path, body, text string }{
			{upload + "big", big, "Artifact size is too large. Max size is 10MB."},
			{upload + "empty", "", "Request must specify data."},
			{upload, "x", "path"},
			{upload + "..%2f..%2fx", "x", "Invalid path"},
			{"/ajax-api/2.0/mlflow/upload-artifact?path=x", "x", "run_uuid"},
		} {
			if status, text := h.send("POST", c.path, c.body); status != 400 || !strings.Contains(text, c.text) {
				t.Errorf("%s: %d %s", c.path, status, text)
			}
		}
		if diff := cmp.Diff([]string{"a/"}, files(h.call("GET", api+"artifacts/list?run_id="+id, ""))); diff != "" {
			t.Errorf("a refused upload left something: %s", diff)
		}
	})
}

// Clients fall back to one plain request on exactly these answers.
func TestWhatSignedStorageWouldDo(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		for _, c := range []struct {
			method, path, body string
			status             int
			text               string
		}{
			{"GET", "/api/2.0/mlflow-artifacts/presigned/0/x", "", 501, `"message":"Multipart download is not supported for the current artifact repository"`},
			{"POST", api + "artifacts/presigned-upload-url", fmt.Sprintf(`{"run_id": %q, "path": "x"}`, id), 400, "INVALID_PARAMETER_VALUE"},
			{"POST", api + "artifacts/presigned-upload-url", `{"run_id": "nobody", "path": "x"}`, 404, "RESOURCE_DOES_NOT_EXIST"},
		} {
			if status, text := h.send(c.method, c.path, c.body); status != c.status || !strings.Contains(text, c.text) {
				t.Errorf("%s: %d %s", c.path, status, text)
			}
		}
	})
}

func TestWhatIsNotOffered(t *testing.T) {
	each(t, func(h house) {
		for _, route := range []string{
			"POST /api/2.0/mlflow/traces", "GET /api/2.0/mlflow/traces", "GET /api/2.0/mlflow/traces/tr-1/info", "PATCH /api/2.0/mlflow/traces/tr-1/tags",
			"POST /api/3.0/mlflow/traces", "POST /api/3.0/mlflow/traces/search", "GET /ajax-api/3.0/mlflow/traces/get", "DELETE /api/3.0/mlflow/traces/t/assessments/a",
			"POST /api/2.0/mlflow/traces/link-prompts", "GET /api/2.0/mlflow/unified-traces", "POST /v1/traces", "POST /workspaces/default/v1/traces",
			"POST /api/2.0/mlflow/webhooks", "GET /api/2.0/mlflow/webhooks/x", "POST /api/3.0/mlflow/datasets/create", "GET /api/3.0/mlflow/datasets/search",
			"POST /api/3.0/mlflow/scorers/register", "GET /api/3.0/mlflow/scorers/list", "POST /api/3.0/mlflow/issues", "POST /api/3.0/mlflow/issues/search",
			"POST /api/3.0/mlflow/prompt-optimization/jobs", "GET /api/3.0/mlflow/gateway/endpoints/list", "POST /api/3.0/mlflow/gateway/secrets/create",
			"GET /ajax-api/2.0/mlflow/gateway-proxy", "GET /ajax-api/3.0/mlflow/jobs/x", "POST /ajax-api/3.0/jobs/search", "POST /ajax-api/2.0/mlflow/runs/create-promptlab-run",
			"PATCH /workspaces/vision/api/3.0/mlflow/issues/x",
		} {
			method, path, _ := strings.Cut(route, " ")
			if status, text := h.send(method, path, strings.Repeat("x", 1<<20)); status != 501 || !strings.Contains(text, `"error_code":"NOT_IMPLEMENTED"`) {
				t.Errorf("%s: %d %s", route, status, text)
			}
			if status, _ := h.send(method, path, "", "Authorization", ""); status != 401 {
				t.Errorf("%s as nobody: %d", route, status)
			}
		}
		if _, text := h.send("POST", "/v1/traces", "x"); !strings.Contains(text, "REST OTLP span logging is not supported") {
			t.Errorf("clients would go on sending spans: %s", text)
		}
		for _, path := range []string{"/api/3.0/mlflow/nothing", "/api/4.0/mlflow/traces/search", "/api/2.0/mlflow/traces-of-tomorrow"} {
			if status, text := h.send("POST", path, "{}"); status != 404 || !strings.Contains(text, "ENDPOINT_NOT_FOUND") {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
	})
}
