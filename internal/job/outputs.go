package job

import (
	"context"
	"maps"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// isModel reports whether the output becomes a model when it is registered, and not
// data.
func (o Output) isModel() bool { return isModel(o.Type) }

// checkRegistration refuses an output that could not become a version of data or of
// a model.
func (o Output) checkRegistration(where string) error {
	if o.Name == "" {
		if o.Version != "" {
			return atelier.Errorf(atelier.Invalid, "The output has a version and no name to register it under.").At(where + ".version")
		}
		return nil
	}
	if err := o.CheckName(); err != nil {
		return atelier.Public(err).At(where + ".name")
	}
	if o.Version == "" {
		return nil
	}
	if err := o.CheckVersion(); err != nil {
		return atelier.Public(err).At(where + ".version")
	}
	return nil
}

// CheckName refuses a name under which the output could not be registered.
func (o Output) CheckName() error {
	if o.isModel() {
		return model.CheckName(o.Name)
	}
	return atelier.CheckAssetName("data asset", o.Name)
}

// CheckVersion refuses a version that the output could not become.
func (o Output) CheckVersion() error {
	if o.isModel() {
		_, err := model.ParseVersion(o.Version)
		return err
	}
	return data.CheckVersion(o.Version)
}

// checkFree refuses outputs whose version there is already, or twice: better now
// than when the work is done.
func (s *Service) checkFree(ctx context.Context, j *Job) error {
	seen := map[Output]bool{}
	for _, name := range slices.Sorted(maps.Keys(j.Outputs)) {
		output := j.Outputs[name]
		if output.Name == "" || output.Version == "" {
			continue
		}
		taken, err := s.hasVersion(ctx, j.workspace, output)
		if key := (Output{Type: output.kind(), Name: output.Name, Version: output.Version}); err == nil && (taken || seen[key]) {
			err = atelier.Errorf(atelier.Conflict, "The %s %q has a version %q already.", output.kind(), output.Name, output.Version)
		} else {
			seen[key] = true
		}
		if err != nil {
			return located(err, "outputs."+name+".version")
		}
	}
	return nil
}

// kind is what the output becomes when it is registered.
func (o Output) kind() string {
	if o.isModel() {
		return "model"
	}
	return "data asset"
}

// hasVersion reports whether there is the version that an output would become.
func (s *Service) hasVersion(ctx context.Context, ws string, o Output) (bool, error) {
	var err error
	if o.isModel() {
		_, err = s.Models.Version(ctx, ws, o.Name, o.Version)
	} else {
		_, err = s.Data.Version(ctx, ws, o.Name, o.Version)
	}
	if atelier.CodeOf(err) == atelier.NotFound {
		return false, nil
	}
	return err == nil, err
}

// registration is what a job that ends well registers: the versions of data and of
// models that its outputs become, or why they cannot.
type registration struct {
	data    []madeData
	models  []madeModel
	uses    []data.Use // of outputs that lie somewhere without a name
	failure *compute.Failure
}

type madeData struct {
	output  string
	version data.Version
}

type madeModel struct {
	output  string
	asked   model.Register
	version model.Version
}

func (r *registration) empty() bool { return len(r.data)+len(r.models)+len(r.uses) == 0 }

// prepareOutputs finds the files of the outputs to register, once a report says
// that the command ended well. All files are stored by then.
func (s *Service) prepareOutputs(ctx context.Context, j Job, report compute.Report) (r registration) {
	endsWell := slices.ContainsFunc(report.Records, func(record compute.Record) bool {
		return record.Type == compute.ExitRecord && record.Seq > j.lastRecord && record.ExitCode != nil && *record.ExitCode == 0 && !record.Canceled
	})
	if !endsWell {
		return r
	}
	for _, name := range slices.Sorted(maps.Keys(j.Outputs)) {
		output := j.Outputs[name]
		if output.Name == "" {
			if err := s.noteOutput(ctx, &r, j, name); err != nil {
				s.Log.Warn("note where an output lies", "job", j.Name, "output", name, "error", err)
			}
			continue
		}
		if err := s.prepareOutput(ctx, &r, j, name); err != nil {
			r.fail(name, output, err)
		}
	}
	return r
}

func (s *Service) prepareOutput(ctx context.Context, r *registration, j Job, name string) error {
	output, path := j.Outputs[name], j.outputPath(name)
	if output.isModel() {
		asked := model.Register{Name: output.Name, Version: output.Version, Type: output.Type, Path: path, RunID: j.Name}
		v, err := s.Models.Prepare(ctx, j.workspace, asked)
		r.models = append(r.models, madeModel{name, asked, v})
		return err
	}
	v, err := s.Data.Prepare(ctx, j.workspace, data.Register{Name: output.Name, Version: output.Version, Type: data.Type(output.Type), Path: path})
	r.data = append(r.data, madeData{name, v})
	return err
}

// noteOutput finds an output that lies in a datastore and has no name of its own, so
// that the job's output leads there.
func (s *Service) noteOutput(ctx context.Context, r *registration, j Job, name string) error {
	if j.task.Outputs[name].Datastore == "" {
		return nil
	}
	content, err := s.Data.Resolve(ctx, j.workspace, j.outputPath(name))
	if atelier.CodeOf(err) == atelier.NotFound {
		return nil // the command wrote nothing
	}
	r.uses = append(r.uses, data.Use{RunID: j.Name, Direction: data.Output, Name: name, Type: j.Outputs[name].Type, Path: j.outputPath(name),
		SourceRun: j.Name, Reference: content.Reference})
	return err
}

func (r *registration) fail(name string, output Output, err error) {
	r.failure = &compute.Failure{Code: compute.UploadError, Message: "The output " + name + " could not be registered as the " + output.kind() +
		" " + output.Name + ": " + atelier.Public(err).Message + " Its files are kept with the run."}
}

// check looks once more, where nobody can come between, whether the versions are
// free.
func (r *registration) check(ctx context.Context, tx *sqldb.Tx, j Job) error {
	for _, made := range r.data {
		taken, err := data.Taken(ctx, tx, j.workspace, made.version)
		if err != nil {
			return err
		}
		if taken {
			r.fail(made.output, j.Outputs[made.output], atelier.Errorf(atelier.Conflict, "There is a version %q already.", made.version.Version))
		}
	}
	for _, made := range r.models {
		taken, err := model.Taken(ctx, tx, j.workspace, made.asked)
		if err != nil {
			return err
		}
		if taken {
			r.fail(made.output, j.Outputs[made.output], atelier.Errorf(atelier.Conflict, "There is a version %q already.", made.asked.Version))
		}
	}
	return nil
}

// register makes the versions and notes that the job made them. Models say so
// themselves.
func (r *registration) register(ctx context.Context, tx *sqldb.Tx, j Job) error {
	for _, made := range r.models {
		if _, err := model.Insert(ctx, tx, j.workspace, made.asked, made.version); err != nil {
			return err
		}
	}
	uses := slices.Clone(r.uses)
	for i, made := range r.data {
		v, err := data.Insert(ctx, tx, j.workspace, made.version)
		if err != nil {
			return err
		}
		r.data[i].version = v
		uses = append(uses, data.Use{RunID: j.Name, Direction: data.Output, Name: made.output, Type: string(v.Type), Path: v.Path,
			Asset: v.Name, Version: v.Version, SourceRun: j.Name, Tree: v.Tree, Reference: v.Reference})
	}
	return data.Record(ctx, tx, j.workspace, uses)
}

// announceOutputs tells the world of what was registered.
func (s *Service) announceOutputs(ctx context.Context, ws string, r registration) {
	for _, made := range r.data {
		s.Data.Registered(ctx, ws, made.version)
	}
	for _, made := range r.models {
		s.Models.Registered(ws, made.version.Name)
	}
}
