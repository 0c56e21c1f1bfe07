package tracking

import (
	"time"

	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// RunStatus says how far a run has come, in MLflow's words.
type RunStatus string

const (
	Running   RunStatus = "RUNNING"
	Scheduled RunStatus = "SCHEDULED"
	Finished  RunStatus = "FINISHED"
	Failed    RunStatus = "FAILED"
	Killed    RunStatus = "KILLED"
)

// RunStatuses lists every RunStatus, in MLflow's numbering from 1.
func RunStatuses() []RunStatus {
	return []RunStatus{Running, Scheduled, Finished, Failed, Killed}
}

// Ended reports whether a run with this status is over.
func (s RunStatus) Ended() bool { return s == Finished || s == Failed || s == Killed }

// A run or an experiment that was deleted can still be read and restored.
const (
	Active  = "active"
	Deleted = "deleted"
)

// Tags with a meaning to MLflow and to us.
const (
	TagRunName   = "mlflow.runName"
	TagParent    = "mlflow.parentRunId"
	TagUser      = "mlflow.user"
	TagNote      = "mlflow.note.content"
	TagLogModels = "mlflow.log-model.history"
	TagContext   = "mlflow.data.context"
)

// Run is one execution of code and all that it remembered.
type Run struct {
	ID             string                  `json:"id"`
	Name           string                  `json:"name"`
	ExperimentID   string                  `json:"experiment_id"`
	ExperimentName string                  `json:"experiment_name"`
	Status         RunStatus               `json:"status" enum:"RUNNING,SCHEDULED,FINISHED,FAILED,KILLED"`
	LifecycleStage string                  `json:"lifecycle_stage" enum:"active,deleted"`
	User           string                  `json:"user"`
	StartedAt      time.Time               `json:"started_at"`
	EndedAt        *time.Time              `json:"ended_at,omitempty"`
	Params         map[string]string       `json:"params"`
	Metrics        map[string]series.Point `json:"metrics"`
	Tags           map[string]string       `json:"tags"`
	ParentRunID    string                  `json:"parent_run_id,omitempty"`
	Job            bool                    `json:"job" doc:"Whether a job has this id."`
	Inputs         []Input                 `json:"inputs"`
	Outputs        []ModelLink             `json:"outputs"`

	// ClaimedUser is the name that an MLflow client gave, which may differ from
	// User, the one who signed in.
	ClaimedUser string `json:"-"`
	// ArtifactURI is where an MLflow client writes the run's artifacts.
	ArtifactURI string `json:"-"`
	// ModelInputs are the logged models that the run read.
	ModelInputs []ModelLink `json:"-"`
	// OwnerJob is the job whose token made the run; it may write to it.
	OwnerJob string `json:"-"`
}

// ModelLink ties a run to a logged model that it read or made.
type ModelLink struct {
	ModelID string `json:"model_id"`
	Step    int64  `json:"step"`
}

// Input is a dataset that a run read.
type Input struct {
	Name       string            `json:"name"`
	Digest     string            `json:"digest"`
	SourceType string            `json:"source_type"`
	Source     string            `json:"source"`
	Context    string            `json:"context,omitempty"`
	Schema     string            `json:"-"`
	Profile    string            `json:"-"`
	Tags       map[string]string `json:"-"`
}

// NewRun describes a run to make. What has no name in JSON is not for the sender
// to say.
type NewRun struct {
	ID string `json:"-"` // empty for a new one
	// ExperimentID names the experiment. When it is empty, the experiment named
	// Experiment is used, and made if it is not there; when both are, "Default".
	ExperimentID string            `json:"experiment_id,omitempty"`
	Experiment   string            `json:"experiment,omitempty" doc:"The experiment's name; it is made if it is not there."`
	Name         string            `json:"name,omitempty" doc:"Made up, like calm-heron-412, when it is left out."`
	Status       RunStatus         `json:"-"` // empty: RUNNING
	User         string            `json:"-"` // who started it
	ClaimedUser  string            `json:"-"` // what an MLflow client said; empty: User
	StartedAt    *time.Time        `json:"started_at,omitempty" doc:"Now, when it is left out."`
	Tags         map[string]string `json:"tags,omitempty"`
	Job          bool              `json:"-"` // a job has this id
	OwnerJob     string            `json:"-"` // the job whose token makes the run
}

// UpdateRun changes the fields that are not nil.
type UpdateRun struct {
	Name    *string
	Status  *RunStatus
	EndedAt *time.Time
	// Tags are set; a tag with a nil value is removed.
	Tags map[string]*string
}

// Batch is what a run logs at once. All of it is stored, or nothing.
type Batch struct {
	Metrics []Metric
	Params  []Pair
	Tags    []Pair
}

// Pair is a param or a tag.
type Pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Metric is a point to log, with the logged model and dataset it measures, if any.
type Metric struct {
	series.Sample
	ModelID       string
	DatasetName   string
	DatasetDigest string
}

// View chooses between active and deleted things.
type View string

const (
	ActiveOnly  View = "active"
	DeletedOnly View = "deleted"
	ViewAll     View = "all"
)

// Search asks for a page of runs, experiments or logged models.
type Search struct {
	// Experiments are ids; with none, all experiments are searched.
	Experiments []string
	Filter      string
	OrderBy     []string
	View        View
	MaxResults  int
	PageToken   string
	// Skip is how many runs to leave out before the page, for a reader who jumps
	// into the middle of a long list. It costs a little for each of them.
	Skip int
}

// MetricSeries is one metric of a run for a chart. Count is how many points there
// are; Sampled says that Points is a selection of them.
type MetricSeries struct {
	Key     string         `json:"key"`
	Points  []series.Point `json:"points"`
	Count   int            `json:"count"`
	Sampled bool           `json:"sampled"`
}

// MetricBuckets is a part of one metric, summed up.
type MetricBuckets struct {
	Key     string         `json:"key"`
	Buckets []MetricBucket `json:"buckets"`
}

// MetricBucket says of the points from From to To, both included, what a chart
// needs. Min, Max and Mean are of those that are numbers; without any, Mean is NaN.
type MetricBucket struct {
	From  int64         `json:"from"`
	To    int64         `json:"to"`
	Count int           `json:"count"`
	Min   *series.Value `json:"min,omitempty"`
	Max   *series.Value `json:"max,omitempty"`
	Mean  series.Value  `json:"mean"`
	Last  series.Point  `json:"last"`
}

func bucketOf(b series.Bucket) MetricBucket {
	out := MetricBucket{From: b.From, To: b.To, Count: b.Count, Mean: b.Mean(), Last: b.Last}
	if b.NaNs < b.Count {
		out.Min, out.Max = &b.Low.Value, &b.High.Value
	}
	return out
}
