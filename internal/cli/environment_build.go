package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/environment"
)

const buildLong = `Build an environment now, so that the first job need not wait for it, and print
the log as it grows. Ctrl-C leaves the build alone; --cancel ends it.

An environment is built once for its content: jobs, deployments and other names
with the same packages share it.`

func (c *command) environmentBuild() *cobra.Command {
	var version string
	var cancel, noWait bool
	cmd := &cobra.Command{
		Use:     "build NAME",
		Short:   "Build an environment before a job needs it",
		Long:    buildLong,
		Example: "  atelier environment build vision\n  atelier environment build vision -v 3 --no-wait\n  atelier environment build vision --cancel",
	}
	flags := cmd.Flags()
	flags.StringVarP(&version, "version", "v", environment.Latest, "which version")
	flags.BoolVar(&noWait, "no-wait", false, "do not wait for the end")
	flags.BoolVar(&cancel, "cancel", false, "end the build that is under way")
	cmd.MarkFlagsMutuallyExclusive("no-wait", "cancel")
	name := named(cmd, "environment")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if cancel {
				if _, err := api.CancelBuild(cmd.Context(), which, version); err != nil {
					return err
				}
				c.done("Canceled the build of %s.", which)
				return nil
			}
			status, err := api.StartBuild(cmd.Context(), which, version)
			if err != nil {
				return err
			}
			if noWait {
				return c.emit(status, func() table { return facts(buildFacts(c, status)...) })
			}
			return c.followBuild(cmd.Context(), api, which, version)
		})
	}
	return cmd
}

// followBuild prints the log of a build to its end. A build that did not end well
// is an error.
func (c *command) followBuild(ctx context.Context, api *client.Client, name, version string) error {
	to := c.st.Stdout
	if c.form != formTable {
		to = c.st.Stderr // standard output is for the build's own description
	}
	status, err := api.FollowBuild(ctx, name, version, to)
	if err != nil {
		return err
	}
	if status.State == environment.Failed || status.State == environment.Canceled {
		return atelier.Errorf(atelier.Precondition, "The environment %s is not built. %s", name, status.Error)
	}
	if c.form != formTable {
		return c.emit(status, nil)
	}
	c.done("The environment %s is %s.", name, strings.ReplaceAll(string(status.State), "_", " "))
	return nil
}

// buildFacts say how far an environment is built.
func buildFacts(c *command, s environment.Status) [][2]string {
	all := [][2]string{{"build", strings.ReplaceAll(string(s.State), "_", " ")}}
	if s.Error != "" {
		all = append(all, [2]string{"build error", s.Error})
	}
	if s.State == environment.Built {
		all = append(all, [2]string{"size", bytesText(s.SizeBytes)}, [2]string{"last used", c.atMaybe(s.LastUsedAt)}, [2]string{"in use", yes(s.InUse)})
	}
	return all
}

const environmentPruneLong = `Remove built environments that nobody uses: from the machine, for all workspaces.
What a job or a deployment runs in now always stays. Nothing is lost: a job that
asks for an environment again has it built again.

  --unused-for AGE  nobody has asked for it within that time (default 7d)
  --max-size BYTES  and more, the least recently used first, until the rest is no
                    larger, as in 20GB

The server does the same by itself for what nobody has used for 30 days
(` + "`atelier up --keep-environments`" + `). Files that are shared with uv's cache take
their place until ` + "`uv cache prune`" + `.`

func (c *command) environmentPrune() *cobra.Command {
	which := environment.Prune{MaxBytes: -1}
	var unused, size string
	var agreed bool
	cmd := &cobra.Command{
		Use:     "prune",
		Short:   "Remove built environments that nobody uses",
		Long:    environmentPruneLong,
		Example: "  atelier environment prune --dry-run\n  atelier environment prune --unused-for 30d --max-size 20GB --yes",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&unused, "unused-for", "7d", "how long nobody may have used it, as in 30d or 12h")
	flags.StringVar(&size, "max-size", "", "remove more until the rest is no larger, as in 20GB")
	flags.BoolVar(&which.DryRun, "dry-run", false, "only show what would be removed")
	flags.BoolVarP(&agreed, "yes", "y", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if which.UnusedFor, err = readAge("--unused-for", unused); err != nil {
			return err
		}
		if size != "" {
			if which.MaxBytes, err = readSize("--max-size", size); err != nil {
				return err
			}
		}
		if err := c.confirm(agreed || which.DryRun, "Remove the built environments that nobody has used for %s? (--dry-run shows which)", unused); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			done, err := api.PruneEnvironments(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.emit(done, func() table { return c.prunedTable(done) })
		})
	}
	return cmd
}

func (c *command) prunedTable(done environment.Pruned) table {
	t := facts(
		[2]string{conditional("removed", done.DryRun), strconv.Itoa(len(done.Removed)) + ", " + bytesText(done.RemovedBytes)},
		[2]string{"kept", strconv.Itoa(done.Kept) + ", " + bytesText(done.KeptBytes)})
	for _, s := range done.Removed {
		t.rows = append(t.rows, []string{"  " + s.Hash[:12], bytesText(s.SizeBytes) + ", last used " + c.atMaybe(s.LastUsedAt)})
	}
	return t
}
