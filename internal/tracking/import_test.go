package tracking_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// past is a run that happened elsewhere, in an experiment that is here.
func (b bench) past() tracking.ImportRun {
	b.t.Helper()
	experiment, err := b.CreateExperiment(b.ctx, ws, tracking.NewExperiment{Name: "old"})
	b.must(err)
	started, ended := time.UnixMilli(1234).UTC(), time.UnixMilli(5678).UTC()
	return tracking.ImportRun{ID: strings.Repeat("a", 32), ExperimentID: experiment.ID, Name: "first", User: "grace", Status: tracking.Failed,
		StartedAt: started, EndedAt: &ended, Params: map[string]string{"lr": "0.1"}, Tags: map[string]string{"team": "blue"},
		Models: []tracking.ImportModel{{ID: "m-" + strings.Repeat("b", 32), Name: "model", Status: tracking.ModelReady, CreatedAt: started, UpdatedAt: ended}}}
}

func TestImportedRunIsWhatItWasElsewhere(t *testing.T) {
	each(t, func(b bench) {
		past := b.past()
		for range 2 { // again changes nothing
			got, err := b.Import(b.ctx, ws, past)
			b.must(err)
			if got.ID != past.ID || got.User != "grace" || got.Name != "first" || got.Status != tracking.Failed || !got.StartedAt.Equal(past.StartedAt) || !got.EndedAt.Equal(*past.EndedAt) {
				t.Errorf("run is %+v", got)
			}
			if diff := cmp.Diff(map[string]string{"team": "blue", tracking.TagRunName: "first"}, got.Tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		}
		b.must(b.Log(b.ctx, ws, past.ID, tracking.Batch{Metrics: []tracking.Metric{metric("loss", 1, 0, 1), metric("loss", 2, 1, 2)}}))
		b.must(b.Upload(b.ctx, ws, tracking.Owner{Kind: tracking.LoggedModelArtifact, ID: past.Models[0].ID}, "MLmodel", strings.NewReader("flavors: {}")))
		contents, err := b.Contents(b.ctx, ws, past.ID)
		b.must(err)
		if contents.Points["loss"] != 2 || len(contents.Models) != 1 || len(contents.Models[0].Files) != 1 || len(contents.Files) != 0 {
			t.Errorf("contents are %+v", contents)
		}
	})
}

func TestImportBringsARunUpToDate(t *testing.T) {
	each(t, func(b bench) {
		past := b.past()
		past.Status, past.EndedAt = tracking.Running, nil
		_, err := b.Import(b.ctx, ws, past)
		b.must(err)
		ended := time.UnixMilli(9999).UTC()
		past.Status, past.EndedAt, past.Tags["team"], past.Params["depth"] = tracking.Finished, &ended, "red", "3"
		got, err := b.Import(b.ctx, ws, past)
		b.must(err)
		if got.Status != tracking.Finished || got.EndedAt == nil || got.Tags["team"] != "red" || got.Params["depth"] != "3" {
			t.Errorf("run is %+v", got)
		}
		past.Params["lr"] = "0.2"
		_, err = b.Import(b.ctx, ws, past)
		b.refused(err, atelier.Invalid, "Changing param values is not allowed")
	})
}

func TestImportTouchesNoRunOfOthers(t *testing.T) {
	each(t, func(b bench) {
		past := b.past()
		job := b.run(tracking.NewRun{ID: "a-job", ExperimentID: past.ExperimentID, Job: true})
		stolen := past
		stolen.ID = job.ID
		_, err := b.Import(b.ctx, ws, stolen)
		b.refused(err, atelier.Conflict, "another run")

		elsewhere := b.run(tracking.NewRun{ID: strings.Repeat("c", 32)})
		stolen.ID = elsewhere.ID
		_, err = b.Import(b.ctx, ws, stolen)
		b.refused(err, atelier.Conflict, "another run")

		token := atelier.WithActor(b.ctx, atelier.Actor{Kind: atelier.JobActor, ID: "a-job", Name: "a-job"})
		_, err = b.Import(token, ws, past)
		b.refused(err, atelier.Forbidden, "import a run")

		for _, id := range []string{"", "../up", "a/b", strings.Repeat("x", 300)} {
			bad := past
			bad.ID = id
			if _, err := b.Import(b.ctx, ws, bad); atelier.CodeOf(err) != atelier.Invalid {
				t.Errorf("id %.20q: error %v", id, err)
			}
		}
		_, err = b.Import(b.ctx, "two", past)
		b.refused(err, atelier.NotFound, "No Experiment")
		_, err = b.Contents(b.ctx, "two", job.ID)
		b.refused(err, atelier.NotFound, "not found")
	})
}
