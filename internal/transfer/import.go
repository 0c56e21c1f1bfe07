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
