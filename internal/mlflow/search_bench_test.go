package mlflow_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// populate makes an experiment of count runs, each with 5 metrics, 6 params and 4
// tags, in a random order of values, and returns its id. The loss is from 0 to 1.
func (h house) populate(b *testing.B, ws string, count int) string {
	experiment, err := h.runs.CreateExperiment(b.Context(), ws, tracking.NewExperiment{Name: "many"})
	if err != nil {
		b.Fatal(err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	numbers := make(chan int)
	var writers sync.WaitGroup
	for range 32 {
		writers.Go(func() {
			for i := range numbers {
				began := start.Add(time.Duration(i) * time.Second)
				run, err := h.runs.StartRun(b.Context(), ws, tracking.NewRun{ExperimentID: experiment.ID, StartedAt: &began, Tags: map[string]string{
					"mlflow.user": "ada", "mlflow.source.name": "train.py", "group": fmt.Sprint("g", i%7)}})
				if err == nil {
					err = h.runs.Log(b.Context(), ws, run.ID, results(i))
				}
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range count {
		numbers <- i
	}
	close(numbers)
	writers.Wait()
	return experiment.ID
}

// results are what the i-th run logs.
func results(i int) tracking.Batch {
	random := rand.New(rand.NewPCG(1, uint64(i)))
	var batch tracking.Batch
	for _, key := range []string{"loss", "accuracy", "rmse", "f1", "seconds"} {
		batch.Metrics = append(batch.Metrics, tracking.Metric{Sample: series.Sample{Key: key,
			Point: series.Point{Timestamp: 1_700_000_000_000, Step: int64(i % 100), Value: series.Value(random.Float64())}}})
	}
	for k, key := range []string{"model", "learning_rate", "batch_size", "optimizer", "depth", "seed"} {
		batch.Params = append(batch.Params, tracking.Pair{Key: key, Value: fmt.Sprint("v", random.IntN(1+k*k*k*k))})
	}
	return batch
}

var searches = []struct{ name, body string }{
	{"best 100", `"order_by": ["metrics.loss ASC"], "max_results": 100`},
	{"best 1000", `"order_by": ["metrics.loss ASC"], "max_results": 1000`},
	{"newest 100", `"max_results": 100`},
	{"filter by a third of a metric", `"filter": "metrics.loss < 0.3", "max_results": 100`},
	{"filter by a rare metric", `"filter": "metrics.loss < 0.001", "max_results": 100`},
	{"filter by no metric", `"filter": "metrics.loss < 0", "max_results": 100`},
	{"filter and order by metrics", `"filter": "metrics.loss < 0.3 AND metrics.accuracy > 0.7", "order_by": ["metrics.rmse DESC"], "max_results": 100`},
	{"filter and order by a metric", `"filter": "metrics.loss > 0.9", "order_by": ["metrics.loss ASC"], "max_results": 100`},
	{"filter by a param", `"filter": "params.learning_rate = 'v1'", "max_results": 100`},
	{"filter by a rare param", `"filter": "params.seed = 'v77'", "max_results": 100`},
	{"filter by a param and a metric", `"filter": "params.seed = 'v7' AND metrics.loss < 0.5", "order_by": ["metrics.loss ASC"], "max_results": 100`},
	{"filter by a pattern", `"filter": "params.seed LIKE '%77'", "max_results": 100`},
	{"filter by a tag", `"filter": "tags.group = 'g3'", "max_results": 100`},
	{"order by a param", `"order_by": ["params.seed DESC"], "max_results": 100`},
	{"order by a name", `"order_by": ["run_name ASC"], "max_results": 100`},
}

// BenchmarkSearch asks over HTTP for pages of runs, and for single runs.
func BenchmarkSearch(b *testing.B) {
	for _, count := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("%d runs", count), func(b *testing.B) { benchmarkSearch(b, count) })
	}
}

func benchmarkSearch(b *testing.B, count int) {
	db, err := sqldb.Open(b.Context(), filepath.Join(b.TempDir(), "atelier.db"), clock.System{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	h := newHouse(b, db)
	ws, err := h.workspaces.Get(b.Context(), workspace.Default)
	if err != nil {
		b.Fatal(err)
	}
	experiment := h.populate(b, ws.ID, count)
	body := func(rest string) string { return fmt.Sprintf(`{"experiment_ids": [%q], %s}`, experiment, rest) }
	for _, search := range searches {
		b.Run(search.name, func(b *testing.B) { h.measure(b, 1, "POST", "runs/search", body(search.body)) })
	}
	b.Run("best 100, 16 clients", func(b *testing.B) { h.measure(b, 16, "POST", "runs/search", body(searches[0].body)) })
	b.Run("walk through all", func(b *testing.B) {
		for b.Loop() {
			token := ""
			for {
				_, text := h.get(b, "POST", "runs/search", body(fmt.Sprintf(`"order_by": ["metrics.loss ASC"], "max_results": 1000, "page_token": %q`, token)))
				var page struct {
					Token string `json:"next_page_token"`
				}
				if err := json.Unmarshal(text, &page); err != nil {
					b.Fatal(err)
				}
				if token = page.Token; token == "" {
					break
				}
			}
		}
	})
	found, err := h.runs.SearchRuns(b.Context(), ws.ID, tracking.Search{Experiments: []string{experiment}, MaxResults: 1})
	if err != nil {
		b.Fatal(err)
	}
	one, wide := found.Items[0].ID, h.wide(b, ws.ID)
	b.Run("get a run", func(b *testing.B) { h.measure(b, 1, "GET", "runs/get?run_id="+one, "") })
	b.Run("get a run, 16 clients", func(b *testing.B) { h.measure(b, 16, "GET", "runs/get?run_id="+one, "") })
	b.Run("get a run of 1000 metrics", func(b *testing.B) { h.measure(b, 1, "GET", "runs/get?run_id="+wide, "") })
}

// wide makes a run of 1000 metrics.
func (h house) wide(b *testing.B, ws string) string {
	run, err := h.runs.StartRun(b.Context(), ws, tracking.NewRun{})
	if err != nil {
		b.Fatal(err)
	}
	var batch tracking.Batch
	for i := range 1000 {
		batch.Metrics = append(batch.Metrics, tracking.Metric{Sample: series.Sample{Key: fmt.Sprint("metric_", i),
			Point: series.Point{Timestamp: 1_700_000_000_000, Value: series.Value(float64(i) / 7)}}})
	}
	if err := h.runs.Log(b.Context(), ws, run.ID, batch); err != nil {
		b.Fatal(err)
	}
	return run.ID
}

// measure repeats a request and reports what half of the answers took at most.
func (h house) measure(b *testing.B, clients int, method, path, body string) {
	var mu sync.Mutex
	var took []time.Duration
	before := processorTime()
	b.SetParallelism((clients + 1) / 2)
	ask := func() {
		began := time.Now()
		h.get(b, method, path, body)
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(began))
	}
	if clients == 1 {
		for b.Loop() {
			ask()
		}
	} else {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				ask()
			}
		})
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric((processorTime()-before)*1e3/float64(len(took)), "cpu-ms/op")
}

func (h house) get(b *testing.B, method, path, body string) (int, []byte) {
	req, err := http.NewRequestWithContext(b.Context(), method, h.url+"/api/2.0/mlflow/"+path, strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", "application/json")
	answer, err := h.client.Do(req)
	if err != nil {
		b.Error(err)
		return 0, nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		b.Errorf("%d %s %v", answer.StatusCode, text, err)
	}
	return answer.StatusCode, text
}
