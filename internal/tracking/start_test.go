package tracking_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/tracking"
)

func TestARunWithAChosenIDIsStartedOnce(t *testing.T) {
	each(t, func(b bench) {
		at := time.UnixMilli(1700000000123)
		n := tracking.NewRun{ID: strings.Repeat("a", 32), Experiment: "e", Name: "first", StartedAt: &at, Tags: map[string]string{"team": "blue"}}
		first := b.run(n)
		again := b.run(n)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("the second start answers (-first +second):\n%s", diff)
		}
		name := "renamed"
		_, err := b.Update(b.ctx, ws, n.ID, tracking.UpdateRun{Name: &name, Tags: map[string]*string{"team": nil}})
		b.must(err)
		if late := b.run(n); late.Name != "renamed" || late.Tags["team"] != "" {
			t.Errorf("a late repetition undid what came after: %+v", late)
		}

		later := at.Add(time.Second)
		n.StartedAt = &later
		_, err = b.StartRun(b.ctx, ws, n)
		b.refused(err, atelier.Conflict, "another run")
		n.StartedAt = &at
		stranger := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: "u2", Name: "bob"})
		_, err = b.StartRun(stranger, ws, n)
		b.refused(err, atelier.Conflict, "another run")
		job := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.JobActor, ID: "job-1", Name: "ada"})
		_, err = b.StartRun(job, ws, n)
		b.refused(err, atelier.Conflict, "another run")
		elsewhere, err := b.StartRun(b.ctx, "two", n)
		b.must(err)
		if elsewhere.Name != "first" {
			t.Errorf("the other workspace's run is %+v", elsewhere)
		}
		ancient := time.UnixMilli(-1)
		_, err = b.StartRun(b.ctx, ws, tracking.NewRun{ID: strings.Repeat("b", 32), StartedAt: &ancient})
		b.refused(err, atelier.Invalid, "cannot have started")
	})
}

func TestAJobStartsItsRunsOnceAndKeepsOffThoseOfOthers(t *testing.T) {
	each(t, func(b bench) {
		job := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.JobActor, ID: "job-1", Name: "ada"})
		n := tracking.NewRun{ID: strings.Repeat("c", 32)}
		for range 2 {
			run, err := b.StartRun(job, ws, n)
			b.must(err)
			if run.ParentRunID != "job-1" {
				t.Errorf("run is %+v", run)
			}
		}
		other := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.JobActor, ID: "job-2", Name: "ada"})
		_, err := b.StartRun(other, ws, n)
		b.refused(err, atelier.Conflict, "another run")
		if _, err := b.StartRun(b.ctx, ws, n); err != nil {
			t.Errorf("the person who submitted the job may bring what is left of its journal: %v", err)
		}
		made := b.run(tracking.NewRun{ID: "job-3", Job: true})
		_, err = b.StartRun(b.ctx, ws, tracking.NewRun{ID: made.ID})
		b.refused(err, atelier.Conflict, "another run")
	})
}

func TestAFileIsNamedByItsContent(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		b.must(b.Upload(b.ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}, "first.txt", strings.NewReader("content")))
		files, err := b.Files(b.ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}, "")
		b.must(err)
		for range 2 {
			named, err := b.NameArtifact(b.ctx, ws, run.ID, "deep/second.txt", files[0].Hash)
			b.must(err)
			if named.Size != 7 {
				t.Errorf("named %+v", named)
			}
		}
		_, err = b.NameArtifact(b.ctx, ws, run.ID, "x", blob.Hash(strings.Repeat("0", 64)))
		b.refused(err, atelier.NotFound, "no object")
		_, err = b.NameArtifact(b.ctx, "two", run.ID, "x", files[0].Hash)
		b.refused(err, atelier.NotFound, "no object")
		_, err = b.NameArtifact(b.ctx, ws, run.ID, "..%2fx", files[0].Hash)
		b.refused(err, atelier.Invalid, "path")
		_, err = b.NameArtifact(b.ctx, ws, "nobody", "x", files[0].Hash)
		b.refused(err, atelier.NotFound, "nobody")
		stranger := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.JobActor, ID: "job-9", Name: "eve"})
		_, err = b.NameArtifact(stranger, ws, run.ID, "x", files[0].Hash)
		b.refused(err, atelier.Forbidden, "job-9")
	})
}
