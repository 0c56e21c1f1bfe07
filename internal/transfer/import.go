package transfer

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// Options say what to bring, and who is told how far it has come.
type Options struct {
	Experiments []string // names or the source's ids; all when there are none
	DryRun      bool     // read and compare only
	Progress    func(Progress)
}

// Progress is how far an import has come.
type Progress struct {
	Runs, Total int
	Points      int64 // sent
	Bytes       int64 // sent
}

// Import brings what is in a source to a workspace.
type Import struct {
	source   Source
	api      *client.Client
	options  Options
	report   Report
	progress Progress
	brought  map[string]bool // ids of runs that are here now
	later    []link
	open     map[string]bool // experiments made active for this import, by id
}

// link is a note that a run read a logged model which was not here yet.
type link struct {
	run    string
	models []tracking.ModelLink
}

// New returns an import from source to the workspace that api calls.
func New(source Source, api *client.Client, options Options) *Import {
	if options.Progress == nil {
		options.Progress = func(Progress) {}
	}
	return &Import{source: source, api: api, options: options, brought: map[string]bool{}, open: map[string]bool{},
		report: Report{DryRun: options.DryRun, Differences: []string{}}}
}

// stops reports whether err ends the import: the server is away, or refuses
// everything. Other errors are differences, and the import goes on.
func stops(err error) bool {
	var known *atelier.Error
	if !errors.As(err, &known) {
		return true
	}
	switch known.Code {
	case atelier.Invalid, atelier.NotFound, atelier.Conflict, atelier.Precondition:
		return false
	}
	return true
}

// reason is why something was refused, as the end of a sentence.
func reason(err error) string {
	return strings.TrimRight(atelier.Public(err).Message, ".")
}

// Run brings everything and reports. An error means that it did not come to an
// end; running it again goes on from there.
func (i *Import) Run(ctx context.Context) (Report, error) {
	experiments, err := i.chosen(ctx)
	if err != nil {
		return i.report, err
	}
	runs := make([][]string, len(experiments))
	for n, experiment := range experiments {
		if runs[n], err = i.source.Runs(ctx, experiment); err != nil {
			return i.report, err
		}
		i.progress.Total += len(runs[n])
	}
	for n, experiment := range experiments {
		if err := i.experiment(ctx, experiment, runs[n]); err != nil {
			return i.report, err
		}
	}
	if err := i.linkLater(ctx); err != nil {
		return i.report, err
	}
	if err := i.models(ctx); err != nil {
		return i.report, err
	}
	if err := i.closeDeleted(ctx, experiments, runs); err != nil {
		return i.report, err
	}
	i.report.Differences = append(i.report.Differences, i.source.Faults()...)
	return i.report, nil
}

// chosen returns the experiments to bring.
func (i *Import) chosen(ctx context.Context) ([]Experiment, error) {
	all, err := i.source.Experiments(ctx)
	if err != nil || len(i.options.Experiments) == 0 {
		return all, err
	}
	var chosen []Experiment
	for _, wanted := range i.options.Experiments {
		at := slices.IndexFunc(all, func(e Experiment) bool { return e.Name == wanted || e.ID == wanted })
		if at < 0 {
			return nil, atelier.Errorf(atelier.NotFound, "There is no experiment %q at the source.", atelier.Clip(wanted, 80)).At("--experiment")
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// experiment brings an experiment and its runs. It stays active until the end,
// also when it is deleted at the source.
func (i *Import) experiment(ctx context.Context, from Experiment, runs []string) error {
	if from.Deleted && from.Name == tracking.DefaultExperimentName && len(runs) == 0 {
		return nil
	}
	i.report.Source.Experiments++
	here, err := i.api.FindExperiment(ctx, from.Name)
	missing := atelier.CodeOf(err) == atelier.NotFound
	switch {
	case missing && i.options.DryRun:
	case missing:
		here = tracking.Experiment{Name: from.Name, LifecycleStage: tracking.Active, Tags: from.Tags}
		here.ID, err = i.api.CreateExperiment(ctx, from.Name, from.Tags)
		i.open[here.ID] = true
	}
	if err != nil && !(missing && i.options.DryRun) {
		if stops(err) {
			return err
		}
		i.report.differ("experiment %q: it could not be made (%s)", from.Name, reason(err))
		return nil
	}
	changed, err := i.tagExperiment(ctx, from, here)
	if err != nil {
		return err
	}
	i.report.count(missing || changed)
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

// linkLater notes which models runs read, now that all of them are here.
func (i *Import) linkLater(ctx context.Context) error {
	for _, link := range i.later {
		for _, model := range link.models {
			err := i.api.LogInputs(ctx, link.run, nil, []tracking.ModelLink{model})
			if err != nil && stops(err) {
				return err
			}
			if err != nil {
				i.report.differ("run %s: that it read the model %s could not be noted (%s)", link.run, model.ModelID, reason(err))
			}
		}
	}
	return nil
}
