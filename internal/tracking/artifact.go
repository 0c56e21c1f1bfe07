package tracking

import (
	"time"

	"github.com/atelier-ml/atelier/internal/blob"
)

// OwnerKind says what an artifact belongs to.
type OwnerKind string

const (
	RunArtifact         OwnerKind = "run"
	LoggedModelArtifact OwnerKind = "logged_model"
	// FreeArtifact belongs to no run and no logged model but to the workspace,
	// under a path of the user's choice. Its Owner has no ID.
	FreeArtifact OwnerKind = "free"
)

// Owner is a run or a logged model: the root of a folder of artifacts.
type Owner struct {
	Kind OwnerKind
	ID   string
}

// Artifact is a file that an Owner keeps, or a folder on the way to one. Path is
// relative to the owner's root.
type Artifact struct {
	Path  string    `json:"path"`
	IsDir bool      `json:"is_dir"`
	Size  int64     `json:"size"`
	Hash  blob.Hash `json:"sha256,omitempty"`
}

// LoggedModel is MLflow 3's: a model that a run made, a folder of artifacts with
// an id of its own, before anybody registered it.
type LoggedModel struct {
	ID            string
	ExperimentID  string
	Name          string
	ModelType     string
	Status        LoggedModelStatus
	StatusMessage string
	SourceRunID   string
	ArtifactURI   string
	Params        map[string]string
	Tags          map[string]string
	Metrics       []LoggedModelMetric
	CreatedAt     time.Time
	UpdatedAt     time.Time
	ownerJob      string
}

// LoggedModelStatus says whether a logged model's files are complete.
type LoggedModelStatus string

const (
	ModelPending      LoggedModelStatus = "LOGGED_MODEL_PENDING"
	ModelReady        LoggedModelStatus = "LOGGED_MODEL_READY"
	ModelUploadFailed LoggedModelStatus = "LOGGED_MODEL_UPLOAD_FAILED"
)

// LoggedModelStatuses lists every status, in MLflow's numbering from 1.
func LoggedModelStatuses() []LoggedModelStatus {
	return []LoggedModelStatus{ModelPending, ModelReady, ModelUploadFailed}
}

// LoggedModelMetric is the latest value of a metric that measures a logged model
// in one run on one dataset.
type LoggedModelMetric struct {
	Metric
	RunID string
}

// NewLoggedModel describes a logged model to make.
type NewLoggedModel struct {
	ExperimentID string
	Name         string // empty: made up
	ModelType    string
	SourceRunID  string
	Params       []Pair
	Tags         []Pair
}

// LoggedModelSearch asks for a page of logged models.
type LoggedModelSearch struct {
	// Experiments are ids; with none, all experiments are searched.
	Experiments []string
	Filter      string
	// Datasets, if there are any, are those on which a metric must have been
	// measured to be seen by Filter. Without a condition on a metric, a model
	// must have been measured on one of them at all.
	Datasets   []DatasetFilter
	OrderBy    []LoggedModelOrder
	MaxResults int
	PageToken  string
}

// DatasetFilter means a dataset by its name, and by its digest unless that is "".
type DatasetFilter struct{ Name, Digest string }

// LoggedModelOrder is a field to sort by, such as "metrics.rmse DESC". For a
// metric, only what was measured on Dataset counts, unless that has no name.
type LoggedModelOrder struct {
	Field   string
	Dataset DatasetFilter
}
