package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/spec"
)

func (c *command) deploymentCommand() *cobra.Command {
	return noun("online-deployment", "Put models behind endpoints",
		c.deploymentCreate(), c.deploymentUpdate(), c.deploymentShow(), c.deploymentList(), c.deploymentDelete(), c.deploymentLogs(),
		c.deploymentCollected(), c.deploymentDeleteCollected())
}

// deploymentOptions say which deployment, and what is to become of it.
type deploymentOptions struct {
	file     string
	endpoint string
	name     string
	model    string
	sets     []string
	noWait   bool
}

func (o *deploymentOptions) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "YAML file that describes the deployment")
	flags.StringVarP(&o.endpoint, "endpoint-name", "e", "", "name of the endpoint; wins over the file")
	flags.StringVarP(&o.name, "name", "n", "", "name of the deployment; wins over the file")
	flags.StringVar(&o.model, "model", "", "the model, as in azureml:diabetes:3; wins over the file")
	flags.StringArrayVar(&o.sets, "set", nil, "change a value of the file, as in instance_count=2")
	flags.BoolVar(&o.noWait, "no-wait", false, "do not wait until it is ready")
	cmd.MarkFlagsOneRequired("file", "model")
	cmd.Args = cobra.NoArgs
}

func (c *command) deploymentCreate() *cobra.Command {
	var options deploymentOptions
	var allTraffic bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Put a model behind an endpoint",
		Long: `Put a model behind an endpoint and wait until it answers. A model and a code
folder that lie on this machine are uploaded first. When the scoring script
fails to start, the end of its log is shown.

An MLflow model needs no file: its name is enough.`,
		Example: "  atelier online-deployment create -f blue.yml --all-traffic\n" +
			"  atelier online-deployment create -e diabetes -n blue --model azureml:diabetes:3 --all-traffic",
	}
	options.addTo(cmd)
	cmd.Flags().BoolVar(&allTraffic, "all-traffic", false, "send every request to it once it is ready")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ask, document, err := c.readDeployment(options)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := c.packScoring(cmd.Context(), api, ask.CodeConfiguration, &ask.Model); err != nil {
				return err
			}
			made, err := api.CreateDeployment(cmd.Context(), ask.Endpoint, ask, allTraffic)
			if err != nil {
				return document.Locate(err)
			}
			return c.settle(cmd.Context(), api, made, options.noWait)
		})
	}
	return cmd
}

func (c *command) deploymentUpdate() *cobra.Command {
	var options deploymentOptions
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Change a deployment without dropping a request",
		Example: "  atelier online-deployment update -f blue.yml --set instance_count=2",
	}
	options.addTo(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ask, document, err := c.readDeployment(options)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := c.packScoring(cmd.Context(), api, ask.CodeConfiguration, &ask.Model); err != nil {
				return err
			}
			changed, err := api.UpdateDeployment(cmd.Context(), ask.Endpoint, ask.Name, asChange(ask))
			if err != nil {
				return document.Locate(err)
			}
			return c.settle(cmd.Context(), api, changed, options.noWait)
		})
	}
	return cmd
}

// readDeployment reads the file and the flags, which must name both things.
func (c *command) readDeployment(o deploymentOptions) (endpoint.CreateDeployment, *spec.Document, error) {
	ask, document, err := c.loadDeployment(o)
	switch {
	case err != nil:
		return ask, nil, err
	case ask.Endpoint == "":
		return ask, nil, atelier.Errorf(atelier.Invalid, "The deployment names no endpoint.").
			WithHint("Give endpoint_name in the file, or --endpoint-name.")
	case ask.Name == "":
		return ask, nil, atelier.Errorf(atelier.Invalid, "The deployment has no name.").WithHint("Give --name.")
	}
	return ask, document, nil
}

// asChange is the change that makes a deployment what a file says, where the
// file says anything.
func asChange(ask endpoint.CreateDeployment) endpoint.UpdateDeployment {
	return endpoint.UpdateDeployment{
		Description: unlessZero(ask.Description), Tags: unlessNil(ask.Tags), Properties: unlessNil(ask.Properties),
		Model: ask.Model, CodeConfiguration: ask.CodeConfiguration, Environment: ask.Environment,
		EnvironmentVariables: unlessNil(ask.EnvironmentVariables),
		InstanceType:         unlessZero(ask.InstanceType), InstanceCount: unlessZero(ask.InstanceCount),
		RequestSettings: ask.RequestSettings, LivenessProbe: ask.LivenessProbe,
		ReadinessProbe: ask.ReadinessProbe, ScaleSettings: ask.ScaleSettings, Resources: ask.Resources, DataCollector: ask.DataCollector,
	}
}

const (
	settleStep = 500 * time.Millisecond // how often a deployment is asked whether it is ready
	settleAway = 60                     // how many times in a row the server may be away meanwhile
)

// settle waits until the deployment answers or has failed, and shows it.
func (c *command) settle(ctx context.Context, api *client.Client, d endpoint.Deployment, noWait bool) error {
	if !noWait {
		c.done("Preparing the deployment %q of the endpoint %q.", d.Name, d.Endpoint)
	}
	for away := 0; !noWait && !settled(d.State); {
		select {
		case <-ctx.Done():
			c.done("The deployment goes on. `atelier online-deployment show -e %s -n %s` says how it is.", d.Endpoint, d.Name)
			return ctx.Err()
		case <-c.st.Clock.After(settleStep):
		}
		now, err := api.GetDeployment(ctx, d.Endpoint, d.Name)
		switch {
		case err == nil:
			d, away = now, 0
		case atelier.CodeOf(err) == atelier.Unavailable && away < settleAway:
			away++ // the deployment goes on without its server
		default:
			return err
		}
	}
	if err := c.showDeployment(d); err != nil {
		return err
	}
	if d.State == endpoint.Failed {
		return c.deploymentFailed(ctx, api, d)
	}
	return nil
}

func settled(state endpoint.State) bool {
	return state == endpoint.Succeeded || state == endpoint.Failed
}

// deploymentFailed shows the end of the log, where a traceback is, and returns
// an error that says what to do.
func (c *command) deploymentFailed(ctx context.Context, api *client.Client, d endpoint.Deployment) error {
	if log, err := api.DeploymentLog(ctx, d.Endpoint, d.Name, 30); err == nil && log != "" {
		fmt.Fprintf(c.st.Stderr, "\n%s\n\n", strings.TrimRight(log, "\n"))
	}
	message := "The deployment failed."
	if d.Error != nil {
		message = d.Error.Message
	}
	return atelier.Errorf(atelier.Precondition, "%s", message).
		WithHint("`atelier online-deployment get-logs -e %s -n %s` shows the whole log.", d.Endpoint, d.Name)
}

func (c *command) deploymentShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME --endpoint-name ENDPOINT",
		Short:   "Show a deployment",
		Example: "  atelier online-deployment show blue -e diabetes",
	}
	which := deploymentNamed(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		of, name, err := which(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			d, err := api.GetDeployment(cmd.Context(), of, name)
			if err != nil {
				return err
			}
			return c.showDeployment(d)
		})
	}
	return cmd
}

// deploymentNamed adds the flags that name a deployment.
func deploymentNamed(cmd *cobra.Command) func(args []string) (of, name string, err error) {
	of := cmd.Flags().StringP("endpoint-name", "e", "", "name of the endpoint")
	cmd.MarkFlagRequired("endpoint-name")
	name := named(cmd, "deployment")
	return func(args []string) (string, string, error) {
		which, err := name(args)
		return *of, which, err
	}
}

func (c *command) showDeployment(d endpoint.Deployment) error {
	return c.emit(d, func() table {
		failure := ""
		if d.Error != nil {
			failure = d.Error.Message
		}
		return facts(
			[2]string{"name", d.Name},
			[2]string{"endpoint", d.Endpoint},
			[2]string{"state", string(d.State)},
			[2]string{"error", failure},
			[2]string{"model", referenceText(d.Model)},
			[2]string{"environment", referenceText(d.Environment)},
			[2]string{"instances", fmt.Sprintf("%d of %d ready", ready(d), d.WantedInstances)},
			[2]string{"restarts", c.restarts(d)},
			[2]string{"description", d.Description},
			[2]string{"tags", pairs(d.Tags)},
			[2]string{"created by", d.CreatedBy},
			[2]string{"created", c.at(d.CreatedAt)},
			[2]string{"updated", c.at(d.UpdatedAt)},
		)
	})
}

// restarts tells how often the workers of a deployment ended by themselves, and why
// one did last.
func (c *command) restarts(d endpoint.Deployment) string {
	count, last := 0, endpoint.Restarts{}
	for _, r := range d.Replicas {
		if r.Restarts == nil {
			continue
		}
		count += r.Restarts.Count
		if r.Restarts.At.After(last.At) {
			last = *r.Restarts
		}
	}
	if count == 0 {
		return ""
	}
	text := fmt.Sprintf("%d, the last at %s: %s", count, c.at(last.At), last.Reason.Message)
	if last.NextAt.After(c.st.Clock.Now()) {
		text += " The worker starts again at " + c.at(last.NextAt) + "."
	}
	return text
}

// referenceText shows a model or an environment: its reference, or its place
// when it is written in place.
func referenceText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case map[string]any:
		if path, ok := value["path"].(string); ok {
			return path
		}
		if name, ok := value["name"].(string); ok {
			return name
		}
		return "written in place"
	}
	return ""
}

func ready(d endpoint.Deployment) int {
	n := 0
	for _, replica := range d.Replicas {
		if replica.State == endpoint.Ready {
			n++
		}
	}
	return n
}

func (c *command) deploymentList() *cobra.Command {
	var of string
	cmd := &cobra.Command{
		Use:     "list --endpoint-name ENDPOINT",
		Short:   "List the deployments of an endpoint",
		Example: "  atelier online-deployment list -e diabetes",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&of, "endpoint-name", "e", "", "name of the endpoint")
	cmd.MarkFlagRequired("endpoint-name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			all, err := api.ListDeployments(cmd.Context(), of)
			if err != nil {
				return err
			}
			return c.emit(all, func() table {
				t := table{header: []string{"name", "state", "model", "ready", "created"}, empty: "The endpoint has no deployments. `atelier online-deployment create -f FILE` makes one."}
				for _, d := range all {
					t.rows = append(t.rows, []string{d.Name, string(d.State), referenceText(d.Model),
						fmt.Sprintf("%d/%d", ready(d), d.WantedInstances), c.at(d.CreatedAt)})
				}
				return t
			})
		})
	}
	return cmd
}

func (c *command) deploymentDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME --endpoint-name ENDPOINT",
		Short:   "Delete a deployment that gets no traffic",
		Example: "  atelier online-deployment delete blue -e diabetes --yes",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	which := deploymentNamed(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		of, name, err := which(args)
		if err != nil {
			return err
		}
		if err := c.confirm(yes, "Delete the deployment %q of the endpoint %q?", name, of); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteDeployment(cmd.Context(), of, name); err != nil {
				return err
			}
			c.done("The deployment %q is being deleted.", name)
			return nil
		})
	}
	return cmd
}

func (c *command) deploymentLogs() *cobra.Command {
	var lines int
	cmd := &cobra.Command{
		Use:     "get-logs NAME --endpoint-name ENDPOINT",
		Short:   "Print the log of a deployment",
		Example: "  atelier online-deployment get-logs blue -e diabetes --lines 100",
	}
	cmd.Flags().IntVarP(&lines, "lines", "l", 5000, "how many lines from the end")
	which := deploymentNamed(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		of, name, err := which(args)
		if err != nil {
			return err
		}
		if lines < 1 {
			return atelier.Errorf(atelier.Invalid, "A log cannot be shown in %d lines.", lines).At("--lines")
		}
		return c.onServer(func(api *client.Client) error {
			log, err := api.DeploymentLog(cmd.Context(), of, name, lines)
			if err != nil {
				return err
			}
			if c.form != formTable {
				return c.emit(map[string]string{"content": log}, nil)
			}
			_, err = fmt.Fprint(c.st.Stdout, log)
			return err
		})
	}
	return cmd
}
