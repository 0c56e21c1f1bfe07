package transfer

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/atelier-ml/atelier"
)

// Place says where the history is.
type Place struct {
	// Target is a folder, a file or an address, with absolute paths.
	Target string
	// Artifacts is a folder that holds the artifacts, empty when the source says
	// itself where they are.
	Artifacts string
}

// Open returns the source at a place.
func Open(ctx context.Context, place Place) (Source, error) {
	var artifacts *os.Root
	if place.Artifacts != "" {
		var err error
		if artifacts, err = os.OpenRoot(place.Artifacts); err != nil {
			return nil, notThere("--artifacts", place.Artifacts, err)
		}
	}
	source, err := open(place, artifacts)
	if err != nil && artifacts != nil {
		artifacts.Close()
	}
	return source, err
}

func open(place Place, artifacts *os.Root) (Source, error) {
	info, err := os.Stat(place.Target)
	if err != nil {
		return nil, notThere("", place.Target, err)
	}
	if info.IsDir() {
		return openFolder(place.Target, artifacts)
	}
	return nil, atelier.Errorf(atelier.Invalid, "%s is no folder.", place.Target)
}

func notThere(flag, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return atelier.Errorf(atelier.NotFound, "There is no %s.", name).At(flag)
	}
	return atelier.Errorf(atelier.Invalid, "%s cannot be read: %w.", name, err).At(flag)
}
