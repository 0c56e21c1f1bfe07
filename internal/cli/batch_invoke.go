package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/batch"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/spec"
)

const batchInvokeLong = `Queue a job that scores all files of a folder with a deployment of the endpoint.
A folder or file on this machine is uploaded first. The rows are the job's output
"score"; "atelier job download NAME --output-name score" gets them.

--set changes what the deployment says, for this job alone: mini_batch_size,
max_concurrency_per_instance, error_threshold, retry_settings.max_retries,
retry_settings.timeout, output_action, output_file_name, logging_level and
environment_variables.NAME.`

// invocation is what the flags of `batch-endpoint invoke` say.
type invocation struct {
	file, input, kind, outputPath string
	deployment, job, experiment   string
	inputs, outputs, sets         []string
	miniBatch, instances          string
	stream, web                   bool
}

func (c *command) batchInvoke() *cobra.Command {
	var o invocation
	cmd := &cobra.Command{
		Use:   "invoke NAME --input FOLDER",
		Short: "Score the files of a folder",
		Long:  batchInvokeLong,
		Example: "  atelier batch-endpoint invoke digits --input ./images --stream\n" +
			"  atelier batch-endpoint invoke digits --input azureml:images@latest --mini-batch-size 20 --set error_threshold=10",
	}
	flags := cmd.Flags()
	flags.StringVar(&o.input, "input", "", "what to score: a folder or file, a data asset, a datastore's path or an address")
	flags.StringVar(&o.kind, "input-type", "", "uri_folder or uri_file (default: what lies there, else uri_folder)")
	flags.StringArrayVar(&o.inputs, "inputs", nil, "an input with a name of its own, as NAME=PATH; may be repeated")
	flags.StringVarP(&o.file, "file", "f", "", "YAML file with inputs and outputs")
	flags.StringVarP(&o.deployment, "deployment-name", "d", "", "ask this deployment, and not the default")
	flags.StringVar(&o.outputPath, "output-path", "", "where the rows come to lie, as azureml://datastores/NAME/paths/PATH")
	flags.StringArrayVar(&o.outputs, "outputs", nil, "the same as score=PATH")
	flags.StringVar(&o.job, "job-name", "", "name of the job (default: made up)")
	flags.StringVarP(&o.experiment, "experiment-name", "e", "", "name of the experiment (default: the endpoint's name)")
	flags.StringVarP(&o.miniBatch, "mini-batch-size", "m", "", "how many files run() gets at a time")
	flags.StringVarP(&o.instances, "instance-count", "c", "", "how many instances, each with as many processes as the deployment says")
	flags.StringArrayVar(&o.sets, "set", nil, "change a setting of the deployment, as in output_file_name=today.csv")
	flags.BoolVarP(&o.stream, "stream", "s", false, "print its log until it ends; exit 10 when it ends badly")
	flags.BoolVar(&o.web, "web", false, "open the job in the Studio")
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		ask, err := c.readInvocation(o)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error { return c.invoke(cmd.Context(), api, which, ask, o) })
	}
	return cmd
}

// defaultInput is the name of the input that --input gives.
const defaultInput = "data"

// readInvocation reads the file and the flags, which win.
func (c *command) readInvocation(o invocation) (batch.Invoke, error) {
	ask, err := c.loadInvocation(o.file, o.sets, "mini_batch_size", o.miniBatch, "instance_count", o.instances)
	if err != nil {
		return ask, err
	}
	ask.Deployment, ask.JobName, ask.Experiment = o.deployment, o.job, o.experiment
	inputs, err := keyValues("--inputs", o.inputs)
	if err != nil {
		return ask, err
	}
	outputs, err := keyValues("--outputs", o.outputs)
	if err != nil {
		return ask, err
	}
	if o.input != "" {
		inputs[defaultInput] = o.input
	}
	if o.outputPath != "" {
		outputs[compute.ScoreOutput] = o.outputPath
	}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if ask.Inputs == nil {
			ask.Inputs = map[string]job.Input{}
		}
		ask.Inputs[name] = c.givenInput(inputs[name], o.kind)
	}
	for name, path := range outputs {
		if ask.Outputs == nil {
			ask.Outputs = map[string]job.Output{}
		}
		ask.Outputs[name] = job.Output{Type: "uri_folder", Path: path}
	}
	if len(ask.Inputs) == 0 {
		return ask, atelier.Errorf(atelier.Invalid, "There is no input to score.").WithHint("Name a folder, a data asset or an address with --input.")
	}
	return ask, nil
}

// givenInput is an input that a flag gives: its path is relative to the working
// folder.
func (c *command) givenInput(path, kind string) job.Input {
	if place, ok := local(path); ok {
		path = c.st.path(place)
	}
	return job.Input{Path: path, Type: first(kind, spec.TypeOf(path))}
}

// invoke queues the job, and follows it if that is asked for.
func (c *command) invoke(ctx context.Context, api *client.Client, endpoint string, ask batch.Invoke, o invocation) error {
	if err := c.packInputs(ctx, api, ask.Inputs); err != nil {
		return err
	}
	made, err := api.InvokeBatch(ctx, endpoint, ask)
	if err != nil {
		return err
	}
	return c.submitted(ctx, api, made, o.stream, o.web)
}

// progressText says how far a batch job is.
func progressText(p *compute.Progress) string {
	if p == nil || p.Files == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %s", p.FilesDone, counted(p.Files, "file"))
	if p.FilesFailed > 0 {
		text += fmt.Sprintf(", %d failed", p.FilesFailed)
	}
	return text
}
