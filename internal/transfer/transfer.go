// Package transfer brings the history that people have elsewhere: experiments,
// runs with every point, artifacts, and the registry of MLflow.
//
// A Source reads one place, and nothing but reads it: a folder of MLflow's file
// store, one of its databases, or a running server. Everything in it is data from
// somebody else; no name becomes a path outside of the place, and nothing is ever
// unpickled. An Import compares what the source has with what our server holds,
// sends what is missing by the server's own API, and compares again. The server
// is the only memory: an import that was killed goes on where it was, and one
// that is repeated finds nothing to do.
package transfer

import (
	"context"
	"io"
	"time"

	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// Source is a place that keeps history in MLflow's terms.
type Source interface {
	// Experiments returns all experiments, deleted ones too.
	Experiments(ctx context.Context) ([]Experiment, error)
	// Runs returns the ids of all runs of an experiment, deleted ones too, in a
	// fixed order.
	Runs(ctx context.Context, experiment Experiment) ([]string, error)
	// Run returns all that is said of a run, without points and files.
	Run(ctx context.Context, experiment Experiment, id string) (Run, error)
	// Points calls each for every point of a run, each once, and for what measures
	// a logged model once more, with the model's id.
	Points(ctx context.Context, run Run, each func(tracking.Metric) error) error
	// Files lists the files of a run, or of a logged model of it, at any depth.
	Files(ctx context.Context, owner Owner) ([]File, error)
	// Open reads a file that Files listed.
	Open(ctx context.Context, owner Owner, path string) (io.ReadCloser, error)
	// Traces counts the traces of an experiment, which are not brought.
	Traces(ctx context.Context, experiment Experiment) (int, error)
	// Models returns the registry.
	Models(ctx context.Context) ([]Model, error)
	// Faults returns what could not be read so far, in words for people.
	Faults() []string
	Close() error
}

// Experiment is an experiment of a source.
type Experiment struct {
	ID      string
	Name    string
	Deleted bool
	Tags    map[string]string
	// When it was made and changed last; nil when the source does not say.
	CreatedAt, UpdatedAt *time.Time
}

// Run is a run of a source.
type Run struct {
	tracking.ImportRun
	Experiment  string // the source's id; ExperimentID is ours
	Deleted     bool
	ArtifactURI string
	Inputs      []tracking.Input
	ModelInputs []tracking.ModelLink
	Outputs     []tracking.ModelLink
	// ModelURIs are the artifact URIs of the run's logged models, by id.
	ModelURIs map[string]string
}

// Owner is a run or one of its logged models: the root of a folder of files.
type Owner struct {
	Experiment string // the source's id
	Run        string
	Model      string // a logged model of the run; empty for the run itself
	URI        string // where the source says that the files are
}

// File is a file below its owner.
type File struct {
	Path string
	Size int64
	// Far is true when reading the file is a download.
	Far bool
}

// Model is a registered model of a source.
type Model struct {
	Name        string
	Description string
	Tags        map[string]string
	Aliases     map[string]string // versions by alias
	Versions    []Version         // in order
	model.Times
}

// Version is a version of a registered model.
type Version struct {
	Number      string
	Description string
	Stage       string
	Source      string // runs:/..., models:/... or the URI of a folder
	Storage     string // where the files are, if that is known beside Source
	RunID       string
	RunLink     string
	ModelID     string
	Tags        map[string]string
	model.Times
}

// prompt reports whether the version is a prompt, which has no files.
func (v Version) prompt() bool { return v.Tags[model.TagPrompt] == "true" }
