package mlflow_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// registered makes the model "m" with three versions: the first two from a logged
// model with the param "alpha" and the metric "rmse", the third elsewhere.
func (h house) registered() (model string) {
	h.t.Helper()
	run := h.run(`{}`)
	made := h.call("POST", api+"logged-models", fmt.Sprintf(`{"experiment_id": "0", "name": "ridge", "source_run_id": %q, "params": [{"key": "alpha", "value": "1"}]}`, run))
	model = at(made, "model", "info", "model_id").(string)
	h.call("PUT", proxy+"/0/models/"+model+"/artifacts/MLmodel", "flavors:\n  sklearn: {}\n")
	h.call("POST", api+"runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "rmse", "value": 53.5, "timestamp": 7, "step": 2, "model_id": %q}`, run, model))
	h.call("POST", api+"registered-models/create", `{"name": "m"}`)
	for range 2 {
		h.call("POST", api+"model-versions/create", fmt.Sprintf(`{"name": "m", "source": "models:/%s", "model_id": %q}`, model, model))
	}
	h.call("POST", api+"model-versions/create", `{"name": "m", "source": "s3://bucket/m", "tags": [{"key": "team", "value": "blue"}]}`)
	return model
}

func TestVersionsShowTheirLoggedModel(t *testing.T) {
	each(t, func(h house) {
		model := h.registered()
		version := at(h.call("GET", api+"model-versions/get?name=m&version=1", ""), "model_version")
		if diff := cmp.Diff([]any{map[string]any{"name": "alpha", "value": "1"}}, at(version, "model_params")); diff != "" || at(version, "model_id") != model {
			t.Errorf("params: %s", diff)
		}
		if at(version, "model_metrics", 0, "key") != "rmse" || at(version, "model_metrics", 0, "value") != 53.5 || at(version, "model_metrics", 0, "step") != 2.0 {
			t.Errorf("metrics: %v", version)
		}
		info := at(h.call("GET", api+"logged-models/"+model, ""), "model", "info")
		want := []any{map[string]any{"name": "m", "version": "1"}, map[string]any{"name": "m", "version": "2"}}
		if diff := cmp.Diff(any(want), at(info, "registrations")); diff != "" {
			t.Error(diff)
		}
		if at(info, "tags", 0, "value") != `[{"name": "m", "version": 1}, {"name": "m", "version": 2}]` {
			t.Errorf("tags: %v", at(info, "tags"))
		}
		h.call("DELETE", api+"logged-models/"+model, "")
		version = at(h.call("GET", api+"model-versions/get?name=m&version=1", ""), "model_version")
		if at(version, "model_params") != nil || at(version, "version") != "1" {
			t.Errorf("after the logged model was deleted: %v", version)
		}
		if status, _ := h.send("GET", api+"logged-models/"+model, ""); status != 404 {
			t.Errorf("a deleted logged model: %d", status)
		}
		h.call("GET", api+"logged-models/"+model+"?allow_deleted=true", "")
	})
}

func TestSearchLoggedModelsOnTheWire(t *testing.T) {
	each(t, func(h house) {
		run := h.run(`{}`)
		for i, name := range []string{"a", "b"} {
			model := at(h.call("POST", api+"logged-models", fmt.Sprintf(`{"experiment_id": "0", "name": %q}`, name)), "model", "info", "model_id")
			for _, dataset := range []string{"train", "test"} {
				value := float64(i)
				if dataset == "test" {
					value = -value
				}
				h.call("POST", api+"runs/log-batch", fmt.Sprintf(`{"run_id": %q, "metrics": [{"key": "acc", "value": %g, "timestamp": 1, "step": 0,
					"model_id": %q, "dataset_name": %q, "dataset_digest": "d"}]}`, run, value, model, dataset))
			}
		}
		search := func(body string) string {
			found := h.call("POST", api+"logged-models/search", `{"experiment_ids": ["0"], `+body+`}`)
			names := ""
			for i := 0; at(found, "models", i) != nil; i++ {
				names += at(found, "models", i, "info", "name").(string)
			}
			return names
		}
		for body, want := range map[string]string{
			`"filter": "metrics.acc >= 1"`:                                                           "b",
			`"filter": "metrics.acc >= 1", "datasets": [{"dataset_name": "test"}]`:                   "",
			`"filter": "metrics.acc < 0", "datasets": [{"dataset_name": "test"}]`:                    "b",
			`"datasets": [{"dataset_name": "test", "dataset_digest": "other"}]`:                      "",
			`"order_by": [{"field_name": "metrics.acc", "ascending": false}]`:                        "ba",
			`"order_by": [{"field_name": "metrics.acc", "dataset_name": "train"}]`:                   "ab",
			`"order_by": [{"field_name": "metrics.acc", "dataset_name": "test"}]`:                    "ba",
			`"order_by": [{"field_name": "creation_timestamp", "ascending": true}]`:                  "ab",
			`"max_results": 1, "order_by": [{"field_name": "name", "ascending": true}]`:              "a",
			`"filter": "name IN ('a', 'z') AND creation_time > 1", "order_by": [], "page_token": ""`: "a",
		} {
			if got := search(body); got != want {
				t.Errorf("%s: found %q, want %q", body, got, want)
			}
		}
		for _, body := range []string{`{}`, `{"experiment_ids": ["0"], "datasets": [{"dataset_digest": "d"}]}`, `{"experiment_ids": ["0"], "order_by": [{}]}`,
			`{"experiment_ids": ["0"], "order_by": [{"field_name": "artifact_uri"}]}`, `{"experiment_ids": ["0"], "page_token": "x"}`} {
			if status, text := h.send("POST", api+"logged-models/search", body); status != 400 {
				t.Errorf("%s: %d %s", body, status, text)
			}
		}
	})
}

func TestRegistryRefusals(t *testing.T) {
	each(t, func(h house) {
		h.registered()
		h.call("POST", api+"registered-models/create", `{"name": "p", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}`)
		for _, c := range []struct {
			method, path, body string
			status             int
			code, text         string
		}{
			{"POST", "registered-models/create", `{}`, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'name'"},
			{"POST", "registered-models/create", `{"name": "m"}`, 400, "RESOURCE_ALREADY_EXISTS", "Registered Model (name=m) already exists."},
			{"POST", "registered-models/create", `{"name": "p"}`, 400, "RESOURCE_ALREADY_EXISTS", "already taken by a prompt"},
			{"POST", "registered-models/create", `{"name": "m", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}`, 400, "RESOURCE_ALREADY_EXISTS", "already taken by a registered model"},
			{"POST", "registered-models/create", `{"name": "p", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}`, 400, "RESOURCE_ALREADY_EXISTS", "Prompt (name=p) already exists."},
			{"POST", "registered-models/create", `{"name": "a/b"}`, 400, "INVALID_PARAMETER_VALUE", "Invalid model name"},
			{"POST", "registered-models/create", `{"name": ["a"]}`, 400, "INVALID_PARAMETER_VALUE", "Invalid value"},
			{"POST", "registered-models/rename", `{"name": "m"}`, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'new_name'"},
			{"POST", "registered-models/rename", `{"name": "m", "new_name": "p"}`, 400, "RESOURCE_ALREADY_EXISTS", "already exists"},
			{"GET", "registered-models/get?name=x", "", 404, "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=x not found"},
			{"GET", "registered-models/search?max_results=1001", "", 400, "INVALID_PARAMETER_VALUE", "1000"},
			{"GET", "registered-models/search?filter=run_id='x'", "", 400, "INVALID_PARAMETER_VALUE", "attribute key"},
			{"GET", "registered-models/search?page_token=!", "", 400, "INVALID_PARAMETER_VALUE", "page token"},
			{"POST", "model-versions/create", `{"name": "m"}`, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'source'"},
			{"POST", "model-versions/create", `{"name": "x", "source": "s3://b/x"}`, 404, "RESOURCE_DOES_NOT_EXIST", "name=x not found"},
			{"GET", "model-versions/get?name=m&version=99", "", 404, "RESOURCE_DOES_NOT_EXIST", "Model Version (name=m, version=99) not found"},
			{"GET", "model-versions/get?name=m&version=latest", "", 400, "INVALID_PARAMETER_VALUE", "must be an integer"},
			{"DELETE", "model-versions/delete", `{"name": "m", "version": "@best"}`, 400, "INVALID_PARAMETER_VALUE", "must be an integer"},
			{"GET", "model-versions/search?max_results=200001", "", 400, "INVALID_PARAMETER_VALUE", "200000"},
			{"POST", "model-versions/transition-stage", `{"name": "m", "version": "1", "stage": "Nowhere"}`, 400, "INVALID_PARAMETER_VALUE", "Invalid Model Version stage"},
			{"POST", "model-versions/transition-stage", `{"name": "m", "version": "1", "stage": "None", "archive_existing_versions": true}`, 400, "INVALID_PARAMETER_VALUE", "not an Active stage"},
			{"POST", "registered-models/alias", `{"name": "m", "alias": "v1", "version": "1"}`, 400, "INVALID_PARAMETER_VALUE", "Invalid alias"},
			{"GET", "registered-models/alias?name=m&alias=nothing", "", 400, "INVALID_PARAMETER_VALUE", "Registered model alias nothing not found"},
		} {
			status, text := h.send(c.method, api+c.path, c.body)
			if status != c.status || !strings.Contains(text, `"error_code":"`+c.code+`"`) || !strings.Contains(text, c.text) {
				t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, status, text)
			}
		}
	})
}

func TestAliasesStagesAndSearchOnTheWire(t *testing.T) {
	each(t, func(h house) {
		h.registered()
		versions := func(path, body string) string {
			method := "GET"
			if body != "" {
				method = "POST"
			}
			found := h.call(method, api+path, body)
			text := ""
			for i := 0; at(found, "model_versions", i) != nil; i++ {
				text += at(found, "model_versions", i, "version").(string)
			}
			return text
		}
		if latest := at(h.call("GET", api+"registered-models/alias?name=m&alias=latest", ""), "model_version", "version"); latest != "3" {
			t.Errorf("latest is %v", latest)
		}
		h.call("POST", api+"model-versions/transition-stage", `{"name": "m", "version": "1", "stage": "production"}`)
		h.call("POST", api+"model-versions/transition-stage", `{"name": "m", "version": "2", "stage": "Production", "archive_existing_versions": true}`)
		h.call("POST", api+"model-versions/set-tag", `{"name": "m", "version": "3", "key": "empty"}`)
		for path, want := range map[string]string{
			"registered-models/get-latest-versions?name=m":                             "123",
			"registered-models/get-latest-versions?name=m&stages=Production":           "2",
			"registered-models/get-latest-versions?name=m&stages=none&stages=archived": "13",
			"model-versions/search":                                                      "213", // what changed last comes first
			"model-versions/search?order_by=version_number ASC":                          "123",
			"model-versions/search?order_by=version_number DESC&filter=version_number<3": "21",
			"model-versions/search?filter=tags.team = 'blue' AND name ILIKE 'M%'":        "3",
			"model-versions/search?filter=source_path LIKE 's3://%'":                     "3",
			"model-versions/search?filter=run_id IN ('none')":                            "",
			"model-versions/search?filter=tags.team != 'red'":                            "3",
			"model-versions/search?filter=tags.`mlflow.prompt.is_prompt` = 'true'":       "",
			"model-versions/search?filter=tags.`mlflow.prompt.is_prompt` != 'false'":     "",
			"model-versions/search?max_results=1&order_by=name&order_by=version_number":  "1",
		} {
			address, query, _ := strings.Cut(path, "?")
			values := url.Values{}
			for part := range strings.SplitSeq(query, "&") {
				name, value, _ := strings.Cut(part, "=")
				values.Add(name, value)
			}
			got := versions(address+"?"+values.Encode(), "")
			if strings.HasPrefix(path, "registered") {
				got = sorted(got)
			}
			if got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
		if got := versions("registered-models/get-latest-versions", `{"name": "m", "stages": ["Archived"]}`); got != "1" {
			t.Errorf("by POST: %s", got)
		}
		found := h.call("GET", api+"registered-models/search?filter=name+%3D+%27m%27", "")
		if at(found, "registered_models", 0, "latest_versions", 2) == nil || at(found, "registered_models", 1) != nil {
			t.Errorf("models: %v", found)
		}
	})
}

func sorted(text string) string {
	letters := strings.Split(text, "")
	slices.Sort(letters)
	return strings.Join(letters, "")
}
