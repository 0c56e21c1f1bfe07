package cli

import (
	"bufio"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/credential"
)

func (c *command) signInCommand() *cobra.Command {
	var token string
	cmd := &cobra.Command{
		Use:   "sign-in",
		Short: "Remember a token for a server",
		Long: `Check a token with the server and keep it in your configuration folder, where
only you can read it. Without --token it is read from standard input.

On the machine where the server first started this has been done already. For
another machine, make a token in the Studio or with ` + "`atelier token create`" + `.`,
		Example: "  atelier sign-in --server http://gpu1:8700\n  echo \"$TOKEN\" | atelier sign-in --server http://gpu1:8700",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&token, "token", "", "the token; better given on standard input, where no other user sees it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		to, err := c.target()
		if err != nil {
			return err
		}
		if token == "" {
			if token, err = c.readToken(); err != nil {
				return err
			}
		}
		api, err := client.New(client.Config{Server: to.server, Token: token, Workspace: to.workspace,
			Transport: c.st.Transport, Clock: c.st.Clock})
		if err != nil {
			return err
		}
		me, err := api.Me(cmd.Context())
		if err != nil {
			return err
		}
		if err := credential.Save(c.st.ConfigDir, api.Server(), token); err != nil {
			return err
		}
		c.done("Signed in to %s as %s.", api.Server(), me.User.Name)
		if api.Server() != client.DefaultServer && c.st.Env[envServer] == "" {
			c.done("Select it with `export %s=%s`, or with \"server\" in config.json.", envServer, api.Server())
		}
		return nil
	}
	return cmd
}

func (c *command) readToken() (string, error) {
	if c.st.StdinTerminal {
		fmt.Fprint(c.st.Stderr, "Token: ")
	}
	line, _ := bufio.NewReader(c.st.Stdin).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", atelier.Errorf(atelier.Invalid, "No token was given.").WithHint("Pass --token, or write it to standard input.")
	}
	return line, nil
}

func (c *command) signOutCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "sign-out",
		Short:   "Forget the token for a server",
		Example: "  atelier sign-out --server http://gpu1:8700",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			to, err := c.target()
			if err != nil {
				return err
			}
			return credential.Remove(c.st.ConfigDir, to.server)
		},
	}
}

func (c *command) signInLinkCommand() *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use:     "sign-in-link",
		Short:   "Print a new one-time link that signs a browser in",
		Example: "  atelier sign-in-link\n  atelier sign-in-link --user mina",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&user, "user", "", "for whom, when you own the server")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			link, err := api.NewSignInLink(cmd.Context(), user)
			if err != nil {
				return err
			}
			c.done("This link works once, until %s.", link.ExpiresAt.Local().Format(time.TimeOnly))
			return c.emit(link, func() table { return table{rows: [][]string{{link.URL}}} })
		})
	}
	return cmd
}

func (c *command) tokenCommand() *cobra.Command {
	return noun("token", "Make and revoke your personal tokens", c.tokenCreate(), c.tokenList(), c.tokenDelete())
}

// maxTokenDays is how long the server lets a token last.
const maxTokenDays = 366

func (c *command) tokenCreate() *cobra.Command {
	var description string
	var days int
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Make a token; it is shown this once",
		Example: "  atelier token create --description laptop --days 30",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&description, "description", "", "what it is for")
	cmd.Flags().IntVar(&days, "days", 90, "days until it expires")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if days < 1 || days > maxTokenDays {
			return atelier.Errorf(atelier.Invalid, "A token lasts from 1 to %d days.", maxTokenDays).At("--days")
		}
		return c.onServer(func(api *client.Client) error {
			token, err := api.CreateToken(cmd.Context(), description, days)
			if err != nil {
				return err
			}
			c.done("Keep this token; it is not shown again. It expires on %s.", token.ExpiresAt.Format(time.DateOnly))
			return c.emit(token, func() table { return table{rows: [][]string{{token.Secret}}} })
		})
	}
	return cmd
}

func (c *command) tokenList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List your tokens, without their secrets",
		Example: "  atelier token list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListTokens(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table { return c.tokenTable(all) })
			})
		},
	}
}

func (c *command) tokenTable(all []access.Token) table {
	t := table{header: []string{"id", "description", "created", "last used", "expires"}, empty: "You have no tokens. `atelier token create` makes one."}
	for _, token := range all {
		t.rows = append(t.rows, []string{token.ID, token.Description, c.at(token.CreatedAt),
			first(c.atMaybe(token.UsedAt), "never"), token.ExpiresAt.UTC().Format(time.DateOnly)})
	}
	return t
}

func (c *command) tokenDelete() *cobra.Command {
	return &cobra.Command{
		Use:     "delete ID",
		Short:   "Revoke a token at once",
		Example: "  atelier token delete 01k9v3f0q2",
		Args:    onlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onServer(func(api *client.Client) error {
				if err := api.DeleteToken(cmd.Context(), args[0]); err != nil {
					return err
				}
				c.done("The token is revoked.")
				return nil
			})
		},
	}
}

func (c *command) userCommand() *cobra.Command {
	create := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a user",
		Example: "  atelier user create mina",
		Args:    onlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onServer(func(api *client.Client) error {
				user, err := api.CreateUser(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return c.emit(user, func() table {
					return facts([2]string{"name", user.Name}, [2]string{"server role", user.ServerRole}, [2]string{"id", user.ID})
				})
			})
		},
	}
	return noun("user", "Make and list users of the server", create, c.userList())
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
					t := table{header: []string{"name", "server role", "created"}}
					for _, user := range all {
						t.rows = append(t.rows, []string{user.Name, user.ServerRole, c.at(user.CreatedAt)})
					}
					return t
				})
			})
		},
	}
}

func (c *command) memberCommand() *cobra.Command {
	return noun("member", "Say who may work in a workspace, and as what", c.memberList(), c.memberAdd(), c.memberRemove())
}

func (c *command) memberList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the members of the workspace",
		Example: "  atelier member list -w vision",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListMembers(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"user", "role", "since"}}
					for _, member := range all {
						t.rows = append(t.rows, []string{member.User, member.Role, c.at(member.CreatedAt)})
					}
					return t
				})
			})
		},
	}
}

func (c *command) memberAdd() *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use:     "add USER",
		Short:   "Give a user a role in the workspace",
		Long:    "Give a user a role in the workspace, in place of the one before.\n\nThe roles are Owner, Contributor, \"Data Scientist\", \"Compute Operator\" and Reader.",
		Example: "  atelier member add mina --role \"Data Scientist\"",
		Args:    onlyOne,
	}
	cmd.Flags().StringVar(&role, "role", "Contributor", "the role")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.onServer(func(api *client.Client) error {
			member, err := api.SetMember(cmd.Context(), args[0], role)
			if err != nil {
				return err
			}
			return c.emit(member, func() table {
				return facts([2]string{"user", member.User}, [2]string{"role", member.Role}, [2]string{"since", c.at(member.CreatedAt)})
			})
		})
	}
	return cmd
}

func (c *command) memberRemove() *cobra.Command {
	return &cobra.Command{
		Use:     "remove USER",
		Short:   "Take away a user's role in the workspace",
		Example: "  atelier member remove mina",
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
