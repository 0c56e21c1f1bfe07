package job

import (
	"context"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/datastore"
)

// direct is the mode in which the command is given an address, and writes or reads
// there itself.
const direct = "direct"

// placeOutputs says where the outputs of j come to lie: with its run, unless their
// paths lead into a datastore.
func (s *Service) placeOutputs(ctx context.Context, j *Job) error {
	for _, name := range slices.Sorted(maps.Keys(j.Outputs)) {
		place, err := s.placeOutput(ctx, j, name)
		if err != nil {
			return located(err, "outputs."+name+".path")
		}
		j.task.Outputs[name] = place
	}
	return nil
}

func (s *Service) placeOutput(ctx context.Context, j *Job, name string) (compute.Output, error) {
	output := j.Outputs[name]
	place := compute.Output{Type: output.Type}
	if output.Path == "" {
		if output.Mode == direct {
			return place, atelier.Errorf(atelier.Invalid, "The mode direct gives the command an address to write to, and the output has no path.").
				WithHint("Name a datastore: azureml://datastores/NAME/paths/PATH.")
		}
		return place, nil
	}
	filled, err := expand(placeholders(j.Name, name).Replace(output.Path), "outputs."+name+".path", j.Inputs, nil)
	if err != nil {
		return place, err
	}
	store, below, err := s.findPlace(ctx, j.workspace, filled)
	switch {
	case err != nil:
		return place, err
	case store.Type == datastore.Workspace && output.Mode == direct:
		return place, atelier.Errorf(atelier.Invalid, "The workspace's own datastore keeps files by their content, so a command cannot write there itself.").
			WithHint("Name another datastore, or leave the mode out.")
	case store.Type == datastore.Workspace:
		j.Notices = append(j.Notices, "The output "+name+" is kept with the run, where the workspace's own datastore has it: azureml://jobs/"+j.Name+"/outputs/"+name+".")
		return place, nil
	case output.isModel() && output.Name != "":
		return place, atelier.Errorf(atelier.Invalid, "A model is kept by the workspace, so an output that becomes one has no path of its own.").
			WithHint("Leave the path out, or the name.")
	case below == "":
		return place, atelier.Errorf(atelier.Invalid, "The output would be all of the datastore %s.", store.Name).WithHint("Name a folder in it.")
	}
	place.Datastore, place.Path = store.Name, below
	if output.Mode == direct {
		place.Address = filled
	}
	return place, nil
}

// placeholders are the words that stand in the path of an output, in the forms that
// Azure Machine Learning knows.
func placeholders(job, output string) *strings.Replacer {
	var pairs []string
	for word, value := range map[string]string{"name": job, "output_name": output, "default_datastore": atelier.DefaultDatastore} {
		pairs = append(pairs, "${{"+word+"}}", value, "${{ "+word+" }}", value)
	}
	return strings.NewReplacer(pairs...)
}

// findPlace finds the datastore in which a path lies, and where in it.
func (s *Service) findPlace(ctx context.Context, ws, raw string) (store datastore.Datastore, below string, err error) {
	p, err := atelier.ParsePath(raw)
	if err != nil {
		return store, "", err
	}
	switch p.Kind {
	case atelier.DatastorePath:
		if store, err = s.Stores.Get(ctx, ws, p.Datastore); err == nil {
			below, err = datastore.CheckPath(p.Rest)
		}
		return store, below, err
	case atelier.RemotePath:
		all, err := s.Stores.List(ctx, ws)
		if err != nil {
			return store, "", err
		}
		for _, store := range all {
			if at, ok := store.Holds(raw); ok {
				below, err := datastore.CheckPath(at)
				return store, below, err
			}
		}
		return store, "", atelier.Errorf(atelier.NotFound, "No datastore of the workspace holds %q.", atelier.Clip(raw, 120)).
			WithHint("Make one with `atelier datastore create`.")
	}
	return store, "", atelier.Errorf(atelier.Invalid, "An output cannot be written to %q.", atelier.Clip(raw, 120)).
		WithHint("Leave the path out, or write azureml://datastores/NAME/paths/PATH.")
}

// outputPath is where the files of an output are to be found.
func (j *Job) outputPath(name string) string {
	if place := j.task.Outputs[name]; place.Datastore != "" {
		return "azureml://datastores/" + place.Datastore + "/paths/" + place.Path
	}
	return "azureml://jobs/" + j.Name + "/outputs/" + name
}

// PutOutput writes a file of one of a job's outputs into the datastore that the
// output names. The job's runner asks for it, which never sees credentials.
func (s *Service) PutOutput(ctx context.Context, ws, task, output string, file Upload) error {
	if err := ownTask(ctx, task); err != nil {
		return err
	}
	j, err := s.Get(ctx, ws, task)
	if err != nil {
		return err
	}
	place, ok := j.task.Outputs[output]
	if !ok || place.Datastore == "" || place.Address != "" {
		return atelier.Errorf(atelier.NotFound, "The job %q has no output %q in a datastore.", task, atelier.Clip(output, 60))
	}
	below, err := datastore.CheckPath(file.Path)
	if err != nil {
		return err
	}
	target := path.Join(place.Path, below)
	if place.Type == "uri_file" {
		target = place.Path
	}
	return s.Stores.Put(ctx, ws, place.Datastore, target, file.Content, file.Size)
}

// Upload is a file of an output.
type Upload struct {
	Path    string
	Content io.Reader
	Size    int64
}
