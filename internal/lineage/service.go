package lineage

import (
	"cmp"
	"context"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Service answers for every workspace.
type Service struct {
	db           *sqldb.DB
	environments *environment.Service
}

// New returns the service over db. Environments know the curated ones.
func New(db *sqldb.DB, environments *environment.Service) *Service {
	return &Service{db, environments}
}

// Of returns the graph that ask asks for. What the reader may not see is left
// out, and nothing behind it is followed.
func (s *Service) Of(ctx context.Context, ws string, ask Ask) (graph Graph, err error) {
	root, err := s.root(ctx, ws, &ask)
	if err != nil {
		return Graph{}, err
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		graph, err = walk(root, ask, func(from Node, towards Direction) ([]step, bool, error) {
			return selectSteps(ctx, tx, ws, from, towards)
		})
		if err != nil {
			return err
		}
		for i := range graph.Nodes {
			if err := describe(ctx, tx, ws, &graph.Nodes[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && graph.Nodes[0].Missing {
		return Graph{}, missing(graph.Nodes[0])
	}
	slices.SortStableFunc(graph.Nodes, func(a, b Node) int { return cmp.Compare(a.Level, b.Level) })
	return graph, err
}

// root finds the node that is asked about, and completes the question.
func (s *Service) root(ctx context.Context, ws string, ask *Ask) (Node, error) {
	root, err := ParseID(ask.Of)
	if err != nil {
		return Node{}, err
	}
	if !ask.May(root.Kind) {
		return Node{}, atelier.Errorf(atelier.Forbidden, "Your role does not allow %s.", root.Kind.Permission()).
			WithHint("Ask an owner of the workspace for another role.")
	}
	ask.Direction, ask.Depth = cmp.Or(ask.Direction, Both), cmp.Or(ask.Depth, DefaultDepth)
	if ask.Depth < 1 || ask.Depth > MaxDepth {
		return Node{}, atelier.Errorf(atelier.Invalid, "The depth is %d; it can be 1 to %d.", ask.Depth, MaxDepth).At("query.depth")
	}
	switch root.Kind {
	case Environment: // a curated one has no row
		found, err := s.environments.Get(ctx, ws, root.Name, root.Version)
		if err != nil {
			return Node{}, err
		}
		root = node(Environment, found.Name, found.Version)
	case Data, Model:
		if root.Version != Latest {
			break
		}
		err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			root.Version, err = selectLatest(ctx, tx, ws, root)
			return err
		})
		root.ID = root.id()
	}
	return root, err
}

func missing(n Node) error {
	switch n.Kind {
	case Deployment:
		return atelier.Errorf(atelier.NotFound, "The endpoint %q has no deployment %q.", atelier.Clip(n.Name, 60), atelier.Clip(n.Version, 60))
	case Run:
		return atelier.Errorf(atelier.NotFound, "There is no run %q.", atelier.Clip(n.Name, 80)).WithHint("List them with `atelier run list`.")
	}
	return atelier.Errorf(atelier.NotFound, "There is no version %q of the %s %q.", atelier.Clip(n.Version, 60), n.Kind, atelier.Clip(n.Name, 80)).
		WithHint("List them with `atelier %s list -n %s`.", n.Kind, atelier.Clip(n.Name, 80))
}
