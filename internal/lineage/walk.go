package lineage

// step is one way from a node: to which, and what the edge says.
type step struct {
	to       Node
	relation Relation
	name     string
}

// steps returns where one can go from a node, towards its sources or its uses,
// at most maxFan ways; more says that there are others.
type steps func(from Node, towards Direction) (found []step, more bool, err error)

// walk collects what can be reached from root, level by level. Sources are only
// followed to their sources and uses to their uses: what else was made of the
// same data is another question.
func walk(root Node, ask Ask, next steps) (Graph, error) {
	w := &walker{ask: ask, next: next, at: map[string]int{root.ID: 0}, seen: map[Edge]bool{}}
	w.graph = Graph{Of: root.ID, Nodes: []Node{root}, Edges: []Edge{}}
	for _, towards := range []Direction{Sources, Uses} {
		if ask.Direction != Both && ask.Direction != towards {
			continue
		}
		if err := w.follow(root, towards); err != nil {
			return Graph{}, err
		}
	}
	return w.graph, nil
}

type walker struct {
	ask   Ask
	next  steps
	graph Graph
	at    map[string]int // where each node is in graph.Nodes
	seen  map[Edge]bool
}

func (w *walker) follow(root Node, towards Direction) error {
	visited := map[string]bool{root.ID: true}
	for level, depth := []string{root.ID}, 0; len(level) > 0; depth++ {
		var further []string
		for _, id := range level {
			reached, err := w.visit(id, towards, depth)
			if err != nil {
				return err
			}
			for _, next := range reached {
				if !visited[next] {
					visited[next] = true
					further = append(further, next)
				}
			}
		}
		level = further
	}
	return nil
}

// visit adds what is one step from the node, and returns it. What lies beyond
// the depth or is too much is only noted on the node.
func (w *walker) visit(id string, towards Direction, depth int) (reached []string, err error) {
	from := w.graph.Nodes[w.at[id]]
	found, more, err := w.next(from, towards)
	if err != nil {
		return nil, err
	}
	for _, s := range found {
		if !w.ask.May(s.to.Kind) {
			continue
		}
		_, known := w.at[s.to.ID]
		if !known && (depth >= w.ask.Depth || len(w.graph.Nodes) >= maxNodes) {
			more = true
			continue
		}
		w.enter(s, from, towards, depth+1)
		reached = append(reached, s.to.ID)
	}
	if more && towards == Sources {
		w.graph.Nodes[w.at[id]].MoreSources = true
	} else if more {
		w.graph.Nodes[w.at[id]].MoreUses = true
	}
	return reached, nil
}

func (w *walker) enter(s step, from Node, towards Direction, distance int) {
	edge := Edge{From: from.ID, To: s.to.ID, Relation: s.relation, Name: s.name}
	if towards == Sources {
		edge.From, edge.To, distance = edge.To, edge.From, -distance
	}
	if _, known := w.at[s.to.ID]; !known {
		w.at[s.to.ID] = len(w.graph.Nodes)
		s.to.Level = distance
		w.graph.Nodes = append(w.graph.Nodes, s.to)
	}
	if !w.seen[edge] {
		w.seen[edge] = true
		w.graph.Edges = append(w.graph.Edges, edge)
	}
}
