package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/lineage"
)

func (c *command) lineageCommand() *cobra.Command {
	return noun("lineage", "Follow things to what they come from, and to what became of them", c.lineageShow())
}

const lineageShowLong = `Show what a thing comes from and what became of it: data, the runs that read and
made it, the models that runs left, the deployments that serve them; at the ends
the bytes and the datastores.

The thing is data:NAME:VERSION, model:NAME:VERSION, run:NAME,
environment:NAME:VERSION or deployment:ENDPOINT/NAME. Without a version it is the
one made last. Each line is one step, from what was there before to what came of
it; "-o json" has the graph.`

func (c *command) lineageShow() *cobra.Command {
	var ask lineage.Ask
	var direction string
	cmd := &cobra.Command{
		Use:   "show KIND:NAME[:VERSION]",
		Short: "Show what a thing comes from and what became of it",
		Long:  lineageShowLong,
		Example: "  atelier lineage show model:diabetes:3 --direction sources\n" +
			"  atelier lineage show data:patients\n  atelier lineage show run:calm_heron_412 -o json",
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&direction, "direction", "", "sources, uses, or both, which is the default")
	cmd.Flags().IntVar(&ask.Depth, "depth", lineage.DefaultDepth, "how many steps to follow")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ask.Of, ask.Direction = args[0], lineage.Direction(direction)
		return c.onServer(func(api *client.Client) error {
			graph, err := api.Lineage(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.emit(graph, func() table { return lineageTable(graph) })
		})
	}
	return cmd
}

// lineageTable is the graph as one line for each step, the sources first.
func lineageTable(graph lineage.Graph) table {
	t := table{header: []string{"from", "step", "to", "bytes"}, empty: "Nothing is known of what " + graph.Of + " comes from or what became of it."}
	nodes := map[string]lineage.Node{}
	var further []string
	for _, n := range graph.Nodes {
		nodes[n.ID] = n
		if n.MoreSources || n.MoreUses {
			further = append(further, n.ID)
		}
	}
	for _, from := range graph.Nodes {
		for _, e := range graph.Edges {
			if e.From != from.ID {
				continue
			}
			relation := string(e.Relation)
			if e.Name != "" {
				relation += " as " + e.Name
			}
			t.rows = append(t.rows, []string{e.From, relation, e.To, string(nodes[e.To].Tree)})
		}
	}
	if len(further) > 0 {
		t.rows = append(t.rows, []string{"", "more at", strings.Join(further, ", "), ""})
	}
	return t
}
