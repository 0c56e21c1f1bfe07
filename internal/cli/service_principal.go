package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/client"
)

func (c *command) servicePrincipalCommand() *cobra.Command {
	cmd := noun("service-principal", "Let programs sign in by themselves, with secrets", c.principalCreate(), c.principalList(), c.principalShow(),
		c.principalSwitch("disable NAME", "Keep a service principal out", "  atelier service-principal disable ci", true),
		c.principalSwitch("enable NAME", "Let a disabled service principal in again", "  atelier service-principal enable ci", false),
		c.principalDelete(), c.principalCreateSecret(), c.principalDeleteSecret())
	cmd.Aliases = []string{"sp"}
	return cmd
}

const principalCreateLong = `Make a service principal: a program that signs in by itself. It is a member of nothing
yet; ` + "`atelier role assign --assignee NAME`" + ` gives it roles, and ` + "`create-secret`" + ` a secret.

It exchanges id and secret for an access token of one hour:

  curl -d grant_type=client_credentials -d client_id=ID -d client_secret=SECRET \
    SERVER/api/v1/oauth2/token`

func (c *command) principalCreate() *cobra.Command {
	var description string
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a service principal",
		Long:    principalCreateLong,
		Example: "  atelier service-principal create ci --description \"the build server\"",
		Args:    onlyOne,
	}
	cmd.Flags().StringVar(&description, "description", "", "which program it is")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.oneUser(cmd, func(ctx context.Context, api *client.Client) (access.User, error) {
			made, err := api.CreateServicePrincipal(ctx, args[0], description)
			return made.User, err
		})
	}
	return cmd
}

func (c *command) principalList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the service principals of the server",
		Example: "  atelier service-principal list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListServicePrincipals(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"name", "id", "description", "created", "disabled"},
						empty: "There are no service principals. `atelier service-principal create NAME` makes one."}
					for _, p := range all {
						t.rows = append(t.rows, []string{p.Name, p.ID, p.Description, c.at(p.CreatedAt), c.atMaybe(p.DisabledAt)})
					}
					return t
				})
			})
		},
	}
}

func (c *command) principalShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a service principal and its secrets, without what they are",
		Example: "  atelier service-principal show ci",
		Args:    onlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onServer(func(api *client.Client) error {
				found, err := api.GetServicePrincipal(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return c.emit(found, func() table {
					t := c.userFacts(found.User)
					for _, s := range found.Secrets {
						t.rows = append(t.rows, []string{"secret", s.ID + ", " + first(s.Description, "no description") + ", until " +
							s.ExpiresAt.UTC().Format(time.DateOnly) + ", last used " + first(c.atMaybe(s.UsedAt), "never")})
					}
					return t
				})
			})
		},
	}
}

func (c *command) principalSwitch(use, short, example string, disabled bool) *cobra.Command {
	return &cobra.Command{
		Use:     use,
		Short:   short,
		Example: example,
		Args:    onlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.oneUser(cmd, func(ctx context.Context, api *client.Client) (access.User, error) {
				return api.DisableServicePrincipal(ctx, args[0], disabled)
			})
		},
	}
}

func (c *command) principalDelete() *cobra.Command {
	var agreed bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a service principal with its secrets and roles",
		Example: "  atelier service-principal delete ci --yes",
		Args:    onlyOne,
	}
	cmd.Flags().BoolVarP(&agreed, "yes", "y", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.confirm(agreed, "Delete the service principal %q with its secrets and roles?", args[0]); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteServicePrincipal(cmd.Context(), args[0]); err != nil {
				return err
			}
			c.done("The service principal %q is deleted.", args[0])
			return nil
		})
	}
	return cmd
}

func (c *command) principalCreateSecret() *cobra.Command {
	var description string
	var days int
	cmd := &cobra.Command{
		Use:     "create-secret NAME",
		Short:   "Make one more secret; it is shown this once",
		Long:    "Make one more secret; it is shown this once. To rotate, make a new one, give it to the\nprogram, and delete the old one: both are good meanwhile.",
		Example: "  atelier service-principal create-secret ci --days 180",
		Args:    onlyOne,
	}
	cmd.Flags().StringVar(&description, "description", "", "where it is kept")
	cmd.Flags().IntVar(&days, "days", 90, "days until it expires")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if days < 1 || days > maxTokenDays {
			return atelier.Errorf(atelier.Invalid, "A secret lasts from 1 to %d days.", maxTokenDays).At("--days")
		}
		return c.onServer(func(api *client.Client) error {
			made, err := api.CreatePrincipalSecret(cmd.Context(), args[0], description, days)
			if err != nil {
				return err
			}
			return c.showSecret(made, "secret")
		})
	}
	return cmd
}

func (c *command) principalDeleteSecret() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete-secret NAME ID",
		Short:   "Revoke a secret, and the access tokens that were given for it",
		Example: "  atelier service-principal delete-secret ci 01k9v3f0q2",
	}
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 2 {
			return atelier.Errorf(atelier.Invalid, "Name a service principal and the id of its secret: `%s NAME ID`.", cmd.CommandPath())
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.onServer(func(api *client.Client) error {
			if err := api.DeletePrincipalSecret(cmd.Context(), args[0], args[1]); err != nil {
				return err
			}
			c.done("The secret is revoked.")
			return nil
		})
	}
	return cmd
}
