package transfer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/atelier-ml/atelier"
)

// Place says where the history is.
type Place struct {
	// Target is a folder, a file or an address, with absolute paths.
	Target string
	// Artifacts is a folder that holds the artifacts, empty when the source says
	// itself where they are.
	Artifacts string
	// Login is for a server.
	Login Login
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
	source, err := open(ctx, place, artifacts)
	if err != nil && artifacts != nil {
		artifacts.Close()
	}
	return source, err
}

func open(ctx context.Context, place Place, artifacts *os.Root) (Source, error) {
	target := place.Target
	if isPostgres(target) {
		return openDatabase(ctx, target, artifacts)
	}
	if strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") {
		if artifacts != nil {
			return nil, atelier.Errorf(atelier.Invalid, "A server gives its artifacts itself.").At("--artifacts")
		}
		return openServer(ctx, target, place.Login)
	}
	if strings.Contains(target, "://") {
		return nil, atelier.Errorf(atelier.Invalid, "%s is no address that can be imported from.", atelier.Clip(target, 100)).
			WithHint("Give a folder, a SQLite file, postgresql://... or http://...")
	}
	info, err := os.Stat(target)
	if err != nil {
		return nil, notThere("", target, err)
	}
	if info.IsDir() {
		return openFolder(target, artifacts)
	}
	return openDatabase(ctx, target, artifacts)
}

func notThere(flag, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return atelier.Errorf(atelier.NotFound, "There is no %s.", name).At(flag)
	}
	return atelier.Errorf(atelier.Invalid, "%s cannot be read: %w.", name, err).At(flag)
}
