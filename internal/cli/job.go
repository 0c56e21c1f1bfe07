package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/job"
)

func (c *command) jobCommand() *cobra.Command {
	return noun("job", "Run training, and follow it",
		c.jobCreate(), c.jobList(), c.jobShow(), c.jobWhy(), c.jobStream(), c.jobCancel(), c.jobDownload(), c.jobShell(), c.jobServices(), c.jobOpen(), c.jobRerun(), c.jobCompare(), c.jobDelete())
}

const jobCreateLong = `Submit the job that a YAML file describes, in the form of Azure Machine
Learning's command job. The code folder and local inputs are uploaded first;
content that the server has already is not sent again.

The experiment is the file's, else the name of the current folder.`

// jobOptions are the flags of `job create`; they win over the file.
type jobOptions struct {
	file, name, experiment string
	sets                   []string
	stream, web            bool
}

func (c *command) jobCreate() *cobra.Command {
	var o jobOptions
	cmd := &cobra.Command{
		Use:   "create -f FILE",
		Short: "Submit a job",
		Long:  jobCreateLong,
		Example: "  atelier job create -f job.yml --stream\n" +
			"  atelier job create -f job.yml --set inputs.alpha=0.1 --set tags.study=ridge",
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "YAML file that describes the job")
	flags.StringVarP(&o.name, "name", "n", "", "name of the job (default: made up)")
	flags.StringVarP(&o.experiment, "experiment-name", "e", "", "name of the experiment")
	flags.StringArrayVar(&o.sets, "set", nil, "change a value of the file, as in inputs.alpha=0.1; may be repeated")
	flags.BoolVarP(&o.stream, "stream", "s", false, "print its log until it ends; exit 10 when it ends badly")
	flags.BoolVar(&o.web, "web", false, "open it in the Studio")
	cmd.MarkFlagRequired("file")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return c.submit(cmd.Context(), o) }
	return cmd
}

func (c *command) submit(ctx context.Context, o jobOptions) error {
	ask, document, err := c.loadJob(o)
	if err != nil {
		return err
	}
	api, err := c.connect()
	if err != nil {
		return err
	}
	if err := c.packJob(ctx, api, &ask); err != nil {
		return err
	}
	made, err := api.SubmitJob(ctx, ask)
	if err != nil {
		return document.Locate(err)
	}
	return c.submitted(ctx, api, made, o.stream, o.web)
}

// submitted shows a job that is queued, or follows it until it ends.
func (c *command) submitted(ctx context.Context, api *client.Client, made job.Job, stream, web bool) error {
	for _, notice := range made.Notices {
		c.done("Note: %s", notice)
	}
	if web {
		c.browse(studioRun(api, made.Name))
	}
	if !stream {
		return c.emit(made, func() table {
			return facts([2]string{"name", made.Name}, [2]string{"status", string(made.Status)},
				[2]string{"studio", studioRun(api, made.Name)})
		})
	}
	c.done("name    %s\nstudio  %s", made.Name, studioRun(api, made.Name))
	return c.follow(ctx, api, made.Name, job.CommandLog)
}

// experiment is the name of the working folder without blanks: what Azure takes
// when nobody names an experiment.
func (st *State) experiment() string {
	parts := strings.FieldsFunc(st.Dir, func(r rune) bool { return r == '/' || r == '\\' })
	if len(parts) == 0 {
		return "Default"
	}
	return first(strings.ReplaceAll(parts[len(parts)-1], " ", ""), "Default")
}

// studioRun is where the Studio shows a run.
func studioRun(api *client.Client, name string) string {
	return api.Server() + "/w/" + api.Workspace() + "/runs/" + name
}

// browse opens an address in the user's browser, where there is one.
func (c *command) browse(address string) {
	if c.st.OpenBrowser == nil || c.st.OpenBrowser(address) != nil {
		c.done("Open %s", address)
	}
}

func (c *command) jobList() *cobra.Command {
	var ask job.ListJobs
	var status string
	var all bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List jobs, newest first",
		Example: "  atelier job list --experiment diabetes --status Running",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&ask.Experiment, "experiment", "e", "", "only jobs of this experiment")
	flags.StringVar(&status, "status", "", "only jobs with this status, such as Running or Failed")
	flags.IntVar(&ask.MaxResults, "max-results", 50, "how many at most")
	flags.BoolVar(&all, "all-results", false, "all of them")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if ask.MaxResults < 1 {
			return atelier.Errorf(atelier.Invalid, "A list cannot have %d results.", ask.MaxResults).At("--max-results")
		}
		if all {
			ask.MaxResults = 0
		}
		ask.Status = job.Status(status)
		return c.onServer(func(api *client.Client) error {
			jobs, err := api.ListJobs(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.emit(jobs, func() table {
				t := table{header: []string{"name", "display name", "experiment", "status", "created", "took"}, empty: "There are no such jobs. `atelier job create -f job.yml` submits one."}
				for _, j := range jobs {
					t.rows = append(t.rows, []string{j.Name, j.DisplayName, j.ExperimentName, string(j.Status), c.at(j.CreatedAt), c.took(j)})
				}
				return t
			})
		})
	}
	return cmd
}

// took says how long a job ran, or has been running.
func (c *command) took(j job.Job) string {
	switch {
	case j.StartedAt == nil:
		return ""
	case j.EndedAt != nil:
		return lasted(j.EndedAt.Sub(*j.StartedAt))
	default:
		return lasted(max(0, c.st.Clock.Now().Sub(*j.StartedAt)))
	}
}

func (c *command) jobShow() *cobra.Command {
	var web bool
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a job",
		Example: "  atelier job show calm-heron-412\n  atelier job show calm-heron-412 -o yaml",
	}
	cmd.Flags().BoolVar(&web, "web", false, "open it in the Studio")
	name := named(cmd, "job")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			found, err := api.GetJob(cmd.Context(), which)
			if err != nil {
				return err
			}
			if web {
				c.browse(studioRun(api, found.Name))
			}
			return c.showJob(api, found)
		})
	}
	return cmd
}

func (c *command) jobWhy() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "why NAME",
		Short:   "Explain what a queued job waits for",
		Example: "  atelier job why calm-heron-412",
	}
	name := named(cmd, "job")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			why, err := api.Why(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.emit(why, func() table {
				return facts([2]string{"name", why.Name}, [2]string{"status", string(why.Status)}, [2]string{"why", why.Reason})
			})
		})
	}
	return cmd
}

func (c *command) jobStream() *cobra.Command {
	var log string
	cmd := &cobra.Command{
		Use:   "stream NAME",
		Short: "Print a job's log until the job ends; exit 10 when it ends badly",
		Example: "  atelier job stream calm-heron-412\n  atelier job stream calm-heron-412 --log environment\n" +
			"  atelier job stream calm-heron-412 --log 3",
	}
	cmd.Flags().StringVar(&log, "log", "command", "which log: command, environment (how it was built), runner, or the number of a process of a distributed job")
	name := named(cmd, "job")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		file, err := logFile(log)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error { return c.follow(cmd.Context(), api, which, file) })
	}
	return cmd
}

// logFile is the log that a word, or the number of a process, means.
func logFile(word string) (string, error) {
	if file, ok := map[string]string{"command": job.CommandLog, "environment": job.EnvironmentLog, "runner": job.RunnerLog}[word]; ok {
		return file, nil
	}
	if rank, err := strconv.Atoi(word); err == nil && rank >= 0 && rank < job.MaxProcesses {
		return job.ProcessLog(rank), nil
	}
	return "", atelier.Errorf(atelier.Invalid, "A job has no log %q.", atelier.Clip(word, 40)).At("--log").
		WithHint("Use command, environment, runner or the number of a process.")
}

func (c *command) jobCancel() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "cancel NAME",
		Short:   "End a job",
		Example: "  atelier job cancel calm-heron-412",
	}
	name := named(cmd, "job")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			asked, err := api.CancelJob(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.showJob(api, asked)
		})
	}
	return cmd
}

// namedOutputs is where a run's artifacts keep the outputs that a job declared.
const namedOutputs = "named-outputs"

func (c *command) jobDownload() *cobra.Command {
	var target, output string
	var all bool
	cmd := &cobra.Command{
		Use:     "download NAME",
		Short:   "Download what a job left",
		Long:    "Download all that a job's run keeps: outputs, logs and artifacts; or one of its\ndeclared outputs with --output-name.",
		Example: "  atelier job download calm-heron-412\n  atelier job download calm-heron-412 --output-name model -p ./model",
	}
	flags := cmd.Flags()
	flags.StringVarP(&target, "download-path", "p", "", "folder to write to (default: one named like the job)")
	flags.StringVar(&output, "output-name", "", "only this output of the job")
	flags.BoolVar(&all, "all", false, "everything, which is what happens anyway")
	flags.MarkHidden("all") // Azure's scripts give it
	name := named(cmd, "job")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		want := artifactsWanted{run: which, target: first(target, which)}
		if output != "" {
			want.folder = namedOutputs + "/" + output
			want.base = want.folder
		}
		return c.onServer(func(api *client.Client) error { return c.downloadArtifacts(cmd.Context(), api, want) })
	}
	return cmd
}

func (c *command) jobDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a job that has ended, with its run",
		Example: "  atelier job delete calm-heron-412 --yes",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	name := named(cmd, "job")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		if err := c.confirm(yes, "Delete the job %q with its logs, metrics and outputs?", which); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteJob(cmd.Context(), which); err != nil {
				return err
			}
			c.done("The job %q is deleted.", which)
			return nil
		})
	}
	return cmd
}
