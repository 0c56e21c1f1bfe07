package cli

import (
	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier/internal/batch"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/job"
)

func (c *command) batchEndpointCommand() *cobra.Command {
	return noun("batch-endpoint", "Score folders of files with models",
		c.batchEndpointCreate(), c.batchEndpointUpdate(), c.batchEndpointShow(), c.batchEndpointList(), c.batchEndpointDelete(),
		c.batchInvoke(), c.batchEndpointJobs())
}

func (c *command) batchEndpointCreate() *cobra.Command {
	var file, name string
	var sets []string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a batch endpoint, from a file or by name",
		Long: `Make a batch endpoint. As in Azure, what is written about one of the same name is
replaced, and its deployments stay.`,
		Example: "  atelier batch-endpoint create -f endpoint.yml\n  atelier batch-endpoint create -n digits",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&file, "file", "f", "", "YAML file that describes the endpoint")
	flags.StringVarP(&name, "name", "n", "", "name of the endpoint; wins over the file")
	flags.StringArrayVar(&sets, "set", nil, "change a value of the file, as in tags.team=vision")
	cmd.MarkFlagsOneRequired("file", "name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ask, err := c.loadBatchEndpoint(file, sets, name)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			made, err := api.CreateBatchEndpoint(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.showBatchEndpoint(made)
		})
	}
	return cmd
}

func (c *command) batchEndpointUpdate() *cobra.Command {
	var file, name, defaults string
	var sets []string
	cmd := &cobra.Command{
		Use:   "update",
		Short: "Change a batch endpoint, such as its default deployment",
		Example: "  atelier batch-endpoint update -n digits --set defaults.deployment_name=second\n" +
			"  atelier batch-endpoint update -n digits --defaults deployment_name=second",
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&name, "name", "n", "", "name of the endpoint; wins over the file")
	flags.StringVarP(&file, "file", "f", "", "YAML file that describes the endpoint")
	flags.StringVar(&defaults, "defaults", "", "the default deployment, as deployment_name=NAME")
	flags.StringArrayVar(&sets, "set", nil, "change a value, as in defaults.deployment_name=second")
	cmd.MarkFlagsOneRequired("file", "name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		pairs, err := keyValues("--defaults", words(defaults))
		if err != nil {
			return err
		}
		for key, value := range pairs {
			sets = append(sets, "defaults."+key+"="+value)
		}
		ask, err := c.loadBatchEndpoint(file, sets, name)
		if err != nil {
			return err
		}
		change := batch.UpdateEndpoint{Description: unlessZero(ask.Description), Tags: unlessNil(ask.Tags),
			Properties: unlessNil(ask.Properties), Defaults: unlessZero(ask.Defaults)}
		return c.onServer(func(api *client.Client) error {
			changed, err := api.UpdateBatchEndpoint(cmd.Context(), ask.Name, change)
			if err != nil {
				return err
			}
			return c.showBatchEndpoint(changed)
		})
	}
	return cmd
}

func (c *command) batchEndpointShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a batch endpoint",
		Example: "  atelier batch-endpoint show digits",
	}
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			found, err := api.GetBatchEndpoint(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.showBatchEndpoint(found)
		})
	}
	return cmd
}

func (c *command) showBatchEndpoint(e batch.Endpoint) error {
	return c.emit(e, func() table {
		return facts(
			[2]string{"name", e.Name},
			[2]string{"default deployment", e.Defaults.Deployment},
			[2]string{"scoring URI", e.ScoringURI},
			[2]string{"description", e.Description},
			[2]string{"tags", pairs(e.Tags)},
			[2]string{"created by", e.CreatedBy},
			[2]string{"created", c.at(e.CreatedAt)},
		)
	})
}

func (c *command) batchEndpointList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the batch endpoints of the workspace",
		Example: "  atelier batch-endpoint list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListBatchEndpoints(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"name", "default deployment", "description", "created"}, empty: "There are no batch endpoints yet. `atelier batch-endpoint create -n NAME` makes one."}
					for _, e := range all {
						t.rows = append(t.rows, []string{e.Name, e.Defaults.Deployment, e.Description, c.at(e.CreatedAt)})
					}
					return t
				})
			})
		},
	}
}

func (c *command) batchEndpointDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a batch endpoint and its deployments; its jobs stay",
		Example: "  atelier batch-endpoint delete digits --yes",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		if err := c.confirm(yes, "Delete the batch endpoint %q and its deployments?", which); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteBatchEndpoint(cmd.Context(), which); err != nil {
				return err
			}
			c.done("The batch endpoint %q is deleted.", which)
			return nil
		})
	}
	return cmd
}

func (c *command) batchEndpointJobs() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list-jobs NAME",
		Short:   "List the jobs of a batch endpoint, newest first",
		Example: "  atelier batch-endpoint list-jobs digits",
	}
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			jobs, err := api.ListBatchJobs(cmd.Context(), which, "")
			if err != nil {
				return err
			}
			return c.listBatchJobs(jobs)
		})
	}
	return cmd
}

func (c *command) listBatchJobs(jobs []job.Job) error {
	return c.emit(jobs, func() table {
		t := table{header: []string{"name", "deployment", "status", "progress", "created", "took"}, empty: "It has no jobs yet. `atelier batch-endpoint invoke NAME --input FOLDER` makes one."}
		for _, j := range jobs {
			t.rows = append(t.rows, []string{j.Name, j.Batch.Deployment, string(j.Status), progressText(j.Progress), c.at(j.CreatedAt), c.took(j)})
		}
		return t
	})
}
