package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/environment"
)

func (c *command) environmentCommand() *cobra.Command {
	return noun("environment", "See the environments that jobs can run in", c.environmentList(), c.environmentShow())
}

func (c *command) environmentList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the environments: curated ones, and those of this workspace",
		Example: "  atelier environment list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListEnvironments(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"name", "version", "python", "curated", "description"}}
					for _, e := range all {
						curated := ""
						if e.Curated {
							curated = "yes"
						}
						t.rows = append(t.rows, []string{e.Name, e.Version, e.PythonVersion, curated, e.Description})
					}
					return t
				})
			})
		},
	}
}

func (c *command) environmentShow() *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show an environment: its newest version unless one is named",
		Example: "  atelier environment show sklearn\n  atelier environment show sklearn --version 1",
	}
	cmd.Flags().StringVarP(&version, "version", "v", "", "which version")
	name := named(cmd, "environment")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			all, err := api.ListEnvironments(cmd.Context())
			if err != nil {
				return err
			}
			found, err := findEnvironment(all, which, version)
			if err != nil {
				return err
			}
			return c.emit(found, func() table { return environmentFacts(found) })
		})
	}
	return cmd
}

// findEnvironment chooses by name and version. Lists come newest first.
func findEnvironment(all []environment.Environment, name, version string) (environment.Environment, error) {
	for _, e := range all {
		if e.Name == name && (version == "" || e.Version == version) {
			return e, nil
		}
	}
	return environment.Environment{}, atelier.Errorf(atelier.NotFound, "There is no environment %q.",
		strings.TrimRight(name+":"+version, ":")).WithHint("List them with `atelier environment list`.")
}

func environmentFacts(e environment.Environment) table {
	t := facts(
		[2]string{"name", e.Name},
		[2]string{"version", e.Version},
		[2]string{"description", e.Description},
		[2]string{"python", e.PythonVersion},
		[2]string{"image", e.Image},
		[2]string{"hash", e.Hash},
	)
	for _, requirement := range e.Requirements {
		t.rows = append(t.rows, []string{"package", requirement})
	}
	return t
}
