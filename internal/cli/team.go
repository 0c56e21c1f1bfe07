package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/client"
)

func (c *command) teamCommand() *cobra.Command {
	return noun("team", "Make teams, who get their roles together",
		c.teamCreate(), c.teamList(), c.teamShow(), c.teamUpdate(), c.teamDelete(),
		c.teamChange("add TEAM USER", "Put a user into a team", "  atelier team add vision mina", true),
		c.teamChange("remove TEAM USER", "Take a user out of a team", "  atelier team remove vision mina", false))
}

func (c *command) teamFacts(t access.Team) table {
	return facts([2]string{"name", t.Name}, [2]string{"description", t.Description}, [2]string{"group", t.Group},
		[2]string{"size", strconv.Itoa(t.Size)}, [2]string{"made by", t.CreatedBy}, [2]string{"made", c.at(t.CreatedAt)})
}

const teamCreateLong = `Make a team. With --group it has the people whom the identity provider has in that
group: they come in and go out when they sign in.`

func (c *command) teamCreate() *cobra.Command {
	var ask access.CreateTeam
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a team",
		Long:    teamCreateLong,
		Example: "  atelier team create vision\n  atelier team create vision --group ml-vision",
		Args:    onlyOne,
	}
	cmd.Flags().StringVar(&ask.Description, "description", "", "who they are")
	cmd.Flags().StringVar(&ask.Group, "group", "", "the identity provider's group")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ask.Name = args[0]
		return c.onServer(func(api *client.Client) error {
			made, err := api.CreateTeam(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.emit(made, func() table { return c.teamFacts(made) })
		})
	}
	return cmd
}

func (c *command) teamList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the teams of the server",
		Example: "  atelier team list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListTeams(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"name", "description", "group", "size"}, empty: "There are no teams. `atelier team create NAME` makes one."}
					for _, team := range all {
						t.rows = append(t.rows, []string{team.Name, team.Description, team.Group, strconv.Itoa(team.Size)})
					}
					return t
				})
			})
		},
	}
}

func (c *command) teamShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a team and who is in it",
		Example: "  atelier team show vision",
		Args:    onlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onServer(func(api *client.Client) error {
				team, err := api.GetTeam(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return c.emit(team, func() table {
					t := c.teamFacts(team.Team)
					for _, m := range team.Members {
						how := "by hand"
						if m.ByGroup {
							how = "by group"
						}
						t.rows = append(t.rows, []string{"member", m.User + " (" + how + ")"})
					}
					return t
				})
			})
		},
	}
}

func (c *command) teamUpdate() *cobra.Command {
	var description, group string
	cmd := &cobra.Command{
		Use:     "update NAME",
		Short:   "Change a team's description or group",
		Example: "  atelier team update vision --group ml-vision",
		Args:    onlyOne,
	}
	cmd.Flags().StringVar(&description, "description", "", "who they are")
	cmd.Flags().StringVar(&group, "group", "", "the identity provider's group")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var change access.UpdateTeam
		if cmd.Flags().Changed("description") {
			change.Description = &description
		}
		if cmd.Flags().Changed("group") {
			change.Group = &group
		}
		return c.onServer(func(api *client.Client) error {
			team, err := api.UpdateTeam(cmd.Context(), args[0], change)
			if err != nil {
				return err
			}
			return c.emit(team, func() table { return c.teamFacts(team) })
		})
	}
	return cmd
}

func (c *command) teamDelete() *cobra.Command {
	var agreed bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a team with the roles that it has",
		Example: "  atelier team delete vision --yes",
		Args:    onlyOne,
	}
	cmd.Flags().BoolVarP(&agreed, "yes", "y", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.confirm(agreed, "Delete the team %q? Its people lose the roles that they have by it.", args[0]); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteTeam(cmd.Context(), args[0]); err != nil {
				return err
			}
			c.done("The team %q is deleted.", args[0])
			return nil
		})
	}
	return cmd
}

func (c *command) teamChange(use, short, example string, add bool) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Example: example}
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 2 {
			return atelier.Errorf(atelier.Invalid, "Name a team and a user: `%s TEAM USER`.", cmd.CommandPath())
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.onServer(func(api *client.Client) error {
			if add {
				if err := api.AddToTeam(cmd.Context(), args[0], args[1]); err != nil {
					return err
				}
				c.done("%s is in the team %q.", args[1], args[0])
				return nil
			}
			if err := api.RemoveFromTeam(cmd.Context(), args[0], args[1]); err != nil {
				return err
			}
			c.done("%s is no longer in the team %q.", args[1], args[0])
			return nil
		})
	}
	return cmd
}
