package cli

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/tracking"
)

func (c *command) storageCommand() *cobra.Command {
	return noun("storage", "See what takes room", c.storageShow())
}

const storageLong = `Show how much room the workspace takes, or one experiment: what its artifacts and
its metrics take, by experiment, and the largest runs.

Equal content is stored once. "unique" is what is stored for these files alone:
so much can be freed when the runs are purged. "shared" is what others need, too:
other runs or experiments, registered versions, deployments. Deleted runs count
until they are purged.`

func (c *command) storageShow() *cobra.Command {
	var experiment string
	var largest int
	cmd := &cobra.Command{
		Use:     "show",
		Short:   "Show how much room the workspace, its experiments and its largest runs take",
		Long:    storageLong,
		Example: "  atelier storage show\n  atelier storage show --experiment diabetes --largest 20",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&experiment, "experiment", "e", "", "only this experiment, by its name or id")
	cmd.Flags().IntVar(&largest, "largest", 10, "how many of the largest runs to name; at most 100")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			use, err := api.Storage(cmd.Context(), experiment, largest)
			if err != nil {
				return err
			}
			c.sayAge(use)
			return c.emit(use, func() table { return storageTable(use, experiment == "") })
		})
	}
	return cmd
}

// sayAge says that figures are not of this minute: the server remembers what took
// it long to sum up.
func (c *command) sayAge(use tracking.Storage) {
	if c.st.Clock.Now().Sub(use.MadeAt) > time.Minute {
		c.done("This was summed up %s. It is done anew in the background: ask again soon.", c.at(use.MadeAt))
	}
}

var storageColumns = []string{"what", "name", "stage", "runs", "files", "bytes", "unique", "shared", "metrics"}

func storageTable(use tracking.Storage, whole bool) table {
	t := table{header: storageColumns}
	if whole {
		t.rows = append(t.rows, storageRow("workspace", "", "", use.StorageUse))
	}
	for _, e := range use.Experiments {
		t.rows = append(t.rows, storageRow("experiment", e.Name, e.LifecycleStage, e.StorageUse))
	}
	for _, run := range use.LargestRuns {
		row := storageRow("run "+run.ID, run.Name, run.LifecycleStage, run.StorageUse)
		row[3] = ""
		t.rows = append(t.rows, row)
	}
	return t
}

func storageRow(what, name, stage string, use tracking.StorageUse) []string {
	return []string{what, name, stage, grouped(int64(use.Runs)), grouped(use.Files), bytesText(use.Bytes), bytesText(use.UniqueBytes),
		bytesText(use.SharedBytes), bytesText(use.MetricBytes)}
}

func experimentStorageTable(all []tracking.ExperimentStorage) table {
	t := table{header: append([]string{"id"}, storageColumns[1:]...)}
	for _, e := range all {
		t.rows = append(t.rows, storageRow(e.ID, e.Name, e.LifecycleStage, e.StorageUse))
	}
	return t
}

// storageRows are the lines about the room that one thing takes.
func storageRows(use tracking.StorageUse) [][]string {
	return [][]string{
		{"files", strconv.FormatInt(use.Files, 10) + ", " + bytesText(use.Bytes)},
		{"stored for them alone", bytesText(use.UniqueBytes)},
		{"shared with others", bytesText(use.SharedBytes)},
		{"metrics take", bytesText(use.MetricBytes)},
	}
}
