package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const (
	api    = "/api/2.0/mlflow/"
	pages  = "/ajax-api/2.0/mlflow/" // what only MLflow's own pages call
	proxy  = "/api/2.0/mlflow-artifacts/artifacts/"
	scheme = "mlflow-artifacts:/"
)

// errMissing says that a server does not have a route.
var errMissing = errors.New("the server does not offer this")

// client calls a server by MLflow's REST API, over connections that stay open.
type client struct {
	wire  *wire
	url   string
	token string
}

func newClient(url, token string) *client {
	return &client{&wire{address: strings.TrimPrefix(url, "http://")}, url, token}
}

func (c *client) post(ctx context.Context, path string, body []byte, out any) error {
	return c.call(ctx, "POST", path, body, out)
}

func (c *client) get(ctx context.Context, path string, query url.Values, out any) error {
	return c.call(ctx, "GET", path+"?"+query.Encode(), nil, out)
}

// call sends a request and reads the whole answer, also when nobody wants it.
func (c *client) call(ctx context.Context, method, path string, body []byte, out any) error {
	answer, err := c.send(ctx, method, path, bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

// send returns the answer unless it is a failure.
func (c *client) send(ctx context.Context, method, path string, body io.Reader, size int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return nil, err
	}
	request.ContentLength = size
	request.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.wire.RoundTrip(request)
	if err != nil || answer.StatusCode < 300 {
		return answer, err
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
	err = fmt.Errorf("%s %s: %s %s", method, path, answer.Status, text)
	if answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusMethodNotAllowed {
		err = errors.Join(errMissing, err)
	}
	return nil, err
}

// The parts of MLflow's answers that are looked at.
type (
	run struct {
		Info struct {
			ID          string `json:"run_id"`
			ArtifactURI string `json:"artifact_uri"`
		} `json:"info"`
		Data struct {
			Metrics []metric `json:"metrics"`
			Params  []struct{ Key, Value string }
		} `json:"data"`
	}
	metric struct {
		Key   string  `json:"key"`
		Value float64 `json:"value"`
		Step  int64   `json:"step"`
	}
	runsPage struct {
		Runs []run  `json:"runs"`
		Next string `json:"next_page_token"`
	}
	metricsPage struct {
		Metrics []metric `json:"metrics"`
		Next    string   `json:"next_page_token"`
	}
)

func (r run) metric(key string) (metric, bool) {
	for _, m := range r.Data.Metrics {
		if m.Key == key {
			return m, true
		}
	}
	return metric{}, false
}

// artifacts is where the proxy keeps the files of the run.
func (r run) artifacts() (string, error) {
	path, ok := strings.CutPrefix(r.Info.ArtifactURI, scheme)
	if !ok {
		return "", fmt.Errorf("%w: the run's artifacts are at %q", errMissing, r.Info.ArtifactURI)
	}
	return proxy + strings.TrimPrefix(path, "/") + "/", nil
}

func (c *client) createExperiment(ctx context.Context, name string) (string, error) {
	var out struct {
		ID string `json:"experiment_id"`
	}
	err := c.post(ctx, api+"experiments/create", fmt.Appendf(nil, `{"name": %q}`, name), &out)
	return out.ID, err
}

func (c *client) createRun(ctx context.Context, experiment string) (run, error) {
	var out struct{ Run run }
	err := c.post(ctx, api+"runs/create", createBody(experiment), &out)
	return out.Run, err
}

func createBody(experiment string) []byte {
	return fmt.Appendf(nil, `{"experiment_id": %q, "start_time": %d, "tags": [{"key": "mlflow.user", "value": "bench"}, {"key": "mlflow.source.name", "value": "train.py"}]}`,
		experiment, startOfTime)
}

func (c *client) run(ctx context.Context, id string) (run, error) {
	var out struct{ Run run }
	err := c.get(ctx, api+"runs/get", url.Values{"run_id": {id}}, &out)
	return out.Run, err
}

// search is one search of runs. Filter may be empty.
type search struct {
	Experiments []string `json:"experiment_ids"`
	Filter      string   `json:"filter,omitempty"`
	Order       []string `json:"order_by,omitempty"`
	Most        int      `json:"max_results"`
	Page        string   `json:"page_token,omitempty"`
}

func (s search) body() []byte {
	body, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers always have a text
	}
	return body
}

// walkPage is how many runs a page has when all pages are read. FastTrackML makes
// a page token that it does not understand when the next page begins at 10,000.
const walkPage = 1100

// walk reads every page of a search and returns how many runs there were.
func (c *client) walk(ctx context.Context, s search) (int, error) {
	count := 0
	for {
		var page struct {
			Runs []struct{} `json:"runs"`
			Next string     `json:"next_page_token"`
		}
		if err := c.post(ctx, api+"runs/search", s.body(), &page); err != nil {
			return count, err
		}
		count += len(page.Runs)
		if s.Page = page.Next; s.Page == "" {
			return count, nil
		}
	}
}

// historyQuery asks for a metric in long pages: MLflow's own server gives nothing to
// whoever names no length.
func historyQuery(run, key string) url.Values {
	return url.Values{"run_id": {run}, "metric_key": {key}, "max_results": {"100000"}}
}

// history reads every page of a metric and returns how many points there were.
func (c *client) history(ctx context.Context, run, key string) (int, error) {
	query := historyQuery(run, key)
	count := 0
	for {
		var page metricsPage
		if err := c.get(ctx, api+"metrics/get-history", query, &page); err != nil {
			return count, err
		}
		count += len(page.Metrics)
		if page.Next == "" {
			return count, nil
		}
		query.Set("page_token", page.Next)
	}
}
