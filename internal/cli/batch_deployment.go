package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/batch"
	"github.com/atelier-ml/atelier/internal/client"
)

func (c *command) batchDeploymentCommand() *cobra.Command {
	return noun("batch-deployment", "Put models behind batch endpoints",
		c.batchDeploymentCreate(), c.batchDeploymentUpdate(), c.batchDeploymentShow(), c.batchDeploymentList(),
		c.batchDeploymentDelete(), c.batchDeploymentJobs())
}

// batchDeploymentOptions say which deployment, and what is to become of it.
type batchDeploymentOptions struct {
	file, endpoint, name, model string
	sets                        []string
}

func (o *batchDeploymentOptions) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "YAML file that describes the deployment")
	flags.StringVarP(&o.endpoint, "endpoint-name", "e", "", "name of the endpoint; wins over the file")
	flags.StringVarP(&o.name, "name", "n", "", "name of the deployment; wins over the file")
	flags.StringVar(&o.model, "model", "", "the model, as in azureml:digits:3; wins over the file")
	flags.StringArrayVar(&o.sets, "set", nil, "change a value, as in settings.mini_batch_size=20")
	cmd.Args = cobra.NoArgs
}

func (c *command) batchDeploymentCreate() *cobra.Command {
	var options batchDeploymentOptions
	var setDefault, skip bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Put a model behind a batch endpoint",
		Long: `Put a model behind a batch endpoint, or replace what is there under its name. A
model and a code folder that lie on this machine are uploaded first. Nothing
runs before the endpoint is invoked.

An MLflow model needs no file: its name is enough.`,
		Example: "  atelier batch-deployment create -f deployment.yml --set-default\n" +
			"  atelier batch-deployment create -e digits -n first --model azureml:digits:3 --set-default",
	}
	options.addTo(cmd)
	cmd.MarkFlagsOneRequired("file", "model")
	cmd.Flags().BoolVar(&setDefault, "set-default", false, "ask it when no deployment is named")
	cmd.Flags().BoolVar(&skip, "skip-script-validation", false, "the script is never run here")
	cmd.Flags().MarkHidden("skip-script-validation") // Azure's scripts give it
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ask, err := c.readBatchDeployment(options)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := c.packScoring(cmd.Context(), api, ask.CodeConfiguration, &ask.Model); err != nil {
				return err
			}
			made, err := api.CreateBatchDeployment(cmd.Context(), ask.Endpoint, ask, setDefault)
			if err != nil {
				return err
			}
			return c.showBatchDeployment(made)
		})
	}
	return cmd
}

func (c *command) batchDeploymentUpdate() *cobra.Command {
	var options batchDeploymentOptions
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Change a batch deployment; jobs that were begun go on as they were",
		Example: "  atelier batch-deployment update -f deployment.yml --set settings.mini_batch_size=20",
	}
	options.addTo(cmd)
	cmd.MarkFlagsOneRequired("file", "name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ask, err := c.readBatchDeployment(options)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := c.packScoring(cmd.Context(), api, ask.CodeConfiguration, &ask.Model); err != nil {
				return err
			}
			changed, err := api.UpdateBatchDeployment(cmd.Context(), ask.Endpoint, ask.Name, ask.Definition)
			if err != nil {
				return err
			}
			return c.showBatchDeployment(changed)
		})
	}
	return cmd
}

// readBatchDeployment reads the file and the flags, which must name both things.
func (c *command) readBatchDeployment(o batchDeploymentOptions) (batch.CreateDeployment, error) {
	ask, err := c.loadBatchDeployment(o)
	switch {
	case err != nil:
		return ask, err
	case ask.Endpoint == "":
		return ask, atelier.Errorf(atelier.Invalid, "The deployment names no endpoint.").
			WithHint("Give endpoint_name in the file, or --endpoint-name.")
	case ask.Name == "":
		return ask, atelier.Errorf(atelier.Invalid, "The deployment has no name.").WithHint("Give --name.")
	}
	return ask, nil
}

func (c *command) batchDeploymentShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME --endpoint-name ENDPOINT",
		Short:   "Show a batch deployment",
		Example: "  atelier batch-deployment show first -e digits",
	}
	which := deploymentNamed(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		of, name, err := which(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			d, err := api.GetBatchDeployment(cmd.Context(), of, name)
			if err != nil {
				return err
			}
			return c.showBatchDeployment(d)
		})
	}
	return cmd
}

func (c *command) showBatchDeployment(d batch.Deployment) error {
	for _, notice := range d.Notices {
		c.done("Note: %s", notice)
	}
	return c.emit(d, func() table {
		s, script := d.Settings, ""
		if d.CodeConfiguration != nil {
			script = d.CodeConfiguration.ScoringScript
		}
		output := s.OutputAction
		if output == "append_row" {
			output += " to " + s.OutputFileName
		}
		return facts(
			[2]string{"name", d.Name},
			[2]string{"endpoint", d.Endpoint},
			[2]string{"model", referenceText(d.Model)},
			[2]string{"scoring script", script},
			[2]string{"environment", referenceText(d.Environment)},
			[2]string{"compute", d.Compute},
			[2]string{"processes", fmt.Sprint(d.Resources.InstanceCount * s.MaxConcurrency)},
			[2]string{"mini batch", counted(s.MiniBatchSize, "file")},
			[2]string{"retries", fmt.Sprintf("%d, of %d s each", *s.RetrySettings.MaxRetries, s.RetrySettings.Timeout)},
			[2]string{"error threshold", fmt.Sprint(*s.ErrorThreshold)},
			[2]string{"output", output},
			[2]string{"description", d.Description},
			[2]string{"tags", pairs(d.Tags)},
			[2]string{"created by", d.CreatedBy},
			[2]string{"created", c.at(d.CreatedAt)},
			[2]string{"updated", c.at(d.UpdatedAt)},
		)
	})
}

func (c *command) batchDeploymentList() *cobra.Command {
	var of string
	cmd := &cobra.Command{
		Use:     "list --endpoint-name ENDPOINT",
		Short:   "List the deployments of a batch endpoint",
		Example: "  atelier batch-deployment list -e digits",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&of, "endpoint-name", "e", "", "name of the endpoint")
	cmd.MarkFlagRequired("endpoint-name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			all, err := api.ListBatchDeployments(cmd.Context(), of)
			if err != nil {
				return err
			}
			return c.emit(all, func() table {
				t := table{header: []string{"name", "model", "compute", "mini batch", "created"}, empty: "The endpoint has no deployments. `atelier batch-deployment create -f FILE` makes one."}
				for _, d := range all {
					t.rows = append(t.rows, []string{d.Name, referenceText(d.Model), d.Compute, counted(d.Settings.MiniBatchSize, "file"), c.at(d.CreatedAt)})
				}
				return t
			})
		})
	}
	return cmd
}

func (c *command) batchDeploymentDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME --endpoint-name ENDPOINT",
		Short:   "Delete a batch deployment that is not the default",
		Example: "  atelier batch-deployment delete first -e digits --yes",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	which := deploymentNamed(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		of, name, err := which(args)
		if err != nil {
			return err
		}
		if err := c.confirm(yes, "Delete the deployment %q of the batch endpoint %q?", name, of); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteBatchDeployment(cmd.Context(), of, name); err != nil {
				return err
			}
			c.done("The deployment %q is deleted.", name)
			return nil
		})
	}
	return cmd
}

func (c *command) batchDeploymentJobs() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list-jobs NAME --endpoint-name ENDPOINT",
		Short:   "List the jobs of a batch deployment, newest first",
		Example: "  atelier batch-deployment list-jobs first -e digits",
	}
	which := deploymentNamed(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		of, name, err := which(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			jobs, err := api.ListBatchJobs(cmd.Context(), of, name)
			if err != nil {
				return err
			}
			return c.listBatchJobs(jobs)
		})
	}
	return cmd
}
