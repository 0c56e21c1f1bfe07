package mlflow_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// This file walks the holes that MLflow's own server had, one test for each, in the
// order of the CVEs' kinds: paths, sources, locations, types of content, filters,
// batches, wrong types, other tenants.

// climbing are ways to write a path that leads out of its folder, for a reader who
// decodes once, twice or by the rules of another system (CVE-2023-1177, -2356,
// -2780, -3765, -6909, -6977, 2024-1483, -1560, -1593, -3848).
var climbing = []string{
	"../secret", "a/../../secret", "..%2fsecret", "%2e%2e/secret", "%2e%2e%2fsecret", "%252e%252e/secret", "%252e%252e%252fsecret",
	"%25252e%25252e%25252fsecret", "%" + strings.Repeat("25", 8) + "2e./secret", "%" + strings.Repeat("25", 20) + "2e./secret",
	"a/..%5c..%5csecret", "..%5csecret", "..%255csecret", "%5c%5chost%5cshare", "a%23b", "a%2523/../b", "%23/../../secret", "a%3b/../../secret",
	"..;/secret", "..%3b/secret", "a/..;x=1/secret", "a%00b", "a%2500b", "./a", "a/./b", "%2e/a", "%c0%ae%c0%ae/a", "%ff", "a%0d%0ab",
	"%e2%80%a4%e2%80%a4/a", "%ef%bc%8e%ef%bc%8e/a",
}

// absolute are ways to write a path that begins somewhere else.
var absolute = []string{
	"//host/share", "%2f%2fhost/share", "%2fetc/passwd", "%252fetc/passwd", "//proc/self/root/etc/passwd", "C:%5cx", "C:/x", "c%3a/x",
	"file:/etc/passwd", "file:%2f%2f/etc/passwd", "a//b",
}

func TestPathsNeverClimb(t *testing.T) {
	each(t, func(h house) {
		model := h.registered()
		id := h.run(`{}`)
		run, logged := "0/"+id+"/artifacts/", "0/models/"+model+"/artifacts/"
		var routes []string
		for _, root := range []string{run, logged, "", "0/", "shared/", "trees/" + strings.Repeat("a", 64) + "/"} {
			for _, method := range []string{"PUT ", "GET ", "DELETE "} {
				routes = append(routes, method+proxy+"/"+root)
			}
			routes = append(routes, "GET "+proxy+"?path="+root)
		}
		routes = append(routes, "GET "+api+"artifacts/list?run_id="+id+"&path=", "GET /get-artifact?run_id="+id+"&path=",
			"GET /model-versions/get-artifact?name=m&version=1&path=", "POST /ajax-api/2.0/mlflow/upload-artifact?run_uuid="+id+"&path=",
			"GET /api/2.0/mlflow/logged-models/"+model+"/artifacts/files?artifact_file_path=",
			"GET /api/2.0/mlflow/logged-models/"+model+"/artifacts/directories?artifact_directory_path=")
		for _, route := range routes {
			method, address, _ := strings.Cut(route, " ")
			for _, path := range slices.Concat(climbing, absolute) {
				// A redirect is to a plain path, which is refused then.
				status, text := h.raw(method, address+path)
				if status >= 300 && status < 500 || strings.Contains(address, "?") && strings.Contains(path, ";") {
					continue // net/url drops what follows a ";" in a query
				}
				t.Errorf("%s%s: %d %.200s", route, path, status, text)
			}
		}
		if stored := files(h.call("GET", proxy, "")); stored != nil {
			t.Errorf("something was stored: %v", stored)
		}
		if stored := files(h.call("GET", api+"artifacts/list?run_id="+id, "")); stored != nil {
			t.Errorf("the run got %v", stored)
		}
		if stored := files(h.call("GET", proxy+"?path="+logged, "")); len(stored) != 1 {
			t.Errorf("the logged model has %v", stored)
		}
	})
}

// A name of an artifact is never a file's: whatever is stored lies under the hash of
// its content (CVE-2024-1558, -1560, 2023-6831).
func TestNamesAreNoFiles(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		for _, name := range []string{"passwd", "a/b/c", "con", "NUL.txt", "x%20y", "~root", "$HOME", "-rf", "*", "a%00", "ünï"} {
			h.raw("PUT", proxy+"/0/"+id+"/artifacts/"+name)
		}
		err := filepath.WalkDir(h.folder, func(path string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && len(filepath.Base(path)) < 60 {
				t.Errorf("a file was named by a user: %s", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// A version's source names files of a run, of a logged model, or somebody else's
// storage: never a file of this machine or of the client's (CVE-2023-1177, -2780,
// -6909, 2026-2614, GHSA-5cvj-7rg6-jggj).
func TestSourcesOfVersions(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		h.call("PUT", proxy+"/0/"+id+"/artifacts/model/w.bin", "w")
		h.call("POST", api+"registered-models/create", `{"name": "m"}`)
		sources := []string{"/etc/passwd", "etc/passwd", "file:///etc/passwd", "FILE:///etc/passwd", "file:/etc", "file://localhost/etc", "%66ile:///etc",
			`C:\Windows`, "C:/Windows", `\\host\share`, "//host/share", "//proc/self/root", ".", "..", "~", "fi\tle:///etc",
			"runs:/", "runs:/../x", "models:/", "models:/../1", "mlflow-artifacts:/", "mlflow-artifacts://other.host/0/../x", "mlflow-artifacts:///etc/passwd"}
		here := []string{"mlflow-artifacts:/0/" + id + "/artifacts/", "mlflow-artifacts://host/", "runs:/" + id + "/", "azureml://jobs/" + id + "/outputs/artifacts/paths/", "file:///tmp/"}
		for _, scheme := range append(here, "s3://bucket/", "https://host/", "dbfs:///x/", "S3://bucket/a/") {
			for _, path := range climbing {
				sources = append(sources, scheme+path)
			}
		}
		for _, scheme := range here {
			for _, path := range absolute {
				sources = append(sources, scheme+path)
			}
		}
		for _, source := range sources {
			for _, prompt := range []string{"", `, "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]`} {
				if prompt != "" && harmlessForPrompts(source) {
					continue
				}
				body := fmt.Sprintf(`{"name": "m", "source": %s, "run_id": %q%s}`, quoted(source), id, prompt)
				if status, text := h.send("POST", api+"model-versions/create", body); status != 400 && status != 404 {
					t.Errorf("%s%s: %d %.200s", source, prompt, status, text)
				}
			}
		}
		if got := h.call("GET", api+"model-versions/search", ""); len(got) != 0 {
			t.Errorf("versions were made: %v", got)
		}
	})
}

// harmlessForPrompts are words that mean no file to anybody: a prompt's source is
// any word that does not lead up or to a machine's own files.
func harmlessForPrompts(source string) bool {
	for _, path := range absolute {
		if strings.HasSuffix(source, path) && !strings.HasPrefix(source, "file:") {
			return true
		}
	}
	return slices.Contains([]string{"~", "etc/passwd", "runs:/", "models:/", "mlflow-artifacts:/", "mlflow-artifacts:///etc/passwd"}, source)
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`).Replace(text) + `"`
}

// An experiment's place is an address (CVE-2024-1483, -1593, -3848, 2023-6975).
func TestArtifactLocations(t *testing.T) {
	each(t, func(h house) {
		locations := []string{"/etc", "etc", "file:///etc", "FILE:///etc", "file:/etc", `C:\x`, `\\host\share`, "//host/share", "http://host/a?b=../c", "http://host/a#../c",
			"http://host/#/../../etc", "s3://bucket/;/../../etc", "s3://bucket/..", "mlflow-artifacts:/..", "mlflow-artifacts:/%2e%2e/x", "s3://b/%252e%252e/x", "s3://b/..;/x"}
		for i, location := range locations {
			body := fmt.Sprintf(`{"name": "e%d", "artifact_location": %s}`, i, quoted(location))
			if status, text := h.send("POST", api+"experiments/create", body); status != 400 {
				t.Errorf("%s: %d %s", location, status, text)
			}
		}
	})
}

// No answer is a page, whatever was sent as its type or in its path, and no error
// says back what a browser would run (CVE-2023-6568, 2024-27132).
func TestNoAnswerIsAPage(t *testing.T) {
	each(t, func(h house) {
		const script = "<script>alert(1)</script>"
		id := h.run(`{}`)
		for _, kind := range []string{"text/html", script, "text/html; x=" + script, "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""} {
			status, text := h.send("POST", api+"runs/search", `{"experiment_ids": ["0"]}`, "Content-Type", kind)
			if status != 400 || strings.Contains(text, "<script") {
				t.Errorf("a request of type %q: %d %s", kind, status, text)
			}
			h.send("PUT", proxy+"/0/"+id+"/artifacts/x.html", script, "Content-Type", kind)
		}
		for _, address := range []string{proxy + "/0/" + id + "/artifacts/x.html", "/get-artifact?path=x.html&run_id=" + id, api + "runs/get?run_id=" + url.QueryEscape(script),
			api + "experiments/get-by-name?experiment_name=" + url.QueryEscape(script), "/api/2.0/mlflow/" + url.PathEscape(script), "/api/3.0/mlflow/traces/" + url.PathEscape(script),
			proxy + "/" + url.PathEscape(script), "/version", "/health"} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", h.url+address, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+h.token)
			req.Header.Set("Accept", "text/html")
			answer, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if kind := answer.Header.Get("Content-Type"); strings.Contains(kind, "html") || kind == "" || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: answered as %q", address, kind)
			}
		}
	})
}

// A filter costs what its length says: no expression language, no brackets to nest,
// no list without end, no pattern that backtracks (CVE-2025-5321 at Aim, and filters
// that ran a server out of time).
func TestFiltersCostLittle(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{"tags": [{"key": "long", "value": "` + strings.Repeat("a", 8000) + `"}]}`)
		one := "tags.x = 'y'"
		filters := map[string]string{
			"many conditions":  one + strings.Repeat(" AND "+one, 5000),
			"brackets":         strings.Repeat("(", 50_000) + one + strings.Repeat(")", 50_000),
			"a list":           "attributes.run_id IN (" + strings.Repeat("'x',", 15_000) + "'x')",
			"a long text":      "tags.x = '" + strings.Repeat("x", 200_000) + "'",
			"a quote":          "tags.x = '" + strings.Repeat("'", 99_999),
			"or":               one + " OR 1 = 1",
			"a function":       "sleep(100) = 1",
			"a second command": one + "; DROP TABLE runs",
			"a comment":        one + " -- x",
			"a query":          "tags.x = (SELECT secret FROM credentials)",
			"a number":         "metrics.x > 1e999999999",
			"a hex float":      "metrics.x > 0x1p99999",
			"NUL":              "tags.x = '\\u0000'",
			"many orders":      "",
		}
		orders := `"name"`
		for i := range 1000 {
			orders += fmt.Sprintf(`, "tags.a%d ASC"`, i)
		}
		for _, path := range []string{"runs/search", "experiments/search", "logged-models/search"} {
			for what, filter := range filters {
				body := fmt.Sprintf(`{"experiment_ids": ["0"], "filter": %s}`, strings.ReplaceAll(quoted(filter), `\\u0000`, `\u0000`))
				if what == "many orders" {
					body = `{"experiment_ids": ["0"], "order_by": [` + orders + `]}`
				}
				if status, text := h.send("POST", api+path, body); status != 400 {
					t.Errorf("%s: %s: %d %.200s", path, what, status, text)
				}
			}
		}
		// Naive matching would take 8000^40 steps.
		pattern := strings.Repeat("%a", 40) + "%b"
		for _, operator := range []string{"LIKE", "ILIKE"} {
			if got := h.call("POST", api+"runs/search", fmt.Sprintf(`{"experiment_ids": ["0"], "filter": "tags.long %s '%s'"}`, operator, pattern)); len(got) != 0 {
				t.Errorf("%s found %s in %v", operator, id, got)
			}
		}
	})
}

// What stands in a filter, an order, a token or an id is never part of a statement.
func TestNothingIsSQL(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		for _, text := range []string{`x' OR '1'='1`, `x"; DROP TABLE runs; --`, "x`; SELECT 1", `\`, `%' --`, "$1", "?", "x') UNION SELECT * FROM credentials --"} {
			double := strings.ReplaceAll(text, "'", "''")
			for _, body := range []string{
				fmt.Sprintf(`{"experiment_ids": ["0"], "filter": %s}`, quoted("tags.x = '"+double+"'")),
				fmt.Sprintf(`{"experiment_ids": ["0"], "filter": %s}`, quoted("tags.\""+strings.ReplaceAll(text, `"`, `""`)+"\" = 'x'")),
				fmt.Sprintf(`{"experiment_ids": [%s]}`, quoted(text)),
			} {
				if got := h.call("POST", api+"runs/search", body); len(got) != 0 {
					t.Errorf("%s found %v", body, got)
				}
			}
			for _, body := range []string{fmt.Sprintf(`{"experiment_ids": ["0"], "order_by": [%s]}`, quoted("start_time "+text)),
				fmt.Sprintf(`{"experiment_ids": ["0"], "page_token": %s}`, quoted(text))} {
				h.expect("POST", api+"runs/search", body, 400, "INVALID_PARAMETER_VALUE")
			}
			dataset := fmt.Sprintf(`{"experiment_ids": ["0"], "datasets": [{"dataset_name": %s, "dataset_digest": %s}]}`, quoted(text), quoted(text))
			if got := h.call("POST", api+"logged-models/search", dataset); len(got) != 0 {
				t.Errorf("%s found %v", dataset, got)
			}
		}
		h.call("GET", api+"runs/get?run_id="+id, "")
	})
}

// A batch is stored as a whole or not at all, however it fails.
func TestBatchesAreAllOrNothing(t *testing.T) {
	each(t, func(h house) {
		id := h.run(`{}`)
		h.call("POST", api+"runs/log-parameter", fmt.Sprintf(`{"run_id": %q, "key": "fixed", "value": "1"}`, id))
		good := `{"key": "good", "value": 1, "timestamp": 1, "step": 0}`
		many := func(item string, n int) string { return strings.Repeat(item+", ", n-1) + item }
		for what, rest := range map[string]string{
			"too many metrics":       `"metrics": [` + many(good, 1001) + `]`,
			"too many params":        `"metrics": [` + good + `], "params": [` + many(`{"key": "p", "value": "1"}`, 101) + `]`,
			"too many tags":          `"metrics": [` + good + `], "tags": [` + many(`{"key": "t", "value": "1"}`, 101) + `]`,
			"too many in all":        `"metrics": [` + many(good, 950) + `], "params": [` + many(`{"key": "p", "value": "1"}`, 51) + `]`,
			"a bad last metric":      `"tags": [{"key": "t", "value": "1"}], "metrics": [` + many(good, 10) + `, {"key": "bad", "value": "x", "timestamp": 1}]`,
			"a metric without value": `"tags": [{"key": "t", "value": "1"}], "metrics": [` + good + `, {"key": "bad", "timestamp": 1}]`,
			"a bad key":              `"metrics": [` + good + `, {"key": "../bad", "value": 1, "timestamp": 1}]`,
			"a param that changes":   `"metrics": [` + good + `], "tags": [{"key": "t", "value": "1"}], "params": [{"key": "new", "value": "1"}, {"key": "fixed", "value": "2"}]`,
			"a param said twice":     `"metrics": [` + good + `], "params": [{"key": "p", "value": "1"}, {"key": "p", "value": "2"}]`,
			"a bad last tag":         `"metrics": [` + good + `], "params": [{"key": "new", "value": "1"}], "tags": [{"key": "` + strings.Repeat("x", 251) + `", "value": "1"}]`,
			"an open end":            `"metrics": [` + good + `], "tags": [`,
			"a NUL":                  `"metrics": [` + good + `], "tags": [{"key": "t", "value": "\u0000"}]`,
			"a model that is not":    `"metrics": [` + good + `, {"key": "m", "value": 1, "timestamp": -1, "model_id": "m-x"}]`,
			"depth":                  `"metrics": ` + strings.Repeat("[", 100_000),
			"size":                   `"tags": [{"key": "t", "value": "` + strings.Repeat("x", 9<<20) + `"}]`,
		} {
			if status, text := h.send("POST", api+"runs/log-batch", fmt.Sprintf(`{"run_id": %q, %s}`, id, rest)); status != 400 {
				t.Errorf("%s: %d %.200s", what, status, text)
			}
		}
		h.halfSent("POST", api+"runs/log-batch", fmt.Sprintf(`{"run_id": %q, "metrics": [%s]`, id, good))
		h.halfSent("PUT", proxy+"/0/"+id+"/artifacts/half.bin", "half")
		h.halfSent("POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid="+id+"&path=half.bin", "half")
		data := at(h.call("GET", api+"runs/get?run_id="+id, ""), "run", "data")
		if at(data, "metrics") != nil || at(data, "params", 1) != nil || at(data, "tags", 1) != nil {
			t.Errorf("something of a refused batch was stored: %v", data)
		}
		if got := files(h.call("GET", api+"artifacts/list?run_id="+id, "")); got != nil {
			t.Errorf("a file was stored by half: %v", got)
		}
	})
}

// halfSent makes a request that says it is longer than it is, and ends.
func (h house) halfSent(method, path, half string) {
	h.t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, h.token, len(half)+100, half)
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		h.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return // the server hung up, which says as much
	}
	answer.Body.Close()
	if answer.StatusCode < 400 {
		h.t.Errorf("%s %s by half: %d", method, path, answer.StatusCode)
	}
}

// Every field of every request takes one kind of value. Another is the sender's
// mistake, never the server's.
func TestWrongTypes(t *testing.T) {
	each(t, func(h house) {
		model := h.registered()
		fields := map[string][]string{
			"experiments": {"name", "new_name", "experiment_id", "experiment_ids", "artifact_location", "tags", "key", "value", "filter", "order_by", "max_results", "page_token", "view_type"},
			"runs": {"experiment_id", "experiment_ids", "run_id", "run_uuid", "run_name", "user_id", "start_time", "end_time", "status", "key", "value", "timestamp", "step",
				"tags", "params", "metrics", "datasets", "models", "model_id", "model_json", "filter", "order_by", "max_results", "page_token", "run_view_type"},
			"logged-models":     {"experiment_id", "experiment_ids", "name", "model_type", "source_run_id", "status", "params", "tags", "datasets", "filter", "order_by", "max_results", "page_token"},
			"registered-models": {"name", "new_name", "description", "tags", "key", "value", "alias", "version", "stages"},
			"model-versions":    {"name", "version", "source", "run_id", "run_link", "model_id", "description", "tags", "key", "value", "stage", "archive_existing_versions"},
			"artifacts":         {"run_id", "path"},
		}
		values := []string{`1`, `1e400`, `99999999999999999999999`, `"x"`, `""`, `true`, `null`, `[]`, `{}`, `[null]`, `[1]`, `[{}]`, `[{"key": "k", "value": {}}]`,
			`[{"dataset": 1}]`, `"\u0000"`, `"\ud800"`, "\"\xff\"", `NaN`}
		for _, path := range []string{"experiments/create", "experiments/search", "experiments/update", "experiments/delete", "experiments/restore",
			"experiments/set-experiment-tag", "experiments/delete-experiment-tag", "experiments/search-datasets", "runs/create", "runs/update", "runs/delete", "runs/restore",
			"runs/search", "runs/log-metric", "runs/log-parameter", "runs/log-batch", "runs/set-tag", "runs/delete-tag", "runs/log-inputs", "runs/outputs", "runs/log-model",
			"logged-models", "logged-models/search", "logged-models/" + model + "/params", "PATCH logged-models/" + model, "PATCH logged-models/" + model + "/tags",
			"registered-models/create", "registered-models/rename", "PATCH registered-models/update", "DELETE registered-models/delete", "registered-models/get-latest-versions",
			"registered-models/set-tag", "DELETE registered-models/delete-tag", "registered-models/alias", "DELETE registered-models/alias", "model-versions/create",
			"PATCH model-versions/update", "model-versions/transition-stage", "DELETE model-versions/delete", "model-versions/set-tag", "DELETE model-versions/delete-tag",
			"artifacts/presigned-upload-url"} {
			method, path := methodOf(path)
			noun, _, _ := strings.Cut(path, "/")
			for _, field := range fields[noun] {
				for _, value := range values {
					// The other fields are there, so that the wrong one is looked at.
					body := fmt.Sprintf(`{"name": "n", "experiment_id": "0", "run_id": "r", "key": "k", "timestamp": 1, %q: %s}`, field, value)
					if status, text := h.send(method, api+path, body); status >= 500 {
						t.Errorf("%s %s: %d %s", path, body, status, text)
					}
				}
			}
			for _, body := range []string{`[]`, `1`, `"x"`, `null`, `{`, `{"a": 1}{"b": 2}`, "\x00", `"{\"name\": [}"`, strings.Repeat(`{"a":`, 20_000)} {
				if status, text := h.send(method, api+path, body); status < 400 && body != `null` || status >= 500 {
					t.Errorf("%s %.40s: %d %s", path, body, status, text)
				}
			}
		}
	})
}

func methodOf(path string) (string, string) {
	if method, rest, ok := strings.Cut(path, " "); ok {
		return method, rest
	}
	return "POST", path
}

// An id of one workspace is nothing in another, on whatever route and in whatever
// part of a request (CVE-2024-4263, 2025-15381, 2026-2651, -2734, -118626).
func TestIDsOfOtherWorkspaces(t *testing.T) {
	each(t, func(h house) {
		model := h.registered()
		run := h.run(`{"tags": [{"key": "secret", "value": "theirs"}]}`)
		h.call("PUT", proxy+"/0/"+run+"/artifacts/model/secret.txt", "theirs")
		h.call("PUT", proxy+"/free/secret.txt", "theirs")
		experiment := at(h.call("POST", api+"experiments/create", `{"name": "theirs"}`), "experiment_id").(string)
		uri := at(h.call("GET", api+"model-versions/get-download-uri?name=m&version=1", ""), "artifact_uri").(string)
		tree := strings.TrimPrefix(uri, "mlflow-artifacts:/")
		other := []string{"X-MLFLOW-WORKSPACE", "vision"}
		own := at(h.call("POST", api+"runs/create", `{}`, other...), "run", "info", "run_id").(string)
		h.call("POST", api+"registered-models/create", `{"name": "own"}`, other...)

		ids := strings.NewReplacer("RUN", run, "MODEL", model, "EXPERIMENT", experiment, "TREE", tree, "OWN", own)
		for _, request := range []string{
			`GET runs/get?run_id=RUN`, `POST runs/update {"run_id": "RUN", "run_name": "x"}`, `POST runs/delete {"run_id": "RUN"}`, `POST runs/restore {"run_id": "RUN"}`,
			`POST runs/log-metric {"run_id": "RUN", "key": "k", "value": 1, "timestamp": 1}`, `POST runs/log-parameter {"run_id": "RUN", "key": "k", "value": "1"}`,
			`POST runs/log-batch {"run_id": "RUN", "tags": [{"key": "k", "value": "1"}]}`, `POST runs/set-tag {"run_id": "RUN", "key": "secret", "value": "1"}`,
			`POST runs/delete-tag {"run_id": "RUN", "key": "secret"}`, `POST runs/outputs {"run_id": "RUN", "models": []}`,
			`POST runs/log-inputs {"run_id": "RUN", "datasets": []}`, `POST runs/outputs {"run_id": "OWN", "models": [{"model_id": "MODEL", "step": 1}]}`,
			`POST runs/log-inputs {"run_id": "OWN", "models": [{"model_id": "MODEL"}]}`, `GET metrics/get-history?run_id=RUN&metric_key=k`,
			`GET metrics/get-history-bulk?run_id=RUN&metric_key=k`, `GET metrics/get-history-bulk-interval?run_ids=RUN&metric_key=k`,
			`POST runs/log-model {"run_id": "RUN", "model_json": "{\"artifact_path\": \"m\", \"flavors\": {}, \"utc_time_created\": \"x\", \"run_id\": \"RUN\"}"}`,
			`GET experiments/get?experiment_id=EXPERIMENT`, `GET experiments/get-by-name?experiment_name=theirs`, `POST experiments/update {"experiment_id": "EXPERIMENT", "new_name": "x"}`,
			`POST experiments/delete {"experiment_id": "EXPERIMENT"}`, `POST runs/create {"experiment_id": "EXPERIMENT"}`,
			`POST experiments/set-experiment-tag {"experiment_id": "EXPERIMENT", "key": "k", "value": "1"}`, `POST logged-models {"experiment_id": "EXPERIMENT", "name": "n"}`,
			`POST logged-models {"experiment_id": "0", "name": "n", "source_run_id": "RUN"}`, `GET logged-models/MODEL`, `GET logged-models/MODEL?allow_deleted=true`,
			`PATCH logged-models/MODEL {"status": 2}`, `DELETE logged-models/MODEL {}`, `PATCH logged-models/MODEL/tags {"tags": [{"key": "k", "value": "1"}]}`,
			`DELETE logged-models/MODEL/tags/k {}`, `POST logged-models/MODEL/params {"params": [{"key": "k", "value": "1"}]}`, `GET logged-models/MODEL/artifacts/directories`,
			`GET logged-models/MODEL/artifacts/files?artifact_file_path=MLmodel`, `GET registered-models/get?name=m`, `GET registered-models/alias?name=m&alias=latest`,
			`POST registered-models/rename {"name": "m", "new_name": "x"}`, `PATCH registered-models/update {"name": "m", "description": "x"}`, `DELETE registered-models/delete {"name": "m"}`,
			`POST registered-models/alias {"name": "m", "alias": "a", "version": "1"}`, `GET registered-models/get-latest-versions?name=m`, `GET model-versions/get?name=m&version=1`,
			`GET model-versions/get-download-uri?name=m&version=1`, `PATCH model-versions/update {"name": "m", "version": "1", "description": "x"}`,
			`POST model-versions/transition-stage {"name": "m", "version": "1", "stage": "Archived"}`, `DELETE model-versions/delete {"name": "m", "version": "1"}`,
			`POST model-versions/set-tag {"name": "m", "version": "1", "key": "k", "value": "1"}`, `POST model-versions/create {"name": "m", "source": "s3://b/x"}`,
			`POST model-versions/create {"name": "own", "source": "runs:/RUN/model"}`, `POST model-versions/create {"name": "own", "source": "models:/MODEL"}`,
			`POST model-versions/create {"name": "own", "source": "models:/m/1"}`, `POST model-versions/create {"name": "own", "source": "mlflow-artifacts:/0/RUN/artifacts/model"}`,
			`POST model-versions/create {"name": "own", "source": "mlflow-artifacts:/free"}`, `POST model-versions/create {"name": "own", "source": "mlflow-artifacts:/TREE"}`,
			`GET artifacts/list?run_id=RUN`, `POST artifacts/presigned-upload-url {"run_id": "RUN", "path": "x"}`, `POST upload-artifact?run_uuid=RUN&path=x {}`,
			`GET /get-artifact?run_id=RUN&path=model/secret.txt`, `GET /model-versions/get-artifact?name=m&version=1&path=MLmodel`,
			`GET ` + proxy + `/0/RUN/artifacts/model/secret.txt`, `PUT ` + proxy + `/0/RUN/artifacts/model/secret.txt {}`, `DELETE ` + proxy + `/0/RUN/artifacts/model {}`,
			`GET ` + proxy + `/0/models/MODEL/artifacts/MLmodel`, `DELETE ` + proxy + `/0/models/MODEL/artifacts/MLmodel {}`, `GET ` + proxy + `/TREE/MLmodel`,
			`GET ` + proxy + `/free/secret.txt`, `DELETE ` + proxy + `/free/secret.txt {}`,
		} {
			method, rest, _ := strings.Cut(ids.Replace(request), " ")
			address, body, _ := strings.Cut(rest, " ")
			if !strings.HasPrefix(address, "/") {
				address = api + address
			}
			if status, text := h.send(method, address, body, other...); status != 404 || strings.Contains(text, "theirs") && !strings.Contains(address, "theirs") {
				t.Errorf("%s: %d %s", request, status, text)
			}
		}
		for _, list := range []string{`POST runs/search {"experiment_ids": ["EXPERIMENT"]}`, `POST logged-models/search {"experiment_ids": ["0", "EXPERIMENT"]}`,
			`GET model-versions/search`, `POST experiments/search-datasets {"experiment_ids": ["0", "EXPERIMENT"]}`, `GET ` + proxy, `GET ` + proxy + `?path=0/RUN/artifacts`, `GET ` + proxy + `?path=TREE`} {
			method, rest, _ := strings.Cut(ids.Replace(list), " ")
			address, body, _ := strings.Cut(rest, " ")
			if !strings.HasPrefix(address, "/") {
				address = api + address
			}
			if got := h.call(method, address, body, other...); len(got) != 0 {
				t.Errorf("%s found %v", list, got)
			}
		}
		after := at(h.call("GET", api+"runs/get?run_id="+run, ""), "run")
		if at(after, "data", "metrics") != nil || at(after, "info", "lifecycle_stage") != "active" {
			t.Errorf("the run was changed: %v", after)
		}
		for _, path := range []string{proxy + "/0/" + run + "/artifacts/model/secret.txt", proxy + "/free/secret.txt", proxy + "/" + tree + "/MLmodel"} {
			if status, _ := h.send("GET", path, ""); status != 200 {
				t.Errorf("%s is gone: %d", path, status)
			}
		}
	})
}
