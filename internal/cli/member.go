package cli

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/client"
)

func (c *command) memberCommand() *cobra.Command {
	return noun("member", "Say who may work in a workspace, and as what", c.memberList(), c.memberAdd(), c.memberRemove())
}

func (c *command) memberList() *cobra.Command {
	return c.listMembers("list", "List the members of the workspace and their roles", "  atelier member list -w vision")
}

// listMembers is a command that shows who has which role.
func (c *command) listMembers(use, short, example string) *cobra.Command {
	return &cobra.Command{
		Use:     use,
		Short:   short,
		Example: example,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListMembers(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"member", "role", "kind", "since", "given by"}}
					for _, m := range all {
						t.rows = append(t.rows, []string{m.Member, m.Role, m.Kind, c.at(m.CreatedAt), m.CreatedBy})
					}
					return t
				})
			})
		},
	}
}

func (c *command) memberFacts(m access.Member) table {
	return facts([2]string{"member", m.Member}, [2]string{"kind", m.Kind}, [2]string{"role", m.Role}, [2]string{"since", c.at(m.CreatedAt)})
}

const memberAddLong = `Give a user, a service principal or a team (team:NAME) one role in the workspace, in
place of all before; ` + "`atelier role assign`" + ` gives one more.

The roles are Owner, Contributor, "Data Scientist", "Compute Operator" and Reader, and
those that ` + "`atelier role create`" + ` made.`

func (c *command) memberAdd() *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use:     "add MEMBER",
		Short:   "Give a user or a team a role in the workspace",
		Long:    memberAddLong,
		Example: "  atelier member add mina --role \"Data Scientist\"\n  atelier member add team:vision --role Reader",
		Args:    onlyOne,
	}
	cmd.Flags().StringVar(&role, "role", "Contributor", "the role")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.onServer(func(api *client.Client) error {
			member, err := api.SetMember(cmd.Context(), args[0], role)
			if err != nil {
				return err
			}
			return c.emit(member, func() table { return c.memberFacts(member) })
		})
	}
	return cmd
}

func (c *command) memberRemove() *cobra.Command {
	return &cobra.Command{
		Use:     "remove MEMBER",
		Short:   "Take away all roles of a user or a team in the workspace",
		Example: "  atelier member remove mina\n  atelier member remove team:vision",
		Args:    onlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onServer(func(api *client.Client) error {
				if err := api.RemoveMember(cmd.Context(), args[0]); err != nil {
					return err
				}
				c.done("%s is no longer a member of the workspace %q.", args[0], api.Workspace())
				return nil
			})
		},
	}
}

func (c *command) roleCommand() *cobra.Command {
	return noun("role", "Say what people may do: roles, and who has them",
		c.roleCreate(), c.roleUpdate(), c.roleList(), c.roleShow(), c.roleDelete(), c.roleAssign(), c.roleUnassign(),
		c.listMembers("list-assignments", "List who has which role in the workspace", "  atelier role list-assignments"), c.roleActions())
}

// roleOptions describe a custom role: in a file, by flags, or both.
type roleOptions struct {
	file        string
	description string
	actions     []string
	notActions  []string
}

func (o *roleOptions) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "file that describes the role: our own YAML, or a role definition of Azure's")
	flags.StringVar(&o.description, "description", "", "what the role is for")
	flags.StringArrayVar(&o.actions, "action", nil, "an action that it allows; * stands for any characters")
	flags.StringArrayVar(&o.notActions, "not-action", nil, "an action that it does not allow, of those")
}

// readRole puts the file and the flags together.
func (c *command) readRole(o roleOptions, name string) (access.Definition, error) {
	var d access.Definition
	if o.file != "" {
		text, err := c.st.readFile(o.file)
		if err != nil {
			return d, atelier.Errorf(atelier.Invalid, "The file %s cannot be read: %w.", o.file, withoutPath(err)).At("--file")
		}
		var document any
		if err := yaml.Unmarshal(text, &document); err != nil {
			return d, atelier.Errorf(atelier.Invalid, "%s is neither YAML nor JSON: %v.", o.file, err)
		}
		plain, err := json.Marshal(document)
		if err == nil {
			err = json.Unmarshal(plain, &d)
		}
		if err != nil {
			return d, err
		}
	}
	d.Name = first(name, d.Name)
	d.Description = first(o.description, d.Description)
	d.Actions = append(d.Actions, o.actions...)
	d.NotActions = append(d.NotActions, o.notActions...)
	return d, nil
}

const roleCreateLong = `Make a custom role in the workspace: what matches one of its actions and none of its
not-actions. It takes a role definition of Azure Machine Learning as it is:

  {"Name": "MLOps", "IsCustom": true,
   "Actions": ["Microsoft.MachineLearningServices/workspaces/*/read",
               "Microsoft.MachineLearningServices/workspaces/jobs/*"],
   "NotActions": [], "AssignableScopes": ["/subscriptions/..."]}

The role is the workspace's, whatever the scopes say. An action that nobody knows is
refused; what Azure has and Atelier does not is listed as without effect. Nobody makes
a role that allows more than they may do themselves.`

func (c *command) roleCreate() *cobra.Command {
	var options roleOptions
	cmd := &cobra.Command{
		Use:     "create [NAME]",
		Short:   "Make a custom role",
		Long:    roleCreateLong,
		Example: "  atelier role create -f mlops.json\n  atelier role create \"Job runner\" --action \"*/read\" --action \"jobs/*\" --not-action jobs/delete",
		Args:    atMostOne,
	}
	options.addTo(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ask, err := c.readRole(options, first(args...))
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			made, err := api.CreateRole(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.emit(made, func() table { return c.roleFacts(made) })
		})
	}
	return cmd
}

func (c *command) roleUpdate() *cobra.Command {
	var options roleOptions
	cmd := &cobra.Command{
		Use:     "update NAME",
		Short:   "Replace what a custom role allows, for all who have it",
		Example: "  atelier role update MLOps -f mlops.json",
		Args:    onlyOne,
	}
	options.addTo(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ask, err := c.readRole(options, "")
		if err != nil {
			return err
		}
		ask.Name = first(ask.Name, args[0])
		return c.onServer(func(api *client.Client) error {
			changed, err := api.UpdateRole(cmd.Context(), args[0], ask)
			if err != nil {
				return err
			}
			return c.emit(changed, func() table { return c.roleFacts(changed) })
		})
	}
	return cmd
}

func (c *command) roleFacts(r access.Role) table {
	kind := "built-in"
	if r.Custom {
		kind = "custom"
	}
	return facts([2]string{"name", r.Name}, [2]string{"kind", kind}, [2]string{"description", r.Description},
		[2]string{"actions", strings.Join(r.Actions, " ")}, [2]string{"not actions", strings.Join(r.NotActions, " ")},
		[2]string{"without effect", strings.Join(r.Idle, " ")}, [2]string{"made by", r.CreatedBy}, [2]string{"made", c.atMaybe(r.CreatedAt)})
}

func (c *command) roleList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the roles of the workspace",
		Example: "  atelier role list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListRoles(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"name", "description", "actions", "not actions"}}
					for _, r := range all {
						t.rows = append(t.rows, []string{r.Name, r.Description, strings.Join(r.Actions, " "), strings.Join(r.NotActions, " ")})
					}
					return t
				})
			})
		},
	}
}

func (c *command) roleShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a role",
		Example: "  atelier role show Reader\n  atelier role show MLOps -o json",
		Args:    onlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onServer(func(api *client.Client) error {
				found, err := api.GetRole(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return c.emit(found, func() table { return c.roleFacts(found) })
			})
		},
	}
}

func (c *command) roleDelete() *cobra.Command {
	var agreed bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a custom role that nobody has",
		Example: "  atelier role delete MLOps --yes",
		Args:    onlyOne,
	}
	cmd.Flags().BoolVarP(&agreed, "yes", "y", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.confirm(agreed, "Delete the role %q?", args[0]); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteRole(cmd.Context(), args[0]); err != nil {
				return err
			}
			c.done("The role %q is deleted.", args[0])
			return nil
		})
	}
	return cmd
}

// assignment names a role and who has it, in the words of Azure's command line.
type assignment struct{ role, assignee string }

func (a *assignment) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.role, "role", "", "the role")
	cmd.Flags().StringVar(&a.assignee, "assignee", "", "a user, a service principal, or team:NAME")
	cmd.MarkFlagRequired("role")
	cmd.MarkFlagRequired("assignee")
}

func (c *command) roleAssign() *cobra.Command {
	var a assignment
	cmd := &cobra.Command{
		Use:     "assign",
		Short:   "Give somebody one more role in the workspace",
		Example: "  atelier role assign --role MLOps --assignee ci\n  atelier role assign --role Reader --assignee team:vision",
		Args:    cobra.NoArgs,
	}
	a.addTo(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			given, err := api.AssignRole(cmd.Context(), a.assignee, a.role)
			if err != nil {
				return err
			}
			return c.emit(given, func() table { return c.memberFacts(given) })
		})
	}
	return cmd
}

func (c *command) roleUnassign() *cobra.Command {
	var a assignment
	cmd := &cobra.Command{
		Use:     "unassign",
		Short:   "Take one of somebody's roles in the workspace away",
		Example: "  atelier role unassign --role MLOps --assignee ci",
		Args:    cobra.NoArgs,
	}
	a.addTo(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			if err := api.UnassignRole(cmd.Context(), a.assignee, a.role); err != nil {
				return err
			}
			c.done("%s no longer has the role %q in the workspace %q.", a.assignee, a.role, api.Workspace())
			return nil
		})
	}
	return cmd
}

func (c *command) roleActions() *cobra.Command {
	return &cobra.Command{
		Use:     "actions",
		Short:   "List the actions that roles are made of",
		Example: "  atelier role actions",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.Permissions(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"action", "lets somebody"}}
					for _, k := range all {
						t.rows = append(t.rows, []string{string(k.Permission), k.Description})
					}
					return t
				})
			})
		},
	}
}
