package mlflow_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// training makes the bodies of log-batches of one run: 10 metrics, 100 steps in each.
type training struct {
	run    string
	step   int
	random *rand.Rand
}

func (s *training) body() []byte {
	body := fmt.Appendf(nil, `{"run_id": "%s", "metrics": [`, s.run)
	for i := range 1000 {
		if i > 0 {
			body = append(body, ", "...)
		}
		step := s.step + i/10
		body = fmt.Appendf(body, `{"key": "metric_%d", "value": %v, "timestamp": %d, "step": %d}`,
			i%10, float64(float32(s.random.NormFloat64()/10+1/(1+float64(step)/1000))), 1_700_000_000_000+int64(step)*100, step)
	}
	s.step += 100
	return append(body, "]}"...)
}

// BenchmarkLogBatch sends batches of 1,000 points over HTTP, each client to a run
// of its own, and waits for each answer: every point of it is durable then.
func BenchmarkLogBatch(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d clients", clients), func(b *testing.B) { benchmarkLogBatch(b, clients) })
	}
}

// BenchmarkLogMetric sends one point in each call, each client to a run of its own.
func BenchmarkLogMetric(b *testing.B) {
	benchmarkCalls(b, "runs/log-metric", func(run string, i int) []byte {
		return fmt.Appendf(nil, `{"run_id": "%s", "key": "loss", "value": %v, "timestamp": %d, "step": %d}`,
			run, 1/float64(i+1), 1_700_000_000_000+100*i, i)
	})
}

// BenchmarkCreateRun makes runs.
func BenchmarkCreateRun(b *testing.B) {
	benchmarkCalls(b, "runs/create", func(_ string, i int) []byte {
		return fmt.Appendf(nil, `{"experiment_id": "0", "run_name": "run-%d", "start_time": %d, "tags": [{"key": "mlflow.user", "value": "ada"}]}`,
			i, 1_700_000_000_000+i)
	})
}

// benchmarkCalls has clients, each with a run of its own, send small bodies and
// wait for each answer.
func benchmarkCalls(b *testing.B, path string, body func(run string, i int) []byte) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d clients", clients), func(b *testing.B) {
			db, err := sqldb.Open(b.Context(), filepath.Join(b.TempDir(), "atelier.db"), clock.System{})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			h := newHouse(b, db)
			runs := make([]string, clients)
			for i := range runs {
				runs[i] = h.run(`{"experiment_id": "0"}`)
			}
			transport := &http.Transport{MaxIdleConnsPerHost: clients}
			defer transport.CloseIdleConnections()
			working, stop := context.WithCancel(b.Context())
			finished := make(chan error, 1)
			go func() { finished <- h.runs.Compact(working, clock.System{}) }()
			before := processorTime()
			b.ResetTimer()
			var sent atomic.Int64
			var group sync.WaitGroup
			for _, run := range runs {
				group.Go(func() {
					for i := sent.Add(1); i <= int64(b.N); i = sent.Add(1) {
						post(b, transport, h, path, body(run, int(i)))
					}
				})
			}
			group.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			b.ReportMetric((processorTime()-before)*1e6/float64(b.N), "cpu-µs/call")
			stop()
			if err := <-finished; err != nil {
				b.Fatal(err)
			}
		})
	}
}

func benchmarkLogBatch(b *testing.B, clients int) {
	folder := b.TempDir()
	db, err := sqldb.Open(b.Context(), filepath.Join(folder, "atelier.db"), clock.System{})
	if err != nil {
		b.Fatal(err)
	}
	h := newHouse(b, db)
	bodies := make([][][]byte, clients)
	for i := range clients {
		run := h.call("POST", "/api/2.0/mlflow/runs/create", `{"experiment_id": "0"}`)
		s := &training{run: at(run, "run", "info", "run_id").(string), random: rand.New(rand.NewPCG(uint64(i), 0))}
		for range (b.N + clients - 1) / clients {
			bodies[i] = append(bodies[i], s.body())
		}
	}
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	var sent atomic.Int64
	var group sync.WaitGroup
	working, stop := context.WithCancel(b.Context())
	finished := make(chan error, 1)
	go func() { finished <- h.runs.Compact(working, clock.System{}) }()
	before := processorTime()
	b.ResetTimer()
	for i := range clients {
		group.Go(func() {
			for _, body := range bodies[i] {
				post(b, transport, h, "runs/log-batch", body)
				sent.Add(1000)
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(sent.Load())/b.Elapsed().Seconds(), "points/s")
	b.ReportMetric((processorTime()-before)*1e9/float64(sent.Load()), "cpu-ns/point")
	stop()
	if err := <-finished; err != nil {
		b.Fatal(err)
	}
	if err := h.runs.CompactAll(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil { // moves what is in the log to its place
		b.Fatal(err)
	}
	size := int64(0)
	for _, name := range []string{"atelier.db", "atelier.db-wal"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err == nil {
			size += info.Size()
		}
	}
	b.ReportMetric(float64(size)/float64(sent.Load()), "disk-B/point")
}

// BenchmarkHistory reads all of 100,000 points of one metric over HTTP.
func BenchmarkHistory(b *testing.B) {
	db, err := sqldb.Open(b.Context(), filepath.Join(b.TempDir(), "atelier.db"), clock.System{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	h := newHouse(b, db)
	run := h.call("POST", "/api/2.0/mlflow/runs/create", `{"experiment_id": "0"}`)
	id := at(run, "run", "info", "run_id").(string)
	s := &training{run: id, random: rand.New(rand.NewPCG(1, 0))}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for range 1000 {
		post(b, transport, h, "runs/log-batch", s.body())
	}
	if err := h.runs.CompactAll(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), "GET", h.url+"/api/2.0/mlflow/metrics/get-history?metric_key=metric_0&run_id="+id, nil)
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+h.token)
		answer, err := transport.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, answer.Body); n < 100_000*80 || err != nil {
			b.Fatal(n, err)
		}
		answer.Body.Close()
	}
}

// processorTime is the seconds that this process computed, client and server both.
func processorTime() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func post(b *testing.B, transport *http.Transport, h house, path string, body []byte) {
	req, err := http.NewRequestWithContext(b.Context(), "POST", h.url+api+path, bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", "application/json")
	answer, err := transport.RoundTrip(req)
	if err != nil {
		b.Error(err)
		return
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != 200 {
		b.Errorf("%d %s", answer.StatusCode, text)
	}
}
