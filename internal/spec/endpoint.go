package spec

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/endpoint"
)

// OnlineEndpoint reads the document as an online endpoint.
func (d *Document) OnlineEndpoint() (endpoint.CreateEndpoint, error) {
	if !d.only(OnlineEndpoint) {
		return endpoint.CreateEndpoint{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	o.need("name", "what the endpoint is called")
	if o.text("auth_mode") == "aad_token" {
		d.add(o.value("auth_mode"), "\"auth_mode\" cannot be aad_token: there is no Azure directory here. Allowed: key, aml_token.")
	} else {
		o.choice("auth_mode", "key", "aml_token")
	}
	ask := endpoint.CreateEndpoint{Name: o.text("name"), Description: o.text("description"), Tags: o.texts("tags"), Properties: o.texts("properties"),
		AuthMode: endpoint.AuthMode(o.text("auth_mode")), Traffic: o.integers("traffic", 0, 100), MirrorTraffic: o.integers("mirror_traffic", 0, 100)}
	if node := o.value("name"); node != nil {
		d.nameFault(node, atelier.CheckEndpointName("endpoint", ask.Name))
	}
	if !strings.EqualFold(o.text("public_network_access"), "enabled") {
		o.refuse("public_network_access", "Who can reach the server decides who can reach the endpoint, so this can only be enabled.")
	}
	o.finish(map[string]string{
		"identity":           "A deployment always runs with a token of its own.",
		"compute":            "Deployments run on the server's own compute so far.",
		"defaults":           "It belongs to batch endpoints: see `atelier batch-endpoint create`.",
		"scoring_uri":        "The server sets it.",
		"openapi_uri":        "The server sets it.",
		"provisioning_state": "The server sets it.",
	})
	return ask, d.failure()
}

var refusedInDeployment = map[string]string{
	"model_mount_path":           "Read the path of the model from AZUREML_MODEL_DIR.",
	"startup_probe":              "A deployment is up once its script has started; use readiness_probe for later.",
	"identity":                   "A deployment always runs with a token of its own.",
	"private_network_connection": "The network is the machine's own.",
	"compute":                    "Deployments run on the server's own compute so far.",
	"settings":                   "It belongs to batch deployments: see `atelier batch-deployment create`.",
	"mini_batch_size":            "It belongs to batch deployments: see `atelier batch-deployment create`.",
	"provisioning_state":         "The server sets it.",
	"scoring_uri":                "The server sets it.",
}

// OnlineDeployment reads the document as a deployment behind an online endpoint.
func (d *Document) OnlineDeployment() (endpoint.CreateDeployment, error) {
	if !d.only(OnlineDeployment) {
		return endpoint.CreateDeployment{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	o.choice("type", "managed")
	o.need("name", "what the deployment is called")
	ask := endpoint.CreateDeployment{Name: o.text("name"), Endpoint: o.text("endpoint_name"), Description: o.text("description"), Tags: o.texts("tags"),
		Properties: o.texts("properties"), EnvironmentVariables: o.texts("environment_variables"), InstanceType: o.text("instance_type"),
		InstanceCount: o.integer("instance_count", 1, 50)}
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
	ask.RequestSettings = d.requestSettings(o)
	ask.LivenessProbe, ask.ReadinessProbe = d.probe(o, "liveness_probe"), d.probe(o, "readiness_probe")
	ask.ScaleSettings, ask.Resources, ask.DataCollector = d.scaleSettings(o), d.deploymentResources(o), d.dataCollector(o)
	if o.text("egress_public_network_access") == "disabled" {
		d.add(o.value("egress_public_network_access"), "The network of a deployment cannot be closed yet, so this can only be enabled.")
	} else {
		o.choice("egress_public_network_access", "enabled")
	}
	if ask.Model == nil && ask.CodeConfiguration == nil && len(d.faults) == 0 {
		d.add(o.node, "The deployment has neither a model nor a scoring script. Give model, code_configuration, or both, here or with --set.")
	}
	if o.boolean("app_insights_enabled") {
		o.ignore("app_insights_enabled", "Requests are always counted; there is no other telemetry yet.")
	}
	d.checkVariables(o)
	o.finish(refusedInDeployment)
	return ask, d.failure()
}

// deployedModel reads a reference, a path, or a model written in place.
func (d *Document) deployedModel(node *yaml.Node) any {
	if node.Kind == yaml.ScalarNode {
		return d.path(node, "model", anything)
	}
	o := d.object(node, "model")
	o.need("path", "where the model's files are")
	inline := map[string]any{}
	for _, key := range []string{"name", "version", "description"} {
		if text := o.text(key); text != "" && key != "description" {
			inline[key] = text
		}
	}
	if kind := o.choice("type", "custom_model", "mlflow_model", "triton_model"); kind != "" {
		inline["type"] = kind
	}
	if node := o.value("path"); node != nil {
		inline["path"] = d.path(node, "model.path", anything)
	}
	o.finish(map[string]string{"flavors": "They are read from the MLmodel file.", "tags": "Register the model to give it tags.", "properties": "Register the model to give it properties."})
	return inline
}

func (d *Document) codeConfiguration(o *object) *endpoint.CodeConfiguration {
	inner := o.inner("code_configuration")
	if inner == nil {
		return nil
	}
	inner.need("code", "the folder of the scoring script")
	inner.need("scoring_script", "the file with init() and run()")
	code := &endpoint.CodeConfiguration{ScoringScript: inner.text("scoring_script")}
	if node := inner.value("code"); node != nil {
		code.Code = d.path(node, "code_configuration.code", aFolder)
	}
	if node := inner.value("scoring_script"); node != nil && code.Code != "" && isLocal(code.Code) && code.ScoringScript != "" {
		script := filepath.FromSlash(code.ScoringScript)
		if info, err := os.Stat(filepath.Join(code.Code, script)); !filepath.IsLocal(script) || err != nil || info.IsDir() {
			d.add(node, "There is no file %s in %s.", atelier.Clip(code.ScoringScript, 80), code.Code)
		}
	}
	inner.finish(nil)
	return code
}

func (d *Document) requestSettings(o *object) *endpoint.RequestSettings {
	inner := o.inner("request_settings")
	if inner == nil {
		return nil
	}
	settings := &endpoint.RequestSettings{
		RequestTimeoutMS:      inner.integer("request_timeout_ms", 1, 180_000),
		MaxConcurrentRequests: inner.integer("max_concurrent_requests_per_instance", 1, 1000),
		MaxQueueWaitMS:        inner.integer("max_queue_wait_ms", 1, 180_000),
	}
	inner.finish(nil)
	return settings
}

func (d *Document) probe(o *object, key string) *endpoint.Probe {
	inner := o.inner(key)
	if inner == nil {
		return nil
	}
	const day = 86_400
	probe := &endpoint.Probe{InitialDelay: inner.integer("initial_delay", 0, day), Period: inner.integer("period", 1, day), Timeout: inner.integer("timeout", 1, day),
		SuccessThreshold: inner.integer("success_threshold", 1, day), FailureThreshold: inner.integer("failure_threshold", 1, day)}
	inner.finish(map[string]string{"path": "The worker has one health path of its own.", "port": "The worker has one health path of its own.", "scheme": "The worker has one health path of its own."})
	return probe
}

// deploymentResources reads what a replica may have. Azure has it for Kubernetes.
func (d *Document) deploymentResources(o *object) *endpoint.Resources {
	inner := o.inner("resources")
	if inner == nil {
		return nil
	}
	resources := &endpoint.Resources{Requests: d.amounts(inner, "requests"), Limits: d.amounts(inner, "limits")}
	inner.finish(nil)
	return resources
}

func (d *Document) amounts(o *object, key string) *endpoint.Amounts {
	inner := o.inner(key)
	if inner == nil {
		return nil
	}
	amounts := &endpoint.Amounts{CPU: inner.text("cpu"), Memory: inner.text("memory")}
	if _, err := compute.ParseMemory(amounts.Memory); err != nil {
		d.nameFault(inner.value("memory"), err)
	}
	if _, err := endpoint.ParseCPUs(amounts.CPU); err != nil {
		d.nameFault(inner.value("cpu"), err)
	}
	inner.finish(map[string]string{"nvidia.com/gpu": "A worker sees all GPUs of its machine."})
	return amounts
}

// needsUtilization says when the bounds of scaling have a meaning.
const needsUtilization = "It belongs to type target_utilization; with type default, instance_count says how many there are."

func (d *Document) scaleSettings(o *object) *endpoint.ScaleSettings {
	inner := o.inner("scale_settings")
	if inner == nil {
		return nil
	}
	settings := &endpoint.ScaleSettings{Type: endpoint.ScaleType(inner.choice("type", "default", "target_utilization"))}
	if settings.Type != endpoint.UtilizationScale {
		inner.finish(map[string]string{
			"min_instances": needsUtilization, "max_instances": needsUtilization,
			"target_utilization_percentage": needsUtilization, "polling_interval": needsUtilization,
		})
		return settings
	}
	if inner.value("min_instances") != nil {
		fewest := inner.integer("min_instances", 0, 50)
		settings.MinInstances = &fewest
	}
	settings.MaxInstances = inner.integer("max_instances", 1, 50)
	settings.TargetUtilization = inner.integer("target_utilization_percentage", 1, 100)
	settings.PollingInterval = inner.integer("polling_interval", 1, 3600)
	settings.TargetLatencyMS = inner.integer("target_latency_ms", 1, 180_000)
	settings.ScaleDownDelay = inner.integer("scale_down_delay", 1, 86_400)
	inner.finish(nil)
	return settings
}
