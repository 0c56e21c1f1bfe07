package transfer

import (
	"context"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// experiment brings an experiment and its runs. It stays active until the end,
// also when it is deleted at the source.
func (i *Import) experiment(ctx context.Context, from Experiment, runs []string) error {
	if from.Deleted && from.Name == tracking.DefaultExperimentName && len(runs) == 0 {
		return nil
	}
	i.report.Source.Experiments++
	traces, err := i.source.Traces(ctx, from)
	if err != nil {
		return err
	}
	i.report.Traces += traces
	here, err := i.api.FindExperiment(ctx, from.Name)
	missing := atelier.CodeOf(err) == atelier.NotFound
	younger := err == nil && from.CreatedAt != nil && from.CreatedAt.Before(here.CreatedAt)
	if (missing || younger) && !i.options.DryRun {
		if here, err = i.makeExperiment(ctx, from); err == nil && missing {
			i.open[here.ID] = true
		}
	}
	if err != nil && !(missing && i.options.DryRun) {
		if stops(err) {
			return err
		}
		i.report.Source.Runs += len(runs)
		i.report.differ("experiment %q: it could not be made (%s), so its %d runs are left out", from.Name, reason(err), len(runs))
		return nil
	}
	changed, err := i.tagExperiment(ctx, from, here)
	if err != nil {
		return err
	}
	i.report.count(missing || younger || changed)
	if !missing || !i.options.DryRun {
		i.report.Here.Experiments++
	}
	for _, id := range runs {
		if err := i.run(ctx, from, here, id); err != nil {
			return err
		}
		i.progress.Runs++
		i.options.Progress(i.progress)
	}
	return nil
}

// TagSourceID keeps the id that an experiment had at the source, when somebody
// has it here.
const TagSourceID = "atelier.source.experiment_id"

// makeExperiment makes an experiment, or corrects when it was made.
func (i *Import) makeExperiment(ctx context.Context, from Experiment) (tracking.Experiment, error) {
	here, err := i.api.ImportExperiment(ctx, tracking.ImportExperiment{ID: from.ID, Name: from.Name, Tags: from.Tags, CreatedAt: from.CreatedAt, UpdatedAt: from.UpdatedAt})
	if err != nil || here.ID == from.ID || here.Tags[TagSourceID] == from.ID || here.LifecycleStage == tracking.Deleted {
		return here, err
	}
	return here, i.api.TagExperiment(ctx, here.ID, TagSourceID, from.ID)
}

func (i *Import) tagExperiment(ctx context.Context, from Experiment, here tracking.Experiment) (changed bool, err error) {
	for key, value := range from.Tags {
		if here.Tags[key] == value && (value != "" || hasKey(here.Tags, key)) || i.options.DryRun {
			continue
		}
		if err := i.activate(ctx, here); err != nil {
			return changed, err
		}
		if err := i.api.TagExperiment(ctx, here.ID, key, value); err != nil {
			if stops(err) {
				return changed, err
			}
			i.report.differ("experiment %q: the tag %q could not be set (%s)", from.Name, key, reason(err))
			continue
		}
		changed = true
	}
	return changed, nil
}

func hasKey[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// activate restores an experiment that is deleted here, once, because something
// must be added to it.
func (i *Import) activate(ctx context.Context, here tracking.Experiment) error {
	if here.LifecycleStage != tracking.Deleted || i.open[here.ID] {
		return nil
	}
	i.open[here.ID] = true
	return i.api.RestoreExperiment(ctx, here.ID)
}

// closeDeleted deletes the experiments that are deleted at the source, unless
// they hold runs here that the source does not know.
func (i *Import) closeDeleted(ctx context.Context, experiments []Experiment, runs [][]string) error {
	for n, from := range experiments {
		if !from.Deleted || i.options.DryRun {
			continue
		}
		here, err := i.api.FindExperiment(ctx, from.Name)
		if err != nil && stops(err) {
			return err
		}
		if err != nil || here.LifecycleStage == tracking.Deleted {
			continue
		}
		others, err := i.api.ListRuns(ctx, client.ListRuns{Experiments: []string{here.ID}, View: tracking.ViewAll})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(others, func(run tracking.Run) bool { return !slices.Contains(runs[n], run.ID) }) {
			i.report.differ("experiment %q: it is deleted at the source, and active here because it holds other runs", from.Name)
			continue
		}
		if err := i.api.DeleteExperiment(ctx, here.ID); err != nil {
			if stops(err) {
				return err
			}
			i.report.differ("experiment %q: it is deleted at the source, and active here (%s)", from.Name, reason(err))
		}
	}
	return nil
}
