package cli

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/workspace"
)

func notYet(file string) error {
	if file == "" {
		return nil
	}
	return atelier.Errorf(atelier.NotImplemented, "YAML files cannot be read yet.")
}

func (c *command) loadWorkspace(file string, _ []string) (workspace.Create, error) {
	return workspace.Create{}, notYet(file)
}

func (c *command) loadJob(file string, _ []string) (job.Spec, error) {
	return job.Spec{}, notYet(file)
}

func (c *command) packJob(context.Context, *client.Client, *job.Spec) error { return nil }

func (c *command) loadModel(file string, _ []string) (model.Register, error) {
	return model.Register{}, notYet(file)
}

func (c *command) loadEndpoint(file string, _ []string) (endpoint.CreateEndpoint, error) {
	return endpoint.CreateEndpoint{}, notYet(file)
}

func (c *command) readDeployment(_ context.Context, _ *client.Client, o deploymentOptions) (string, endpoint.CreateDeployment, error) {
	return "", endpoint.CreateDeployment{}, notYet(o.file)
}
