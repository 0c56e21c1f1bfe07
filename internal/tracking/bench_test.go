package tracking_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
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

// manyRuns fills a workspace by SQL: experiments of 1,000 runs, each with 5 files,
// of which one is the same in all runs, and 2 metrics.
func manyRuns(b *testing.B, db *sqldb.DB, runs int) {
	b.Helper()
	do := func(query string, args ...any) {
		err := db.Write(b.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(b.Context(), query, args...)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2) `
	do(numbers+`INSERT INTO experiments (workspace_id, id, name, lifecycle_stage, artifact_location, created_at, updated_at)
		SELECT $1, 'e' || i, 'e' || i, 'active', '', 0, 0 FROM n`, ws, runs/1000)
	do(numbers+`INSERT INTO runs (workspace_id, id, experiment_id, name, status, lifecycle_stage, user_name, claimed_user, artifact_uri,
			is_job, owner_job, started_at, ended_at)
		SELECT $1, printf('%032x', i), 'e' || (1 + i % $3), 'r' || i, 'FINISHED', 'active', '', '', '', FALSE, '', i, i FROM n`, ws, runs, runs/1000)
	do(numbers+`INSERT INTO artifacts (workspace_id, owner_kind, owner_id, path, hash, size, created_at, experiment_id)
		SELECT $1, 'run', printf('%032x', i), 'file-' || f.f, printf('%08x%056x', CASE f.f WHEN 0 THEN 0 ELSE (i * 10 + f.f) * 2654435761 % 4294967296 END, f.f), 1000, 0, 'e' || (1 + i % $3)
		FROM n, (SELECT 0 AS f UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) AS f`, ws, runs, runs/1000)
	do(numbers+`INSERT INTO latest_metrics (workspace_id, run_id, key, series_id, experiment_id, timestamp_ms, step, value, is_nan, last_chunk, small_chunks)
		SELECT $1, printf('%032x', 1 + i / 2), 'm' || (i % 2), i, 'e' || (1 + (1 + i / 2) % $3), 0, 0, i, FALSE, 1, 1 FROM n`, ws, 2*runs-1, runs/1000)
	do(numbers+`INSERT INTO metric_chunks (workspace_id, series_id, level, number, points, first_time, first_step, last_time, last_step, min_step, max_step, summary, data)
		SELECT $1, i, 0, 1, 100, 0, 0, 0, 0, 0, 0, x'', zeroblob(300) FROM n`, ws, 2*runs-1)
}

func BenchmarkStorageOf100000Runs(b *testing.B) {
	db := sqldbtest.SQLite(b, clock.System{})
	blobs, err := blob.OpenDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	makeWorkspaces(b, db, ws)
	s := tracking.New(db, blobs, event.NewBus())
	if _, err := s.StartRun(b.Context(), ws, tracking.NewRun{}); err != nil {
		b.Fatal(err)
	}
	manyRuns(b, db, 100_000)
	for name, do := range map[string]func(ctx context.Context) error{
		"workspace":  func(ctx context.Context) error { _, err := s.StorageOf(ctx, ws, "", 10); return err },
		"list":       func(ctx context.Context) error { _, err := s.StorageOf(ctx, ws, "", 0); return err },
		"experiment": func(ctx context.Context) error { _, err := s.StorageOf(ctx, ws, "e7", 10); return err },
		"run":        func(ctx context.Context) error { _, err := s.RunStorage(ctx, ws, fmt.Sprintf("%032x", 7)); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := do(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
