package batch

import (
	"cmp"
	"context"
	"maps"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/job"
)

// Invoke asks an endpoint to score what its inputs hold.
type Invoke struct {
	Deployment  string                `json:"deployment_name,omitempty" doc:"The endpoint's default if it is left out."`
	JobName     string                `json:"job_name,omitempty" doc:"Made up when it is empty."`
	Experiment  string                `json:"experiment_name,omitempty" doc:"The endpoint's name if it is left out."`
	DisplayName string                `json:"display_name,omitempty"`
	Tags        map[string]string     `json:"tags,omitempty"`
	Inputs      map[string]job.Input  `json:"inputs" doc:"Places of data; all files in them are scored."`
	Outputs     map[string]job.Output `json:"outputs,omitempty" doc:"Where the output \"score\" comes to lie; with the run if it is left out."`
	Instances   int                   `json:"instance_count,omitempty" doc:"In place of the deployment's."`
	Settings    Settings              `json:"settings,omitempty" required:"false" doc:"In place of the deployment's."`
}

// Invoke queues a job that scores what the inputs hold.
func (s *Service) Invoke(ctx context.Context, ws, name string, ask Invoke) (job.Job, error) {
	d, err := s.asked(ctx, ws, name, ask.Deployment)
	if err != nil {
		return job.Job{}, err
	}
	if err := ask.check(); err != nil {
		return job.Job{}, err
	}
	settings := ask.Settings.Over(d.Settings)
	if err := settings.check(); err != nil {
		return job.Job{}, err
	}
	resources := d.Resources
	resources.InstanceCount = cmp.Or(ask.Instances, resources.InstanceCount)
	scoring := job.Scoring{
		Spec: job.Spec{Name: ask.JobName, DisplayName: ask.DisplayName, ExperimentName: cmp.Or(ask.Experiment, name),
			Tags: ask.Tags, Properties: properties(d), Compute: d.Compute, Resources: resources,
			EnvironmentVariables: settings.EnvironmentVariables, Inputs: ask.Inputs, Outputs: ask.outputs()},
		Batch:       job.Batch{Endpoint: name, Deployment: d.Name, BatchTask: task(d.source, settings, resources.InstanceCount)},
		Code:        d.source.Code,
		Environment: d.source.Environment,
	}
	if m := d.source.Model; m != nil {
		scoring.Model = &data.Use{Type: cmp.Or(m.Type, "custom_model"), Path: m.Reference, Tree: m.Tree}
	}
	return s.Jobs.SubmitScoring(ctx, ws, scoring)
}

// asked returns the deployment that an invocation means.
func (s *Service) asked(ctx context.Context, ws, name, deployment string) (Deployment, error) {
	e, err := s.Get(ctx, ws, name)
	if err != nil {
		return Deployment{}, err
	}
	chosen := cmp.Or(deployment, e.Defaults.Deployment)
	if chosen == "" {
		return Deployment{}, atelier.Errorf(atelier.Precondition, "The endpoint %q has no default deployment, and none was named.", name).At("deployment_name").
			WithHint("Name one with --deployment-name, or make one the default: `atelier batch-endpoint update --name %s --set defaults.deployment_name=NAME`.", name)
	}
	d, err := s.Deployment(ctx, ws, name, chosen)
	if atelier.CodeOf(err) == atelier.NotFound {
		return d, atelier.Public(err).At("deployment_name")
	}
	return d, err
}

// check refuses what no job could be made of.
func (i Invoke) check() error {
	if len(i.Inputs) == 0 {
		return atelier.Errorf(atelier.Invalid, "There is no input to score.").At("inputs").
			WithHint("Name a folder, a data asset or an address with --input.")
	}
	for name, input := range i.Inputs {
		where := "inputs." + name
		switch {
		case name == "model":
			return atelier.Errorf(atelier.Invalid, "An input cannot be called model: the run has the deployment's model under this name.").At(where)
		case input.Value != nil:
			return atelier.Errorf(atelier.Invalid, "The deployment scores files, so the input %q cannot be a value.", atelier.Clip(name, 60)).At(where).
				WithHint("Give it a path.")
		case input.Type != "" && !strings.HasPrefix(input.Type, "uri_"):
			return atelier.Errorf(atelier.Invalid, "Inputs of type %q are not scored.", atelier.Clip(input.Type, 40)).At(where + ".type").
				WithHint("Use uri_folder or uri_file.")
		case input.Mode == "direct":
			return atelier.Errorf(atelier.Invalid, "The files have to be there for the script, so an input cannot have the mode direct.").At(where + ".mode")
		}
	}
	for name, output := range i.Outputs {
		if name != compute.ScoreOutput || output.Type != "" && output.Type != "uri_folder" {
			return atelier.Errorf(atelier.Invalid, "The only output of a batch job is the folder %q.", compute.ScoreOutput).At("outputs." + name)
		}
	}
	if i.Instances < 0 || i.Instances > MaxInstances {
		return atelier.Errorf(atelier.Invalid, "%d is out of range.", i.Instances).At("instance_count").WithHint("Give a number from 1 to %d.", MaxInstances)
	}
	return nil
}

// outputs is where the rows go.
func (i Invoke) outputs() map[string]job.Output {
	return map[string]job.Output{compute.ScoreOutput: i.Outputs[compute.ScoreOutput]}
}

// properties are what Azure's clients read on a batch job.
func properties(d Deployment) map[string]string {
	all := map[string]string{"azureml.endpointname": d.Endpoint, "azureml.deploymentname": d.Name}
	maps.Copy(all, d.Properties)
	return all
}

// task is what the runner has to know beside what every job says.
func task(from endpoint.Source, settings Settings, instances int) compute.BatchTask {
	t := compute.BatchTask{ScoringScript: from.Script, Processes: instances * settings.MaxConcurrency, MiniBatchSize: settings.MiniBatchSize,
		MaxRetries: *settings.RetrySettings.MaxRetries, RetryTimeout: settings.RetrySettings.Timeout, ErrorThreshold: *settings.ErrorThreshold,
		OutputAction: settings.OutputAction, OutputFileName: settings.OutputFileName, LoggingLevel: settings.LoggingLevel}
	if m := from.Model; m != nil {
		t.ModelFiles = compute.ModelFiles{ModelTree: m.Tree, ModelFolder: m.Folder, ModelName: m.Name, ModelVersion: m.Version, ModelType: m.Type}
	}
	return t
}
