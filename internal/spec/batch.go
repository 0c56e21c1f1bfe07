package spec

import (
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/batch"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/job"
)

// BatchEndpoint reads the document as a batch endpoint.
func (d *Document) BatchEndpoint() (batch.CreateEndpoint, error) {
	if !d.only(BatchEndpoint) {
		return batch.CreateEndpoint{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	o.need("name", "what the endpoint is called")
	ask := batch.CreateEndpoint{Name: o.text("name"), Description: o.text("description"), Tags: o.texts("tags"),
		Properties: o.texts("properties"), AuthMode: o.choice("auth_mode", batch.AuthMode)}
	if node := o.value("name"); node != nil {
		d.nameFault(node, atelier.CheckEndpointName("endpoint", ask.Name))
	}
	if inner := o.inner("defaults"); inner != nil {
		ask.Defaults.Deployment = inner.text("deployment_name")
		inner.finish(nil)
	}
	o.finish(map[string]string{
		"traffic":               "It belongs to online endpoints; defaults.deployment_name says which deployment is asked.",
		"mirror_traffic":        "It belongs to online endpoints.",
		"identity":              "A job always runs with a token of its own.",
		"compute":               "It belongs to the deployment.",
		"public_network_access": "Who can reach the server decides who can reach the endpoint.",
		"scoring_uri":           "The server sets it.",
		"openapi_uri":           "The server sets it.",
		"provisioning_state":    "The server sets it.",
	})
	return ask, d.failure()
}

var refusedInBatchDeployment = map[string]string{
	"component":          "Pipelines behind batch endpoints are not there yet.",
	"job_definition":     "Pipelines behind batch endpoints are not there yet.",
	"instance_count":     "Write it under resources.",
	"instance_type":      "Name a compute.",
	"request_settings":   "It belongs to online deployments.",
	"liveness_probe":     "It belongs to online deployments.",
	"readiness_probe":    "It belongs to online deployments.",
	"scale_settings":     "It belongs to online deployments.",
	"data_collector":     "It belongs to online deployments.",
	"partition_keys":     "Files are scored in the order of their names.",
	"identity":           "A job always runs with a token of its own.",
	"provisioning_state": "The server sets it.",
	"provisioning_error": "The server sets it.",
}

// BatchDeployment reads the document as a deployment behind a batch endpoint. Older
// files have the keys of settings at their root.
func (d *Document) BatchDeployment() (batch.CreateDeployment, error) {
	if !d.only(BatchDeployment) {
		return batch.CreateDeployment{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	o.need("name", "what the deployment is called")
	ask := batch.CreateDeployment{Name: o.text("name"), Endpoint: o.text("endpoint_name"), Definition: batch.Definition{
		Type: o.choice("type", batch.ModelType), Description: o.text("description"), Tags: o.texts("tags"), Properties: o.texts("properties"),
		Compute: o.text("compute"), Resources: d.batchResources(o)}}
	if node := o.value("name"); node != nil {
		d.nameFault(node, atelier.CheckEndpointName("deployment", ask.Name))
	}
	if node := o.value("model"); node != nil {
		ask.Model = d.deployedModel(node)
	}
	if node := o.value("environment"); node != nil {
		ask.Environment = d.environment(node, "environment")
	}
	ask.CodeConfiguration = d.codeConfiguration(o)
	ask.Settings = d.allBatchSettings(o)
	if ask.Model == nil && ask.CodeConfiguration == nil && len(d.faults) == 0 && !d.partial {
		d.add(o.node, "The deployment has neither a model nor a scoring script. Give model, code_configuration, or both, here or with --set.")
	}
	o.finish(refusedInBatchDeployment)
	return ask, d.failure()
}

// batchResources reads what the jobs of a deployment ask of their machine.
func (d *Document) batchResources(o *object) job.Resources {
	inner := o.inner("resources")
	if inner == nil {
		return job.Resources{}
	}
	r := job.Resources{InstanceCount: inner.integer("instance_count", 1, batch.MaxInstances), CPUs: inner.integer("cpus", 1, 4096),
		Memory: inner.text("memory"), GPUs: inner.integer("gpus", 0, 1024)}
	if _, err := compute.ParseMemory(r.Memory); err != nil {
		d.nameFault(inner.value("memory"), err)
	}
	inner.ignore("instance_type", "The machine is the compute's.")
	inner.finish(map[string]string{
		"properties":  "Nothing is known that they could set.",
		"shm_size":    "The shared memory is the machine's own.",
		"docker_args": "Jobs run without containers so far.",
	})
	return r
}

// batchKeys are the keys of settings that may stand at the root, too.
var batchKeys = []string{"mini_batch_size", "max_concurrency_per_instance", "error_threshold", "retry_settings", "output_action",
	"output_file_name", "logging_level", "environment_variables"}

// allBatchSettings reads settings, and what of them stands at the root.
func (d *Document) allBatchSettings(o *object) batch.Settings {
	root := d.batchSettings(o)
	inner := o.inner("settings")
	if inner == nil {
		return root
	}
	settings := d.batchSettings(inner)
	for _, key := range batchKeys {
		if _, twice := inner.fields[key]; twice && o.value(key) != nil && key != "environment_variables" {
			d.add(o.fields[key].key, "The key %q is also given as \"settings.%s\". Write it once.", key, key)
		}
	}
	inner.finish(map[string]string{
		"partition_keys":           "Files are scored in the order of their names.",
		"default_compute":          "It belongs to pipelines behind batch endpoints, which are not there yet.",
		"default_datastore":        "It belongs to pipelines behind batch endpoints, which are not there yet.",
		"continue_on_step_failure": "It belongs to pipelines behind batch endpoints, which are not there yet.",
		"force_rerun":              "It belongs to pipelines behind batch endpoints, which are not there yet.",
	})
	return settings.Over(root)
}

// batchSettings reads the keys of settings where they stand in o.
func (d *Document) batchSettings(o *object) batch.Settings {
	s := batch.Settings{
		MiniBatchSize:        o.integer("mini_batch_size", 1, batch.MaxMiniBatch),
		MaxConcurrency:       o.integer("max_concurrency_per_instance", 1, batch.MaxConcurrency),
		OutputAction:         o.word("output_action", compute.AppendRow, compute.SummaryOnly),
		OutputFileName:       o.text("output_file_name"),
		LoggingLevel:         strings.ToLower(o.word("logging_level", batch.LoggingLevels...)),
		EnvironmentVariables: o.texts("environment_variables"),
	}
	if o.value("error_threshold") != nil {
		threshold := o.integer("error_threshold", -1, batch.MaxErrors)
		s.ErrorThreshold = &threshold
	}
	if node := o.value("output_file_name"); node != nil {
		d.nameFault(node, batch.CheckFileName(s.OutputFileName))
	}
	if inner := o.inner("retry_settings"); inner != nil {
		if inner.value("max_retries") != nil {
			retries := inner.integer("max_retries", 0, batch.MaxRetries)
			s.RetrySettings.MaxRetries = &retries
		}
		s.RetrySettings.Timeout = inner.integer("timeout", 1, batch.MaxSeconds)
		inner.finish(nil)
	}
	d.checkVariables(o)
	return s
}

// Invocation reads the document as what a batch endpoint is asked to score, and what
// is to be other than its deployment says.
func (d *Document) Invocation() (batch.Invoke, error) {
	o := d.object(d.root, "")
	o.text("$schema")
	ask := batch.Invoke{Inputs: d.inputs(o), Outputs: d.outputs(o), Instances: o.integer("instance_count", 1, batch.MaxInstances),
		Settings: d.allBatchSettings(o)}
	o.finish(nil)
	return ask, d.failure()
}
