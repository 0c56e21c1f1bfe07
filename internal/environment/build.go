package environment

import (
	"context"
	"io"

	"github.com/atelier-ml/atelier"
)

// BuildOptions says what to build and where.
type BuildOptions struct {
	Root       string // the folder of all environments
	Tools      string // the folder for uv, where the machine has none
	Definition Definition
	Log        io.Writer // what the user reads while it is built
}

// Ready is an environment that can be used.
type Ready struct {
	Hash          string    `json:"hash"`
	Dir           string    `json:"dir"`            // the virtual environment's folder
	Python        string    `json:"python"`         // its interpreter
	PythonVersion string    `json:"python_version"` // 3.11.7
	Packages      []Package `json:"packages"`       // what is installed in it, by name
}

// Build returns the environment of options.Definition, building it if it is
// not there yet.
func Build(ctx context.Context, options BuildOptions) (Ready, error) {
	return Ready{}, atelier.Errorf(atelier.NotImplemented, "Environments are not built yet.")
}
