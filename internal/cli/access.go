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
	return noun("token", "Make and revoke your personal tokens", c.tokenCreate(), c.tokenList(), c.tokenRevoke())
}

// maxTokenDays is how long the server lets a token last.
const maxTokenDays = 366

const tokenCreateLong = `Make a personal token; it is shown this once. It may do what you may do, unless it is
bounded: to one workspace, to some actions, or both. Give such a token to a script.`

func (c *command) tokenCreate() *cobra.Command {
	var ask client.NewToken
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Make a token; it is shown this once",
		Long:    tokenCreateLong,
		Example: "  atelier token create --description laptop --days 30\n  atelier token create --description dashboard --only-workspace vision --action \"*/read\"",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&ask.Description, "description", "", "what it is for")
	cmd.Flags().IntVar(&ask.ExpiresInDays, "days", 90, "days until it expires")
	cmd.Flags().StringVar(&ask.Workspace, "only-workspace", "", "the only workspace that it is good for")
	cmd.Flags().StringArrayVar(&ask.Actions, "action", nil, "an action that it is good for, as in `atelier role actions`; * stands for any characters")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if ask.ExpiresInDays < 1 || ask.ExpiresInDays > maxTokenDays {
			return atelier.Errorf(atelier.Invalid, "A token lasts from 1 to %d days.", maxTokenDays).At("--days")
		}
		return c.onServer(func(api *client.Client) error {
			token, err := api.CreateToken(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.showSecret(token, "token")
		})
	}
	return cmd
}

// showSecret prints what is shown once.
func (c *command) showSecret(made access.Token, what string) error {
	c.done("Keep this %s; it is not shown again. It expires on %s.", what, made.ExpiresAt.Format(time.DateOnly))
	return c.emit(made, func() table { return table{rows: [][]string{{made.Secret}}} })
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
	t := table{header: []string{"id", "description", "good for", "created", "last used", "expires"}, empty: "You have no tokens. `atelier token create` makes one."}
	for _, token := range all {
		t.rows = append(t.rows, []string{token.ID, token.Description, scopeOf(token), c.at(token.CreatedAt),
			first(c.atMaybe(token.UsedAt), "never"), token.ExpiresAt.UTC().Format(time.DateOnly)})
	}
	return t
}

// scopeOf says what a token is good for.
func scopeOf(token access.Token) string {
	scope := first(strings.Join(token.Actions, " "), "everything")
	if token.Workspace != "" {
		scope += " in " + token.Workspace
	}
	return scope
}

func (c *command) tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke ID",
		Aliases: []string{"delete"},
		Short:   "End a token at once, and the sessions begun with it",
		Example: "  atelier token revoke 01k9v3f0q2",
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
