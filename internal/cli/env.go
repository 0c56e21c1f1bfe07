package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/credential"
)

const envLong = `Print the lines that let MLflow, in a script that you start yourself, write to
the selected workspace. They contain your token.`

func (c *command) envCommand() *cobra.Command {
	var shell string
	cmd := &cobra.Command{
		Use:     "env",
		Short:   "Print what a script outside of jobs needs in its environment",
		Long:    envLong,
		Example: "  eval \"$(atelier env)\"\n  atelier env --shell fish | source\n  atelier env --shell powershell | Invoke-Expression",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&shell, "shell", "sh", "sh, fish or powershell")
	cmd.RunE = func(*cobra.Command, []string) error {
		api, err := c.connect()
		if err != nil {
			return err
		}
		token, err := credential.Token(c.st.ConfigDir, api.Server())
		if err != nil {
			return err
		}
		token = first(c.st.Env[envToken], token)
		if token == "" {
			return atelier.Errorf(atelier.Unauthenticated, "There is no token for %s.", api.Server()).
				WithHint("Run `atelier sign-in --server %s`.", api.Server())
		}
		variables := [][2]string{
			{"MLFLOW_TRACKING_URI", trackingURI(api)},
			{"MLFLOW_TRACKING_TOKEN", token},
		}
		return c.printVariables(shell, variables)
	}
	return cmd
}

// trackingURI is the address that MLflow gets: the server's own for the default
// workspace, so that it stays short where most people are.
func trackingURI(api *client.Client) string {
	if api.Workspace() == defaultWorkspace {
		return api.Server()
	}
	return api.Server() + "/workspaces/" + api.Workspace()
}

func (c *command) printVariables(shell string, variables [][2]string) error {
	if c.form != formTable {
		object := map[string]string{}
		for _, v := range variables {
			object[v[0]] = v[1]
		}
		return c.emit(object, nil)
	}
	for _, v := range variables {
		line, err := exportLine(shell, v[0], v[1])
		if err != nil {
			return err
		}
		fmt.Fprintln(c.st.Stdout, line)
	}
	return nil
}

// exportLine sets a variable in the words of a shell, quoted so that no value
// can become a command.
func exportLine(shell, name, value string) (string, error) {
	switch shell {
	case "sh", "bash", "zsh":
		return "export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'", nil
	case "fish":
		value = strings.ReplaceAll(strings.ReplaceAll(value, `\`, `\\`), "'", `\'`)
		return "set -gx " + name + " '" + value + "'", nil
	case "powershell", "pwsh":
		return "$env:" + name + " = '" + strings.ReplaceAll(value, "'", "''") + "'", nil
	}
	return "", atelier.Errorf(atelier.Invalid, "The shell %q is not known.", atelier.Clip(shell, 40)).At("--shell").
		WithHint("Use sh, fish or powershell.")
}
