package job

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// checkRegistration refuses an output that could not become a version of data.
func (o Output) checkRegistration(where string) error {
	if o.Name == "" {
		if o.Version != "" {
			return atelier.Errorf(atelier.Invalid, "The output has a version and no name to register it under.").At(where + ".version")
		}
		return nil
	}
	if strings.HasSuffix(o.Type, "_model") {
		return atelier.Errorf(atelier.NotImplemented, "An output cannot be registered as a model by itself yet.").At(where + ".name").
			WithHint("Leave name and version out; register the output afterwards with `atelier model create`.")
	}
	if err := atelier.CheckAssetName("data asset", o.Name); err != nil {
		return atelier.Public(err).At(where + ".name")
	}
	if o.Version == "" {
		return nil
	}
	if err := data.CheckVersion(o.Version); err != nil {
		return atelier.Public(err).At(where + ".version")
	}
	return nil
}

// checkFree refuses outputs whose version there is already: better now than when
// the work is done.
func (s *Service) checkFree(ctx context.Context, j *Job) error {
	for name, output := range j.Outputs {
		if output.Name == "" || output.Version == "" {
			continue
		}
		_, err := s.Data.Version(ctx, j.workspace, output.Name, output.Version)
		if err == nil {
			err = atelier.Errorf(atelier.Conflict, "The data asset %q has a version %q already.", output.Name, output.Version)
		}
		if atelier.CodeOf(err) != atelier.NotFound {
			return located(err, "outputs."+name+".version")
		}
	}
	return nil
}

// registration is what a job that ends well registers: the versions of data that
// its outputs become, or why they cannot.
type registration struct {
	outputs  []string
	versions []data.Version
	failure  *compute.Failure
}

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
			continue
		}
		v, err := s.Data.Prepare(ctx, j.workspace, data.Register{Name: output.Name, Version: output.Version, Type: data.Type(output.Type),
			Path: "azureml://jobs/" + j.Name + "/outputs/" + name})
		if err != nil {
			r.fail(name, output, err)
			continue
		}
		r.outputs, r.versions = append(r.outputs, name), append(r.versions, v)
	}
	return r
}

func (r *registration) fail(name string, output Output, err error) {
	r.failure = &compute.Failure{Code: compute.UploadError, Message: "The output " + name + " could not be registered as the data " + output.Name +
		": " + atelier.Public(err).Message + " Its files are kept with the run."}
}

// check looks once more, where nobody can come between, whether the versions are
// free.
func (r *registration) check(ctx context.Context, tx *sqldb.Tx, j Job) error {
	for i, v := range r.versions {
		taken, err := data.Taken(ctx, tx, j.workspace, v)
		if err != nil {
			return err
		}
		if taken {
			name := r.outputs[i]
			r.fail(name, j.Outputs[name], atelier.Errorf(atelier.Conflict, "There is a version %q already.", v.Version))
		}
	}
	return nil
}

// register makes the versions and notes that the job made them.
func (r *registration) register(ctx context.Context, tx *sqldb.Tx, j Job) error {
	var uses []data.Use
	for i, v := range r.versions {
		made, err := data.Insert(ctx, tx, j.workspace, v)
		if err != nil {
			return err
		}
		r.versions[i] = made
		uses = append(uses, data.Use{RunID: j.Name, Direction: data.Output, Name: r.outputs[i], Type: string(made.Type), Path: made.Path,
			Asset: made.Name, Version: made.Version, SourceRun: j.Name, Tree: made.Tree})
	}
	return data.Record(ctx, tx, j.workspace, uses)
}
