package transfer

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// original is a run at the source with what it holds.
type original struct {
	Run
	experiment Experiment
	files      map[string][]File // by logged model, "" for the run itself
	points     map[string]int
	latest     map[string]series.Point
}

// run brings one run, unless it is here already.
func (i *Import) run(ctx context.Context, from Experiment, here tracking.Experiment, id string) error {
	o, err := i.read(ctx, from, here, id)
	if err != nil {
		return err
	}
	known, err := i.held(ctx, id)
	if err != nil {
		return err
	}
	var refused map[string]string
	switch {
	case known != nil:
		if err := i.points(ctx, o, func([]tracking.Metric) error { return nil }); err != nil {
			return err
		}
		differences, err := i.compare(ctx, o, *known, nil)
		if err != nil {
			return err
		}
		i.report.count(len(differences) > 0)
		if len(differences) == 0 || i.options.DryRun {
			i.settle(o, known, differences)
			return nil
		}
	default:
		i.report.count(true)
		if i.options.DryRun {
			if err := i.points(ctx, o, func([]tracking.Metric) error { return nil }); err != nil {
				return err
			}
			i.settle(o, nil, nil)
			return nil
		}
	}
	if refused, err = i.send(ctx, o, here, known); err != nil {
		return err
	}
	if known, err = i.held(ctx, id); err != nil {
		return err
	}
	if known == nil {
		i.settle(o, nil, []string{"it could not be made (" + refused[""] + ")"})
		return nil
	}
	differences, err := i.compare(ctx, o, *known, refused)
	i.settle(o, known, differences)
	return err
}

// read returns what the source says of a run, in the form in which our server
// keeps it.
func (i *Import) read(ctx context.Context, from Experiment, here tracking.Experiment, id string) (*original, error) {
	run, err := i.source.Run(ctx, from, id)
	if err != nil {
		return nil, err
	}
	run.Experiment, run.ExperimentID = from.ID, here.ID
	run.Deleted = run.Deleted || from.Deleted
	if run.Tags == nil {
		run.Tags = map[string]string{}
	}
	if run.Name == "" {
		run.Name = run.Tags[tracking.TagRunName]
	}
	if run.Name == "" { // before MLflow 1.30 runs had no names
		run.Name = id
	}
	run.Tags[tracking.TagRunName] = run.Name
	o := &original{Run: run, experiment: from, files: map[string][]File{}}
	for _, owner := range o.owners() {
		if o.files[owner.Model], err = i.source.Files(ctx, owner); err != nil {
			return nil, err
		}
		if len(o.files[owner.Model]) == 0 {
			i.bare(o, owner)
		}
	}
	return o, nil
}

// bare notes that an owner has no files. Most runs have none; but one that logged a
// model did, and so the folder is gone, or another than the source says.
func (i *Import) bare(o *original, owner Owner) {
	if owner.Model == "" {
		i.report.Bare++
	}
	ready := slices.ContainsFunc(o.Models, func(m tracking.ImportModel) bool { return m.ID == owner.Model && m.Status == tracking.ModelReady })
	switch {
	case ready:
		i.report.differ("run %s: the files of its model %s are not at the source", o.ID, owner.Model)
	case owner.Model == "" && o.Tags[tracking.TagLogModels] != "":
		i.report.differ("run %s: it logged a model, but its artifacts are not at the source", o.ID)
	}
}

// owners are the run and its logged models.
func (o *original) owners() []Owner {
	owners := []Owner{{Experiment: o.experiment.ID, Run: o.ID, URI: o.ArtifactURI}}
	for _, model := range o.Models {
		owners = append(owners, Owner{Experiment: o.experiment.ID, Run: o.ID, Model: model.ID, URI: o.ModelURIs[model.ID]})
	}
	return owners
}

// points reads all points of o, counts them, and passes them on in batches.
func (i *Import) points(ctx context.Context, o *original, send func([]tracking.Metric) error) error {
	o.points, o.latest = map[string]int{}, map[string]series.Point{}
	batch := make([]tracking.Metric, 0, client.MetricsAtOnce)
	err := i.source.Points(ctx, o.Run, func(m tracking.Metric) error {
		if m.ModelID == "" {
			o.points[m.Key]++
			if known, ok := o.latest[m.Key]; !ok || m.After(known) {
				o.latest[m.Key] = m.Point
			}
		}
		if batch = append(batch, m); len(batch) < cap(batch) {
			return nil
		}
		err := send(batch)
		batch = batch[:0]
		return err
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return send(batch)
}

// send makes or completes the run. It returns what the server refused, by the
// path of a file or the key of a metric; "" for the run itself.
func (i *Import) send(ctx context.Context, o *original, here tracking.Experiment, known *held) (map[string]string, error) {
	refused := map[string]string{}
	note := func(what string, err error) error {
		if err == nil || stops(err) {
			return err
		}
		refused[what] = reason(err)
		return nil
	}
	if err := i.activate(ctx, here); err != nil {
		return refused, err
	}
	if known != nil && known.LifecycleStage == tracking.Deleted {
		if err := i.api.RestoreRun(ctx, o.ID); err != nil {
			return refused, err
		}
	}
	_, err := i.api.ImportRun(ctx, o.ImportRun)
	if err != nil {
		return refused, note("", err)
	}
	err = i.points(ctx, o, func(batch []tracking.Metric) error { return i.log(ctx, o.ID, batch, note) })
	if err != nil {
		return refused, err
	}
	if err := i.notes(ctx, o, note); err != nil {
		return refused, err
	}
	for _, owner := range o.owners() {
		for _, file := range o.files[owner.Model] {
			if same, err := i.sameFile(ctx, owner, file, known.file(owner.Model, file.Path)); same || err != nil {
				if err != nil {
					return refused, err
				}
				continue
			}
			if err := note(owner.Model+"/"+file.Path, i.upload(ctx, here.ID, owner, file)); err != nil {
				return refused, err
			}
		}
	}
	if o.Deleted {
		return refused, note("lifecycle stage", i.api.DeleteRun(ctx, o.ID))
	}
	return refused, nil
}

// log sends a batch of points. When the server refuses it, each goes alone, so
// that one bad name does not keep the others away.
func (i *Import) log(ctx context.Context, run string, batch []tracking.Metric, note func(string, error) error) error {
	err := i.api.LogMetrics(ctx, run, batch)
	if err != nil && !stops(err) && len(batch) > 1 {
		for half := range slices.Chunk(batch, (len(batch)+1)/2) {
			if err := i.log(ctx, run, half, note); err != nil {
				return err
			}
		}
		return nil
	}
	if err == nil {
		i.progress.Points += int64(len(batch))
		i.options.Progress(i.progress)
		return nil
	}
	return note("metric "+batch[0].Key, err)
}

// notes tells which datasets and models the run read, and which it made.
func (i *Import) notes(ctx context.Context, o *original, note func(string, error) error) error {
	for batch := range slices.Chunk(o.Inputs, 50) {
		if err := note("datasets", i.api.LogInputs(ctx, o.ID, batch, nil)); err != nil {
			return err
		}
	}
	if len(o.ModelInputs) > 0 {
		i.later = append(i.later, link{o.ID, o.ModelInputs})
	}
	var made []tracking.ModelLink
	for _, output := range o.Outputs { // one that was deleted at the source is not here
		if slices.ContainsFunc(o.Models, func(m tracking.ImportModel) bool { return m.ID == output.ModelID }) {
			made = append(made, output)
		}
	}
	if len(made) == 0 {
		return nil
	}
	return note("outputs", i.api.LogOutputs(ctx, o.ID, made))
}

// upload sends a file to where its owner keeps its artifacts.
func (i *Import) upload(ctx context.Context, experiment string, owner Owner, file File) error {
	parts := []string{experiment, owner.Run, "artifacts"}
	if owner.Model != "" {
		parts = []string{experiment, "models", owner.Model, "artifacts"}
	}
	parts = append(parts, strings.Split(file.Path, "/")...)
	if slices.Contains(parts, "..") || slices.Contains(parts, ".") {
		return atelier.Errorf(atelier.Invalid, "Invalid path %q.", atelier.Clip(file.Path, 120))
	}
	err := i.api.PutArtifact(ctx, parts, file.Size, func() (io.ReadCloser, error) { return i.source.Open(ctx, owner, file.Path) })
	if err == nil {
		i.progress.Bytes += file.Size
		i.options.Progress(i.progress)
	}
	return err
}

// settle counts a run on both sides and notes its differences.
func (i *Import) settle(o *original, known *held, differences []string) {
	source := &i.report.Source
	source.Runs++
	source.Params += len(o.Params)
	source.Tags += len(o.Tags)
	source.Datasets += len(o.Inputs)
	for n := range maps.Values(o.points) {
		source.Points += int64(n)
	}
	for _, files := range o.files {
		for _, file := range files {
			source.Files++
			source.Bytes += file.Size
		}
	}
	for _, difference := range differences {
		i.report.differ("run %s: %s", o.ID, difference)
	}
	if known != nil {
		i.brought[o.ID] = true
		known.count(&i.report.Here)
	} else if i.options.DryRun {
		i.brought[o.ID] = true
	}
}
