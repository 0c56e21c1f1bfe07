package tracking_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// fullRun is a run with everything that a run can have.
func (b bench) fullRun() (run tracking.Run, model tracking.LoggedModel) {
	b.t.Helper()
	run = b.run(tracking.NewRun{Experiment: "vision", Tags: map[string]string{"team": "vision"}})
	model, err := b.CreateLoggedModel(b.ctx, ws, tracking.NewLoggedModel{ExperimentID: run.ExperimentID, Name: "forest", SourceRunID: run.ID,
		Params: pairs("n", "3"), Tags: pairs("a", "b")})
	b.must(err)
	measured := metric("acc", 0.9, 0, 0)
	measured.ModelID = model.ID
	b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Params: pairs("lr", "0.1"), Metrics: []tracking.Metric{metric("loss", 1, 0, 0), measured}}))
	b.must(b.AddInputs(b.ctx, ws, run.ID, []tracking.Input{{Name: "data", Digest: "d", SourceType: "http", Source: "x"}}, nil))
	b.must(b.AddOutputs(b.ctx, ws, run.ID, []tracking.ModelLink{{ModelID: model.ID, Step: 1}}))
	b.must(b.Upload(b.ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}, "a.txt", strings.NewReader("of "+run.ID)))
	b.must(b.Upload(b.ctx, ws, tracking.Owner{Kind: tracking.LoggedModelArtifact, ID: model.ID}, "w.bin", strings.NewReader("of "+model.ID)))
	return run, model
}

// rows counts what the database holds of the workspace, by table.
func (b bench) rows() map[string]int {
	b.t.Helper()
	counts := map[string]int{}
	for _, table := range []string{"runs", "run_params", "run_tags", "metric_chunks", "latest_metrics", "run_datasets", "run_models",
		"artifacts", "logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics"} {
		b.must(b.db.Read(b.ctx, func(tx *sqldb.Tx) error {
			var n int
			err := tx.QueryRow(b.ctx, `SELECT COUNT(*) FROM `+table+` WHERE workspace_id = $1`, ws).Scan(&n)
			counts[table] = n
			return err
		}))
	}
	return counts
}

func (b bench) purge(before time.Duration, dryRun bool) tracking.Purged {
	b.t.Helper()
	done, err := b.Purge(b.ctx, ws, tracking.Purge{DeletedBefore: time.Now().Add(before), DryRun: dryRun})
	b.must(err)
	return done
}

func TestPurgeRemovesEverythingOfARun(t *testing.T) {
	each(t, func(b bench) {
		b.fullRun()
		others := b.rows()
		for table, n := range others {
			if n == 0 {
				t.Fatalf("the test puts nothing into %s", table)
			}
		}
		doomed, _ := b.fullRun()
		all := b.rows()
		use, err := b.RunStorage(b.ctx, ws, doomed.ID)
		b.must(err)
		b.must(b.Delete(b.ctx, ws, doomed.ID))

		for _, step := range []struct {
			name   string
			before time.Duration
			dryRun bool
			want   tracking.Purged
			rows   map[string]int
		}{
			{"deleted just now", -time.Hour, false, tracking.Purged{}, all},
			{"dry run", time.Hour, true, tracking.Purged{DryRun: true, Runs: 1, LoggedModels: 1, Objects: 2, Bytes: 72, MetricBytes: use.MetricBytes}, all},
			{"purge", time.Hour, false, tracking.Purged{Runs: 1, LoggedModels: 1, Objects: 2, Bytes: 72, MetricBytes: use.MetricBytes}, others},
			{"again", time.Hour, false, tracking.Purged{}, others},
		} {
			if diff := cmp.Diff(step.want, b.purge(step.before, step.dryRun)); diff != "" {
				t.Errorf("%s: %s", step.name, diff)
			}
			if diff := cmp.Diff(step.rows, b.rows()); diff != "" {
				t.Errorf("%s: rows (-want +got):\n%s", step.name, diff)
			}
		}
		b.refused(b.Restore(b.ctx, ws, doomed.ID), atelier.NotFound, "not found")
	})
}

func TestPurgeSparesWhatWasRestored(t *testing.T) {
	each(t, func(b bench) {
		run, _ := b.fullRun()
		b.must(b.DeleteExperiment(b.ctx, ws, run.ExperimentID))
		b.must(b.RestoreExperiment(b.ctx, ws, run.ExperimentID))
		if done := b.purge(time.Hour, false); done.Runs != 0 {
			t.Errorf("purged %+v", done)
		}
		b.must(b.DeleteExperiment(b.ctx, ws, run.ExperimentID))
		if done := b.purge(time.Hour, false); done.Runs != 1 {
			t.Errorf("purged %+v of a deleted experiment, want its run", done)
		}
	})
}

// A logged model that another run knows outlives the run that made it.
func TestPurgeSparesModelsThatOthersUse(t *testing.T) {
	each(t, func(b bench) {
		maker, model := b.fullRun()
		reader := b.run(tracking.NewRun{})
		b.must(b.AddInputs(b.ctx, ws, reader.ID, nil, []tracking.ModelLink{{ModelID: model.ID}}))
		b.must(b.Delete(b.ctx, ws, maker.ID))
		if done := b.purge(time.Hour, false); done.Runs != 1 || done.LoggedModels != 0 {
			t.Errorf("purged %+v", done)
		}
		_, _, err := b.Open(b.ctx, ws, tracking.Owner{Kind: tracking.LoggedModelArtifact, ID: model.ID}, "w.bin")
		b.must(err)
		b.must(b.DeleteLoggedModel(b.ctx, ws, model.ID))
		if done := b.purge(time.Hour, false); done.LoggedModels != 1 {
			t.Errorf("purged %+v, want the deleted model", done)
		}
	})
}

func TestPurgeMayBeRefused(t *testing.T) {
	each(t, func(b bench) {
		run, _ := b.fullRun()
		b.must(b.Delete(b.ctx, ws, run.ID))
		b.OnPurge(func(_ context.Context, _ *sqldb.Tx, _, id string) error {
			return atelier.Errorf(atelier.Precondition, "The job %s still ends.", id)
		}, nil)
		before := b.rows()
		for _, dryRun := range []bool{true, false} {
			want := tracking.Purged{DryRun: dryRun, Kept: 1, Reasons: []tracking.Kept{{ID: run.ID, Name: run.Name, Reason: "The job " + run.ID + " still ends."}}}
			if diff := cmp.Diff(want, b.purge(time.Hour, dryRun)); diff != "" {
				t.Error(diff)
			}
		}
		if diff := cmp.Diff(before, b.rows()); diff != "" {
			t.Error(diff)
		}
		job := atelier.WithActor(b.ctx, atelier.Actor{Kind: atelier.JobActor, ID: run.ID})
		_, err := b.Purge(job, ws, tracking.Purge{DeletedBefore: time.Now()})
		b.refused(err, atelier.Forbidden, "may not remove runs for good")
		_, err = b.Purge(b.ctx, ws, tracking.Purge{})
		b.refused(err, atelier.Invalid, "deleted_before")
	})
}

// A dataset that was uploaded is needed as long as a run names it.
func TestReferencesOfDatasets(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		tree := strings.Repeat("ab", 32)
		source := `{"uri":"azureml://datastores/workspaceblobstore/paths/LocalUpload/` + tree + `/data"}`
		b.must(b.AddInputs(b.ctx, ws, run.ID, []tracking.Input{{Name: "data", Digest: "d", SourceType: "local", Source: source}}, nil))
		var found []blob.Reference
		b.must(b.db.Read(b.ctx, func(tx *sqldb.Tx) error {
			return tracking.References(b.ctx, tx, ws, func(r blob.Reference) { found = append(found, r) })
		}))
		if diff := cmp.Diff([]blob.Reference{{Hash: blob.Hash(tree), Tree: true}}, found); diff != "" {
			t.Error(diff)
		}
	})
}
