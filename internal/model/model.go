// Package model is the registry: models by name, and versions that count up.
//
// A version is immutable content. When it is registered, the files that its path
// names (a run's artifacts, a logged model, an uploaded folder) become a blob.Tree
// of the version's own, so that nothing that happens to the run later changes
// what is deployed. An MLmodel file among them is read as data, never executed.
package model

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// Model is a name under which versions are kept.
type Model struct {
	Name          string            `json:"name"`
	Description   string            `json:"description"`
	Tags          map[string]string `json:"tags"`
	Aliases       map[string]string `json:"aliases" doc:"Versions by alias."`
	LatestVersion string            `json:"latest_version"`
	CreatedBy     string            `json:"created_by"`
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
}

// Version is one immutable content of a model.
type Version struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Type        string            `json:"type" enum:"custom_model,mlflow_model,triton_model"`
	Path        string            `json:"path"`
	Tree        blob.Hash         `json:"tree"`
	Size        int64             `json:"size"`
	Flavors     map[string]any    `json:"flavors"`
	Description string            `json:"description"`
	Tags        map[string]string `json:"tags"`
	Properties  map[string]string `json:"properties"`
	Stage       string            `json:"stage"`
	RunID       string            `json:"run_id,omitempty"`
	Aliases     []string          `json:"aliases"`
	Status      string            `json:"status" enum:"READY"`
	CreatedBy   string            `json:"created_by"`
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`

	// RunLink and LoggedModelID are what an MLflow client gave beside the run.
	RunLink       string `json:"-"`
	LoggedModelID string `json:"-"`
}

// The kinds of content that a version may have, in Azure Machine Learning's words.
const (
	Custom = "custom_model"
	MLflow = "mlflow_model"
	Triton = "triton_model"
)

// Ready is the status of every version: it is registered whole or not at all.
const Ready = "READY"

// Register describes a version to register.
type Register struct {
	Name        string            `json:"name"`
	Version     string            `json:"version,omitempty" doc:"A number that is not taken; the next one when it is left out."`
	Type        string            `json:"type,omitempty" enum:"custom_model,mlflow_model,triton_model"`
	Path        string            `json:"path" doc:"azureml://jobs/JOB/outputs/OUTPUT/paths/PATH, runs:/RUN/PATH or an uploaded folder."`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	Stage       string            `json:"stage,omitempty"`
	RunID       string            `json:"run_id,omitempty"`

	RunLink       string `json:"-"`
	LoggedModelID string `json:"-"`
	// OnlyExisting refuses to make the model when there is none of that name.
	OnlyExisting bool `json:"-"`
	// Remote accepts a path outside the server, whose content is then not kept.
	Remote bool `json:"-"`
}

// Create describes a model to make without a version.
type Create struct {
	Name        string
	Description string
	Tags        map[string]string
}

// UpdateVersion changes what is not nil. A tag with a nil value is removed.
type UpdateVersion struct {
	Description *string            `json:"description,omitempty"`
	Stage       *string            `json:"stage,omitempty"`
	Tags        map[string]*string `json:"tags,omitempty"`
	Properties  map[string]*string `json:"properties,omitempty"`
}

// Search asks for a page of models or versions.
type Search struct {
	Filter     string
	OrderBy    []string
	MaxResults int
	PageToken  string
}

// Stages, in MLflow's words.
const (
	NoStage    = "None"
	Staging    = "Staging"
	Production = "Production"
	Archived   = "Archived"
)

// Stages lists every stage.
func Stages() []string { return []string{NoStage, Staging, Production, Archived} }

// stageNamed returns the stage with the given name, in any case.
func stageNamed(name string) (string, error) {
	for _, stage := range Stages() {
		if strings.EqualFold(stage, name) {
			return stage, nil
		}
	}
	return "", atelier.Errorf(atelier.Invalid, "Invalid Model Version stage: %s. Value must be one of %s.", atelier.Clip(name, 40), strings.Join(Stages(), ", ")).At("stage")
}

// TagPrompt marks models and versions that are prompts, which have no files.
const TagPrompt = "mlflow.prompt.is_prompt"

const (
	maxName     = 255
	maxTagKey   = 250
	maxTagValue = 100_000
)

var aliasRule = regexp.MustCompile(`^[\w\-]{1,255}$`)
var versionAlias = regexp.MustCompile(`^[vV]\d+$`)

// CheckName returns an Invalid error unless name can name a model.
func CheckName(name string) error {
	bad := strings.TrimSpace(name) == "" || strings.ContainsAny(name, "/:\x00") || utf8.RuneCountInString(name) > maxName
	if bad {
		return atelier.Errorf(atelier.Invalid, "Invalid model name: %q.", atelier.Clip(name, 60)).At("name").
			WithHint("A name has 1 to %d characters, without '/' and ':'.", maxName)
	}
	return nil
}

func checkTag(key, value string) error {
	switch {
	case key == "":
		return atelier.Errorf(atelier.Invalid, "Missing value for required parameter 'key'.").At("key")
	case utf8.RuneCountInString(key) > maxTagKey || strings.Contains(key, "\x00"):
		return atelier.Errorf(atelier.Invalid, "The tag name %q is too long: at most %d characters.", atelier.Clip(key, 60), maxTagKey).At("key")
	case utf8.RuneCountInString(value) > maxTagValue || strings.Contains(value, "\x00"):
		return atelier.Errorf(atelier.Invalid, "The value of the tag %q is too long: at most %d characters.", atelier.Clip(key, 60), maxTagValue).At("value")
	}
	return nil
}

func checkAlias(alias string) error {
	if !aliasRule.MatchString(alias) || strings.EqualFold(alias, "latest") || versionAlias.MatchString(alias) {
		return atelier.Errorf(atelier.Invalid, "Invalid alias name: %q.", atelier.Clip(alias, 60)).At("alias").
			WithHint("Use up to 255 letters, digits, '-' or '_'; 'latest' and 'v1' are reserved.")
	}
	return nil
}

// ParseVersion reads a decimal version number.
func ParseVersion(text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < 1 || strconv.FormatInt(number, 10) != text {
		return 0, atelier.Errorf(atelier.Invalid, "Parameter 'version' must be an integer, got '%s'.", atelier.Clip(text, 40)).At("version")
	}
	return number, nil
}
