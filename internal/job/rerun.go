package job

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RerunOf is the property of a job, and the tag of its run, that names the job
// which it repeats.
const RerunOf = "atelier.rerun_of"

// Rerun asks for a job again.
type Rerun struct {
	Name string `json:"name,omitempty" doc:"Of the new job; made up when it is empty."`
}

// Rerun submits a job again as it was: the same command, snapshot, parameters and
// bytes of data, in an environment with the very packages that were installed
// then, whatever its definition would bring today.
func (s *Service) Rerun(ctx context.Context, ws, name string, ask Rerun) (Job, error) {
	first, err := s.Get(ctx, ws, name)
	if err != nil {
		return Job{}, err
	}
	spec := first.Spec
	spec.Name, spec.Inputs, spec.Properties = ask.Name, maps.Clone(first.Inputs), maps.Clone(first.Properties)
	spec.Properties[RerunOf] = first.Name
	if spec.DisplayName == first.Name {
		spec.DisplayName = ""
	}
	var unregistered []string
	spec.Outputs, unregistered = plainOutputs(first.Outputs)
	j, err := newJob(ctx, ws, spec)
	if err != nil {
		return Job{}, err
	}
	for _, name := range unregistered {
		j.Notices = append(j.Notices, "The output "+name+" is kept with the run, and not registered a second time.")
	}
	j.task = first.task
	j.task.ID, j.task.Workspace = j.Name, workspace.From(ctx).Name
	j.task.EnvironmentVariables = maps.Clone(first.task.EnvironmentVariables)
	if err := s.findSecrets(ctx, &j); err != nil {
		return Job{}, err
	}
	definition, err := j.lock(first)
	if err != nil {
		return Job{}, err
	}
	if err := s.holdFiles(ctx, j); err != nil {
		return Job{}, err
	}
	if err := s.sameInputs(ctx, &j, first.Name); err != nil {
		return Job{}, err
	}
	return s.enter(ctx, j, definition)
}

// plainOutputs is outputs without the assets that they became: a repetition, made
// to be compared, is not what @latest should mean.
func plainOutputs(outputs map[string]Output) (plain map[string]Output, unregistered []string) {
	plain = map[string]Output{}
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		output := outputs[name]
		if output.Name != "" {
			unregistered = append(unregistered, name)
		}
		output.Name, output.Version = "", ""
		plain[name] = output
	}
	return plain, unregistered
}

// lock gives j the packages that first ran with.
func (j *Job) lock(first Job) (environment.Definition, error) {
	if first.task.Environment == nil {
		j.Notices = append(j.Notices, "The job runs with the machine's own programs, which nothing locks.")
		return environment.Definition{}, nil
	}
	info := first.EnvironmentInfo
	if info == nil {
		return environment.Definition{}, atelier.Errorf(atelier.Precondition,
			"The job %q never had its environment, so there is nothing to repeat: it is %s.", first.Name, first.Status).
			WithHint("Submit it anew with `atelier job create`.")
	}
	locked, err := first.task.Environment.Locked(
		environment.Installed{Python: info.Python, Packages: info.Packages, Lock: info.Lock}, "The lock of the job "+first.Name)
	if err != nil {
		return locked, err
	}
	j.task.Environment = &locked
	j.Environment = environment.Spec{Reference: "azureml:" + locked.Name + ":" + locked.Version}
	return locked, nil
}

// holdFiles makes sure that everything a task reads from the store is there, and
// stays.
func (s *Service) holdFiles(ctx context.Context, j Job) error {
	if j.task.CodeTree != "" {
		if _, err := s.findTree(ctx, j.workspace, string(j.task.CodeTree)); err != nil {
			return located(err, "code")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(j.task.Inputs)) {
		input := j.task.Inputs[name]
		for _, part := range append([]compute.Input{input}, input.Parts...) {
			if part.Tree == "" {
				continue
			}
			if _, err := s.findTree(ctx, j.workspace, string(part.Tree)); err != nil {
				return located(err, "inputs."+name)
			}
		}
	}
	return nil
}

// sameInputs notes that j reads what first read, and says which of it may be
// something else by now: what lies in datastores and at addresses.
func (s *Service) sameInputs(ctx context.Context, j *Job, first string) error {
	uses, err := s.Data.UsesOfRun(ctx, j.workspace, first)
	if err != nil {
		return err
	}
	for _, use := range uses {
		if use.Direction != data.Input {
			continue
		}
		use.RunID = j.Name
		if input, ok := j.Inputs[use.Name]; ok && use.Asset != "" {
			input.Path = fmt.Sprintf("azureml:%s:%s", use.Asset, use.Version) // what @latest meant then
			j.Inputs[use.Name], use.Path = input, input.Path
		}
		if use.Reference != nil {
			now, err := s.Data.Again(ctx, j.workspace, *use.Reference)
			switch {
			case err != nil:
				return located(err, "inputs."+use.Name)
			case now.URL != "":
				j.Notices = append(j.Notices, "The input "+use.Name+" lies at an address, and is read as it is there now.")
			case now.Fingerprint != use.Reference.Fingerprint:
				j.Notices = append(j.Notices, "The input "+use.Name+" lies in a datastore and has changed since; the job reads it as it is now.")
			}
			use.Reference = &now
		}
		j.uses = append(j.uses, use)
	}
	return nil
}
