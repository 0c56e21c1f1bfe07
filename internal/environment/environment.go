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
	CreatedBy string     `json:"created_by,omitempty"`
	CreatedAt *time.Time `json:"created_at,omitempty"`

	options []string
}

// RegisterEnvironment asks for a named version. Without a Version it gets the
// next whole number.
type RegisterEnvironment struct {
	Name        string            `json:"name"`
	Version     string            `json:"version,omitempty"`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Spec        Spec              `json:"spec"`
}

// Package is one installed package.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}
