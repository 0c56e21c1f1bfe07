package environment

import (
	"bytes"
	"encoding/json"

	"github.com/atelier-ml/atelier"
)

// Anonymous is the name of environments that are written inside a job or a
// deployment. It is Azure Machine Learning's, so that its clients know it.
const Anonymous = "CliV2AnonymousEnvironment"

// Spec is an environment as users write it: a reference to one by its name, or
// its content. In JSON a reference is a plain string.
type Spec struct {
	Reference string `json:"-"`

	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Image   string `json:"image,omitempty"`
	// CondaFile is the text of a conda file; CondaFileName is where it came
	// from, for messages. In JSON the text may also be given as a mapping.
	CondaFile     string `json:"conda_file,omitempty"`
	CondaFileName string `json:"conda_file_name,omitempty"`
	// PipRequirements is the text of a requirements file.
	PipRequirements     string `json:"pip_requirements,omitempty"`
	PipRequirementsName string `json:"pip_requirements_name,omitempty"`
	PythonVersion       string `json:"python_version,omitempty"`
	// Build is a Docker build context, read for its packages.
	Build *DockerBuild `json:"build,omitempty"`
}

// IsZero reports whether nothing was written.
func (s Spec) IsZero() bool { return s == Spec{} }

// specFields is Spec without its methods.
type specFields Spec

// MarshalJSON writes a reference as a string and anything else as an object.
func (s Spec) MarshalJSON() ([]byte, error) {
	if s.Reference != "" {
		return json.Marshal(s.Reference)
	}
	return json.Marshal(specFields(s))
}

// UnmarshalJSON reads either form.
func (s *Spec) UnmarshalJSON(text []byte) error {
	*s = Spec{}
	if bytes.HasPrefix(text, []byte(`"`)) {
		return json.Unmarshal(text, &s.Reference)
	}
	if string(text) == "null" {
		return nil
	}
	var object struct {
		specFields
		CondaFile json.RawMessage `json:"conda_file"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&object); err != nil {
		return atelier.Errorf(atelier.Invalid, "The environment cannot be read: %w", err).At("environment").
			WithHint("Give a name, or an object with conda_file, pip_requirements, python_version or image.")
	}
	*s = Spec(object.specFields)
	switch {
	case len(object.CondaFile) == 0 || string(object.CondaFile) == "null":
	case object.CondaFile[0] == '"':
		return json.Unmarshal(object.CondaFile, &s.CondaFile)
	default:
		s.CondaFile = string(object.CondaFile) // JSON is YAML
	}
	return nil
}

// Resolved says what a Spec turned out to be.
type Resolved struct {
	// Name and Version are the environment's, pinned.
	Name    string `json:"name"`
	Version string `json:"version"`
	// Hint is a sentence for the user where the result is not literally what
	// was written, as with a container image on a local compute.
	Hint string `json:"hint,omitempty"`
}
