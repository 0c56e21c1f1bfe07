package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/api"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// records is a server with the routes of what people keep: experiments, runs and
// models of the workspace "default".
type records struct {
	t      *testing.T
	server *httptest.Server
	token  string
	ws     string
	runs   *tracking.Service
}

func eachRecords(t *testing.T, test func(r records)) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		bus := event.NewBus()
		who := access.New(db, clock.System{})
		workspaces := workspace.New(db, who, bus)
		owner, token, err := who.Bootstrap(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		if err := workspaces.EnsureDefault(t.Context(), owner); err != nil {
			t.Fatal(err)
		}
		home, err := workspaces.Get(t.Context(), workspace.Default)
		if err != nil {
			t.Fatal(err)
		}
		blobs, err := blob.OpenDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { blobs.Close() })
		runs := tracking.New(db, blobs, bus)
		table := route.New(route.Options{Access: who, Workspaces: workspaces, Log: slog.New(slog.DiscardHandler), Version: "test"})
		api.RegisterExperiments(table, runs)
		api.RegisterRuns(table, runs)
		api.RegisterModels(table, model.New(db, blobs, bus, runs))
		server := httptest.NewServer(table)
		t.Cleanup(server.Close)
		test(records{t, server, token, home.ID, runs})
	})
}

func (r records) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// send calls a route of the workspace and returns the answer with its body.
func (r records) send(method, path, body string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+"/api/v1/workspaces/default/"+path, strings.NewReader(body))
	r.must(err)
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	r.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	r.must(err)
	return answer, string(text)
}

// call is send for a request that must succeed; the answer is read into out.
func (r records) call(method, path, body string, out any) {
	r.t.Helper()
	answer, text := r.send(method, path, body)
	if answer.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, text)
	}
	if out != nil {
		r.must(json.Unmarshal([]byte(text), out))
	}
}

func (r records) run(name string, rmse float64) tracking.Run {
	r.t.Helper()
	ctx := atelier.WithActor(r.t.Context(), atelier.Actor{Kind: atelier.User, Name: "ada"})
	run, err := r.runs.StartRun(ctx, r.ws, tracking.NewRun{Experiment: "diabetes study", Name: name})
	r.must(err)
	point := series.Point{Value: series.Value(rmse), Timestamp: 1700000000000}
	r.must(r.runs.Log(ctx, r.ws, run.ID, tracking.Batch{
		Metrics: []tracking.Metric{{Sample: series.Sample{Key: "rmse", Point: point}}}, Params: []tracking.Pair{{Key: "model", Value: name}}}))
	return run
}

func TestRunsAreListedBestFirst(t *testing.T) {
	eachRecords(t, func(r records) {
		r.run("ridge", 55)
		r.run("lasso", 54)
		r.run("broken", math.NaN())
		query := url.Values{"experiment": {"diabetes study"}, "order_by": {"metrics.rmse ASC", "run_name"}, "max_results": {"2"}}
		var names []string
		for range 2 {
			var page atelier.Page[tracking.Run]
			r.call("GET", "runs?"+query.Encode(), "", &page)
			for _, run := range page.Items {
				names = append(names, run.Name)
			}
			query.Set("page_token", page.NextPageToken)
		}
		if diff := cmp.Diff([]string{"lasso", "ridge", "broken"}, names); diff != "" {
			t.Error(diff)
		}
		var page atelier.Page[tracking.Run]
		r.call("GET", "runs?"+url.Values{"filter": {"metrics.rmse < 60 AND params.model != 'lasso'"}}.Encode(), "", &page)
		if len(page.Items) != 1 || page.Items[0].Name != "ridge" {
			t.Errorf("found %+v", page.Items)
		}
		var second struct {
			Items []tracking.Run `json:"items"`
			Total int            `json:"total"`
		}
		r.call("GET", "runs?order_by=run_name&skip=1&max_results=1&count=true", "", &second)
		if len(second.Items) != 1 || second.Items[0].Name != "lasso" || second.Total != 3 {
			t.Errorf("the second of three is %+v", second)
		}
		for path, want := range map[string]int{"runs?skip=-1": 400, "runs?experiment=none": 404, "runs?filter=x": 400, "runs?order_by=x": 400, "runs?view=some": 400, "runs?page_token=x": 400, "runs/none": 404} {
			if answer, text := r.send("GET", path, ""); answer.StatusCode != want {
				t.Errorf("%s: %d %s", path, answer.StatusCode, text)
			}
		}
	})
}

func TestRunInJSON(t *testing.T) {
	eachRecords(t, func(r records) {
		run := r.run("broken", math.Inf(-1))
		var got map[string]any
		r.call("PATCH", "runs/"+run.ID, `{"name": "mended", "tags": {"team": "blue", "mlflow.user": null}}`, &got)
		want := map[string]any{"id": run.ID, "name": "mended", "experiment_id": "1", "experiment_name": "diabetes study", "status": "RUNNING",
			"lifecycle_stage": "active", "user": "ada", "started_at": got["started_at"], "params": map[string]any{"model": "broken"},
			"metrics": map[string]any{"rmse": map[string]any{"value": "-Infinity", "step": 0.0, "timestamp": "2023-11-14T22:13:20.000Z"}},
			"tags":    map[string]any{"team": "blue", "mlflow.runName": "mended"}, "job": false, "inputs": []any{}, "outputs": []any{}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		r.call("DELETE", "runs/"+run.ID, "", nil)
		r.call("GET", "runs/"+run.ID, "", &got)
		if got["lifecycle_stage"] != "deleted" {
			t.Errorf("after its deletion: %v", got)
		}
		r.call("POST", "runs/"+run.ID+"/restore", "", &got)
		if got["lifecycle_stage"] != "active" {
			t.Errorf("after its restoration: %v", got)
		}
	})
}

func TestMetricForAChart(t *testing.T) {
	eachRecords(t, func(r records) {
		run := r.run("wave", 0)
		for start := 0; start < 5000; start += 1000 {
			var batch tracking.Batch
			for i := range 1000 {
				step := start + i
				value := math.Sin(float64(step) / 100)
				if step == 3333 {
					value = 99
				}
				batch.Metrics = append(batch.Metrics, tracking.Metric{Sample: series.Sample{Key: "wave",
					Point: series.Point{Step: int64(step), Timestamp: series.Timestamp(step), Value: series.Value(value)}}})
			}
			r.must(r.runs.Log(t.Context(), r.ws, run.ID, batch))
		}
		var chart tracking.MetricSeries
		r.call("GET", "runs/"+run.ID+"/metrics?key=wave&max_points=100", "", &chart)
		highest := series.Value(0)
		for _, point := range chart.Points {
			highest = max(highest, point.Value)
		}
		if chart.Count != 5000 || !chart.Sampled || len(chart.Points) > 100 || highest != 99 {
			t.Errorf("%d of %d points, the highest %v", len(chart.Points), chart.Count, highest)
		}
		r.call("GET", "runs/"+run.ID+"/metrics?key=nothing", "", &chart)
		if chart.Count != 0 || chart.Points == nil {
			t.Errorf("a metric that is not there: %+v", chart)
		}
		if answer, _ := r.send("GET", "runs/"+run.ID+"/metrics", ""); answer.StatusCode != 400 {
			t.Errorf("without a key: %d", answer.StatusCode)
		}
	})
}

func TestArtifactsNeverRunInABrowser(t *testing.T) {
	eachRecords(t, func(r records) {
		run := r.run("page", 1)
		owner := tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}
		for _, name := range []string{"evil.html", "evil.svg", "plot.png", "log"} {
			r.must(r.runs.Upload(t.Context(), r.ws, owner, "out/"+name, strings.NewReader("<script>alert(1)</script>")))
		}
		for name, want := range map[string]string{"evil.html": "text/plain; charset=utf-8", "evil.svg": "text/plain; charset=utf-8", "plot.png": "image/png", "log": "text/plain; charset=utf-8"} {
			for preview, kind := range map[string]string{"": "application/octet-stream", "&preview=1": want} {
				answer, text := r.send("GET", "runs/"+run.ID+"/artifacts/content?path=out/"+name+preview, "")
				header := answer.Header
				if answer.StatusCode != 200 || !strings.HasPrefix(text, "<script>") || header.Get("Content-Type") != kind ||
					header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(header.Get("Content-Security-Policy"), "sandbox;") {
					t.Errorf("%s%s: %d %v", name, preview, answer.StatusCode, header)
				}
				if attached := strings.HasPrefix(header.Get("Content-Disposition"), "attachment"); attached != (preview == "") {
					t.Errorf("%s%s: %s", name, preview, header.Get("Content-Disposition"))
				}
			}
		}
		var list atelier.Page[tracking.Artifact]
		r.call("GET", "runs/"+run.ID+"/artifacts?path=out", "", &list)
		if len(list.Items) != 4 || list.Items[0].Path != "out/evil.html" || list.Items[0].Size != 25 {
			t.Errorf("listed %+v", list.Items)
		}
	})
}

func TestModelsOverREST(t *testing.T) {
	eachRecords(t, func(r records) {
		run := r.run("ridge", 55)
		owner := tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}
		r.must(r.runs.Upload(t.Context(), r.ws, owner, "model/MLmodel", strings.NewReader("flavors:\n  sklearn: {}\n")))
		body := fmt.Sprintf(`{"name": "diabetes", "path": "azureml://jobs/%s/outputs/artifacts/paths/model", "tags": {"a": "b"}}`, run.ID)
		var version model.Version
		for want := range 3 {
			r.call("POST", "models", body, &version)
			if version.Version != fmt.Sprint(want+1) || version.Type != model.MLflow || version.RunID != run.ID || version.CreatedBy != "ada" {
				t.Errorf("registered %+v", version)
			}
		}
		version = model.Version{}
		r.call("PATCH", "models/diabetes/versions/2", `{"description": "d", "stage": "production", "tags": {"a": null, "c": "d"}, "properties": {"p": "q"}}`, &version)
		if version.Stage != model.Production || !cmp.Equal(version.Tags, map[string]string{"c": "d"}) || !cmp.Equal(version.Properties, map[string]string{"p": "q"}) {
			t.Errorf("changed to %+v", version)
		}
		r.call("GET", "models/diabetes/versions/latest", "", &version)
		if version.Version != "3" {
			t.Errorf("latest is %+v", version)
		}
		r.call("DELETE", "models/diabetes/versions/3", "", nil)
		var versions atelier.Page[model.Version]
		r.call("GET", "models/diabetes/versions", "", &versions)
		if len(versions.Items) != 2 || versions.Items[0].Version != "2" {
			t.Errorf("versions are %+v", versions.Items)
		}
		var models atelier.Page[model.Model]
		r.call("GET", "models", "", &models)
		if len(models.Items) != 1 || models.Items[0].LatestVersion != "2" {
			t.Errorf("models are %+v", models.Items)
		}
		for body, want := range map[string]int{`{"name": "a b", "path": "runs:/x/y"}`: 400, `{"name": "m"}`: 400, `{"name": "m", "path": "runs:/none/y"}`: 404, `{"name": "m", "path": "x", "type": "other"}`: 400} {
			if answer, text := r.send("POST", "models", body); answer.StatusCode != want {
				t.Errorf("%s: %d %s", body, answer.StatusCode, text)
			}
		}
		r.call("DELETE", "models/diabetes", "", nil)
		if answer, _ := r.send("GET", "models/diabetes", ""); answer.StatusCode != 404 {
			t.Errorf("after its deletion: %d", answer.StatusCode)
		}
	})
}

func TestARunIsStartedWithAnIDOfTheSendersChoice(t *testing.T) {
	eachRecords(t, func(r records) {
		id := strings.Repeat("0123456789abcdef", 2)
		body := `{"experiment": "offline", "name": "first", "started_at": "2026-01-02T03:04:05.678Z", "tags": {"team": "blue"}}`
		for range 2 {
			var run tracking.Run
			r.call("PUT", "runs/"+id, body, &run)
			if run.ID != id || run.Name != "first" || run.ExperimentName != "offline" || run.User != "ada" || run.Tags["team"] != "blue" || run.StartedAt.UnixMilli() != 1767323045678 {
				t.Errorf("run is %+v", run)
			}
		}
		for path, want := range map[string]struct {
			body   string
			status int
		}{
			"runs/" + id:                    {`{"started_at": "2026-01-02T03:04:06Z"}`, http.StatusConflict},
			"runs/a-job":                    {`{}`, http.StatusBadRequest},
			"runs/" + strings.ToUpper(id):   {`{}`, http.StatusBadRequest},
			"runs/" + id[1:] + "e":          {`{"user": "eve"}`, http.StatusBadRequest},
			"runs/" + id + "/artifacts":     {`{"path": "x", "sha256": "../../etc/passwd"}`, http.StatusBadRequest},
			"runs/" + id[1:] + "/artifacts": {`{"path": "x", "sha256": "` + strings.Repeat("0", 64) + `"}`, http.StatusNotFound},
		} {
			if answer, text := r.send("PUT", path, want.body); answer.StatusCode != want.status {
				t.Errorf("PUT %s: %d %s, want %d", path, answer.StatusCode, text, want.status)
			}
		}
	})
}
