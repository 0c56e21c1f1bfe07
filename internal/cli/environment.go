package cli

import (
	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/environment"
)

func (c *command) environmentCommand() *cobra.Command {
	return noun("environment", "Name the environments that jobs run in", c.environmentCreate(), c.environmentList(), c.environmentShow())
}

func (c *command) environmentCreate() *cobra.Command {
	var file, name, version string
	var sets []string
	cmd := &cobra.Command{
		Use:     "create -f FILE",
		Short:   "Register a version of an environment",
		Example: "  atelier environment create -f environment.yml --set name=vision",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&file, "file", "f", "", "YAML file that describes the environment")
	flags.StringVarP(&name, "name", "n", "", "name of the environment; wins over the file")
	flags.StringVarP(&version, "version", "v", "", "version (default: the next number)")
	flags.StringArrayVar(&sets, "set", nil, "change a value of the file, as in tags.team=vision")
	cmd.MarkFlagRequired("file")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		document, err := c.load(file, sets, "name", name, "version", version)
		if err != nil {
			return err
		}
		ask, err := document.Environment()
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			made, err := api.RegisterEnvironment(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.emit(made, func() table { return environmentFacts(made) })
		})
	}
	return cmd
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
	cmd.Flags().StringVarP(&version, "version", "v", "latest", "which version")
	name := named(cmd, "environment")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			found, err := api.GetEnvironment(cmd.Context(), which, version)
			if err != nil {
				return err
			}
			return c.emit(found, func() table { return environmentFacts(found) })
		})
	}
	return cmd
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
