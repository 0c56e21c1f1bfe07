package spec

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Kind is what a YAML file describes, as people call it: "command job".
type Kind string

// The kinds that are read. All others that Azure has are in refusedKinds.
const (
	CommandJob       Kind = "command job"
	DataAsset        Kind = "data asset"
	Datastore        Kind = "datastore"
	Compute          Kind = "compute"
	Environment      Kind = "environment"
	Model            Kind = "model"
	OnlineEndpoint   Kind = "online endpoint"
	OnlineDeployment Kind = "online deployment"
	BatchEndpoint    Kind = "batch endpoint"
	BatchDeployment  Kind = "batch deployment"
	Workspace        Kind = "workspace"
)

// Kinds whose files are refused, and files that other files name.
const (
	sweepJob         Kind = "sweep job"
	pipelineJob      Kind = "pipeline job"
	autoMLJob        Kind = "automated ML job"
	parallelJob      Kind = "parallel job"
	sparkJob         Kind = "Spark job"
	importJob        Kind = "import job"
	fineTuningJob    Kind = "fine-tuning job"
	distillationJob  Kind = "distillation job"
	commandComponent Kind = "command component"
	parallelStep     Kind = "parallel component"
	pipelineStep     Kind = "pipeline component"
	sparkStep        Kind = "Spark component"
	otherComponent   Kind = "component"
	pipelineBatch    Kind = "pipeline batch deployment"
	kubeEndpoint     Kind = "Kubernetes online endpoint"
	kubeDeployment   Kind = "Kubernetes online deployment"
	serverless       Kind = "serverless endpoint"
	computeInstance  Kind = "compute instance"
	attachedMachine  Kind = "virtual machine"
	kubeCompute      Kind = "Kubernetes compute"
	sparkCompute     Kind = "Synapse Spark compute"
	schedule         Kind = "schedule"
	monitor          Kind = "monitor"
	connection       Kind = "connection"
	registry         Kind = "registry"
	outboundRule     Kind = "outbound rule"
	modelPackage     Kind = "model package"
	dataImport       Kind = "data import"
	searchIndex      Kind = "search index"
	featureStore     Kind = "feature store"
	featureEntity    Kind = "feature store entity"
	featureSet       Kind = "feature set"
	featureSetSpec   Kind = "feature set specification"
	promptFlow       Kind = "prompt flow"
	condaFile        Kind = "conda file"
	tableFile        Kind = "MLTable file"
	mlmodelFile      Kind = "MLmodel file"
	pythonEnvFile    Kind = "MLflow python_env file"
	githubWorkflow   Kind = "GitHub workflow"
	preCommit        Kind = "pre-commit file"
)

const (
	noAzure      = "They belong to Azure's cloud, and there is none here."
	noComponents = "Submit a command job with the component's command, code and environment."
	noKubernetes = "Leave out what is of Kubernetes, and write type: managed."
	noFeatures   = "Keep features as a data asset."
)

// refusedKinds are the kinds of which no file is read: how many of them are
// called, whether they are to come, and what to do instead.
var refusedKinds = map[Kind]struct {
	plural  string
	planned bool
	instead string
}{
	sweepJob:         {"Sweep jobs", true, "Submit one command job per trial, each with its --set."},
	pipelineJob:      {"Pipeline jobs", true, "Submit the steps one after the other as command jobs; a step reads an output of another as azureml://jobs/NAME/outputs/OUTPUT."},
	autoMLJob:        {"Automated ML jobs", true, "Train with a script of your own, in a command job."},
	parallelJob:      {"Parallel jobs", true, "Split the work in a command job's script."},
	sparkJob:         {"Spark jobs", false, "They need a Spark cluster. A command job can run PySpark on one machine."},
	importJob:        {"Import jobs", false, "Fetch the data with a command job."},
	fineTuningJob:    {"Fine-tuning jobs", false, "They train a model of Azure's catalogue on Azure's machines. Use a script of your own, in a command job."},
	distillationJob:  {"Distillation jobs", false, "They train a model of Azure's catalogue on Azure's machines. Use a script of your own, in a command job."},
	commandComponent: {"Components", true, noComponents},
	parallelStep:     {"Components", true, noComponents},
	pipelineStep:     {"Components", true, noComponents},
	sparkStep:        {"Components", true, noComponents},
	otherComponent:   {"Components", true, noComponents},
	pipelineBatch:    {"Pipelines behind batch endpoints", true, "Deploy a model with type: model, or submit the steps as command jobs."},
	kubeEndpoint:     {"Kubernetes online endpoints", true, noKubernetes},
	kubeDeployment:   {"Kubernetes online deployments", true, noKubernetes},
	serverless:       {"Serverless endpoints", false, noAzure},
	computeInstance:  {"Compute instances", true, "Work on the machine itself; jobs run on the computes that `atelier compute list` shows."},
	attachedMachine:  {"Attached virtual machines", true, "Run `atelier up` on that machine."},
	kubeCompute:      {"Kubernetes computes", true, "Jobs run on the server's machine."},
	sparkCompute:     {"Synapse Spark computes", false, noAzure},
	schedule:         {"Schedules", true, "Let cron start `atelier job create`."},
	monitor:          {"Monitors", true, "Compare two versions of the data with `atelier data diff`."},
	connection:       {"Connections", true, "Give a job its secrets by name."},
	registry:         {"Registries", false, "Names such as azureml://registries/azureml/environments/sklearn-1.5/labels/latest stand for what comes with the product."},
	outboundRule:     {"Outbound rules", false, noAzure},
	modelPackage:     {"Model packages", false, "A deployment names the model and its environment itself."},
	dataImport:       {"Data imports", false, "Fetch the data with a command job whose output has a name."},
	searchIndex:      {"Search indexes", false, noAzure},
	featureStore:     {"Feature stores", false, noFeatures},
	featureEntity:    {"Feature store entities", false, noFeatures},
	featureSet:       {"Feature sets", false, noFeatures},
	featureSetSpec:   {"Feature sets", false, noFeatures},
	promptFlow:       {"Prompt flows", false, noAzure},
}

// schemas are the last words of $schema, in lower case and without their ending.
var schemas = map[string]Kind{
	"commandjob": CommandJob, "sweepjob": sweepJob, "pipelinejob": pipelineJob, "paralleljob": parallelJob,
	"sparkjob": sparkJob, "importjob": importJob, "finetuningjob": fineTuningJob, "distillationjob": distillationJob,
	"commandcomponent": commandComponent, "parallelcomponent": parallelStep, "pipelinecomponent": pipelineStep,
	"sparkcomponent": sparkStep, "importcomponent": otherComponent, "datatransfercomponent": otherComponent, "automlcomponent": otherComponent,
	"data": DataAsset, "model": Model, "environment": Environment, "mltable": tableFile, "dataindex": searchIndex, "dataimport": dataImport,
	"modelversionpackage": modelPackage, "azureblob": Datastore, "azurefile": Datastore, "azuredatalakegen1": Datastore,
	"azuredatalakegen2": Datastore, "onelake": Datastore, "hdfs": Datastore, "amlcompute": Compute, "computeinstance": computeInstance,
	"vmcompute": attachedMachine, "kubernetescompute": kubeCompute, "synapsesparkcompute": sparkCompute,
	"managedonlineendpoint": OnlineEndpoint, "managedonlinedeployment": OnlineDeployment, "kubernetesonlineendpoint": kubeEndpoint,
	"kubernetesonlinedeployment": kubeDeployment, "batchendpoint": BatchEndpoint, "batchdeployment": BatchDeployment,
	"modelbatchdeployment": BatchDeployment, "pipelinecomponentbatchdeployment": pipelineBatch, "serverlessendpoint": serverless,
	"marketplacesubscription": serverless, "workspace": Workspace, "hub": Workspace, "project": Workspace, "workspaceconnection": connection,
	"connection": connection, "azureopenaiconnection": connection, "registry": registry, "schedule": schedule, "monitorschedule": monitor,
	"featurestore": featureStore, "featurestoreentity": featureEntity, "featureset": featureSet, "featuresetspec": featureSetSpec,
	"featureretrievalspec": featureSetSpec, "flow": promptFlow, "run": promptFlow,
}

// types are values of "type" that only one kind has.
var types = map[string]Kind{
	"sweep": sweepJob, "automl": autoMLJob, "finetuning": fineTuningJob, "distillation": distillationJob,
	"managed": OnlineDeployment, "amlcompute": Compute, "computeinstance": computeInstance, "virtualmachine": attachedMachine, "synapsespark": sparkCompute,
	"azure_blob": Datastore, "azure_file": Datastore, "azure_data_lake_gen1": Datastore, "azure_data_lake_gen2": Datastore,
	"one_lake": Datastore, "hdfs": Datastore, "s3": Datastore, "gcs": Datastore,
	"uri_file": DataAsset, "uri_folder": DataAsset, "mltable": DataAsset, "custom_model": Model, "mlflow_model": Model, "triton_model": Model,
	"fqdn": outboundRule, "private_endpoint": outboundRule, "service_tag": outboundRule,
}

// Kind says what the document describes: by the keys that only one kind has,
// else by its $schema, else by what it looks like. It is empty when nothing
// tells.
func (d *Document) Kind() Kind {
	s := shapeOf(d.root)
	if kind := s.byType(); kind != "" {
		return kind
	}
	if kind := s.byKeys(); kind != "" {
		return kind
	}
	if kind := s.bySchema(); kind != "" {
		return kind
	}
	return s.byGuess()
}

// shape is what tells one kind of file from another.
type shape struct {
	keys   map[string]*yaml.Node
	schema string // the last word of $schema, in lower case
	kind   string // "type"
}

func shapeOf(root *yaml.Node) shape {
	s := shape{keys: map[string]*yaml.Node{}}
	if root.Kind != yaml.MappingNode {
		return s
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		s.keys[real(root.Content[i]).Value] = real(root.Content[i+1])
	}
	if node := s.keys["$schema"]; node != nil && node.Kind == yaml.ScalarNode {
		word, _, _ := strings.Cut(path.Base(strings.TrimSpace(node.Value)), ".")
		s.schema = strings.ToLower(word)
	}
	if node := s.keys["type"]; node != nil && node.Kind == yaml.ScalarNode {
		s.kind = strings.ToLower(node.Value)
	}
	return s
}

func (s shape) has(keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return s.keys[key] == nil })
}

func (s shape) hasOne(keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return s.keys[key] != nil })
}

func (s shape) bySchema() Kind {
	if strings.HasPrefix(s.schema, "automl") {
		return autoMLJob
	}
	return schemas[s.schema]
}

// byType reads "type", of which some values belong to more than one kind.
func (s shape) byType() Kind {
	switch s.kind {
	case "command", "parallel", "pipeline", "spark", "import":
		return s.jobOrComponent()
	case "mltable":
		if s.has("paths") {
			return tableFile
		}
	case "local":
		if s.has("path") {
			return Datastore
		}
		return Compute
	case "kubernetes":
		switch {
		case s.hasOne("endpoint_name", "model", "code_configuration", "environment"):
			return kubeDeployment
		case s.hasOne("auth_mode", "traffic"):
			return kubeEndpoint
		}
		return kubeCompute
	case "model":
		return BatchDeployment
	}
	switch kind := types[s.kind]; {
	case s.hasOne("create_job", "create_monitor", "target"):
		return "" // the keys of a schedule and of a connection say more
	case kind == DataAsset && s.has("source", "embedding"):
		return searchIndex
	case kind == DataAsset && s.has("source"):
		return dataImport
	default:
		return kind
	}
}

// jobOrComponent tells a job from a component, which declares its inputs and
// gives them no values.
func (s shape) jobOrComponent() Kind {
	if s.kind == "pipeline" && s.has("endpoint_name") {
		return pipelineBatch
	}
	component := strings.HasSuffix(s.schema, "component") || s.hasOne("is_deterministic", "additional_includes") ||
		s.has("name", "version") || declares(s.keys["inputs"])
	component = component && !strings.HasSuffix(s.schema, "job")
	pair := map[string][2]Kind{"command": {CommandJob, commandComponent}, "parallel": {parallelJob, parallelStep},
		"pipeline": {pipelineJob, pipelineStep}, "spark": {sparkJob, sparkStep}, "import": {importJob, otherComponent}}[s.kind]
	if component {
		return pair[1]
	}
	return pair[0]
}

// declares reports whether an input is only declared: a number or a text has a
// type where a job would have its value.
func declares(inputs *yaml.Node) bool {
	if inputs == nil || inputs.Kind != yaml.MappingNode {
		return false
	}
	for i := 1; i < len(inputs.Content); i += 2 {
		input := real(inputs.Content[i])
		if input.Kind != yaml.MappingNode {
			continue
		}
		if kind := child(input, "type"); kind != nil && slices.Contains([]string{"string", "number", "integer", "boolean"}, strings.ToLower(kind.Value)) {
			return true
		}
	}
	return false
}

// byKeys reads the keys that only one kind has.
func (s shape) byKeys() Kind {
	switch {
	case s.has("create_monitor"), s.has("monitoring_signals"):
		return monitor
	case s.has("create_job"), s.has("import_data"):
		return schedule
	case s.has("target", "type"):
		return connection
	case s.has("search_space", "trial"):
		return sweepJob
	case s.hasOne("on", "true") && s.has("jobs") && !s.has("$schema"):
		return githubWorkflow
	case s.has("runs") && child(s.keys["runs"], "using") != nil:
		return githubWorkflow
	case s.has("repos") && !s.has("$schema"):
		return preCommit
	case s.has("jobs"):
		s.kind = "pipeline"
		return s.jobOrComponent()
	case s.has("command"):
		s.kind = "command"
		return s.jobOrComponent()
	case s.has("job_definition"), s.has("component", "endpoint_name"):
		return pipelineBatch
	case s.hasOne("mini_batch_size", "output_action", "error_threshold") && s.has("endpoint_name"):
		return BatchDeployment
	case s.hasOne("model_id") && !s.has("path"):
		return serverless
	case s.has("dependencies") && !s.has("build_dependencies") && !s.hasOne("$schema", "image"):
		return condaFile
	case s.has("build_dependencies"):
		return pythonEnvFile
	case s.has("name", "path", "flavors"):
		return Model
	case s.has("flavors") && s.hasOne("artifact_path", "model_uuid", "utc_time_created") && !s.has("name"):
		return mlmodelFile
	case s.has("replication_locations"):
		return registry
	}
	return ""
}

// byGuess reads what nothing says outright.
func (s shape) byGuess() Kind {
	switch {
	case s.has("paths"):
		return tableFile
	case s.has("endpoint_name"):
		if s.hasOne("compute", "settings") {
			return BatchDeployment
		}
		return OnlineDeployment
	case s.has("defaults"):
		return BatchEndpoint
	case s.hasOne("traffic", "mirror_traffic", "auth_mode"):
		return OnlineEndpoint
	case s.hasOne("image", "build", "conda_file", "pip_requirements"):
		return Environment
	case s.has("managed_network"):
		return Workspace
	case s.has("features", "source"):
		return featureSetSpec
	case s.has("nodes", "inputs"):
		return promptFlow
	case s.has("credentials", "type"):
		return connection
	case s.hasOne("index_columns"):
		return featureEntity
	}
	return ""
}
