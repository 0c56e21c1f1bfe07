package tracking

import "time"

// Experiment groups runs that are worth comparing.
type Experiment struct {
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	LifecycleStage   string            `json:"lifecycle_stage" enum:"active,deleted"`
	ArtifactLocation string            `json:"artifact_location"`
	Tags             map[string]string `json:"tags"`
	CreatedAt        time.Time         `json:"created_at"`
	UpdatedAt        time.Time         `json:"updated_at"`
}

// Every workspace has this experiment from the start.
const (
	DefaultExperimentID   = "0"
	DefaultExperimentName = "Default"
)

// NewExperiment describes an experiment to make.
type NewExperiment struct {
	Name string
	// ArtifactLocation is where runs keep their artifacts. Empty means with the
	// server, which is what almost everybody wants.
	ArtifactLocation string
	Tags             map[string]string
	// id is one that it had elsewhere, and keeps if nobody has it here.
	id string
}

// UpdateExperiment changes what is not nil. A tag with a nil value is removed.
type UpdateExperiment struct {
	Name *string            `json:"name,omitempty"`
	Tags map[string]*string `json:"tags,omitempty" doc:"Tags to set; null removes one."`
}
