package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

const jobRerunLong = `Submit a job again as it was: the same command, snapshot, parameters and bytes
of data, with the very packages that were installed then. When it has ended, say
whether its metrics agree with the first job's: every point, not only the last.
What MLflow measures of the machine (system/*) does not count.

It ends with exit code 11 when they do not agree, and with 10 when the job ended
badly and the first did not.`

func (c *command) jobRerun() *cobra.Command {
	var ask job.Rerun
	var compare job.Compare
	var leave bool
	cmd := &cobra.Command{
		Use:     "rerun NAME",
		Short:   "Submit a job again as it was, and say whether its metrics agree",
		Long:    jobRerunLong,
		Example: "  atelier job rerun calm-heron-412\n  atelier job rerun calm-heron-412 --rtol 1e-6 --ignore seconds",
	}
	flags := cmd.Flags()
	flags.StringVar(&ask.Name, "as", "", "name of the new job (default: made up)")
	flags.BoolVar(&leave, "no-wait", false, "do not wait for its end; `atelier job compare` compares later")
	addTolerances(cmd, &compare)
	name := named(cmd, "job")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			made, err := api.RerunJob(cmd.Context(), which, ask)
			if err != nil {
				return err
			}
			for _, notice := range made.Notices {
				c.done("Note: %s", notice)
			}
			if leave {
				return c.emit(made, func() table {
					return facts([2]string{"name", made.Name}, [2]string{"status", string(made.Status)}, [2]string{"studio", studioRun(api, made.Name)})
				})
			}
			c.done("name    %s\nstudio  %s", made.Name, studioRun(api, made.Name))
			if err := c.awaitJob(cmd.Context(), api, made.Name); err != nil {
				return err
			}
			return c.compareJobs(cmd.Context(), api, made.Name, compare)
		})
	}
	return cmd
}

// awaitJob waits until a job has ended, and leaves it alone when it is told to stop.
func (c *command) awaitJob(ctx context.Context, api *client.Client, name string) error {
	told := &teller{c: c, log: io.Discard}
	err := api.FollowLog(ctx, name, job.CommandLog, func(news client.News) error {
		if news.Text != "" {
			return nil
		}
		return told.hear(news)
	})
	if ctx.Err() != nil {
		c.done("\nDetached; the job goes on. `atelier job compare %s` compares it when it has ended.", name)
		return ctx.Err()
	}
	return err
}

func addTolerances(cmd *cobra.Command, ask *job.Compare) {
	flags := cmd.Flags()
	flags.Float64Var(&ask.Relative, "rtol", 0, "how far values may be apart, as a part of the other's")
	flags.Float64Var(&ask.Absolute, "atol", 0, "how far values may be apart")
	flags.StringArrayVar(&ask.Ignore, "ignore", nil, "metric that does not count, as in seconds or time/*; may be repeated")
}

func (c *command) jobCompare() *cobra.Command {
	var ask job.Compare
	cmd := &cobra.Command{
		Use:     "compare NAME",
		Short:   "Say whether a job came to the same metrics as the one that it repeats, or as another",
		Example: "  atelier job compare keen-fern-77\n  atelier job compare keen-fern-77 --with calm-heron-412 --atol 0.001",
	}
	cmd.Flags().StringVar(&ask.With, "with", "", "the other job (default: the one that this job repeats)")
	addTolerances(cmd, &ask)
	name := named(cmd, "job")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error { return c.compareJobs(cmd.Context(), api, which, ask) })
	}
	return cmd
}

func (c *command) compareJobs(ctx context.Context, api *client.Client, name string, ask job.Compare) error {
	found, err := api.CompareJobs(ctx, name, ask)
	if err != nil {
		return err
	}
	if err := c.emit(found, func() table { return comparisonTable(found) }); err != nil {
		return err
	}
	switch {
	case found.Agree:
		c.done("%s agrees with %s.", found.Job, found.With)
		return nil
	case found.Status != found.WithStatus:
		c.done("%s is %s, but %s is %s.", found.Job, found.Status, found.With, found.WithStatus)
	case !counts(found):
		c.done("There is no metric to compare in %s and %s.", found.Job, found.With)
	default:
		c.done("%s does not agree with %s.", found.Job, found.With)
	}
	return jobEnded{status: string(found.Status), differs: found.Status == found.WithStatus || found.Status == job.Completed}
}

func counts(found job.Comparison) bool {
	for _, m := range found.Metrics {
		if !m.Ignored {
			return true
		}
	}
	return false
}

func comparisonTable(found job.Comparison) table {
	t := table{header: []string{"metric", "agrees", "points", "last", found.With, "largest difference", "first at step"}}
	for _, m := range found.Metrics {
		agrees, step := map[bool]string{true: "yes", false: "no"}[m.Agrees], ""
		if m.Ignored {
			agrees = "ignored"
		}
		if m.FirstStep != nil {
			step = strconv.FormatInt(*m.FirstStep, 10)
		}
		points := strconv.Itoa(m.Points)
		if m.Points != m.WithPoints {
			points = fmt.Sprintf("%d, not %d", m.Points, m.WithPoints)
		}
		t.rows = append(t.rows, []string{m.Key, agrees, points, valueText(m.Last), valueText(m.WithLast), m.Largest.String(), step})
	}
	return t
}

func valueText(v *series.Value) string {
	if v == nil {
		return ""
	}
	return v.String()
}
