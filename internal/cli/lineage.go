package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/data"
)

const dataLineageLong = `Follow a run, or the run of a model's version, back to the data that it was
trained on: each input with the version of the data asset, or the path, and the
tree of its bytes; then the runs that made those inputs, and so on.`

func (c *command) dataLineage() *cobra.Command {
	var run, model, version string
	cmd := &cobra.Command{
		Use:     "lineage",
		Short:   "Follow a run or a model back to the bytes it was trained on",
		Long:    dataLineageLong,
		Example: "  atelier data lineage --model diabetes -v 3\n  atelier data lineage --run calm_heron_412",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&run, "run", "", "the run, or the job")
	cmd.Flags().StringVar(&model, "model", "", "the model")
	cmd.Flags().StringVarP(&version, "version", "v", data.Latest, "which version of the model")
	cmd.MarkFlagsOneRequired("run", "model")
	cmd.MarkFlagsMutuallyExclusive("run", "model")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			if model != "" {
				found, err := api.GetModelVersion(cmd.Context(), model, version)
				if err != nil {
					return err
				}
				if run = found.RunID; run == "" {
					return atelier.Errorf(atelier.Precondition, "No run made version %s of the model %s.", found.Version, model).
						WithHint("It was registered from files.")
				}
			}
			uses, err := followBack(cmd.Context(), api, run)
			if err != nil {
				return err
			}
			return c.emit(uses, func() table {
				t := table{header: []string{"run", "as", "name", "data", "bytes"}, empty: "Nothing is known of what the run " + run + " read."}
				for _, u := range uses {
					what := u.Path
					if u.Asset != "" {
						what = u.Asset + ":" + u.Version
					}
					t.rows = append(t.rows, []string{u.RunID, string(u.Direction), u.Name, what, string(u.Tree)})
				}
				return t
			})
		})
	}
	return cmd
}

// followBack lists what a run read, then what the runs that made it read, each
// run once.
func followBack(ctx context.Context, api *client.Client, run string) ([]data.Use, error) {
	var all []data.Use
	seen := map[string]bool{}
	for queue := []string{run}; len(queue) > 0; queue = queue[1:] {
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		uses, err := api.DataOfRun(ctx, queue[0])
		if err != nil {
			return nil, err
		}
		for _, u := range uses {
			if u.Direction == data.Input && u.SourceRun != "" {
				queue = append(queue, u.SourceRun)
			}
		}
		all = append(all, uses...)
	}
	return all, nil
}
