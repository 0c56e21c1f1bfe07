package cli

import (
	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/spec"
)

func (c *command) environmentCommand() *cobra.Command {
	return noun("environment", "Name the environments that jobs run in",
		c.environmentCreate(), c.environmentUpdate(), c.environmentList(), c.environmentShow(), c.environmentBuild(), c.environmentPrune(), c.environmentArchive(true), c.environmentArchive(false))
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
		ask, err := read(c, document, (*spec.Document).Environment)
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

func (c *command) environmentUpdate() *cobra.Command {
	var version, description string
	var tags []string
	cmd := &cobra.Command{
		Use:     "update NAME --version VERSION",
		Short:   "Change the description or the tags of a version",
		Example: "  atelier environment update vision -v 2 --tag checked=yes",
	}
	flags := cmd.Flags()
	flags.StringVarP(&version, "version", "v", environment.Latest, "which version")
	flags.StringVarP(&description, "description", "d", "", "what it is")
	flags.StringArrayVar(&tags, "tag", nil, "tag, as KEY=VALUE; may be repeated")
	name := named(cmd, "environment")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		tagged, err := tagChanges(tags)
		if err != nil {
			return err
		}
		change := environment.Update{Description: unlessZero(description), Tags: tagged}
		return c.onServer(func(api *client.Client) error {
			changed, err := api.UpdateEnvironment(cmd.Context(), which, version, change)
			if err != nil {
				return err
			}
			return c.emit(changed, func() table { return environmentFacts(changed) })
		})
	}
	return cmd
}

func (c *command) environmentList() *cobra.Command {
	var ask environment.List
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the environments: curated ones, and those of this workspace",
		Example: "  atelier environment list\n  atelier environment list -n vision --archived",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&ask.Name, "name", "n", "", "only the versions of this environment")
	cmd.Flags().BoolVar(&ask.Archived, "archived", false, "list what is archived, too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			all, err := api.ListEnvironments(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.emit(all, func() table {
				t := table{header: []string{"name", "version", "python", "curated", "archived", "description"}, empty: "There is no such environment."}
				for _, e := range all {
					t.rows = append(t.rows, []string{e.Name, e.Version, e.PythonVersion, yes(e.Curated), yes(e.Archived), e.Description})
				}
				return t
			})
		})
	}
	return cmd
}

// yes is how a table says that something is so.
func yes(so bool) string {
	if so {
		return "yes"
	}
	return ""
}

func (c *command) environmentShow() *cobra.Command {
	var version string
	var log bool
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show an environment: its newest version unless one is named",
		Example: "  atelier environment show vision\n  atelier environment show vision --version 1\n  atelier environment show vision --log",
	}
	cmd.Flags().StringVarP(&version, "version", "v", environment.Latest, "which version")
	cmd.Flags().BoolVar(&log, "log", false, "print the log of its last build instead, and follow it")
	name := named(cmd, "environment")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if log {
				return c.followBuild(cmd.Context(), api, which, version)
			}
			found, err := api.GetEnvironment(cmd.Context(), which, version)
			if err != nil {
				return err
			}
			status, err := api.Build(cmd.Context(), which, version)
			if err != nil {
				return err
			}
			shown := struct {
				environment.Environment
				Build environment.Status `json:"build"`
			}{found, status}
			return c.emit(shown, func() table { return environmentFacts(found, buildFacts(c, status)...) })
		})
	}
	return cmd
}

func (c *command) environmentArchive(archive bool) *cobra.Command {
	verb, done, effect := "archive", "Archived", "lists and @latest leave it out, and jobs that name\nthe version still run"
	if !archive {
		verb, done, effect = "restore", "Restored", "it is listed again"
	}
	var version string
	cmd := &cobra.Command{
		Use:     verb + " NAME",
		Short:   sentence(verb) + " a version of an environment, or all of them",
		Long:    sentence(verb) + " a version of an environment, or all of them: " + effect + ".",
		Example: "  atelier environment " + verb + " vision -v 3\n  atelier environment " + verb + " vision",
	}
	cmd.Flags().StringVarP(&version, "version", "v", "", "this version only")
	name := named(cmd, "environment")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if version == "" {
				err = api.UpdateEnvironments(cmd.Context(), which, environment.UpdateAll{Archived: &archive})
			} else {
				_, err = api.UpdateEnvironment(cmd.Context(), which, version, environment.Update{Archived: &archive})
				which += ":" + version
			}
			if err != nil {
				return err
			}
			c.done("%s %s.", done, which)
			return nil
		})
	}
	return cmd
}

func environmentFacts(e environment.Environment, more ...[2]string) table {
	t := facts(
		[2]string{"name", e.Name},
		[2]string{"version", e.Version},
		[2]string{"description", e.Description},
		[2]string{"python", e.PythonVersion},
		[2]string{"tags", pairs(e.Tags)},
		[2]string{"image", e.Image},
		[2]string{"archived", yes(e.Archived)},
		[2]string{"hash", e.Hash},
	)
	t.rows = append(t.rows, facts(more...).rows...)
	for _, requirement := range e.Requirements {
		t.rows = append(t.rows, []string{"package", requirement})
	}
	return t
}
