package tracking_test

import (
	"fmt"
	"testing"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
)

func newBench(b *testing.B) *tracking.Service {
	db := sqldbtest.SQLite(b, clock.System{})
	blobs, err := blob.OpenDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	makeWorkspaces(b, db, ws)
	return tracking.New(db, blobs, event.NewBus())
}

func BenchmarkLogBatchOf1000Points(b *testing.B) {
	s := newBench(b)
	run, err := s.StartRun(b.Context(), ws, tracking.NewRun{})
	if err != nil {
		b.Fatal(err)
	}
	step := int64(0)
	for b.Loop() {
		var batch tracking.Batch
		for range 1000 {
			batch.Metrics = append(batch.Metrics, metric(fmt.Sprint("m", step%5), float64(step)*0.37, step, step))
			step++
		}
		if err := s.Log(b.Context(), ws, run.ID, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(step)/b.Elapsed().Seconds(), "points/s")
}

func BenchmarkSearchAmong10000Runs(b *testing.B) {
	s := newBench(b)
	for i := range 10_000 {
		run, err := s.StartRun(b.Context(), ws, tracking.NewRun{Experiment: "e"})
		if err != nil {
			b.Fatal(err)
		}
		var batch tracking.Batch
		for k := range 5 {
			batch.Metrics = append(batch.Metrics, metric(fmt.Sprint("m", k), float64((i*7919+k)%10_000), 0, 0))
			batch.Params = append(batch.Params, tracking.Pair{Key: fmt.Sprint("p", k), Value: fmt.Sprint(i % 10)})
		}
		if err := s.Log(b.Context(), ws, run.ID, batch); err != nil {
			b.Fatal(err)
		}
	}
	for name, q := range map[string]tracking.Search{
		"newest":   {Experiments: []string{"1"}, MaxResults: 100},
		"best":     {Experiments: []string{"1"}, MaxResults: 100, OrderBy: []string{"metrics.m0 ASC"}},
		"filtered": {Experiments: []string{"1"}, MaxResults: 100, Filter: "metrics.m0 < 100 AND params.p1 = '3'"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.SearchRuns(b.Context(), ws, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
