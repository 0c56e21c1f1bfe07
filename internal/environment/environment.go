package environment

import "time"

// Environment is a named version of a Definition, in a workspace or curated.
type Environment struct {
	Name          string            `json:"name"`
	Version       string            `json:"version"`
	Description   string            `json:"description"`
	Tags          map[string]string `json:"tags"`
	Image         string            `json:"image"`
	CondaFile     string            `json:"conda_file"`
	PythonVersion string            `json:"python_version"`
	Requirements  []string          `json:"requirements"`
	Hash          string            `json:"hash"`
	// Curated environments come with the product, in every workspace.
	Curated   bool       `json:"curated"`
	Archived  bool       `json:"archived"`
	CreatedBy string     `json:"created_by,omitempty"`
	CreatedAt *time.Time `json:"created_at,omitempty"`

	options []string // of the resolver
	source  string   // the file that the packages were read from
}

// Definition is what e builds.
func (e Environment) Definition() Definition {
	return Definition{Name: e.Name, Version: e.Version, Source: e.source, Python: e.PythonVersion, Requirements: e.Requirements, Options: e.options}
}

// fill sets what e builds from d.
func (e *Environment) fill(d Definition) {
	e.PythonVersion, e.Requirements, e.options, e.source, e.Hash = d.Python, d.Requirements, d.Options, d.Source, d.Hash()
	if e.Requirements == nil {
		e.Requirements = []string{}
	}
}

// RegisterEnvironment asks for a named version. Without a version it gets the
// next whole number.
type RegisterEnvironment struct {
	Name                string            `json:"name"`
	Version             string            `json:"version,omitempty"`
	Description         string            `json:"description,omitempty"`
	Tags                map[string]string `json:"tags,omitempty"`
	Image               string            `json:"image,omitempty"`
	CondaFile           string            `json:"conda_file,omitempty" doc:"The text of a conda file"`
	CondaFileName       string            `json:"conda_file_name,omitempty"`
	PipRequirements     string            `json:"pip_requirements,omitempty" doc:"The text of a requirements file"`
	PipRequirementsName string            `json:"pip_requirements_name,omitempty"`
	PythonVersion       string            `json:"python_version,omitempty"`
	Build               *DockerBuild      `json:"build,omitempty" doc:"A Docker build context, of which the packages are taken"`
}

// Update changes what is not nil. A tag with a nil value is removed. The content
// of a version never changes.
type Update struct {
	Description *string            `json:"description,omitempty"`
	Tags        map[string]*string `json:"tags,omitempty"`
	Archived    *bool              `json:"archived,omitempty"`
}

// UpdateAll changes all versions of an environment.
type UpdateAll struct {
	Archived *bool `json:"archived,omitempty"`
}

// List asks for environments.
type List struct {
	Name     string // only versions of this one
	Archived bool   // those that are archived too
}

// Latest is the label of the version that was made last and is not archived.
const Latest = "latest"

// Spec is the content that ask wants to register.
func (ask RegisterEnvironment) Spec() Spec {
	return Spec{Image: ask.Image, CondaFile: ask.CondaFile, CondaFileName: ask.CondaFileName, PythonVersion: ask.PythonVersion, Build: ask.Build,
		PipRequirements: ask.PipRequirements, PipRequirementsName: ask.PipRequirementsName}
}

// Package is one installed package.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}
