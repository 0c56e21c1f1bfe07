// Package lineage answers where things come from and what became of them, as one
// graph: data, the runs that read and made it, the models that runs left, the
// deployments that serve them, the environments that runs and deployments use, and
// at the ends the bytes and the datastores.
//
// Nothing is recorded here. Runs, versions and deployments say of each other what
// they came from (data_uses above all), and the graph is read from that, both ways
// from one thing and to a bounded depth.
package lineage

import (
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// Kind says what a node is.
type Kind string

const (
	Data        Kind = "data"        // a version of a data asset
	Run         Kind = "run"         // a run, with its job where it has one
	Model       Kind = "model"       // a version of a model
	Environment Kind = "environment" // a version of an environment
	Deployment  Kind = "deployment"  // what serves a model
	Files       Kind = "files"       // bytes that a run read and that have no name
	Datastore   Kind = "datastore"   // where data lies that is not stored here
	Address     Kind = "address"     // a place of the web
)

// permissions are what one must be allowed to see a node of a kind.
var permissions = map[Kind]atelier.Permission{
	Data: "data/read", Run: "experiments/runs/read", Model: "models/read", Environment: "environments/read",
	Deployment: "endpoints/online/read", Files: "data/read", Datastore: "datastores/read", Address: "data/read",
}

// Permission is what one must be allowed to see nodes of the kind.
func (k Kind) Permission() atelier.Permission { return permissions[k] }

// Node is one thing in the graph. Its ID is its kind and its name, as in
// "data:patients:3", "run:calm_heron_412" or "deployment:triage/blue".
type Node struct {
	ID         string     `json:"id"`
	Kind       Kind       `json:"kind" enum:"data,run,model,environment,deployment,files,datastore,address"`
	Name       string     `json:"name" doc:"Of the asset, the run, the endpoint or the datastore; of files their tree."`
	Version    string     `json:"version,omitempty" doc:"Of the asset; of a deployment its own name."`
	Title      string     `json:"title,omitempty" doc:"What people call a run."`
	Experiment string     `json:"experiment,omitempty"`
	Status     string     `json:"status,omitempty" doc:"Of a run or a deployment."`
	Type       string     `json:"type,omitempty"`
	Tree       blob.Hash  `json:"tree,omitempty" doc:"The bytes."`
	Size       int64      `json:"size,omitempty"`
	CreatedAt  *time.Time `json:"created_at,omitempty"`
	// Level is 0 for the thing that was asked about, below 0 for what it comes
	// from and above 0 for what became of it: how many steps away.
	Level       int  `json:"level"`
	Missing     bool `json:"missing,omitempty" doc:"It was deleted, or has another name now."`
	MoreSources bool `json:"more_sources,omitempty" doc:"It comes from things that are not in the graph."`
	MoreUses    bool `json:"more_uses,omitempty" doc:"More came of it than is in the graph."`
}

// Relation says how the thing at the end of an edge came from the one at its
// beginning.
type Relation string

const (
	ReadBy       Relation = "read by"       // a run read it
	Made         Relation = "made"          // a run made it
	RegisteredAs Relation = "registered as" // a version was made of what a run kept
	Serves       Relation = "served by"     // a deployment serves the model
	UsedBy       Relation = "used by"       // a run or a deployment runs in the environment
	Holds        Relation = "holds"         // the place has the bytes of the data
)

// Edge leads from what was there before to what came of it.
type Edge struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	Relation Relation `json:"relation" enum:"read by,made,registered as,served by,used by,holds"`
	Name     string   `json:"name,omitempty" doc:"Of the input; in a datastore the path."`
}

// Graph is the lineage of one thing.
type Graph struct {
	Of    string `json:"of" doc:"The node that was asked about."`
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
}

// Direction says which way to look.
type Direction string

const (
	Both    Direction = "both"
	Sources Direction = "sources" // what it comes from
	Uses    Direction = "uses"    // what became of it
)

// Ask is a question for a graph.
type Ask struct {
	Of        string
	Direction Direction // Both when it is empty
	Depth     int       // DefaultDepth when it is 0
	May       func(Kind) bool
}

const (
	DefaultDepth = 5
	MaxDepth     = 20
	maxNodes     = 300 // of a graph
	maxFan       = 60  // of one relation of one node
)

// Latest is the version that was made last.
const Latest = "latest"

// ParseID reads the id of a node. Versions and names are not looked up.
func ParseID(id string) (Node, error) {
	kind, rest, _ := strings.Cut(id, ":")
	n := Node{ID: id, Kind: Kind(kind)}
	switch n.Kind {
	case Data, Model, Environment:
		n.Name, n.Version, _ = strings.Cut(rest, ":")
		if n.Version == "" {
			n.Version = Latest
		}
	case Run:
		n.Name, n.Version = rest, ""
	case Deployment:
		n.Name, n.Version, _ = strings.Cut(rest, "/")
		if n.Version == "" {
			n.Name = ""
		}
	}
	if n.Name == "" || strings.ContainsRune(id, 0) {
		return Node{}, atelier.Errorf(atelier.Invalid, "%q names nothing that has a lineage.", atelier.Clip(id, 120)).At("query.of").
			WithHint("Write data:NAME:VERSION, model:NAME:VERSION, run:NAME, environment:NAME:VERSION or deployment:ENDPOINT/NAME.")
	}
	n.ID = n.id()
	return n, nil
}

func (n Node) id() string {
	switch {
	case n.Kind == Deployment:
		return string(n.Kind) + ":" + n.Name + "/" + n.Version
	case n.Version != "":
		return string(n.Kind) + ":" + n.Name + ":" + n.Version
	}
	return string(n.Kind) + ":" + n.Name
}

// node makes a node of what is known of it by its name.
func node(kind Kind, name, version string) Node {
	n := Node{Kind: kind, Name: name, Version: version}
	n.ID = n.id()
	return n
}
