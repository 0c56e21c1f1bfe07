package cli

import (
	"context"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/model"
)

func (c *command) modelCommand() *cobra.Command {
	return noun("model", "Register models and get them back",
		c.modelCreate(), c.modelUpdate(), c.modelList(), c.modelShow(), c.modelDownload(), c.modelDelete())
}

const modelCreateLong = `Register files as a version of a model. Versions count up by themselves.

The path is a folder or file on this machine, an output of a job
(azureml://jobs/JOB/outputs/OUTPUT/paths/PATH), or what a run logged
(runs:/RUN/PATH). A model that comes from a run knows its run.`

// modelOptions are the flags of `model create`; they win over the file.
type modelOptions struct {
	file, name, version, path, kind, description, stage string
	sets, tags                                          []string
}

func (o *modelOptions) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "YAML file that describes the model")
	flags.StringVarP(&o.name, "name", "n", "", "name of the model")
	flags.StringVarP(&o.version, "version", "v", "", "version (default: the next number)")
	flags.StringVarP(&o.path, "path", "p", "", "where the files are")
	flags.StringVarP(&o.kind, "type", "t", "", "custom_model, mlflow_model or triton_model (default: found out)")
	flags.StringVar(&o.description, "description", "", "what it is")
	flags.StringVarP(&o.stage, "stage", "s", "", "stage, such as Staging or Production")
	flags.StringArrayVar(&o.tags, "tag", nil, "tag, as KEY=VALUE; may be repeated")
	flags.StringArrayVar(&o.sets, "set", nil, "change a value of the file, as in version=3")
	cmd.MarkFlagsOneRequired("file", "name")
}

func (c *command) modelCreate() *cobra.Command {
	var options modelOptions
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Register files as a version of a model",
		Long:  modelCreateLong,
		Example: "  atelier model create -n diabetes -p runs:/4f0c1a2b/model\n" +
			"  atelier model create -n diabetes -p azureml://jobs/calm-heron-412/outputs/model --tag study=diabetes\n" +
			"  atelier model create -n digits -p ./exported --type custom_model",
		Args: cobra.NoArgs,
	}
	options.addTo(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ask, err := c.readModel(options)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := c.packModel(cmd.Context(), api, &ask); err != nil {
				return err
			}
			made, err := api.RegisterModel(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.showVersion(made)
		})
	}
	return cmd
}

// readModel puts the file and the flags together.
func (c *command) readModel(o modelOptions) (model.Register, error) {
	ask, err := c.loadModel(o)
	if err != nil {
		return ask, err
	}
	tags, err := keyValues("--tag", o.tags)
	if err != nil {
		return ask, err
	}
	if len(tags) > 0 && ask.Tags == nil {
		ask.Tags = map[string]string{}
	}
	maps.Copy(ask.Tags, tags)
	if ask.Path == "" {
		return ask, atelier.Errorf(atelier.Invalid, "The model has no path.").WithHint("Say where its files are with --path.")
	}
	return ask, nil
}

// packModel uploads the model's files when they lie on this machine.
func (c *command) packModel(ctx context.Context, api *client.Client, ask *model.Register) error {
	place, ok := local(ask.Path)
	if !ok {
		return nil
	}
	uploaded, err := packer{c, api}.data(ctx, place)
	ask.Path = uploaded
	return err
}

func (c *command) modelUpdate() *cobra.Command {
	var version, description, stage string
	var tags []string
	cmd := &cobra.Command{
		Use:     "update NAME --version VERSION",
		Short:   "Change the description, the stage or the tags of a version",
		Example: "  atelier model update diabetes -v 3 --stage Production",
	}
	flags := cmd.Flags()
	flags.StringVarP(&version, "version", "v", "latest", "which version")
	flags.StringVar(&description, "description", "", "what it is")
	flags.StringVarP(&stage, "stage", "s", "", "None, Staging, Production or Archived")
	flags.StringArrayVar(&tags, "tag", nil, "tag, as KEY=VALUE; may be repeated")
	name := named(cmd, "model")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		tagged, err := tagChanges(tags)
		if err != nil {
			return err
		}
		change := model.UpdateVersion{Description: unlessZero(description), Stage: unlessZero(stage), Tags: tagged}
		return c.onServer(func(api *client.Client) error {
			changed, err := api.UpdateModelVersion(cmd.Context(), which, version, change)
			if err != nil {
				return err
			}
			return c.showVersion(changed)
		})
	}
	return cmd
}

func (c *command) showVersion(v model.Version) error {
	return c.emit(v, func() table {
		return facts(
			[2]string{"name", v.Name},
			[2]string{"version", v.Version},
			[2]string{"type", v.Type},
			[2]string{"flavors", pairsOfNames(v.Flavors)},
			[2]string{"path", v.Path},
			[2]string{"size", bytesText(v.Size)},
			[2]string{"run", v.RunID},
			[2]string{"stage", v.Stage},
			[2]string{"description", v.Description},
			[2]string{"tags", pairs(v.Tags)},
			[2]string{"created by", v.CreatedBy},
			[2]string{"created", c.at(v.CreatedAt)},
		)
	})
}

func pairsOfNames(flavors map[string]any) string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(flavors)) {
		if text != "" {
			text += ", "
		}
		text += name
	}
	return text
}

func (c *command) modelList() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the models, or the versions of one",
		Example: "  atelier model list\n  atelier model list -n diabetes",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&name, "name", "n", "", "list the versions of this model")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			if name != "" {
				return c.listVersions(cmd.Context(), api, name)
			}
			all, err := api.ListModels(cmd.Context())
			if err != nil {
				return err
			}
			return c.emit(all, func() table {
				t := table{header: []string{"name", "latest", "description", "updated"}, empty: "There are no models yet. `atelier model create -n NAME -p PATH` registers one."}
				for _, m := range all {
					t.rows = append(t.rows, []string{m.Name, m.LatestVersion, m.Description, c.at(m.UpdatedAt)})
				}
				return t
			})
		})
	}
	return cmd
}

func (c *command) listVersions(ctx context.Context, api *client.Client, name string) error {
	all, err := api.ListModelVersions(ctx, name)
	if err != nil {
		return err
	}
	return c.emit(all, func() table {
		t := table{header: []string{"version", "type", "stage", "size", "run", "created"}}
		for _, v := range all {
			t.rows = append(t.rows, []string{v.Version, v.Type, v.Stage, bytesText(v.Size), v.RunID, c.at(v.CreatedAt)})
		}
		return t
	})
}

func (c *command) modelShow() *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a version of a model: the newest unless one is named",
		Example: "  atelier model show diabetes\n  atelier model show diabetes -v 3",
	}
	cmd.Flags().StringVarP(&version, "version", "v", "latest", "which version")
	name := named(cmd, "model")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			found, err := api.GetModelVersion(cmd.Context(), which, version)
			if err != nil {
				return err
			}
			return c.showVersion(found)
		})
	}
	return cmd
}

func (c *command) modelDownload() *cobra.Command {
	var version, target string
	cmd := &cobra.Command{
		Use:     "download NAME",
		Short:   "Download the files of a version",
		Example: "  atelier model download diabetes -v 3 -p ./model",
	}
	cmd.Flags().StringVarP(&version, "version", "v", "latest", "which version")
	cmd.Flags().StringVarP(&target, "download-path", "p", "", "folder to write to (default: one named like the model)")
	name := named(cmd, "model")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			found, err := api.GetModelVersion(cmd.Context(), which, version)
			if err != nil {
				return err
			}
			tree, err := api.Tree(cmd.Context(), found.Tree)
			if err != nil {
				return err
			}
			return c.intoFolder(first(target, which), len(tree.Files), func(to client.Target) error {
				return api.DownloadTree(cmd.Context(), tree, to)
			})
		})
	}
	return cmd
}

func (c *command) modelDelete() *cobra.Command {
	var version string
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a version of a model, or the model with all of them",
		Example: "  atelier model delete diabetes -v 3 --yes\n  atelier model delete diabetes --yes",
	}
	cmd.Flags().StringVarP(&version, "version", "v", "", "delete this version only")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	name := named(cmd, "model")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		what := "the model " + which + " with all its versions"
		if version != "" {
			what = "version " + version + " of the model " + which
		}
		if err := c.confirm(yes, "Delete %s?", what); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if version != "" {
				err = api.DeleteModelVersion(cmd.Context(), which, version)
			} else {
				err = api.DeleteModel(cmd.Context(), which)
			}
			if err != nil {
				return err
			}
			c.done("Deleted %s.", what)
			return nil
		})
	}
	return cmd
}
