package model_test

import (
	"testing"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/model"
)

func TestModelsAreDatedBack(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(map[string]string{"model/MLmodel": mlmodel})
		v := b.register(model.Register{Name: "net", Path: "runs:/" + run.ID + "/model"})
		made, changed := time.UnixMilli(1_600_000_000_123).UTC(), time.UnixMilli(1_600_000_000_456).UTC()
		later := v.CreatedAt.Add(time.Hour)
		times := model.ImportTimes{Name: "net", Times: model.Times{CreatedAt: &made, UpdatedAt: &changed},
			Versions: map[string]model.Times{"1": {CreatedAt: &made, UpdatedAt: &changed}}}
		for range 2 {
			m, err := b.ImportTimes(b.ctx, ws, times)
			b.must(err)
			version, err := b.Version(b.ctx, ws, "net", "1")
			b.must(err)
			if !m.CreatedAt.Equal(made) || !m.UpdatedAt.Equal(changed) || !version.CreatedAt.Equal(made) || !version.UpdatedAt.Equal(changed) {
				t.Errorf("model %v, %v; version %v, %v", m.CreatedAt, m.UpdatedAt, version.CreatedAt, version.UpdatedAt)
			}
			times.Times, times.Versions = model.Times{CreatedAt: &later, UpdatedAt: &later}, nil // nothing becomes younger
		}
		before := time.UnixMilli(-1)
		_, err := b.ImportTimes(b.ctx, ws, model.ImportTimes{Name: "net", Versions: map[string]model.Times{"1": {UpdatedAt: &before}}})
		b.refused(err, atelier.Invalid, "cannot have been made")
		_, err = b.ImportTimes(b.ctx, ws, model.ImportTimes{Name: "nothing"})
		b.refused(err, atelier.NotFound, "nothing")
		_, err = b.ImportTimes(b.ctx, ws, model.ImportTimes{Name: "net", Versions: map[string]model.Times{"2": {CreatedAt: &made}}})
		b.refused(err, atelier.NotFound, "2")
		_, err = b.ImportTimes(b.ctx, "two", times)
		b.refused(err, atelier.NotFound, "net")
		job := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.JobActor, ID: "job-1"})
		_, err = b.ImportTimes(job, ws, times)
		b.refused(err, atelier.Forbidden, "job")
	})
}
