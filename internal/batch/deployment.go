package batch

import (
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/job"
)

// ModelType is the type of a deployment that scores with a model.
const ModelType = "model"

// Definition is what a user chooses of a deployment, as in Azure Machine Learning's
// modelBatchDeployment.
type Definition struct {
	Type        string            `json:"type,omitempty" enum:"model" doc:"model, which is also the default."`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	// Model is a reference (azureml:name:version, a path in one of the accepted
	// forms) or an object with name, version, path and type.
	Model any `json:"model,omitempty"`
	// CodeConfiguration may be left out for a model in MLflow's format.
	CodeConfiguration *endpoint.CodeConfiguration `json:"code_configuration,omitempty"`
	// Environment is a reference, or an object as in an environment file.
	Environment any           `json:"environment,omitempty"`
	Compute     string        `json:"compute,omitempty" doc:"Where its jobs run; the server's machine if it is left out."`
	Resources   job.Resources `json:"resources,omitempty" required:"false"`
	Settings    Settings      `json:"settings,omitempty" required:"false"`
}

// Deployment is a model with what it takes to score files with it.
type Deployment struct {
	Workspace string `json:"-"`
	Name      string `json:"name"`
	Endpoint  string `json:"endpoint_name"`
	Definition
	State string `json:"provisioning_state"`
	// Notices tell where what runs is not literally what was written.
	Notices   []string  `json:"notices,omitempty"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`

	// source is what the definition's references turned out to be.
	source endpoint.Source
}

// CreateDeployment is what a user gives to make a deployment. One of the same name
// is replaced; its jobs go on as they began.
type CreateDeployment struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint_name,omitempty"`
	Definition
}

// over returns base with what d says in its place.
func (d Definition) over(base Definition) Definition {
	for _, field := range []struct{ to, from *string }{
		{&base.Type, &d.Type}, {&base.Description, &d.Description}, {&base.Compute, &d.Compute},
	} {
		if *field.from != "" {
			*field.to = *field.from
		}
	}
	for _, field := range []struct{ to, from *map[string]string }{{&base.Tags, &d.Tags}, {&base.Properties, &d.Properties}} {
		if *field.from != nil {
			*field.to = *field.from
		}
	}
	for _, field := range []struct{ to, from *any }{{&base.Model, &d.Model}, {&base.Environment, &d.Environment}} {
		if *field.from != nil {
			*field.to = *field.from
		}
	}
	if d.CodeConfiguration != nil {
		base.CodeConfiguration = d.CodeConfiguration
	}
	if d.Resources.InstanceCount != 0 {
		base.Resources.InstanceCount = d.Resources.InstanceCount
	}
	if rest := d.Resources; rest.CPUs != 0 || rest.GPUs != 0 || rest.Memory != "" {
		rest.InstanceCount = base.Resources.InstanceCount
		base.Resources = rest
	}
	base.Settings = d.Settings.Over(base.Settings)
	return base
}

// complete returns d with the defaults that Azure documents.
func (d Definition) complete() Definition {
	d = d.over(Definition{Type: ModelType, Tags: map[string]string{}, Properties: map[string]string{}, Resources: job.Resources{InstanceCount: 1}})
	d.Settings = d.Settings.complete()
	return d
}

// check returns an Invalid error for a definition that cannot work, whatever
// exists. It is complete.
func (d Definition) check() error {
	if d.Type != ModelType {
		return atelier.Errorf(atelier.NotImplemented, "Batch deployments of type %q are not offered yet.", atelier.Clip(d.Type, 40)).At("type").
			WithHint("The type that is offered is model.")
	}
	if d.Model == nil && d.CodeConfiguration == nil {
		return atelier.Errorf(atelier.Invalid, "The deployment has neither a model nor a scoring script.").At("model").
			WithHint("Give model, code_configuration, or both.")
	}
	if err := d.CodeConfiguration.Check(); err != nil {
		return err
	}
	if n := d.Resources.InstanceCount; n < 1 || n > MaxInstances {
		return atelier.Errorf(atelier.Invalid, "%d is out of range.", n).At("resources.instance_count").
			WithHint("Give a number from 1 to %d.", MaxInstances)
	}
	if _, err := compute.ParseMemory(d.Resources.Memory); err != nil {
		return atelier.Public(err).At("resources.memory")
	}
	return d.Settings.check()
}
