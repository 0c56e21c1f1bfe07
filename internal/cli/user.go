package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/client"
)

func (c *command) userCommand() *cobra.Command {
	return noun("user", "Make and manage users of the server", c.userCreate(), c.userList(), c.userShow(), c.userUpdate(),
		c.userSwitch("disable NAME", "Keep a user out: end all sessions, let no token in", true),
		c.userSwitch("enable NAME", "Let a disabled user in again", false))
}

func (c *command) userFacts(u access.User) table {
	return facts([2]string{"name", u.Name}, [2]string{"kind", u.Kind}, [2]string{"description", u.Description}, [2]string{"email", u.Email},
		[2]string{"server role", u.ServerRole}, [2]string{"disabled", c.atMaybe(u.DisabledAt)}, [2]string{"id", u.ID})
}

// oneUser runs a command on one user and shows what became of them.
func (c *command) oneUser(cmd *cobra.Command, do func(ctx context.Context, api *client.Client) (access.User, error)) error {
	return c.onServer(func(api *client.Client) error {
		user, err := do(cmd.Context(), api)
		if err != nil {
			return err
		}
		return c.emit(user, func() table { return c.userFacts(user) })
	})
}

func (c *command) userCreate() *cobra.Command {
	var email string
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a user",
		Long:    "Make a user, who is a member of nothing yet. With --email, whoever first signs in with that\naddress, verified by the identity provider, is this user.",
		Example: "  atelier user create mina\n  atelier user create mina --email mina@example.com",
		Args:    onlyOne,
	}
	cmd.Flags().StringVar(&email, "email", "", "mail address by which the identity provider knows the person")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.oneUser(cmd, func(ctx context.Context, api *client.Client) (access.User, error) {
			return api.CreateUser(ctx, args[0], email)
		})
	}
	return cmd
}

func (c *command) userShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a user",
		Example: "  atelier user show mina",
		Args:    onlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.oneUser(cmd, func(ctx context.Context, api *client.Client) (access.User, error) { return api.GetUser(ctx, args[0]) })
		},
	}
}

func (c *command) userUpdate() *cobra.Command {
	var email, role string
	cmd := &cobra.Command{
		Use:     "update NAME",
		Short:   "Change a user's mail address, or make them an owner of the server",
		Example: "  atelier user update mina --email mina@example.com\n  atelier user update mina --server-role owner",
		Args:    onlyOne,
	}
	cmd.Flags().StringVar(&email, "email", "", "mail address by which the identity provider knows the person")
	cmd.Flags().StringVar(&role, "server-role", "", "owner, who may do everything everywhere, or user")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var change access.UpdateUser
		if cmd.Flags().Changed("email") {
			change.Email = &email
		}
		if role != "" {
			change.ServerRole = &role
		}
		return c.oneUser(cmd, func(ctx context.Context, api *client.Client) (access.User, error) {
			return api.UpdateUser(ctx, args[0], change)
		})
	}
	return cmd
}

func (c *command) userSwitch(use, short string, disabled bool) *cobra.Command {
	return &cobra.Command{
		Use:     use,
		Short:   short,
		Example: "  atelier user " + strings.TrimSuffix(use, " NAME") + " mina",
		Args:    onlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.oneUser(cmd, func(ctx context.Context, api *client.Client) (access.User, error) {
				return api.UpdateUser(ctx, args[0], access.UpdateUser{Disabled: &disabled})
			})
		},
	}
}

func (c *command) userList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the users of the server",
		Example: "  atelier user list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListUsers(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"name", "server role", "email", "created", "disabled"}}
					for _, user := range all {
						t.rows = append(t.rows, []string{user.Name, user.ServerRole, user.Email, c.at(user.CreatedAt), c.atMaybe(user.DisabledAt)})
					}
					return t
				})
			})
		},
	}
}
