package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/datastore"
)

// fromPlace refers to a file or a folder of a datastore as it is now.
func (s *Service) fromPlace(ctx context.Context, ws, name, below string) (Content, error) {
	below, err := datastore.CheckPath(below)
	if err != nil {
		return Content{}, err
	}
	found := Content{Reference: &Reference{Datastore: name, Path: below}}
	digest := sha256.New()
	err = s.eachObject(ctx, ws, *found.Reference, func(_ datastore.Place, o datastore.Object) error {
		found.Files++
		found.Size += o.Size
		fmt.Fprintf(digest, "%q %d %q\n", o.Path, o.Size, o.Tag)
		return nil
	})
	if err == nil && found.Files == 0 {
		err = atelier.Errorf(atelier.NotFound, "There is nothing at %q in the datastore %s.", atelier.Clip(below, 200), atelier.Clip(name, 60)).
			WithHint("List what is there with `atelier datastore files %s`.", atelier.Clip(name, 60))
	}
	found.Reference.Fingerprint = hex.EncodeToString(digest.Sum(nil))
	return found, err
}

// eachObject calls do with every file that r refers to.
func (s *Service) eachObject(ctx context.Context, ws string, r Reference, do func(datastore.Place, datastore.Object) error) error {
	place, err := s.stores.Open(ctx, ws, r.Datastore)
	if err != nil {
		return err
	}
	defer place.Close()
	return place.List(ctx, r.Path, "", func(o datastore.Object) error { return do(place, o) })
}

// fromAddress refers to an address: of a datastore, if one has it, else of the web.
func (s *Service) fromAddress(ctx context.Context, ws string, p atelier.Path) (Content, error) {
	all, err := s.stores.List(ctx, ws)
	if err != nil {
		return Content{}, err
	}
	for _, d := range all {
		if below, ok := d.Holds(p.Raw); ok {
			return s.fromPlace(ctx, ws, d.Name, below)
		}
	}
	if strings.HasPrefix(p.Raw, "https://") || strings.HasPrefix(p.Raw, "http://") {
		if strings.Contains(p.Raw, "@") || strings.Contains(p.Raw, "sig=") {
			return Content{}, atelier.Errorf(atelier.Invalid, "The address holds credentials, and addresses are shown and logged.").
				WithHint("Make a datastore with the credentials: `atelier datastore create`.")
		}
		return Content{Reference: &Reference{URL: p.Raw}, Files: 1}, nil
	}
	return Content{}, atelier.Errorf(atelier.NotFound, "No datastore of the workspace holds %q.", atelier.Clip(p.Raw, 120)).
		WithHint("Make one with `atelier datastore create`, or use https://.")
}

// freeze stores what c refers to, so that it cannot change.
func (s *Service) freeze(ctx context.Context, ws string, c Content) (Content, error) {
	if c.Reference.URL != "" {
		return c, atelier.Errorf(atelier.NotImplemented, "What lies at an address of the web cannot be frozen.").
			WithHint("Download it and register the file.")
	}
	var files []blob.File
	err := s.eachObject(ctx, ws, *c.Reference, func(place datastore.Place, o datastore.Object) error {
		content, _, err := place.Open(ctx, o.Path)
		if err != nil {
			return err
		}
		hash, size, err := s.blobs.Put(ctx, ws, content)
		if err := errors.Join(err, content.Close()); err != nil {
			return err
		}
		files = append(files, blob.File{Path: datastore.Inside(o.Path, c.Reference.Path), Hash: hash, Size: size})
		return nil
	})
	if err != nil {
		return c, err
	}
	tree, err := blob.PutTree(ctx, s.blobs, ws, files)
	return Content{Tree: tree, RunID: c.RunID}, err
}

// Again looks at a place that was referred to before, and returns it as it is now.
func (s *Service) Again(ctx context.Context, ws string, r Reference) (Reference, error) {
	if r.Datastore == "" {
		return r, nil
	}
	found, err := s.fromPlace(ctx, ws, r.Datastore, r.Path)
	if err != nil {
		return r, err
	}
	return *found.Reference, nil
}
