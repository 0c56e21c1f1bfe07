package tracking

import (
	"cmp"
	"context"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// DatasetSummary is a dataset that runs of an experiment read.
type DatasetSummary struct {
	ExperimentID, Name, Digest, Context string
}

// AddInputs notes the datasets and logged models that a run read. What was noted
// before is left as it is.
func (s *Service) AddInputs(ctx context.Context, ws, id string, inputs []Input, models []ModelLink) error {
	if len(inputs) > maxDatasets {
		return atelier.Errorf(atelier.Invalid, "A logging request can contain at most %d datasets. Got %d.", maxDatasets, len(inputs)).At("datasets")
	}
	for i := range inputs {
		if err := inputs[i].check(); err != nil {
			return within(err, "datasets", i)
		}
		inputs[i].Context = inputs[i].Tags[TagContext]
	}
	return s.writeRun(ctx, ws, id, event.Run, func(tx *sqldb.Tx, run Run) error {
		if err := mustBeActive(run); err != nil {
			return err
		}
		if err := insertInputs(ctx, tx, ws, run, inputs); err != nil {
			return err
		}
		return linkModels(ctx, tx, ws, id, inputLink, models)
	})
}

func (i Input) check() error {
	for _, part := range []struct {
		field, text string
		limit       int
		required    bool
	}{
		{"dataset.name", i.Name, 500, true}, {"dataset.digest", i.Digest, 36, true},
		{"dataset.source_type", i.SourceType, 500, true}, {"dataset.source", i.Source, 65_535, true},
		{"dataset.schema", i.Schema, 1_048_575, false}, {"dataset.profile", i.Profile, 16_777_215, false},
	} {
		if part.required && part.text == "" {
			return missing(part.field)
		}
		if n := utf8.RuneCountInString(part.text); n > part.limit {
			return atelier.Errorf(atelier.Invalid, "%s exceeds the maximum length of %d: it has %d.", part.field, part.limit, n).At(part.field)
		}
		if err := CheckText(part.field, part.text); err != nil {
			return err
		}
	}
	for key, value := range i.Tags {
		if key == "" || utf8.RuneCountInString(key) > 255 || utf8.RuneCountInString(value) > 500 {
			return atelier.Errorf(atelier.Invalid, "The input tag '%s' is too long: keys have 1 to 255 characters, values at most 500.", atelier.Clip(key, 60)).At("tags")
		}
		if err := cmp.Or(CheckText("tags", key), CheckText("tags", value)); err != nil {
			return err
		}
	}
	return nil
}

// Datasets returns the datasets that runs of the experiments read.
func (s *Service) Datasets(ctx context.Context, ws string, experiments []string) ([]DatasetSummary, error) {
	if len(experiments) > 20 {
		return nil, atelier.Errorf(atelier.Invalid, "SearchDatasets request cannot specify more than 20 experiment_ids. Received %d experiment_ids.", len(experiments)).At("experiment_ids")
	}
	var found []DatasetSummary
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		found, err = selectDatasets(ctx, tx, ws, experiments)
		return err
	})
	return found, err
}
