package mlflow_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

func TestRunsOnTheWire(t *testing.T) {
	each(t, func(h house) {
		answer := h.call("POST", api+"runs/create", `{"experiment_id": 0, "run_name": "first", "start_time": "1700000000001", "user_id": "someone", "unknown": 1}`)
		info := at(answer, "run", "info")
		id := at(info, "run_id").(string)
		want := map[string]any{"run_id": id, "run_uuid": id, "run_name": "first", "experiment_id": "0", "user_id": "someone", "status": "RUNNING",
			"start_time": 1700000000001.0, "artifact_uri": "mlflow-artifacts:/0/" + id + "/artifacts", "lifecycle_stage": "active"}
		if diff := cmp.Diff(any(want), info); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(any(map[string]any{}), at(answer, "run", "inputs")); diff != "" {
			t.Errorf("what is unset must be left out: %s", diff)
		}
		h.call("POST", api+"runs/log-batch", fmt.Sprintf(`{"run_id": %q, "metrics": [
			{"key": "bare", "value": NaN, "timestamp": 1, "step": "2"}, {"key": "down", "value": -Infinity, "timestamp": 1},
			{"key": "text", "value": "Infinity", "timestamp": "5"}], "params": [{"key": "says NaN", "value": "NaN, \"Infinity\""}]}`, id))
		data := at(h.call("GET", api+"runs/get?run_uuid="+id, ""), "run", "data")
		wantMetrics := []any{
			map[string]any{"key": "bare", "value": "NaN", "timestamp": 1.0, "step": 2.0},
			map[string]any{"key": "down", "value": "-Infinity", "timestamp": 1.0, "step": 0.0},
			map[string]any{"key": "text", "value": "Infinity", "timestamp": 5.0, "step": 0.0},
		}
		if diff := cmp.Diff(any(wantMetrics), at(data, "metrics")); diff != "" {
			t.Error(diff)
		}
		if got := at(data, "params", 0, "value"); got != `NaN, "Infinity"` {
			t.Errorf("param is %v", got)
		}
		twice := h.call("POST", api+"runs/update", fmt.Sprintf("%q", fmt.Sprintf(`{"run_id": %q, "status": 3, "end_time": 1700000000002}`, id)))
		if at(twice, "run_info", "status") != "FINISHED" || at(twice, "run_info", "end_time") != 1700000000002.0 {
			t.Errorf("a body that was encoded twice, with a numbered status: %v", twice)
		}
		if got := h.call("POST", api+"runs/search", `{}`); len(got) != 0 {
			t.Errorf("a search in no experiment found %v", got)
		}
		found := h.call("POST", "/ajax-api/2.0/mlflow/runs/search", `{"experiment_ids": ["0"], "max_results": 1, "run_view_type": "ACTIVE_ONLY"}`)
		if at(found, "runs", 0, "info", "run_id") != id || at(found, "next_page_token") != nil {
			t.Errorf("found %v", found)
		}
	})
}

func TestDatasetsKeepTheirOrder(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		for _, names := range [][]string{{"z", "a"}, {"m"}} {
			var datasets []string
			for _, name := range names {
				datasets = append(datasets, fmt.Sprintf(`{"dataset": {"name": %q, "digest": "1", "source_type": "local", "source": "{}"}}`, name))
			}
			h.call("POST", api+"runs/log-inputs", fmt.Sprintf(`{"run_id": %q, "datasets": [%s]}`, id, strings.Join(datasets, ",")))
		}
		inputs := at(h.call("GET", api+"runs/get?run_id="+id, ""), "run", "inputs")
		for i, name := range []string{"z", "a", "m"} {
			if got := at(inputs, "dataset_inputs", i, "dataset", "name"); got != name {
				t.Errorf("dataset %d is %v, want %s", i, got, name)
			}
		}
	})
}

// Charts of several runs come by run: in the order that was asked, or in that of ids.
func TestHistoriesOfSeveralRunsKeepTheirOrder(t *testing.T) {
	each(t, func(h house) {
		ids := []string{h.run(`{}`), h.run(`{}`), h.run(`{}`)}
		slices.Sort(ids)
		for _, id := range ids {
			h.call("POST", api+"runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "m", "value": 1, "timestamp": 1}`, id))
		}
		last, first := ids[2], ids[0]
		for path, want := range map[string]string{
			"metrics/get-history-bulk-interval?metric_key=m&run_ids=" + last + "&run_ids=" + first + "&run_ids=" + last: last + " " + first,
			"metrics/get-history-bulk?metric_key=m&run_id=" + last + "&run_id=" + first:                                 first + " " + last,
		} {
			var got []string
			for _, point := range at(h.call("GET", api+path, ""), "metrics").([]any) {
				got = append(got, at(point, "run_id").(string))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %v", path, got)
			}
		}
	})
}

func TestErrorsOnTheWire(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		h.call("POST", api+"runs/log-parameter", fmt.Sprintf(`{"run_id": %q, "key": "a", "value": "1"}`, id))
		h.call("POST", api+"runs/set-tag", fmt.Sprintf(`{"run_id": %q, "key": "without a value"}`, id))
		h.call("POST", api+"registered-models/create", `{"name": "m"}`)
		gone := h.run(`{}`)
		h.call("POST", api+"runs/delete", fmt.Sprintf(`{"run_id": %q}`, gone))
		in := func(format string) string { return strings.ReplaceAll(format, "<run>", id) }
		cases := []struct {
			method, path, body string
			status             int
			code, fragment     string
		}{
			{"GET", "runs/get?run_id=nobody", "", 404, "RESOURCE_DOES_NOT_EXIST", "Run with id=nobody not found"},
			{"GET", in("artifacts/list?path=../a&run_id=<run>"), "", 400, "INVALID_PARAMETER_VALUE", `"message":"Invalid path"}`},
			{"GET", "runs/get", "", 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'run_id'"},
			{"POST", "runs/log-metric", in(`{"run_id": "<run>", "key": "a", "timestamp": 1}`), 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'value'"},
			{"POST", "runs/log-metric", in(`{"run_id": "<run>", "key": "a", "value": true, "timestamp": 1}`), 400, "INVALID_PARAMETER_VALUE", "Invalid value true for parameter 'value' supplied"},
			{"POST", "runs/log-metric", in(`{"run_id": "<run>", "key": "a", "value": 1, "timestamp": "x"}`), 400, "INVALID_PARAMETER_VALUE", `Invalid value \"x\" for parameter 'timestamp' supplied`},
			{"POST", "runs/log-metric", `{"run_id": 31, "key": "a", "value": 1, "timestamp": 1}`, 400, "INVALID_PARAMETER_VALUE",
				"Invalid value 31 for parameter 'run_id' supplied:  Hint: Value was of type 'int'. See the API docs for more information about request parameters."},
			{"POST", "runs/log-batch", in(`{"run_id": "<run>", "metrics": "foo"}`), 400, "INVALID_PARAMETER_VALUE", `Invalid value \"foo\" for parameter 'metrics' supplied:  Hint: Value was of type 'str'.`},
			{"POST", "runs/log-batch", in(`{"run_id": "<run>", "metrics": [{"key": "a", "value": 1, "timestamp": 1}, {"key": "b", "value": 1}]}`), 400, "INVALID_PARAMETER_VALUE",
				"Missing value for required parameter 'metrics[1].timestamp'"},
			{"POST", "runs/log-batch", in(`{"run_id": "<run>", "params": [{"value": "1"}]}`), 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'params[0].key'"},
			{"POST", "runs/log-batch", in(`{"run_id": "<run>", "tags": [{"key": "a", "value": "1"}, {"key": ""}]}`), 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'tags[1].key'"},
			{"POST", "runs/log-batch", in(`{"run_id": "<run>", "metrics": [{"key": "../a", "value": 1, "timestamp": 1}]}`), 400, "INVALID_PARAMETER_VALUE",
				`Invalid value \"../a\" for parameter 'metrics[0].name' supplied: Names may be treated as files`},
			{"POST", "runs/set-tag", in(`{"run_id": "<run>", "key": "a#b", "value": "1"}`), 400, "INVALID_PARAMETER_VALUE", `Invalid value \"a#b\" for parameter 'key' supplied: Names may only contain`},
			{"POST", "runs/log-batch", `[]`, 400, "INVALID_PARAMETER_VALUE", "it must be an object"},
			{"POST", "experiments/create", `{"name": "a", "artifact_location": 9.0}`, 400, "INVALID_PARAMETER_VALUE", "Invalid value 9.0 for parameter 'artifact_location'"},
			{"POST", "experiments/search-datasets", `{"experiment_ids": [` + strings.Repeat(`"1",`, 20) + `"1"]}`, 400, "INVALID_PARAMETER_VALUE",
				"SearchDatasets request cannot specify more than 20 experiment_ids. Received 21 experiment_ids."},
			{"GET", "metrics/get-history-bulk?metric_key=a", "", 400, "INVALID_PARAMETER_VALUE", "GetMetricHistoryBulk request must specify at least one run_id."},
			{"GET", "metrics/get-history-bulk?run_id=a", "", 400, "INVALID_PARAMETER_VALUE", "GetMetricHistoryBulk request must specify a metric_key."},
			{"GET", "metrics/get-history-bulk-interval?metric_key=a", "", 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'run_ids'."},
			{"GET", "metrics/get-history-bulk-interval?run_ids=a&metric_key=", "", 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'metric_key'."},
			{"GET", "metrics/get-history-bulk-interval?metric_key=a" + strings.Repeat("&run_ids=a", 101), "", 400, "INVALID_PARAMETER_VALUE",
				"GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received 101 run_ids."},
			{"GET", "metrics/get-history-bulk-interval?metric_key=a&run_ids=a&max_results=0", "", 400, "INVALID_PARAMETER_VALUE", "max_results must be between 1 and 2500."},
			{"POST", "runs/log-parameter", in(`{"run_id": "<run>", "key": "a", "value": "2"}`), 400, "INVALID_PARAMETER_VALUE",
				in("Changing param values is not allowed. Param with key='a' was already logged with value='1' for run ID='<run>'. Attempted logging new value '2'.")},
			{"POST", "runs/set-tag", fmt.Sprintf(`{"run_id": %q, "key": "a", "value": "2"}`, gone), 400, "INVALID_PARAMETER_VALUE", "must be in the 'active' state. Current state is deleted."},
			{"POST", "runs/delete-tag", in(`{"run_id": "<run>", "key": "nothing"}`), 404, "RESOURCE_DOES_NOT_EXIST", "nothing"},
			{"POST", "experiments/create", `{"name": "Default"}`, 400, "RESOURCE_ALREADY_EXISTS", "Experiment(name=Default) already exists."},
			{"GET", "experiments/get-by-name?experiment_name=none", "", 404, "RESOURCE_DOES_NOT_EXIST", "none"},
			{"POST", "registered-models/create", `{"name": "m"}`, 400, "RESOURCE_ALREADY_EXISTS", "already exists"},
			{"POST", "model-versions/create", `{"name": "m", "source": "/etc/passwd"}`, 400, "INVALID_PARAMETER_VALUE", "Invalid model version source"},
			{"POST", "model-versions/create", `{"name": "none", "source": "s3://b/m"}`, 404, "RESOURCE_DOES_NOT_EXIST", "not found"},
			{"POST", "runs/search", `{"experiment_ids": ["0"], "max_results": 50001}`, 400, "INVALID_PARAMETER_VALUE", "max_results"},
			{"POST", "runs/search", `{"experiment_ids": ["0"], "filter": "a OR b"}`, 400, "INVALID_PARAMETER_VALUE", ""},
			{"POST", "runs/search", `{"experiment_ids": "0"}`, 400, "INVALID_PARAMETER_VALUE", "experiment_ids"},
			{"POST", "runs/create", `{"experiment_id": "77"}`, 404, "RESOURCE_DOES_NOT_EXIST", "77"},
			{"POST", "runs/create", `not JSON`, 400, "INVALID_PARAMETER_VALUE", "JSON"},
			{"POST", "runs/set-tag", in(`{"run_id": "<run>\u0000", "key": "a", "value": "x"}`), 400, "INVALID_PARAMETER_VALUE", "NUL"},
			{"GET", "runs/get?run_id=%00", "", 400, "INVALID_PARAMETER_VALUE", "NUL"},
			{"GET", "runs/get?run_id=%ff", "", 400, "INVALID_PARAMETER_VALUE", "NUL"},
			{"POST", "runs/nothing", `{}`, 404, "ENDPOINT_NOT_FOUND", "no endpoint"},
			{"GET", "runs/create", ``, 404, "ENDPOINT_NOT_FOUND", "no endpoint"},
		}
		for _, c := range cases {
			status, text := h.send(c.method, api+c.path, c.body)
			if status != c.status || !strings.Contains(text, `"error_code":"`+c.code+`"`) || !strings.Contains(strings.ReplaceAll(text, `\u003e`, ">"), c.fragment) {
				t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, status, text)
			}
		}
		if status, text := h.send("POST", api+"runs/create", `{}`, "Content-Type", "text/plain"); status != 400 || !strings.Contains(text, "Content-Type") {
			t.Errorf("a body of another type: %d %s", status, text)
		}
		if status, text := h.send("POST", api+"runs/create", `{}`, "Authorization", "Bearer wrong"); status != 401 || !strings.Contains(text, "UNAUTHENTICATED") {
			t.Errorf("a wrong token: %d %s", status, text)
		}
	})
}

func TestWorkspacesByPathAndHeader(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{"run_name": "at home"}`)
		for _, reach := range []struct {
			prefix  string
			headers []string
			status  int
		}{
			{"", nil, 200}, {"/workspaces/default", nil, 200}, {"", []string{"X-MLFLOW-WORKSPACE", "default"}, 200},
			{"/workspaces/vision", nil, 404}, {"", []string{"X-MLFLOW-WORKSPACE", "vision"}, 404},
			{"/workspaces/vision", []string{"X-MLFLOW-WORKSPACE", "default"}, 404}, {"/workspaces/nowhere", nil, 404},
		} {
			status, text := h.send("GET", reach.prefix+api+"runs/get?run_id="+id, "", reach.headers...)
			if status != reach.status {
				t.Errorf("%v: %d %s", reach, status, text)
			}
		}
		for path, want := range map[string]string{"/health": "OK", "/version": "3.11.1", "/workspaces/vision/health": "OK"} {
			if status, text := h.send("GET", path, "", "Authorization", ""); status != 200 || text != want {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
		if info := h.call("GET", "/api/3.0/mlflow/server-info", ""); at(info, "workspaces_enabled") != true {
			t.Errorf("server-info: %v", info)
		}
		for _, path := range []string{"/api/3.0/mlflow/nothing/x", "/api/2.0/mlflow-artifacts/presigned/x", "/ajax-api/3.0/mlflow/nothing", "/workspaces/default/api/5.0/mlflow/x"} {
			if status, text := h.send("POST", path, "{}"); status != 404 || !strings.Contains(text, "ENDPOINT_NOT_FOUND") {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
	})
}

func TestHistoryPages(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		var points []string
		for i := range 10 {
			points = append(points, fmt.Sprintf(`{"key": "m", "value": %d, "timestamp": %d, "step": %d}`, i, i, i))
		}
		h.call("POST", api+"runs/log-batch", fmt.Sprintf(`{"run_id": %q, "metrics": [%s]}`, id, strings.Join(points, ",")))
		path := api + "metrics/get-history?metric_key=m&run_id=" + id
		all := h.call("GET", path, "")
		if len(at(all, "metrics").([]any)) != 10 || at(all, "next_page_token") != nil {
			t.Errorf("without max_results: %v", all)
		}
		var values []any
		for token := ""; ; {
			page := h.call("GET", path+"&max_results=4&page_token="+token, "")
			for _, m := range at(page, "metrics").([]any) {
				values = append(values, at(m, "value"))
			}
			next := at(page, "next_page_token")
			if next == nil {
				break
			}
			token = next.(string)
		}
		if fmt.Sprint(values) != "[0 1 2 3 4 5 6 7 8 9]" {
			t.Errorf("page by page: %v", values)
		}
		sampled := h.call("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?metric_key=m&max_results=3&start_step=1&end_step=8&run_ids="+id, "")
		var steps []any
		for _, m := range at(sampled, "metrics").([]any) {
			steps = append(steps, at(m, "step"))
		}
		if fmt.Sprint(steps) != "[1 3 6 8]" {
			t.Errorf("sampled steps %v", steps)
		}
		bulk := h.call("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk?metric_key=m&max_results=2&run_id="+id, "")
		if len(at(bulk, "metrics").([]any)) != 2 || at(bulk, "metrics", 0, "run_id") != id {
			t.Errorf("bulk: %v", bulk)
		}
	})
}

const proxy = "/api/2.0/mlflow-artifacts/artifacts"

func TestArtifactsThroughTheProxy(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		root := "/0/" + id + "/artifacts"
		content := strings.Repeat("0123456789", 100_000)
		h.call("PUT", proxy+root+"/data/big%20one.bin", content)
		h.call("PUT", proxy+root+"/a.txt", "small")
		if status, text := h.send("GET", proxy+root+"/data/big%20one.bin", ""); status != 200 || text != content {
			t.Errorf("read back %d with %d bytes", status, len(text))
		}
		if status, text := h.send("GET", proxy+root+"/a.txt", "", "Range", "bytes=1-3"); status != 206 || text != "mal" {
			t.Errorf("a part: %d %s", status, text)
		}
		list := h.call("GET", proxy+"?path="+strings.TrimPrefix(root, "/"), "")
		want := []any{map[string]any{"path": "a.txt", "is_dir": false, "file_size": 5.0}, map[string]any{"path": "data", "is_dir": true}}
		if diff := cmp.Diff(any(want), at(list, "files")); diff != "" {
			t.Error(diff)
		}
		of := h.call("GET", api+"artifacts/list?path=data&run_id="+id, "")
		if at(of, "files", 0, "path") != "data/big one.bin" || at(of, "root_uri") != "mlflow-artifacts:"+root {
			t.Errorf("artifacts/list: %v", of)
		}
		h.call("DELETE", proxy+root+"/data/", "")
		if status, _ := h.send("GET", proxy+root+"/data/big%20one.bin", ""); status != 404 {
			t.Errorf("after its folder was deleted: %d", status)
		}
		if got := h.call("GET", proxy+"?path=0/nobody/artifacts", ""); len(got) != 0 {
			t.Errorf("a folder that is not there: %v", got)
		}
		if status, _ := h.send("PUT", proxy+"/0/nobody/artifacts/a.txt", "x"); status != 404 {
			t.Errorf("an upload to no run: %d", status)
		}
		if status, _ := h.send("PUT", proxy+"/1/"+id+"/artifacts/a.txt", "x"); status != 404 {
			t.Errorf("an upload under another experiment: %d", status)
		}
	})
}

// raw sends a request whose path nobody cleans, and follows no redirect.
func (h house) raw(method, path string) (int, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url, strings.NewReader("x"))
	if err != nil {
		h.t.Fatal(err)
	}
	req.URL.Opaque = "//" + req.URL.Host + path
	req.Header.Set("Authorization", "Bearer "+h.token)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	text := make([]byte, 400)
	n, _ := answer.Body.Read(text)
	return answer.StatusCode, string(text[:n])
}

func TestRegistryOnTheWire(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		h.call("PUT", proxy+"/0/"+id+"/artifacts/model/MLmodel", "flavors:\n  sklearn: {}\n")
		h.call("POST", api+"registered-models/create", `{"name": "my model", "description": "d", "tags": [{"key": "a", "value": "b"}]}`)
		made := h.call("POST", api+"model-versions/create", fmt.Sprintf(`{"name": "my model", "source": "mlflow-artifacts:/0/%s/artifacts/model", "run_id": %q}`, id, id))
		if at(made, "model_version", "version") != "1" || at(made, "model_version", "status") != "READY" || at(made, "model_version", "current_stage") != "None" {
			t.Errorf("version: %v", made)
		}
		uri := at(h.call("GET", api+"model-versions/get-download-uri?name=my+model&version=1", ""), "artifact_uri").(string)
		tree, ok := strings.CutPrefix(uri, "mlflow-artifacts:/")
		if !ok {
			t.Fatalf("download URI is %s", uri)
		}
		h.call("DELETE", proxy+"/0/"+id+"/artifacts/model", "")
		if status, text := h.send("GET", proxy+"/"+tree+"/MLmodel", ""); status != 200 || !strings.HasPrefix(text, "flavors:") {
			t.Errorf("a version's file after the run's was deleted: %d %s", status, text)
		}
		for _, method := range []string{"PUT", "DELETE"} {
			if status, _ := h.send(method, proxy+"/"+tree+"/MLmodel", "changed"); status != 400 {
				t.Errorf("%s on a version's file: %d", method, status)
			}
		}
		h.call("POST", api+"registered-models/alias", `{"name": "my model", "alias": "best", "version": 1}`)
		model := at(h.call("GET", api+"registered-models/get?name=my+model", ""), "registered_model")
		if at(model, "aliases", 0, "alias") != "best" || at(model, "latest_versions", 0, "aliases", 0) != "best" {
			t.Errorf("model: %v", model)
		}
		remote := h.call("POST", api+"model-versions/create", `{"name": "my model", "source": "s3://bucket/model"}`)
		if at(remote, "model_version", "source") != "s3://bucket/model" {
			t.Errorf("a version elsewhere: %v", remote)
		}
	})
}

// A long history is sent in pieces, and is what its pages are together.
func TestLongHistories(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		ws, err := h.workspaces.Get(t.Context(), "default")
		if err != nil {
			t.Fatal(err)
		}
		const piece = 50_000 // as the server has it
		for i, n := range []int{piece - 1, 1, 1, piece} {
			metrics := make([]tracking.Metric, n)
			for j := range metrics {
				at := int64(i*piece + j)
				metrics[j].Sample = series.Sample{Key: "a/b c", Point: series.Point{Value: series.Value(at) / 3, Timestamp: series.Timestamp(at), Step: -at}}
			}
			for some := range slices.Chunk(metrics, 1000) {
				if err := h.runs.Log(t.Context(), ws.ID, id, tracking.Batch{Metrics: some}); err != nil {
					t.Fatal(err)
				}
			}
			path := api + "metrics/get-history?metric_key=a/b%20c&run_id=" + id
			var pages []string
			for token := ""; ; {
				page := h.call("GET", path+"&max_results=7000&page_token="+token, "")
				for _, m := range at(page, "metrics").([]any) {
					pages = append(pages, fmt.Sprint(m))
				}
				next, more := at(page, "next_page_token").(string)
				if !more {
					break
				}
				token = next
			}
			var whole []string
			answer := h.call("GET", path, "")
			for _, m := range at(answer, "metrics").([]any) {
				whole = append(whole, fmt.Sprint(m))
			}
			if len(answer) != 1 || !slices.Equal(whole, pages) {
				t.Errorf("%d points at once, %d in pages", len(whole), len(pages))
			}
		}
	})
}
