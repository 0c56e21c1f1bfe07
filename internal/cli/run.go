package cli

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/tracking"
)

func (c *command) runCommand() *cobra.Command {
	return noun("run", "Find and compare runs",
		c.runList(), c.runShow(), c.runMetrics(), c.runDownload(), c.runDelete(), c.runRestore(), c.runPurge())
}

const runListLong = `List runs. A filter is in MLflow's language: comparisons of metrics.NAME,
params.NAME, tags.NAME and attributes.NAME, joined with AND.`

func (c *command) runList() *cobra.Command {
	var ask client.ListRuns
	var deleted bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List runs, filtered and ordered",
		Long:  runListLong,
		Example: "  atelier run list --experiment diabetes --order-by \"metrics.rmse ASC\"\n" +
			"  atelier run list --filter \"metrics.rmse < 60 AND params.model = 'ridge'\" -o json",
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&ask.Experiments, "experiment", "e", nil, "name or id of an experiment; may be repeated")
	flags.StringVar(&ask.Filter, "filter", "", "which runs, in MLflow's language")
	flags.StringArrayVar(&ask.OrderBy, "order-by", nil, "what to sort by, as in \"metrics.rmse ASC\"; may be repeated")
	flags.IntVar(&ask.MaxResults, "max-results", 50, "how many at most; 0 for all")
	flags.BoolVar(&deleted, "deleted", false, "list deleted runs instead")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if deleted {
			ask.View = tracking.DeletedOnly
		}
		if ask.MaxResults < 0 {
			return atelier.Errorf(atelier.Invalid, "A list cannot have %d results.", ask.MaxResults).At("--max-results")
		}
		return c.onServer(func(api *client.Client) error {
			runs, err := api.ListRuns(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.emit(runs, func() table { return c.runTable(runs, ask) })
		})
	}
	return cmd
}

// maxMetricColumns keeps a table of runs as wide as a screen.
const maxMetricColumns = 5

// runTable shows the metrics that the runs have as columns, so that runs can be
// compared down the page.
func (c *command) runTable(runs []tracking.Run, ask client.ListRuns) table {
	keys := metricColumns(runs, strings.Join(append(ask.OrderBy, ask.Filter), " "))
	t := table{
		header: append([]string{"id", "name", "experiment", "status", "started"}, keys...),
		empty:  "There are no such runs.",
	}
	for _, run := range runs {
		row := []string{run.ID, run.Name, run.ExperimentName, string(run.Status), c.at(run.StartedAt)}
		for _, key := range keys {
			row = append(row, metricText(run, key))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// metricColumns chooses the metrics to show: first what the user asked by, then
// what most runs have.
func metricColumns(runs []tracking.Run, asked string) []string {
	weight := map[string]int{}
	for _, run := range runs {
		for key := range run.Metrics {
			weight[key]++
		}
	}
	for key := range weight {
		if strings.Contains(asked, "metrics."+key) {
			weight[key] += len(runs)
		}
	}
	keys := slices.Sorted(maps.Keys(weight))
	slices.SortStableFunc(keys, func(a, b string) int { return weight[b] - weight[a] })
	return keys[:min(len(keys), maxMetricColumns)]
}

func metricText(run tracking.Run, key string) string {
	point, ok := run.Metrics[key]
	if !ok {
		return ""
	}
	return strconv.FormatFloat(float64(point.Value), 'g', 6, 64)
}

func (c *command) runShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show a run with its params, metrics and tags",
		Example: "  atelier run show 4f0c1a2b -o yaml",
	}
	name := named(cmd, "run")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			run, err := api.GetRun(cmd.Context(), id)
			if err != nil || c.form != formTable {
				return c.emitIf(err, run)
			}
			use, err := api.RunStorage(cmd.Context(), id)
			if err != nil {
				return err
			}
			t := c.runFacts(run)
			t.rows = append(t.rows, storageRows(use.StorageUse)...)
			return t.write(c.st.Stdout)
		})
	}
	return cmd
}

func (c *command) runFacts(run tracking.Run) table {
	t := facts(
		[2]string{"id", run.ID},
		[2]string{"name", run.Name},
		[2]string{"experiment", run.ExperimentName},
		[2]string{"status", string(run.Status)},
		[2]string{"user", run.User},
		[2]string{"started", c.at(run.StartedAt)},
		[2]string{"ended", c.atMaybe(run.EndedAt)},
		[2]string{"parent", run.ParentRunID},
	)
	for _, key := range slices.Sorted(maps.Keys(run.Params)) {
		t.rows = append(t.rows, []string{"param " + key, run.Params[key]})
	}
	for _, key := range slices.Sorted(maps.Keys(run.Metrics)) {
		t.rows = append(t.rows, []string{"metric " + key, metricText(run, key)})
	}
	for _, key := range slices.Sorted(maps.Keys(run.Tags)) {
		t.rows = append(t.rows, []string{"tag " + key, clip(plain(run.Tags[key]), maxCell)})
	}
	return t
}

func (c *command) runMetrics() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:     "metrics ID --key KEY",
		Short:   "Print the history of one metric of a run",
		Example: "  atelier run metrics 4f0c1a2b --key loss",
	}
	cmd.Flags().StringVarP(&key, "key", "k", "", "name of the metric")
	cmd.MarkFlagRequired("key")
	name := named(cmd, "run")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			series, err := api.RunMetric(cmd.Context(), id, key)
			if err != nil {
				return err
			}
			if series.Count == 0 {
				return atelier.Errorf(atelier.NotFound, "The run %q has no metric %q.", id, atelier.Clip(key, 60)).
					WithHint("`atelier run show %s` lists those that it has.", id)
			}
			return c.emit(series, func() table {
				t := table{header: []string{"step", key}}
				for _, point := range series.Points {
					t.rows = append(t.rows, []string{strconv.FormatInt(point.Step, 10),
						strconv.FormatFloat(float64(point.Value), 'g', -1, 64)})
				}
				return t
			})
		})
	}
	return cmd
}

func (c *command) runDownload() *cobra.Command {
	var target, folder string
	cmd := &cobra.Command{
		Use:     "download ID",
		Short:   "Download a run's artifacts",
		Example: "  atelier run download 4f0c1a2b --artifact-path model -p ./best",
	}
	cmd.Flags().StringVarP(&target, "download-path", "p", "", "folder to write to (default: one named like the run)")
	cmd.Flags().StringVar(&folder, "artifact-path", "", "only what lies under this path")
	name := named(cmd, "run")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			return c.downloadArtifacts(cmd.Context(), api, artifactsWanted{run: id, folder: folder, target: first(target, id)})
		})
	}
	return cmd
}

func (c *command) runDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete ID",
		Short:   "Delete a run; `run restore` brings it back",
		Example: "  atelier run delete 4f0c1a2b",
	}
	name := named(cmd, "run")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteRun(cmd.Context(), id); err != nil {
				return err
			}
			c.done("The run is deleted. `atelier run restore %s` brings it back.", id)
			return nil
		})
	}
	return cmd
}

func (c *command) runRestore() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "restore ID",
		Short:   "Bring back a deleted run",
		Example: "  atelier run restore 4f0c1a2b",
	}
	name := named(cmd, "run")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.RestoreRun(cmd.Context(), id); err != nil {
				return err
			}
			c.done("The run %s is back.", id)
			return nil
		})
	}
	return cmd
}
