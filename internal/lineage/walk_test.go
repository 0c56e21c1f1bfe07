package lineage

import (
	"fmt"
	"testing"
)

func everything(Kind) bool { return true }

// chain leads from run:0 to run:1 and so on, without an end, and back.
func chain(from Node, towards Direction) ([]step, bool, error) {
	var at int
	fmt.Sscanf(from.Name, "%d", &at)
	if towards == Sources {
		at--
	} else {
		at++
	}
	return []step{{to: node(Run, fmt.Sprint(at), ""), relation: ReadBy}}, false, nil
}

func TestAWalkEndsAtItsDepth(t *testing.T) {
	graph, err := walk(node(Run, "0", ""), Ask{Direction: Both, Depth: 3, May: everything}, chain)
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]int{}
	for _, n := range graph.Nodes {
		levels[n.Name] = n.Level
		if end := n.Level == -3 || n.Level == 3; (n.MoreSources || n.MoreUses) != end {
			t.Errorf("%s at level %d: more is %v, %v", n.ID, n.Level, n.MoreSources, n.MoreUses)
		}
	}
	if len(graph.Nodes) != 7 || len(graph.Edges) != 6 || levels["-3"] != -3 || levels["3"] != 3 {
		t.Errorf("nodes %v, edges %v", graph.Nodes, graph.Edges)
	}
}

// Runs that read each other's outputs in a circle cannot be, but a row that says
// so must not hang the server.
func TestAWalkEndsInACircle(t *testing.T) {
	circle := func(from Node, _ Direction) ([]step, bool, error) {
		other := "a"
		if from.Name == "a" {
			other = "b"
		}
		return []step{{to: node(Run, other, ""), relation: ReadBy}, {to: from, relation: ReadBy}}, false, nil
	}
	graph, err := walk(node(Run, "a", ""), Ask{Direction: Both, Depth: MaxDepth, May: everything}, circle)
	if err != nil || len(graph.Nodes) != 2 || len(graph.Edges) != 4 {
		t.Errorf("%v %v %v", graph.Nodes, graph.Edges, err)
	}
}

func TestAWalkIsBoundedInAll(t *testing.T) {
	broad := func(from Node, _ Direction) (found []step, more bool, err error) {
		for i := range maxFan {
			found = append(found, step{to: node(Run, fmt.Sprintf("%s.%d", from.Name, i), ""), relation: ReadBy})
		}
		return found, true, nil
	}
	graph, err := walk(node(Run, "r", ""), Ask{Direction: Uses, Depth: MaxDepth, May: everything}, broad)
	if err != nil || len(graph.Nodes) != maxNodes || !graph.Nodes[0].MoreUses || graph.Nodes[0].MoreSources {
		t.Errorf("%d nodes, %v", len(graph.Nodes), err)
	}
}

// Who may not see runs does not learn what lies behind them either.
func TestAWalkStopsAtWhatIsNotToBeSeen(t *testing.T) {
	next := func(from Node, _ Direction) ([]step, bool, error) {
		if from.Kind == Data {
			return []step{{to: node(Run, "r", ""), relation: ReadBy}}, false, nil
		}
		return []step{{to: node(Model, "m", "1"), relation: RegisteredAs}}, false, nil
	}
	graph, err := walk(node(Data, "d", "1"), Ask{Direction: Uses, Depth: 5, May: func(k Kind) bool { return k != Run }}, next)
	if err != nil || len(graph.Nodes) != 1 || len(graph.Edges) != 0 || graph.Nodes[0].MoreUses {
		t.Errorf("%v %v %v", graph.Nodes, graph.Edges, err)
	}
}

func TestIDs(t *testing.T) {
	for text, want := range map[string]string{
		"data:patients:3": "data:patients:3", "data:patients": "data:patients:latest", "model:a b:2": "model:a b:2",
		"run:calm_heron_412": "run:calm_heron_412", "environment:sklearn:1": "environment:sklearn:1", "deployment:triage/blue": "deployment:triage/blue",
	} {
		if n, err := ParseID(text); err != nil || n.ID != want {
			t.Errorf("%q is %q, %v; want %q", text, n.ID, err, want)
		}
	}
	for _, text := range []string{"", "data:", "run:", "deployment:triage", "deployment:/blue", "files:abc", "datastore:x", "patients:3", "run:a\x00b"} {
		if n, err := ParseID(text); err == nil {
			t.Errorf("%q is taken as %v", text, n)
		}
	}
}
