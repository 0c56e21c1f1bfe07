package transfer

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/tracking"
)

type linkFile struct {
	Source      scalar            `yaml:"source_id"`
	SourceType  scalar            `yaml:"source_type"`
	Destination scalar            `yaml:"destination_id"`
	Step        scalar            `yaml:"step"`
	Tags        map[string]scalar `yaml:"tags"`
}

type datasetFile struct {
	Name       scalar `yaml:"name"`
	Digest     scalar `yaml:"digest"`
	SourceType scalar `yaml:"source_type"`
	Source     scalar `yaml:"source"`
	Schema     scalar `yaml:"schema"`
	Profile    scalar `yaml:"profile"`
}

// links reads which datasets and models a run read, and which models it made.
func (f *folder) links(experiment Experiment, dir string, run *Run) error {
	for _, kind := range []string{"inputs", "outputs"} {
		names, err := f.entries(path.Join(dir, kind))
		if err != nil {
			return err
		}
		for _, name := range names {
			var file linkFile
			if err := f.readYAML(path.Join(dir, kind, name, "meta.yaml"), &file); err != nil {
				f.add("%v", err)
				continue
			}
			step, _ := strconv.ParseInt(string(file.Step), 10, 64)
			link := tracking.ModelLink{ModelID: string(file.Destination), Step: step}
			switch {
			case kind == "outputs":
				run.Outputs = append(run.Outputs, link)
			case file.SourceType == "DATASET":
				f.dataset(experiment, file, run)
			default:
				run.ModelInputs = append(run.ModelInputs, link)
			}
		}
	}
	return nil
}

func (f *folder) dataset(experiment Experiment, link linkFile, run *Run) {
	var file datasetFile
	id := string(link.Source)
	if !plainName(id) {
		f.add("run %s: %q cannot name a dataset", run.ID, id)
		return
	}
	if err := f.readYAML(path.Join(f.experiments[experiment.ID], "datasets", id, "meta.yaml"), &file); err != nil {
		f.add("%v", err)
		return
	}
	run.Inputs = append(run.Inputs, tracking.Input{Name: string(file.Name), Digest: string(file.Digest), SourceType: string(file.SourceType),
		Source: string(file.Source), Schema: string(file.Schema), Profile: string(file.Profile), Tags: plainMap(link.Tags)})
}

func plainMap(m map[string]scalar) map[string]string {
	out := map[string]string{}
	for key, value := range m {
		out[key] = string(value)
	}
	return out
}

// plainName reports whether name is one element of a path.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\\x00")
}

// loggedModelFile is a logged model in an experiment's folder models.
type loggedModelFile struct {
	id, dir       string
	Name          scalar `yaml:"name"`
	Type          scalar `yaml:"model_type"`
	Status        scalar `yaml:"status"`
	StatusMessage scalar `yaml:"status_message"`
	Run           scalar `yaml:"source_run_id"`
	Location      scalar `yaml:"artifact_location"`
	Stage         scalar `yaml:"lifecycle_stage"`
	Created       scalar `yaml:"creation_timestamp"`
	Updated       scalar `yaml:"last_updated_timestamp"`
}

// loggedModelsOf reads the logged models of an experiment, once.
func (f *folder) loggedModelsOf(experiment string) ([]loggedModelFile, error) {
	if known, ok := f.models[experiment]; ok {
		return known, nil
	}
	parent := path.Join(f.experiments[experiment], "models")
	names, err := f.entries(parent)
	if err != nil {
		return nil, err
	}
	found := []loggedModelFile{}
	for _, name := range names {
		file := loggedModelFile{id: name, dir: path.Join(parent, name)}
		if err := f.readYAML(path.Join(file.dir, "meta.yaml"), &file); err != nil {
			f.add("%v", err)
			continue
		}
		if file.Stage == tracking.Deleted {
			continue
		}
		if file.Run == "" {
			f.add("the logged model %s: it belongs to no run, so it is left out", name)
			continue
		}
		found = append(found, file)
	}
	f.models[experiment] = found
	return found, nil
}

// loggedModels adds the models that the run logged.
func (f *folder) loggedModels(experiment Experiment, run *Run) error {
	all, err := f.loggedModelsOf(experiment.ID)
	if err != nil {
		return err
	}
	for _, file := range all {
		if string(file.Run) != run.ID {
			continue
		}
		model := tracking.ImportModel{ID: file.id, Name: string(file.Name), Type: string(file.Type), StatusMessage: string(file.StatusMessage),
			Status:    numbered(string(file.Status), tracking.LoggedModelStatuses(), tracking.ModelReady),
			CreatedAt: file.Created.time(), UpdatedAt: file.Updated.time()}
		if model.Params, err = f.values(path.Join(file.dir, "params")); err != nil {
			return err
		}
		if model.Tags, err = f.values(path.Join(file.dir, "tags")); err != nil {
			return err
		}
		run.Models = append(run.Models, model)
		run.ModelURIs[file.id] = string(file.Location)
	}
	return nil
}

// measured returns the logged models whose metrics the run may have logged: its
// own, and those that it read.
func (f *folder) measured(run Run) []loggedModelFile {
	all, _ := f.loggedModelsOf(run.Experiment) // read before, by Run
	return slices.DeleteFunc(slices.Clone(all), func(file loggedModelFile) bool {
		read := slices.ContainsFunc(run.ModelInputs, func(link tracking.ModelLink) bool { return link.ModelID == file.id })
		return string(file.Run) != run.ID && !read
	})
}

// timesFile are the times in a meta.yaml of the registry.
type timesFile struct {
	Created scalar `yaml:"creation_timestamp"`
	Updated scalar `yaml:"last_updated_timestamp"`
}

func (f timesFile) times() model.Times {
	return model.Times{CreatedAt: f.Created.timeOrNil(), UpdatedAt: f.Updated.timeOrNil()}
}

type modelFile struct {
	Name        scalar `yaml:"name"`
	Description scalar `yaml:"description"`
	timesFile   `yaml:",inline"`
}

type versionFile struct {
	Description scalar `yaml:"description"`
	Stage       scalar `yaml:"current_stage"`
	Source      scalar `yaml:"source"`
	Storage     scalar `yaml:"storage_location"`
	Run         scalar `yaml:"run_id"`
	RunLink     scalar `yaml:"run_link"`
	Model       scalar `yaml:"model_id"`
	timesFile   `yaml:",inline"`
}

func (f *folder) Models(context.Context) ([]Model, error) {
	names, err := f.entries("models")
	if err != nil {
		return nil, err
	}
	var all []Model
	for _, name := range names {
		dir := path.Join("models", name)
		var file modelFile
		if err := f.readYAML(path.Join(dir, "meta.yaml"), &file); err != nil {
			f.add("%v", err)
			continue
		}
		m := Model{Name: string(cmp.Or(file.Name, scalar(name))), Description: string(file.Description), Times: file.times()}
		if m.Tags, err = f.values(path.Join(dir, "tags")); err != nil {
			return nil, err
		}
		if m.Aliases, err = f.values(path.Join(dir, "aliases")); err != nil {
			return nil, err
		}
		maps.DeleteFunc(m.Aliases, func(_, number string) bool { return strings.TrimSpace(number) == "" })
		if m.Versions, err = f.versions(dir); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func (f *folder) versions(dir string) ([]Version, error) {
	names, err := f.entries(dir)
	if err != nil {
		return nil, err
	}
	var all []Version
	for _, name := range names {
		number, ok := strings.CutPrefix(name, "version-")
		if !ok {
			continue
		}
		var file versionFile
		if err := f.readYAML(path.Join(dir, name, "meta.yaml"), &file); err != nil {
			f.add("%v", err)
			continue
		}
		v := Version{Number: number, Description: string(file.Description), Stage: string(file.Stage), Source: string(file.Source),
			Storage: string(file.Storage), RunID: string(file.Run), RunLink: string(file.RunLink), ModelID: string(file.Model),
			Times: file.times()}
		if v.Tags, err = f.values(path.Join(dir, name, "tags")); err != nil {
			return nil, err
		}
		if v.Stage == "Deleted_Internal" {
			continue
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b Version) int {
		return cmp.Or(cmp.Compare(len(a.Number), len(b.Number)), cmp.Compare(a.Number, b.Number))
	})
	return all, nil
}
