package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/data/profile"
)

func (c *command) dataPreview() *cobra.Command {
	var version string
	var ask data.PreviewOf
	cmd := &cobra.Command{
		Use:     "preview NAME",
		Short:   "Show the first rows of a table",
		Example: "  atelier data preview diabetes --rows 10\n  atelier data preview clicks -p 2026/11.parquet",
	}
	cmd.Flags().StringVarP(&version, "version", "v", data.Latest, "which version")
	cmd.Flags().StringVarP(&ask.Path, "path", "p", "", "which table of a folder (default: the first)")
	cmd.Flags().IntVar(&ask.Rows, "rows", 10, "how many rows, up to 1000")
	name := named(cmd, "data asset")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			shown, err := api.PreviewData(cmd.Context(), which, version, ask)
			if err != nil {
				return err
			}
			return c.emit(shown, func() table {
				t := table{header: shown.Columns, empty: "The table has no rows."}
				for _, values := range shown.Rows {
					row := make([]string, len(values))
					for i, value := range values {
						if value != nil {
							row[i] = *value
						}
					}
					t.rows = append(t.rows, row)
				}
				return t
			})
		})
	}
	return cmd
}

// profilePause is how long a command waits before it asks for a profile again.
const profilePause = 200 * time.Millisecond

// awaitProfile asks until ready says that the answer is one.
func (c *command) awaitProfile(ctx context.Context, ready func() (bool, error)) error {
	for {
		if done, err := ready(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Canceled
		case <-c.st.Clock.After(profilePause):
		}
	}
}

func (c *command) dataProfile() *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:     "profile NAME",
		Short:   "Describe every column of a version's tables",
		Long:    "Describe every column of a version's tables: type, missing and distinct values,\nleast, greatest, mean, quantiles. -o json has the histogram and the most frequent\nvalues, too. It is found out once for the same content.",
		Example: "  atelier data profile diabetes -v 3",
	}
	cmd.Flags().StringVarP(&version, "version", "v", data.Latest, "which version")
	name := named(cmd, "data asset")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			var state data.ProfileState
			err := c.awaitProfile(cmd.Context(), func() (done bool, err error) {
				state, err = api.ProfileData(cmd.Context(), which, version)
				return state.Status != data.ProfileQueued, err
			})
			if err == nil && state.Status == data.ProfileFailed {
				err = atelier.Errorf(atelier.Invalid, "There is no profile. %s", state.Error)
			}
			if err != nil {
				return err
			}
			return c.emit(state.Profile, func() table { return c.profileTable(*state.Profile) })
		})
	}
	return cmd
}

func (c *command) profileTable(p profile.Profile) table {
	c.done("%s in %s.", counted(int(p.Rows), "row"), counted(p.Files, "file"))
	t := table{header: []string{"column", "type", "missing", "distinct", "min", "median", "mean", "max"}}
	for _, column := range p.Columns {
		median, mean := "", ""
		for _, q := range column.Quantiles {
			if q.Q == 0.5 {
				median = strconv.FormatFloat(q.Value, 'g', 6, 64)
			}
		}
		if column.Mean != nil {
			mean = strconv.FormatFloat(*column.Mean, 'g', 6, 64)
		}
		t.rows = append(t.rows, []string{column.Name, column.Type, fmt.Sprint(column.Missing), fmt.Sprint(column.Distinct), column.Min, median, mean, column.Max})
	}
	return t
}

func (c *command) dataDiff() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:     "diff NAME --from VERSION",
		Short:   "Show what changed between two versions: files, rows, columns, distributions",
		Example: "  atelier data diff diabetes --from 1 --to 2",
	}
	cmd.Flags().StringVar(&from, "from", "", "the version before")
	cmd.Flags().StringVar(&to, "to", data.Latest, "the version after")
	cmd.MarkFlagRequired("from")
	name := named(cmd, "data asset")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			var found data.Difference
			err := c.awaitProfile(cmd.Context(), func() (done bool, err error) {
				found, err = api.CompareData(cmd.Context(), which, from, to)
				return found.Status != data.ProfileQueued, err
			})
			if err != nil {
				return err
			}
			return c.emit(found, func() table { return c.differenceTable(found) })
		})
	}
	return cmd
}

func (c *command) differenceTable(d data.Difference) table {
	t := table{header: []string{"what", "change", "before", "after", "distance"}, empty: "Nothing changed."}
	if d.Files != nil {
		for i, names := range [][]string{d.Files.Added, d.Files.Removed, d.Files.Changed} {
			for _, name := range names {
				t.rows = append(t.rows, []string{"file " + name, []string{"added", "removed", "changed"}[i]})
			}
		}
	}
	if d.Error != "" {
		c.done("The tables cannot be compared. %s", d.Error)
	}
	if d.Rows != nil && d.Rows[0] != d.Rows[1] {
		t.rows = append(t.rows, []string{"rows", "values", fmt.Sprint(d.Rows[0]), fmt.Sprint(d.Rows[1])})
	}
	for _, column := range d.Columns {
		if column.Change == "same" {
			continue
		}
		distance := ""
		if column.Distance != nil {
			distance = strconv.FormatFloat(*column.Distance, 'f', 3, 64)
		}
		t.rows = append(t.rows, []string{"column " + column.Name, column.Change, columnText(column.From), columnText(column.To), distance})
	}
	return t
}

func columnText(c *profile.Column) string {
	if c == nil {
		return ""
	}
	text := fmt.Sprintf("%s, %d missing, %s..%s", c.Type, c.Missing, c.Min, c.Max)
	if c.Mean != nil {
		text += ", mean " + strconv.FormatFloat(*c.Mean, 'g', 4, 64)
	}
	return text
}
