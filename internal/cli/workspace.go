package cli

import (
	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/workspace"
)

func (c *command) workspaceCommand() *cobra.Command {
	return noun("workspace", "Make and manage workspaces",
		c.workspaceCreate(), c.workspaceList(), c.workspaceShow(), c.workspaceUpdate(), c.workspaceDelete())
}

// workspaceOptions are the fields of a workspace that people may set, in a file
// and by flags; a flag wins.
type workspaceOptions struct {
	file        string
	sets        []string
	displayName string
	description string
	tags        []string
}

func (o *workspaceOptions) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "YAML file that describes the workspace")
	flags.StringArrayVar(&o.sets, "set", nil, "change a value of the file, as in tags.team=vision")
	flags.StringVar(&o.displayName, "display-name", "", "name for people")
	flags.StringVar(&o.description, "description", "", "what it is for")
	flags.StringArrayVar(&o.tags, "tag", nil, "tag, as KEY=VALUE")
}

func (c *command) workspaceCreate() *cobra.Command {
	var options workspaceOptions
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a workspace",
		Example: "  atelier workspace create vision --description \"Image models\"\n  atelier workspace create -f workspace.yml --set tags.team=vision",
	}
	options.addTo(cmd)
	name := cmd.Flags().StringP("name", "n", "", "name of the workspace")
	cmd.Args = atMostOne
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ask, err := c.readWorkspace(options, first(append(args, *name)...))
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			made, err := api.CreateWorkspace(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.showWorkspace(made)
		})
	}
	return cmd
}

// readWorkspace puts the file and the flags together.
func (c *command) readWorkspace(o workspaceOptions, name string) (workspace.Create, error) {
	ask, err := c.loadWorkspace(o.file, o.sets, name)
	if err != nil {
		return ask, err
	}
	tags, err := keyValues("--tag", o.tags)
	if err != nil {
		return ask, err
	}
	ask.DisplayName = first(o.displayName, ask.DisplayName)
	ask.Description = first(o.description, ask.Description)
	for key, value := range tags {
		if ask.Tags == nil {
			ask.Tags = map[string]string{}
		}
		ask.Tags[key] = value
	}
	return ask, nil
}

func (c *command) workspaceList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the workspaces that you are a member of",
		Example: "  atelier workspace list -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListWorkspaces(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"name", "display name", "description", "created"}}
					for _, ws := range all {
						t.rows = append(t.rows, []string{ws.Name, ws.DisplayName, ws.Description, c.at(ws.CreatedAt)})
					}
					return t
				})
			})
		},
	}
}

func (c *command) workspaceShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show [NAME]",
		Short:   "Show a workspace: the one named, else the one selected",
		Example: "  atelier workspace show\n  atelier workspace show vision -o yaml",
		Args:    atMostOne,
	}
	name := cmd.Flags().StringP("name", "n", "", "name of the workspace")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.onServer(func(api *client.Client) error {
			ws, err := api.GetWorkspace(cmd.Context(), first(append(args, *name, api.Workspace())...))
			if err != nil {
				return err
			}
			return c.showWorkspace(ws)
		})
	}
	return cmd
}

func (c *command) workspaceUpdate() *cobra.Command {
	var options workspaceOptions
	cmd := &cobra.Command{
		Use:     "update NAME",
		Short:   "Change a workspace's display name, description or tags",
		Example: "  atelier workspace update vision --description \"Image and video models\"",
	}
	options.addTo(cmd)
	name := named(cmd, "workspace")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		ask, err := c.readWorkspace(options, which)
		if err != nil {
			return err
		}
		var change workspace.Update
		if ask.DisplayName != "" || cmd.Flags().Changed("display-name") {
			change.DisplayName = &ask.DisplayName
		}
		if ask.Description != "" || cmd.Flags().Changed("description") {
			change.Description = &ask.Description
		}
		if ask.Tags != nil {
			change.Tags = &ask.Tags
		}
		return c.onServer(func(api *client.Client) error {
			changed, err := api.UpdateWorkspace(cmd.Context(), which, change)
			if err != nil {
				return err
			}
			return c.showWorkspace(changed)
		})
	}
	return cmd
}

func (c *command) workspaceDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a workspace and everything in it",
		Example: "  atelier workspace delete vision --yes",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	name := named(cmd, "workspace")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		if err := c.confirm(yes, "Delete the workspace %q with its runs, models and endpoints?", which); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteWorkspace(cmd.Context(), which); err != nil {
				return err
			}
			c.done("The workspace %q is deleted.", which)
			return nil
		})
	}
	return cmd
}

func (c *command) showWorkspace(ws workspace.Workspace) error {
	return c.emit(ws, func() table {
		return facts(
			[2]string{"name", ws.Name},
			[2]string{"display name", ws.DisplayName},
			[2]string{"description", ws.Description},
			[2]string{"tags", pairs(ws.Tags)},
			[2]string{"created by", ws.CreatedBy},
			[2]string{"created", c.at(ws.CreatedAt)},
			[2]string{"updated", c.at(ws.UpdatedAt)},
		)
	})
}

// onServer calls do with a client for the selected server.
func (c *command) onServer(do func(api *client.Client) error) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	return do(api)
}
