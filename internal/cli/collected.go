package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/endpoint"
)

func (c *command) deploymentCollected() *cobra.Command {
	var collection string
	var limit int
	cmd := &cobra.Command{
		Use:   "collected NAME --endpoint-name ENDPOINT",
		Short: "Show what a deployment has collected",
		Long: `Show what a deployment has collected: how much of each collection, or with
--collection its newest rows. What is collected is said by data_collector in the
deployment's file. Each collection is a data asset, which jobs can read.`,
		Example: "  atelier online-deployment collected blue -e diabetes\n" +
			"  atelier online-deployment collected blue -e diabetes --collection model_inputs -o json",
	}
	cmd.Flags().StringVar(&collection, "collection", "", "show rows of this collection, as in model_inputs")
	cmd.Flags().IntVar(&limit, "max-results", 20, "how many rows")
	which := deploymentNamed(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		of, name, err := which(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if collection == "" {
				all, err := api.Collected(cmd.Context(), of, name)
				if err != nil {
					return err
				}
				return c.showCollections(all)
			}
			rows, err := api.CollectedRows(cmd.Context(), collect.Key{Endpoint: of, Deployment: name, Collection: collection}, limit)
			if err != nil {
				return err
			}
			return c.showRows(rows)
		})
	}
	return cmd
}

func (c *command) showCollections(all []endpoint.CollectedCollection) error {
	return c.emit(all, func() table {
		t := table{header: []string{"collection", "rows", "size", "dropped", "last", "data asset"},
			empty: "The deployment collects nothing. data_collector in its file says what it should."}
		for _, one := range all {
			last := "-"
			if one.Rows > 0 {
				last = c.at(one.LastAt)
			}
			t.rows = append(t.rows, []string{one.Collection, fmt.Sprint(one.Rows), bytesText(one.Bytes), fmt.Sprint(one.Dropped), last, one.Asset})
		}
		return t
	})
}

// maxShownData is how much of a row's data a table shows.
const maxShownData = 100

func (c *command) showRows(rows []collect.Event) error {
	return c.emit(rows, func() table {
		t := table{header: []string{"time", "correlation id", "data"}, empty: "Nothing has been collected yet."}
		for _, row := range rows {
			shown := string(row.Data)
			if shown == "" {
				shown = first(row.DataRef, row.DataBase64)
			}
			t.rows = append(t.rows, []string{row.Time.UTC().Format(time.DateTime), row.CorrelationID, clip(shown, maxShownData)})
		}
		return t
	})
}

func (c *command) deploymentDeleteCollected() *cobra.Command {
	var collection, age string
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete-collected NAME --endpoint-name ENDPOINT --collection COLLECTION",
		Short: "Delete what a deployment has collected",
		Long: `Delete the rows of one collection, or those that were collected longer ago than
--before. The deployment goes on collecting. The room is freed by the next
` + "`atelier gc`" + `, unless a job that read the rows still needs them.`,
		Example: "  atelier online-deployment delete-collected blue -e diabetes --collection model_inputs --before 30d --yes",
	}
	cmd.Flags().StringVar(&collection, "collection", "", "the collection, as in model_inputs")
	cmd.Flags().StringVar(&age, "before", "", "only rows that were collected longer ago, as in 30d or 12h")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.MarkFlagRequired("collection")
	which := deploymentNamed(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		of, name, err := which(args)
		if err != nil {
			return err
		}
		var before time.Time
		if age != "" {
			length, err := readAge("--before", age)
			if err != nil {
				return err
			}
			before = c.st.Clock.Now().Add(-length)
		}
		if err := c.confirm(yes, "Delete collected rows of the deployment %q for good?", name); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			gone, err := api.DeleteCollected(cmd.Context(), collect.Key{Endpoint: of, Deployment: name, Collection: collection}, before)
			if err != nil {
				return err
			}
			return c.emit(gone, func() table {
				return facts([2]string{"rows deleted", fmt.Sprint(gone.Rows)}, [2]string{"files", fmt.Sprint(gone.Files)}, [2]string{"size", bytesText(gone.Bytes)})
			})
		})
	}
	return cmd
}
