package cli

import (
	"context"
	"maps"

	"github.com/atelier-ml/atelier/internal/batch"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/snapshot"
	"github.com/atelier-ml/atelier/internal/spec"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// A flag that names the thing in a file is read as a change of the file, so
// that a name is checked like all else before anything is sent.

// load reads the YAML file, changed as sets say. values are pairs of a key and
// what a flag gave for it, which may be nothing.
func (c *command) load(file string, sets []string, values ...string) (*spec.Document, error) {
	return spec.Load(c.st.path(file), flagSets(sets, values))
}

// flagSets is sets, and after them what flags gave.
func flagSets(sets, values []string) []string {
	all := append([]string{}, sets...)
	for i := 0; i+1 < len(values); i += 2 {
		if values[i+1] != "" {
			all = append(all, values[i]+"="+values[i+1])
		}
	}
	return all
}

// read understands a document by as, and says what of it has no effect.
func read[T any](c *command, document *spec.Document, as func(*spec.Document) (T, error)) (T, error) {
	value, err := as(document)
	if err == nil {
		for _, note := range document.Notes() {
			c.done("Note: %s", c.st.short(note))
		}
	}
	return value, err
}

func (c *command) loadWorkspace(file string, sets []string, name string) (workspace.Create, error) {
	if file == "" {
		return workspace.Create{Name: name}, nil
	}
	document, err := c.load(file, sets, "name", name)
	if err != nil {
		return workspace.Create{}, err
	}
	return read(c, document, (*spec.Document).Workspace)
}

// loadJob returns the file, too, which knows the places of what a server refuses.
func (c *command) loadJob(o jobOptions) (job.Spec, *spec.Document, error) {
	document, err := c.load(o.file, o.sets, "name", o.name, "experiment_name", o.experiment)
	if err != nil {
		return job.Spec{}, nil, err
	}
	ask, err := document.Job()
	ask.ExperimentName = first(ask.ExperimentName, c.st.experiment())
	return ask, document, err
}

func (c *command) loadModel(o modelOptions) (model.Register, error) {
	place := o.path
	if inner, ok := local(place); ok {
		place = c.st.path(inner) // a flag's path is relative to the working folder, a file's to the file
	}
	if o.file == "" {
		return model.Register{Name: o.name, Path: place, Version: o.version, Type: o.kind, Description: o.description, Stage: o.stage}, nil
	}
	document, err := c.load(o.file, o.sets, "name", o.name, "path", place, "version", o.version,
		"type", o.kind, "description", o.description, "stage", o.stage)
	if err != nil {
		return model.Register{}, err
	}
	return read(c, document, (*spec.Document).Model)
}

func (c *command) loadData(o dataOptions) (data.Register, error) {
	place := o.path
	if inner, ok := local(place); ok {
		place = c.st.path(inner)
	}
	if o.file == "" {
		kind := data.Type(first(o.kind, spec.TypeOf(place)))
		return data.Register{Name: o.name, Path: place, Version: o.version, Type: kind, Description: o.description}, nil
	}
	document, err := c.load(o.file, o.sets, "name", o.name, "path", place, "version", o.version, "type", o.kind, "description", o.description)
	if err != nil {
		return data.Register{}, err
	}
	return document.Data()
}

func (c *command) loadEndpoint(file string, sets []string, name, authMode string) (endpoint.CreateEndpoint, error) {
	if file == "" {
		return endpoint.CreateEndpoint{Name: name, AuthMode: endpoint.AuthMode(authMode)}, nil
	}
	document, err := c.load(file, sets, "name", name, "auth_mode", authMode)
	if err != nil {
		return endpoint.CreateEndpoint{}, err
	}
	return read(c, document, (*spec.Document).OnlineEndpoint)
}

// loadDeployment returns the file, too, if there is one: it knows the places of what
// a server refuses.
func (c *command) loadDeployment(o deploymentOptions) (endpoint.CreateDeployment, *spec.Document, error) {
	if o.file == "" {
		return endpoint.CreateDeployment{Name: o.name, Endpoint: o.endpoint, Model: o.model}, nil, nil
	}
	document, err := c.load(o.file, o.sets, "name", o.name, "endpoint_name", o.endpoint, "model", o.model)
	if err != nil {
		return endpoint.CreateDeployment{}, nil, err
	}
	ask, err := read(c, document, (*spec.Document).OnlineDeployment)
	return ask, document, err
}

func (c *command) loadBatchEndpoint(file string, sets []string, name string) (batch.CreateEndpoint, error) {
	document, err := c.loadOrSet(file, sets, "name", name)
	if err != nil {
		return batch.CreateEndpoint{}, err
	}
	return read(c, document, (*spec.Document).BatchEndpoint)
}

func (c *command) loadBatchDeployment(o batchDeploymentOptions) (batch.CreateDeployment, error) {
	document, err := c.loadOrSet(o.file, o.sets, "name", o.name, "endpoint_name", o.endpoint, "model", o.model)
	if err != nil {
		return batch.CreateDeployment{}, err
	}
	return read(c, document, (*spec.Document).BatchDeployment)
}

func (c *command) loadInvocation(file string, sets []string, values ...string) (batch.Invoke, error) {
	document, err := c.loadOrSet(file, sets, values...)
	if err != nil {
		return batch.Invoke{}, err
	}
	return read(c, document, (*spec.Document).Invocation)
}

// loadOrSet is load for what needs no file: the sets and the flags can say it all.
func (c *command) loadOrSet(file string, sets []string, values ...string) (*spec.Document, error) {
	if file != "" {
		return c.load(file, sets, values...)
	}
	return spec.Options(c.st.Dir, flagSets(sets, values))
}

// packJob uploads what a job's file names on this machine, and adds what git
// says of its code.
func (c *command) packJob(ctx context.Context, api *client.Client, ask *job.Spec) error {
	pack := packer{c, api}
	if dir, ok := local(ask.Code); ok {
		if facts, ok := snapshot.GitFacts(ctx, dir); ok {
			properties := facts.Properties()
			maps.Copy(properties, ask.Properties)
			ask.Properties = properties
		}
		code, err := pack.code(ctx, dir)
		if err != nil {
			return err
		}
		ask.Code = code
	}
	return c.packInputs(ctx, api, ask.Inputs)
}

// packInputs uploads the inputs that lie on this machine.
func (c *command) packInputs(ctx context.Context, api *client.Client, inputs map[string]job.Input) error {
	pack := packer{c, api}
	for name, input := range inputs {
		place, ok := local(input.Path)
		if !ok || input.Value != nil {
			continue
		}
		uploaded, err := pack.data(ctx, place)
		if err != nil {
			return err
		}
		input.Path = uploaded
		inputs[name] = input
	}
	return nil
}

// packScoring uploads the code and the model of a deployment that lie on this machine.
func (c *command) packScoring(ctx context.Context, api *client.Client, code *endpoint.CodeConfiguration, model *any) error {
	pack := packer{c, api}
	if code != nil {
		if dir, ok := local(code.Code); ok {
			uploaded, err := pack.code(ctx, dir)
			if err != nil {
				return err
			}
			code.Code = uploaded
		}
	}
	switch chosen := (*model).(type) {
	case string:
		if place, ok := local(chosen); ok {
			uploaded, err := pack.data(ctx, c.st.path(place))
			*model = uploaded
			return err
		}
	case map[string]any:
		path, _ := chosen["path"].(string)
		if place, ok := local(path); ok {
			uploaded, err := pack.data(ctx, place)
			chosen["path"] = uploaded
			return err
		}
	}
	return nil
}
