package cli

import (
	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/tracking"
)

func (c *command) experimentCommand() *cobra.Command {
	return noun("experiment", "Arrange runs in experiments", c.experimentList(), c.experimentShow(), c.experimentCreate(), c.experimentUpdate(),
		c.experimentDelete(), c.experimentRestore(), c.experimentPurge())
}

func (c *command) experimentList() *cobra.Command {
	var deleted, storage bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the experiments of the workspace",
		Example: "  atelier experiment list\n  atelier experiment list --storage",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&deleted, "deleted", false, "list deleted experiments instead")
	cmd.Flags().BoolVar(&storage, "storage", false, "list how much room each takes, deleted ones too, the largest first")
	cmd.MarkFlagsMutuallyExclusive("deleted", "storage")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			if storage {
				use, err := api.Storage(cmd.Context(), "", 0)
				if err != nil {
					return err
				}
				c.sayAge(use)
				return c.emit(use.Experiments, func() table { return experimentStorageTable(use.Experiments) })
			}
			view := tracking.ActiveOnly
			if deleted {
				view = tracking.DeletedOnly
			}
			all, err := api.ListExperiments(cmd.Context(), view)
			if err != nil {
				return err
			}
			return c.emit(all, func() table {
				t := table{header: []string{"id", "name", "created", "updated"}, empty: "There are no experiments yet. A job or a script that logs makes one."}
				if deleted {
					t.empty = "There are no deleted experiments."
				}
				for _, e := range all {
					t.rows = append(t.rows, []string{e.ID, e.Name, c.at(e.CreatedAt), c.at(e.UpdatedAt)})
				}
				return t
			})
		})
	}
	return cmd
}

// onExperiment makes a command about the one experiment that its argument names.
func (c *command) onExperiment(use, short, example string, do func(cmd *cobra.Command, api *client.Client, which string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use + " NAME", Short: short, Example: "  atelier experiment " + example}
	name := named(cmd, "experiment")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error { return do(cmd, api, which) })
	}
	return cmd
}

func (c *command) experimentShow() *cobra.Command {
	return c.onExperiment("show", "Show an experiment, by its name or id", "show diabetes",
		func(cmd *cobra.Command, api *client.Client, which string) error {
			e, err := api.GetExperiment(cmd.Context(), which)
			if err != nil || c.form != formTable {
				return c.emitIf(err, e)
			}
			use, err := api.Storage(cmd.Context(), e.ID, 0)
			if err != nil {
				return err
			}
			t := c.experimentFacts(e)
			t.rows = append(t.rows, []string{"runs", grouped(int64(use.Runs))})
			t.rows = append(t.rows, storageRows(use.StorageUse)...)
			return t.write(c.st.Stdout)
		})
}

func (c *command) experimentFacts(e tracking.Experiment) table {
	return facts([2]string{"id", e.ID}, [2]string{"name", e.Name}, [2]string{"lifecycle stage", e.LifecycleStage}, [2]string{"tags", pairs(e.Tags)},
		[2]string{"artifacts", e.ArtifactLocation}, [2]string{"created", c.at(e.CreatedAt)}, [2]string{"updated", c.at(e.UpdatedAt)})
}

func (c *command) experimentCreate() *cobra.Command {
	var tags []string
	cmd := c.onExperiment("create", "Make an experiment", "create diabetes --tag team=blue",
		func(cmd *cobra.Command, api *client.Client, name string) error {
			values, err := keyValues("--tag", tags)
			if err != nil {
				return err
			}
			e, err := api.CreateExperiment(cmd.Context(), name, values)
			if err != nil {
				return err
			}
			return c.emit(e, func() table { return c.experimentFacts(e) })
		})
	cmd.Flags().StringArrayVar(&tags, "tag", nil, "KEY=VALUE; may be repeated")
	return cmd
}

func (c *command) experimentUpdate() *cobra.Command {
	var name string
	var tags, without []string
	cmd := c.onExperiment("update", "Change the name or the tags of an experiment", "update diabetes --new-name diabetes-2026 --tag team=red --remove-tag old",
		func(cmd *cobra.Command, api *client.Client, which string) error {
			tagged, err := tagChanges(tags)
			if err != nil {
				return err
			}
			change := tracking.UpdateExperiment{Tags: tagged}
			if cmd.Flags().Changed("new-name") {
				change.Name = &name
			}
			for _, key := range without {
				change.Tags[key] = nil
			}
			if change.Name == nil && len(change.Tags) == 0 {
				return atelier.Errorf(atelier.Invalid, "Nothing was said to change.").WithHint("Give --new-name, --tag or --remove-tag.")
			}
			e, err := api.UpdateExperiment(cmd.Context(), which, change)
			if err != nil {
				return err
			}
			return c.emit(e, func() table { return c.experimentFacts(e) })
		})
	cmd.Flags().StringVar(&name, "new-name", "", "rename it")
	cmd.Flags().StringArrayVar(&tags, "tag", nil, "KEY=VALUE to set; may be repeated")
	cmd.Flags().StringArrayVar(&without, "remove-tag", nil, "KEY of a tag to remove; may be repeated")
	return cmd
}

func (c *command) experimentDelete() *cobra.Command {
	return c.onExperiment("delete", "Delete an experiment and its runs; `experiment restore` brings them back", "delete diabetes",
		func(cmd *cobra.Command, api *client.Client, which string) error {
			if err := api.DeleteExperiment(cmd.Context(), which); err != nil {
				return err
			}
			c.done("The experiment is deleted, with its runs. `atelier experiment restore %s` brings them back.", which)
			return nil
		})
}

func (c *command) experimentRestore() *cobra.Command {
	return c.onExperiment("restore", "Bring back a deleted experiment and its runs", "restore diabetes",
		func(cmd *cobra.Command, api *client.Client, which string) error {
			if err := api.RestoreExperiment(cmd.Context(), which); err != nil {
				return err
			}
			c.done("The experiment %s is back, with its runs.", which)
			return nil
		})
}

const experimentPurgeLong = `Remove for good deleted experiments, with all their runs: those that are named,
or all that were deleted longer ago than --deleted-before. An experiment stays
while something refers to one of its runs; the answer says what.
` + "`atelier gc`" + ` then frees the bytes that nothing else refers to.`

func (c *command) experimentPurge() *cobra.Command {
	var age string
	var which tracking.PurgeExperiments
	var yes bool
	cmd := &cobra.Command{
		Use:     "purge [NAME...]",
		Short:   "Remove deleted experiments with their runs, for good",
		Long:    experimentPurgeLong,
		Example: "  atelier experiment purge diabetes --dry-run\n  atelier experiment purge --deleted-before 30d --yes",
	}
	cmd.Flags().StringVar(&age, "deleted-before", "0h", "how long ago they were deleted, as in 30d or 12h")
	cmd.Flags().BoolVar(&which.DryRun, "dry-run", false, "only show what would be removed")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ago, err := readAge("--deleted-before", age)
		if err != nil {
			return err
		}
		if len(args) == 0 && !cmd.Flags().Changed("deleted-before") {
			return atelier.Errorf(atelier.Invalid, "Which experiments?").WithHint("Name them, or give --deleted-before.")
		}
		which.Experiments, which.DeletedBefore = args, c.st.Clock.Now().Add(-ago)
		if err := c.confirm(yes || which.DryRun, "Remove %s for good, with all their runs?", deletedExperimentsText(args, age)); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			done, err := api.PurgeExperiments(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.emit(done, func() table { return purgedTable(done) })
		})
	}
	return cmd
}

func deletedExperimentsText(names []string, age string) string {
	if len(names) == 0 {
		return "the experiments deleted more than " + age + " ago"
	}
	return counted(len(names), "deleted experiment")
}
