package data

import (
	"context"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// A version of what a deployment collects refers to a folder of the workspace's own
// datastore. It is the one kind of version that grows: whoever resolves it gets the
// files of that moment, as a tree, which then stays as it is.

// open reports whether the version is a folder that still grows.
func (v Version) open() bool {
	return v.Tree == "" && v.Reference != nil && v.Reference.Datastore == atelier.DefaultDatastore
}

// fromCollected makes a tree of what deployments have collected below a folder.
func (s *Service) fromCollected(ctx context.Context, ws, folder string) (Content, error) {
	files, err := s.collects.Files(ctx, ws, folder)
	if err != nil {
		return Content{}, err
	}
	if len(files) == 0 {
		return Content{}, atelier.Errorf(atelier.NotFound, "There is nothing at %q in the datastore %s.", atelier.Clip(strings.Trim(folder, "/"), 200), atelier.DefaultDatastore).
			WithHint("It holds what was uploaded, what jobs left and what deployments have collected so far.")
	}
	tree, err := blob.PutTree(ctx, s.blobs, ws, files)
	return Content{Tree: tree}, err
}

// Present is Version for somebody who wants to have the files: of a folder that
// still grows it has those of this moment.
func (s *Service) Present(ctx context.Context, ws, name, version string) (Version, error) {
	v, err := s.Version(ctx, ws, name, version)
	if err != nil || !v.open() {
		return v, err
	}
	found, err := s.fromCollected(ctx, ws, v.Reference.Path)
	if atelier.CodeOf(err) == atelier.NotFound {
		return v, nil // nothing has been collected yet
	}
	v.Tree, v.Files, v.Size = found.Tree.ID, len(found.Tree.Files), found.Tree.Size()
	return v, err
}

// InsertOpen makes version v of a folder that a deployment collects in, and the
// asset too if it is new, unless v is there already for the same folder.
func InsertOpen(ctx context.Context, tx *sqldb.Tx, ws string, v Version) error {
	present, err := selectVersion(ctx, tx, ws, v.Name, v.Version)
	switch {
	case atelier.CodeOf(err) == atelier.NotFound:
		_, err = Insert(ctx, tx, ws, v)
	case err == nil && (!present.open() || present.Reference.Path != v.Reference.Path):
		err = atelier.Errorf(atelier.Conflict, "The data asset %q has a version %q already, which is something else.", v.Name, v.Version).
			WithHint("Give data.name or data.version of the collection, or another data.path.")
	}
	return err
}
