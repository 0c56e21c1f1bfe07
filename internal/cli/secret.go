package cli

import (
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/vault"
)

func (c *command) secretCommand() *cobra.Command {
	return noun("secret", "Keep passwords and tokens for jobs and deployments",
		c.secretSet(), c.secretList(), c.secretShow(), c.secretDelete())
}

const secretSetLong = `Give a secret a value, making the secret where there is none. The value is read
from standard input, or from --file, without the line's end after it: what stands
on a command line is in the shell's history and in the list of processes.

A job or a deployment is given a secret by naming it in environment_variables:

  environment_variables:
    HF_TOKEN: ${{secrets.hf-token}}

Nobody can read the value back. Who runs later has the new one; what runs keeps
the old.`

// maxSecretInput is more than a secret can hold, so that the server says so.
const maxSecretInput = 64 << 10

func (c *command) secretSet() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:     "set NAME",
		Short:   "Give a secret a value, from standard input or a file",
		Long:    secretSetLong,
		Example: "  printf %s \"$HF_TOKEN\" | atelier secret set hf-token\n  atelier secret set deploy-key --file id_ed25519",
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "file with the value (default: standard input)")
	name := named(cmd, "secret")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		value, err := c.secretValue(file)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			made, err := api.SetSecret(cmd.Context(), which, value)
			if err != nil {
				return err
			}
			return c.emit(made, func() table { return c.secretFacts(made) })
		})
	}
	return cmd
}

// secretValue reads what a secret shall hold.
func (c *command) secretValue(file string) (string, error) {
	var text []byte
	var err error
	switch {
	case file != "":
		if text, err = c.st.readFile(file); err != nil {
			return "", atelier.Errorf(atelier.Invalid, "The file %s cannot be read: %w.", file, withoutPath(err)).At("--file")
		}
	case c.st.StdinTerminal:
		return "", atelier.Errorf(atelier.Invalid, "The value comes from standard input, which is this terminal, where it would be seen.").
			WithHint("Pipe it in (`printf %%s \"$TOKEN\" | atelier secret set NAME`), or give --file.")
	default:
		if text, err = io.ReadAll(io.LimitReader(c.st.Stdin, maxSecretInput)); err != nil {
			return "", err
		}
	}
	value, _ := strings.CutSuffix(string(text), "\n")
	value, _ = strings.CutSuffix(value, "\r")
	return value, nil
}

func (c *command) secretList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List secrets by name, without values",
		Example: "  atelier secret list",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			all, err := api.ListSecrets(cmd.Context())
			if err != nil {
				return err
			}
			return c.emit(all, func() table {
				t := table{header: []string{"name", "version", "set", "by", "given last to"},
					empty: "There are no secrets. `atelier secret set NAME` makes one; its value comes from standard input."}
				for _, s := range all {
					t.rows = append(t.rows, []string{s.Name, strconv.FormatInt(s.Version, 10), c.at(s.UpdatedAt), s.UpdatedBy, s.UsedBy})
				}
				return t
			})
		})
	}
	return cmd
}

func (c *command) secretShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show who set a secret and who was given it; never its value",
		Example: "  atelier secret show hf-token",
	}
	name := named(cmd, "secret")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			found, err := api.GetSecret(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.emit(found, func() table { return c.secretFacts(found) })
		})
	}
	return cmd
}

func (c *command) secretFacts(s vault.Secret) table {
	return facts(
		[2]string{"name", s.Name},
		[2]string{"version", strconv.FormatInt(s.Version, 10)},
		[2]string{"made by", s.CreatedBy},
		[2]string{"made", c.at(s.CreatedAt)},
		[2]string{"set by", s.UpdatedBy},
		[2]string{"set", c.at(s.UpdatedAt)},
		[2]string{"given last to", s.UsedBy},
		[2]string{"given", c.atMaybe(s.UsedAt)})
}

func (c *command) secretDelete() *cobra.Command {
	var agreed bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Forget a secret; what runs keeps what it was given",
		Example: "  atelier secret delete hf-token --yes",
	}
	cmd.Flags().BoolVarP(&agreed, "yes", "y", false, "do not ask")
	name := named(cmd, "secret")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		if err := c.confirm(agreed, "Forget the secret %s? Jobs and deployments that name it can no longer start.", which); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteSecret(cmd.Context(), which); err != nil {
				return err
			}
			c.done("Deleted the secret %s.", which)
			return nil
		})
	}
	return cmd
}

func (c *command) vaultCommand() *cobra.Command {
	return noun("vault", "Look after the key that seals secrets and credentials", c.vaultShow(), c.vaultRotate())
}

func (c *command) vaultShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show",
		Short:   "Say where the vault's key is, and whether it opens everything",
		Example: "  atelier vault show",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			found, err := api.Vault(cmd.Context())
			if err != nil {
				return err
			}
			return c.emit(found, func() table { return vaultFacts(found) })
		})
	}
	return cmd
}

const vaultRotateLong = `Make a new key and seal with it, anew, every secret, every datastore's
credentials and every endpoint's keys. Nothing stops meanwhile. The key before it
is kept until the next rotation, for what was being sealed at that moment.

Back up the key, and apart from the database: one opens the other.`

func (c *command) vaultRotate() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rotate-key",
		Short:   "Make a new key and seal everything anew with it",
		Long:    vaultRotateLong,
		Example: "  atelier vault rotate-key",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			found, err := api.RotateVaultKey(cmd.Context())
			if err != nil {
				return err
			}
			return c.emit(found, func() table { return vaultFacts(found) })
		})
	}
	return cmd
}

func vaultFacts(s vault.Status) table {
	return facts([2]string{"key", s.Provider}, [2]string{"keys", strconv.Itoa(s.Keys)},
		[2]string{"sealed", strconv.Itoa(s.Sealed)}, [2]string{"unreadable", strconv.Itoa(s.Unreadable)})
}
