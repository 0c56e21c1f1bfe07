package spec

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// refusedInJob are the keys of Azure's commandJob that are not offered.
var refusedInJob = map[string]string{
	"parent_job_name":      "Jobs inside jobs are not there yet.",
	"creation_context":     "The server sets it.",
	"status":               "The server sets it.",
	"log_files":            "The server sets it.",
	"id":                   "The server sets it.",
	"component":            "Components are not there yet; write command here.",
	"trial":                "It belongs to sweep jobs, which are not offered yet.",
	"jobs":                 "It belongs to pipeline jobs, which are not offered yet.",
	"schedule":             "Schedules are not there yet.",
	"is_deterministic":     "Results are never reused; every job runs.",
	"experiment":           "The key is experiment_name.",
	"environment_variable": "The key is environment_variables.",
}

// dataTypes are the types of inputs that are places of data.
var dataTypes = []string{"uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model"}

// parameterName is what ${{inputs.NAME}} can hold.
var parameterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`)

// reserved are names that would hide what programs need.
var reserved = regexp.MustCompile(`(?i)^(path|ld_library_path|user|logname|home|pwd|shell)$`)

// Job reads the document as a command job.
func (d *Document) Job() (job.Spec, error) {
	if !d.only(CommandJob) {
		return job.Spec{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	var spec job.Spec
	if kind := o.text("type"); kind != "" && !strings.EqualFold(kind, "command") {
		d.add(o.value("type"), "Jobs of type %q are not offered. The type can be command.", atelier.Clip(kind, 60))
		return spec, d.failure()
	}
	o.need("command", "the line for the shell that the job runs")
	spec = job.Spec{
		Name: o.text("name"), Type: "command", DisplayName: o.text("display_name"), Description: o.text("description"),
		ExperimentName: o.text("experiment_name"), Tags: o.texts("tags"), Properties: o.texts("properties"),
		Command: o.text("command"), EnvironmentVariables: o.texts("environment_variables"), Compute: o.text("compute"),
	}
	if node := o.value("name"); node != nil {
		d.nameFault(node, atelier.CheckJobName(spec.Name))
	}
	if node := o.value("code"); node != nil {
		spec.Code = d.path(node, "code", aFolder)
	}
	if node := o.value("environment"); node != nil {
		spec.Environment = d.environment(node, "environment")
	}
	spec.Resources, spec.Limits, spec.QueueSettings = d.resources(o), d.limits(o), d.queueSettings(o)
	spec.Distribution, spec.Identity, spec.Services = d.distribution(o), d.identity(o), d.services(o)
	spec.Inputs, spec.Outputs = d.inputs(o), d.outputs(o)
	d.checkVariables(o)
	d.checkTags(o)
	o.finish(refusedInJob)
	d.jobExpressions(o)
	return spec, d.failure()
}

// variableName is what a shell takes as the name of a variable.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkVariables checks the names of the environment variables.
func (d *Document) checkVariables(o *object) {
	o.each("environment_variables", func(name string, inner field) {
		if !variableName.MatchString(name) {
			d.add(inner.key, "%q cannot be an environment variable. Use letters, digits and '_', not beginning with a digit.", atelier.Clip(name, 60))
		}
	})
}

// checkTags checks the names of a job's tags, which become its run's.
func (d *Document) checkTags(o *object) {
	o.each("tags", func(name string, inner field) {
		if !tracking.FitsTag(name) {
			d.add(inner.key, "%q cannot name a tag. Use letters, digits, '_', '-', '.', ':', '/' or blanks.", atelier.Clip(name, 60))
		}
	})
}

// nameFault reports what is wrong with the name in node, unless something was
// reported there already.
func (d *Document) nameFault(node *yaml.Node, err error) {
	if err != nil && !slices.ContainsFunc(d.faults, func(f fault) bool { return f.line == node.Line && f.column == node.Column }) {
		fault := atelier.Public(err)
		d.add(node, "%s %s", fault.Message, fault.Hint)
	}
}

// jobExpressions checks every value that may hold expressions.
func (d *Document) jobExpressions(o *object) {
	s := scope{d: d, inputs: map[string]*yaml.Node{}, outputs: map[string]*yaml.Node{}}
	for key, into := range map[string]map[string]*yaml.Node{"inputs": s.inputs, "outputs": s.outputs} {
		if found := o.fields[key]; found.value != nil && found.value.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(found.value.Content); i += 2 {
				into[real(found.value.Content[i]).Value] = real(found.value.Content[i+1])
			}
		}
	}
	s.check(o.value("command"))
	o.each("services", func(_ string, inner field) {
		if inner.value.Kind == yaml.MappingNode {
			s.check(child(inner.value, "log_dir"))
		}
	})
	ofVariables := s
	ofVariables.secret = true
	o.each("environment_variables", func(_ string, inner field) { ofVariables.check(inner.value) })
	for _, node := range s.inputs {
		s.check(node)
	}
	for _, node := range s.outputs {
		if node.Kind == yaml.MappingNode {
			s.check(child(node, "path"), "name", "output_name", "default_datastore")
		}
	}
	s.checkCircles()
}

// child returns the value at key of a mapping, nil when there is none.
func child(node *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if real(node.Content[i]).Value == key {
			return real(node.Content[i+1])
		}
	}
	return nil
}

func (d *Document) resources(o *object) job.Resources {
	inner := o.inner("resources")
	if inner == nil {
		return job.Resources{}
	}
	r := job.Resources{InstanceCount: inner.integer("instance_count", 1, 1000), InstanceType: inner.text("instance_type"),
		ShmSize: inner.text("shm_size"), DockerArgs: inner.text("docker_args"), CPUs: inner.integer("cpus", 1, 4096),
		Memory: inner.text("memory"), GPUs: inner.integer("gpus", 0, 1024)}
	if _, err := compute.ParseMemory(r.Memory); err != nil {
		d.nameFault(inner.value("memory"), err)
	}
	if r.InstanceCount > 1 && o.value("distribution") == nil {
		d.add(inner.value("instance_count"), "All instances of a job are on one machine, and without \"distribution\" it is one process: leave \"resources.instance_count\" out, or say how the processes find each other.")
	}
	if node := inner.value("properties"); node != nil {
		if d.object(node, "resources.properties"); node.Kind == yaml.MappingNode {
			if err := deepCopy(node).Decode(&r.Properties); err != nil {
				d.add(node, "\"resources.properties\" cannot be read.")
			}
		}
	}
	inner.finish(map[string]string{
		"instance_types":     "Name one in instance_type.",
		"locations":          "Jobs run where the server's computes are.",
		"max_instance_count": "A job does not grow while it runs. Write instance_count.",
	})
	return r
}

// keysOf are the keys that belong to one type of distribution alone.
var keysOf = map[string][]string{
	compute.PyTorch: {"process_count_per_instance"}, compute.MPI: {"process_count_per_instance"},
	compute.TensorFlow: {"worker_count", "parameter_server_count"},
}

func (d *Document) distribution(o *object) *job.Distribution {
	inner := o.inner("distribution")
	if inner == nil {
		return nil
	}
	if inner.text("type") == "ray" {
		d.add(inner.value("type"), "Clusters of Ray are not offered: a job has one machine. Call ray.init() in the script, and Ray uses all of it.")
		return nil
	}
	inner.need("type", "how the job's processes find each other: "+strings.Join(job.DistributionTypes, ", "))
	made := &job.Distribution{Type: inner.choice("type", job.DistributionTypes...),
		ProcessCountPerInstance: inner.integer("process_count_per_instance", 1, job.MaxProcesses),
		WorkerCount:             inner.integer("worker_count", 1, job.MaxProcesses),
		ParameterServerCount:    inner.integer("parameter_server_count", 0, job.MaxProcesses)}
	for _, key := range slices.Sorted(maps.Keys(inner.fields)) {
		if belong := keysOf[made.Type]; made.Type != "" && key != "type" && !slices.Contains(belong, key) && slices.Contains(inner.allowed, key) {
			d.add(inner.fields[key].key, "A distribution of the type %s has no %s. It has: %s.", made.Type, key, strings.Join(belong, ", "))
		}
	}
	refused := map[string]string{}
	for _, key := range []string{"address", "port", "include_dashboard", "dashboard_port", "head_node_additional_args", "worker_node_additional_args"} {
		refused[key] = "It belongs to Ray, whose clusters are not offered."
	}
	inner.finish(refused)
	return made
}

func (d *Document) identity(o *object) *job.Identity {
	inner := o.inner("identity")
	if inner == nil {
		return nil
	}
	inner.need("type", "whom the job acts as: "+strings.Join(job.IdentityTypes, ", "))
	made := &job.Identity{Type: inner.choice("type", job.IdentityTypes...), ClientID: inner.text("client_id"),
		ObjectID: inner.text("object_id"), ResourceID: inner.text("resource_id")}
	inner.finish(nil)
	return made
}

func (d *Document) queueSettings(o *object) job.QueueSettings {
	inner := o.inner("queue_settings")
	if inner == nil {
		return job.QueueSettings{}
	}
	settings := job.QueueSettings{Priority: inner.word("priority", job.Priorities...), JobTier: inner.word("job_tier", job.JobTiers...)}
	inner.finish(nil)
	return settings
}

func (d *Document) limits(o *object) job.Limits {
	inner := o.inner("limits")
	if inner == nil {
		return job.Limits{}
	}
	limits := job.Limits{Timeout: inner.integer("timeout", 1, 1<<31-1)}
	inner.finish(map[string]string{
		"trial_timeout":         "It belongs to sweep jobs, which are not offered yet.",
		"max_total_trials":      "It belongs to sweep jobs, which are not offered yet.",
		"max_concurrent_trials": "It belongs to sweep jobs, which are not offered yet.",
	})
	return limits
}

func (d *Document) checkParameter(node *yaml.Node, kind, name string) {
	if !parameterName.MatchString(name) || reserved.MatchString(name) {
		d.add(node, "%q cannot name an %s. Use letters, digits and '_', not beginning with a digit, and not a name such as PATH.", atelier.Clip(name, 60), kind)
	}
}

func (d *Document) inputs(o *object) map[string]job.Input {
	var all map[string]job.Input
	o.each("inputs", func(name string, inner field) {
		if all == nil {
			all = map[string]job.Input{}
		}
		d.checkParameter(inner.key, "input", name)
		all[name] = d.input(inner.value, "inputs."+name)
	})
	return all
}

func (d *Document) input(node *yaml.Node, name string) job.Input {
	switch {
	case isNull(node):
		d.add(node, "%q is empty. Give a value, or a mapping with type and path.", name)
		return job.Input{}
	case node.Kind == yaml.ScalarNode:
		return job.Literal(d.literal(node, name))
	case node.Kind != yaml.MappingNode:
		d.add(node, "%q must be a value, or a mapping with type and path, and is %s.", name, kindOf(node))
		return job.Input{}
	}
	o := d.object(node, name)
	input := job.Input{Type: o.choice("type", dataTypes...), Mode: o.text("mode")}
	o.need("path", "where the data is")
	if node := o.value("path"); node != nil {
		input.Path = d.path(node, name+".path", placeOf(input.Type))
	}
	o.finish(map[string]string{
		"optional":  "It belongs to components, which are not offered yet.",
		"default":   "It belongs to components, which are not offered yet.",
		"datastore": "Write azureml://datastores/NAME/paths/PATH as the path.",
		"name":      "Refer to data by its path.",
		"version":   "Refer to data by its path.",
	})
	if input.Type == "" {
		input.Type = TypeOf(input.Path)
	}
	if why := job.WhyNotInput(input.Type, input.Mode); why != "" {
		d.add(o.value("mode"), "%q: %s", name+".mode", why)
	}
	return input
}

// TypeOf is the type of data whose type was not written: what lies there on
// this machine, else Azure's default.
func TypeOf(path string) string {
	if isLocal(path) {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return "uri_file"
		}
	}
	return "uri_folder"
}

// literal keeps a number as it was written, where JSON can say it so, and tells
// true and false from text.
func (d *Document) literal(node *yaml.Node, name string) any {
	text := d.text(node, name)
	if node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return text
	}
	switch node.Tag {
	case "!!bool":
		return strings.EqualFold(text, "true")
	case "!!int", "!!float":
		if json.Valid([]byte(text)) {
			return json.Number(text)
		}
	}
	return text
}

func (d *Document) outputs(o *object) map[string]job.Output {
	var all map[string]job.Output
	o.each("outputs", func(name string, inner field) {
		if all == nil {
			all = map[string]job.Output{}
		}
		d.checkParameter(inner.key, "output", name)
		all[name] = d.output(inner.value, "outputs."+name)
	})
	return all
}

func (d *Document) output(node *yaml.Node, name string) job.Output {
	if isNull(node) {
		return job.Output{Type: "uri_folder"}
	}
	o := d.object(node, name)
	output := job.Output{Type: o.choice("type", dataTypes...), Mode: o.choice("mode", job.OutputModes...),
		Path: o.text("path"), Name: o.text("name"), Version: o.text("version")}
	if node := o.value("name"); node != nil {
		d.nameFault(node, output.CheckName())
	}
	if node := o.value("version"); node != nil {
		d.nameFault(node, output.CheckVersion())
	}
	if node := o.value("path"); node != nil && output.Path != "" && isLocal(output.Path) {
		d.add(node, "An output is kept in a datastore, so %q cannot be a local path. Leave it out, or write azureml://datastores/NAME/paths/PATH.", name+".path")
	}
	if output.Type == "" {
		output.Type = "uri_folder"
	}
	o.finish(map[string]string{
		"datastore":       "Write azureml://datastores/NAME/paths/PATH as the path.",
		"description":     "An output has none.",
		"early_available": "Outputs are kept when the job ends.",
	})
	return output
}
