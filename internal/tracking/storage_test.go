package tracking_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
)

func (b bench) upload(run, path, content string) {
	b.t.Helper()
	b.must(b.Upload(b.ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run}, path, strings.NewReader(content)))
}

func TestStorage(t *testing.T) {
	each(t, func(b bench) {
		x1, x2 := b.run(tracking.NewRun{ID: "x1", Name: "x1", Experiment: "x"}), b.run(tracking.NewRun{ID: "x2", Name: "x2", Experiment: "x"})
		y := b.run(tracking.NewRun{ID: "y", Name: "y", Experiment: "y"})
		b.upload(x1.ID, "a", "everywhere")
		b.upload(x1.ID, "twice", "everywhere")
		b.upload(x2.ID, "b", "everywhere")
		b.upload(y.ID, "c", "everywhere") // 10 bytes, in both experiments
		b.upload(x1.ID, "d", "in x")
		b.upload(x2.ID, "d", "in x")      // 4 bytes, in one
		b.upload(x2.ID, "e", "x2 only")   // 7 bytes, in one run
		b.upload(y.ID, "held", "version") // 7 bytes, and a version has them
		model, err := b.CreateLoggedModel(b.ctx, ws, tracking.NewLoggedModel{ExperimentID: y.ExperimentID, Name: "m", SourceRunID: y.ID})
		b.must(err)
		b.must(b.Upload(b.ctx, ws, tracking.Owner{Kind: tracking.LoggedModelArtifact, ID: model.ID}, "w", strings.NewReader("weights")))
		b.must(b.Log(b.ctx, ws, y.ID, tracking.Batch{Metrics: []tracking.Metric{metric("loss", 1, 0, 0)}}))
		b.must(b.Delete(b.ctx, ws, x2.ID))
		b.HeldBy(func(_ context.Context, _ *sqldb.Tx, _ string, found func(blob.Reference)) error {
			sum := sha256.Sum256([]byte("version"))
			found(blob.Reference{Hash: blob.Hash(hex.EncodeToString(sum[:]))})
			return nil
		})
		got, err := b.StorageOf(b.ctx, ws, "", 2)
		b.must(err)
		metrics := got.MetricBytes
		if metrics == 0 {
			t.Error("points take no room")
		}
		x := tracking.StorageUse{Runs: 2, Files: 6, Bytes: 45, UniqueBytes: 11, SharedBytes: 10}
		inY := tracking.StorageUse{Runs: 1, Files: 3, Bytes: 24, UniqueBytes: 7, SharedBytes: 17, MetricBytes: metrics}
		want := tracking.Storage{
			StorageUse: tracking.StorageUse{Runs: 3, Files: 9, Bytes: 69, UniqueBytes: 28, SharedBytes: 7, MetricBytes: metrics},
			Experiments: []tracking.ExperimentStorage{
				{Name: "x", LifecycleStage: "active", StorageUse: x},
				{Name: "y", LifecycleStage: "active", StorageUse: inY},
				{Name: "Default", LifecycleStage: "active"},
			},
			LargestRuns: []tracking.RunStorage{
				{ID: "y", Name: "y", LifecycleStage: "active", StorageUse: inY},
				{ID: "x1", Name: "x1", LifecycleStage: "active", StorageUse: tracking.StorageUse{Runs: 1, Files: 3, Bytes: 24, SharedBytes: 14}},
			},
		}
		ids := cmpopts.IgnoreFields(tracking.ExperimentStorage{}, "ID")
		if diff := cmp.Diff(want, got, ids, cmpopts.IgnoreFields(tracking.RunStorage{}, "ExperimentID"), cmpopts.IgnoreFields(tracking.Storage{}, "MadeAt"), cmpopts.SortSlices(func(a, b tracking.ExperimentStorage) bool { return a.Name < b.Name })); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		got, err = b.StorageOf(b.ctx, ws, x1.ExperimentID, 100)
		b.must(err)
		if len(got.Experiments) != 1 || len(got.LargestRuns) != 2 || got.StorageUse != x {
			t.Errorf("of one experiment: %+v", got)
		}
		run, err := b.RunStorage(b.ctx, ws, x2.ID)
		b.must(err)
		if use := (tracking.StorageUse{Runs: 1, Files: 3, Bytes: 21, UniqueBytes: 7, SharedBytes: 14}); run.StorageUse != use || run.LifecycleStage != tracking.Deleted {
			t.Errorf("of a deleted run: %+v", run)
		}
		_, err = b.RunStorage(b.ctx, "two", x2.ID)
		b.refused(err, atelier.NotFound, "x2")
		other, err := b.StorageOf(b.ctx, "two", "", 10)
		b.must(err)
		if other.StorageUse != (tracking.StorageUse{}) {
			t.Errorf("another workspace: %+v", other)
		}
	})
}
