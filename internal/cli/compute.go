package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/job"
)

func (c *command) computeCommand() *cobra.Command {
	return noun("compute", "Share the machine among jobs",
		c.computeCreate(), c.computeList(), c.computeShow(), c.computeUpdate(),
		c.computeSwitch("start", "Let the jobs of a compute run"),
		c.computeSwitch("stop", "Have the queued jobs of a compute wait; those that run go on"),
		c.computeDelete(), c.computeLimits())
}

const computeCreateLong = `Make a compute: a named part of the server's machine, on which so many jobs run
at a time as it has slots. Jobs name it as compute: azureml:NAME.

The file of an Azure cluster (type: amlcompute) is taken as it is: its
max_instances become slots, and what has no effect here is said.`

func (c *command) computeCreate() *cobra.Command {
	var file string
	var sets []string
	ask := job.CreateCompute{Type: job.LocalType}
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Make a compute",
		Long:    computeCreateLong,
		Example: "  atelier compute create --name cpu-cluster --slots 2\n  atelier compute create -f cluster.yml",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&file, "file", "f", "", "YAML file that describes the compute")
	flags.StringVarP(&ask.Name, "name", "n", "", "name of the compute; wins over the file")
	flags.StringVarP(&ask.Type, "type", "t", job.LocalType, "local, or amlcompute")
	flags.IntVar(&ask.Slots, "slots", 0, "how many jobs run on it at a time (default 1)")
	flags.StringArrayVar(&sets, "set", nil, "change a value of the file, as in slots=4")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if file != "" {
			document, err := c.load(file, sets, "name", ask.Name)
			if err != nil {
				return err
			}
			slots := ask.Slots
			if ask, err = document.Compute(); err != nil {
				return err
			}
			if slots != 0 {
				ask.Slots = slots
			}
		}
		return c.withCompute(func(api *client.Client) (job.Compute, error) { return api.CreateCompute(cmd.Context(), ask) })
	}
	return cmd
}

// withCompute shows the compute that do returns.
func (c *command) withCompute(do func(api *client.Client) (job.Compute, error)) error {
	return c.onServer(func(api *client.Client) error {
		found, err := do(api)
		if err != nil {
			return err
		}
		return c.emit(found, func() table {
			return facts(
				[2]string{"name", found.Name},
				[2]string{"type", found.Type},
				[2]string{"state", found.State},
				[2]string{"slots", slotsText(found)},
				[2]string{"size", found.Size},
				[2]string{"tier", found.Tier},
				[2]string{"instances", instancesText(found)},
				[2]string{"running", strconv.Itoa(found.Running)},
				[2]string{"queued", strconv.Itoa(found.Queued)},
				[2]string{"processors", strconv.Itoa(found.Machine.CPUs)},
				[2]string{"memory", compute.FormatMemory(found.Machine.MemoryBytes)},
				[2]string{"GPUs", strconv.Itoa(found.Machine.GPUs)},
				[2]string{"description", found.Description},
				[2]string{"tags", pairs(found.Tags)},
				[2]string{"notes", strings.Join(found.Notices, " ")},
			)
		})
	})
}

// instancesText is how many machines a cluster's file asks for.
func instancesText(found job.Compute) string {
	if found.Type != job.AmlCompute {
		return ""
	}
	return fmt.Sprintf("%d to %d", found.MinInstances, found.MaxInstances)
}

func slotsText(found job.Compute) string {
	if found.Slots == 0 {
		return "as many as fit"
	}
	return strconv.Itoa(found.Slots)
}

func (c *command) computeList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the computes",
		Example: "  atelier compute list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListComputes(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"name", "type", "state", "slots", "running", "queued"}}
					for _, found := range all {
						t.rows = append(t.rows, []string{found.Name, found.Type, found.State, slotsText(found),
							strconv.Itoa(found.Running), strconv.Itoa(found.Queued)})
					}
					return t
				})
			})
		},
	}
}

func (c *command) computeShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "Show a compute", Example: "  atelier compute show cpu-cluster"}
	return c.oneCompute(cmd, func(ctx context.Context, api *client.Client, name string) (job.Compute, error) {
		return api.GetCompute(ctx, name)
	})
}

func (c *command) computeUpdate() *cobra.Command {
	var slots int
	var description string
	cmd := &cobra.Command{Use: "update NAME", Short: "Change a compute", Example: "  atelier compute update cpu-cluster --slots 4"}
	cmd.Flags().IntVar(&slots, "slots", 0, "how many jobs run on it at a time")
	cmd.Flags().IntVar(&slots, "max-instances", 0, "the same, in Azure's words")
	cmd.Flags().StringVar(&description, "description", "", "what it is for")
	return c.oneCompute(cmd, func(ctx context.Context, api *client.Client, name string) (job.Compute, error) {
		return api.UpdateCompute(ctx, name, job.UpdateCompute{Slots: unlessZero(slots), Description: unlessZero(description)})
	})
}

func (c *command) computeSwitch(verb, short string) *cobra.Command {
	cmd := &cobra.Command{Use: verb + " NAME", Short: short, Example: "  atelier compute " + verb + " cpu-cluster"}
	return c.oneCompute(cmd, func(ctx context.Context, api *client.Client, name string) (job.Compute, error) {
		return api.SwitchCompute(ctx, name, verb)
	})
}

// oneCompute has cmd read a name and show the compute that do returns for it.
func (c *command) oneCompute(cmd *cobra.Command, do func(context.Context, *client.Client, string) (job.Compute, error)) *cobra.Command {
	name := named(cmd, "compute")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.withCompute(func(api *client.Client) (job.Compute, error) { return do(cmd.Context(), api, which) })
	}
	return cmd
}

func (c *command) computeDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "delete NAME", Short: "Delete a compute without jobs", Example: "  atelier compute delete cpu-cluster --yes"}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	name := named(cmd, "compute")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		if err := c.confirm(yes, "Delete the compute %s?", which); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteCompute(cmd.Context(), which); err != nil {
				return err
			}
			c.done("The compute %s is deleted.", which)
			return nil
		})
	}
	return cmd
}

func (c *command) computeLimits() *cobra.Command {
	var ask job.WorkspaceLimits
	cmd := &cobra.Command{
		Use:     "limits",
		Short:   "Show or set what the jobs of the workspace may have at a time",
		Long:    "Show what the jobs of the workspace may have at a time. Flags set limits; 0 takes\none away. Jobs above a limit wait.",
		Example: "  atelier compute limits\n  atelier compute limits --jobs-per-member 4 --gpus-per-member 1",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.IntVar(&ask.JobsPerMember, "jobs-per-member", 0, "jobs that a member may have running")
	flags.IntVar(&ask.CPUsPerMember, "cpus-per-member", 0, "processors of a member's running jobs")
	flags.IntVar(&ask.GPUsPerMember, "gpus-per-member", 0, "GPUs of a member's running jobs")
	flags.IntVar(&ask.JobsPerExperiment, "jobs-per-experiment", 0, "jobs that an experiment may have running")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			limits, err := api.JobLimits(cmd.Context())
			changed := false
			for flag, place := range map[string][2]*int{
				"jobs-per-member": {&limits.JobsPerMember, &ask.JobsPerMember}, "cpus-per-member": {&limits.CPUsPerMember, &ask.CPUsPerMember},
				"gpus-per-member": {&limits.GPUsPerMember, &ask.GPUsPerMember}, "jobs-per-experiment": {&limits.JobsPerExperiment, &ask.JobsPerExperiment},
			} {
				if flags.Changed(flag) {
					*place[0], changed = *place[1], true
				}
			}
			if err == nil && changed {
				limits, err = api.SetJobLimits(cmd.Context(), limits)
			}
			if err != nil {
				return err
			}
			return c.emit(limits, func() table {
				return facts([2]string{"jobs per member", limitText(limits.JobsPerMember)}, [2]string{"processors per member", limitText(limits.CPUsPerMember)},
					[2]string{"GPUs per member", limitText(limits.GPUsPerMember)}, [2]string{"jobs per experiment", limitText(limits.JobsPerExperiment)})
			})
		})
	}
	return cmd
}

func limitText(limit int) string {
	if limit == 0 {
		return "no limit"
	}
	return strconv.Itoa(limit)
}
