package environment

import (
	"context"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// List returns the curated environments and the workspace's own, by name and
// then newest first.
func (s *Service) List(ctx context.Context, ws string, q List) ([]Environment, error) {
	all := slices.DeleteFunc(Curated(), func(e Environment) bool { return q.Name != "" && e.Name != q.Name })
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		own, err := selectAll(ctx, tx, ws, q)
		all = append(all, own...)
		return err
	})
	return all, err
}

// Get returns one version of an environment, "latest" for the newest.
func (s *Service) Get(ctx context.Context, ws, name, version string) (Environment, error) {
	e, found, err := s.own(ctx, ws, name, version)
	if found || err != nil {
		return e, err
	}
	for _, e := range Curated() {
		if e.Name == name && (version == "" || version == Latest || version == e.Version) {
			return e, nil
		}
	}
	return Environment{}, s.missing(ctx, ws, name, version)
}

// missing says why there is no such version: the name is unknown, or has other
// versions only, or they are all archived.
func (s *Service) missing(ctx context.Context, ws, name, version string) error {
	all, err := s.List(ctx, ws, List{Name: name, Archived: true})
	if err != nil {
		return err
	}
	switch {
	case len(all) == 0:
		return unknownCurated(name)
	case version == "" || version == Latest:
		return atelier.Errorf(atelier.NotFound, "All versions of the environment %q are archived.", name).At("environment").
			WithHint("Name one of `atelier environment list --name %s --archived`.", name)
	}
	return atelier.Errorf(atelier.NotFound, "The environment %q has no version %q.", name, atelier.Clip(version, 80)).At("environment").
		WithHint("List its versions with `atelier environment list --name %s`.", name)
}

// Update changes what is said about a version; its content never changes.
func (s *Service) Update(ctx context.Context, ws, name, version string, u Update) (e Environment, err error) {
	if err := refuseCurated(name); err != nil {
		return e, err
	}
	found := false
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if e, found, err = pick(ctx, tx, ws, name, version); err != nil || !found {
			return err
		}
		if u.Description != nil {
			e.Description = *u.Description
		}
		if u.Archived != nil {
			e.Archived = *u.Archived
		}
		for key, value := range u.Tags {
			if value == nil {
				delete(e.Tags, key)
			} else {
				e.Tags[key] = *value
			}
		}
		return updateEnvironment(ctx, tx, ws, e)
	})
	if err == nil && !found {
		err = s.missing(ctx, ws, name, version)
	}
	return e, err
}

// UpdateAll changes all versions of an environment, and returns them.
func (s *Service) UpdateAll(ctx context.Context, ws, name string, u UpdateAll) ([]Environment, error) {
	if err := refuseCurated(name); err != nil {
		return nil, err
	}
	if u.Archived != nil {
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := archiveAll(ctx, tx, ws, name, *u.Archived)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	all, err := s.List(ctx, ws, List{Name: name, Archived: true})
	if err == nil && len(all) == 0 {
		err = unknownCurated(name)
	}
	return all, err
}

// refuseCurated protects what comes with the product, in every workspace.
func refuseCurated(name string) error {
	for _, e := range Curated() {
		if e.Name == name {
			return atelier.Errorf(atelier.Precondition, "The environment %q is curated: it comes with the product and cannot be changed.", name)
		}
	}
	return nil
}
