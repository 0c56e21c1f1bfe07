package model

import (
	"context"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// Version returns a version by its number, "latest", or "@" and an alias.
func (s *Service) Version(ctx context.Context, ws, name, version string) (Version, error) {
	return s.version(ctx, ws, name, func(tx *sqldb.Tx) (int64, error) { return numberOf(ctx, tx, ws, name, version) })
}

func numberOf(ctx context.Context, tx *sqldb.Tx, ws, name, version string) (int64, error) {
	if version == "latest" {
		return selectLatest(ctx, tx, ws, name)
	}
	if alias, ok := strings.CutPrefix(version, "@"); ok {
		return selectAlias(ctx, tx, ws, name, alias)
	}
	return ParseVersion(version)
}

func (s *Service) version(ctx context.Context, ws, name string, number func(tx *sqldb.Tx) (int64, error)) (Version, error) {
	versions := make([]Version, 1)
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		n, err := number(tx)
		if err != nil {
			return err
		}
		if versions[0], err = selectVersion(ctx, tx, ws, name, n); err != nil {
			return err
		}
		return loadVersions(ctx, tx, ws, versions)
	})
	return versions[0], err
}

// SearchVersions returns a page of versions, those that changed last first.
func (s *Service) SearchVersions(ctx context.Context, ws string, q Search) (atelier.Page[Version], error) {
	var page atelier.Page[Version]
	q.MaxResults = atelier.PageSize(q.MaxResults, 10_000, 200_000)
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		page, err = searchVersions(ctx, tx, ws, q)
		return err
	})
	return page, err
}

// Registrations returns the versions that were made from logged models, by the
// models' ids.
func (s *Service) Registrations(ctx context.Context, ws string, ids []string) (map[string][]Registration, error) {
	var found map[string][]Registration
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		found, err = selectRegistrations(ctx, tx, ws, ids)
		return err
	})
	return found, err
}

// LatestVersions returns the newest version of a model in each of stages, or in
// every stage when none is given.
func (s *Service) LatestVersions(ctx context.Context, ws, name string, stages []string) ([]Version, error) {
	var versions []Version
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if _, err := selectModel(ctx, tx, ws, name); err != nil {
			return err
		}
		found, err := selectLatestByStage(ctx, tx, ws, []string{name})
		if err != nil {
			return err
		}
		wanted := map[string]bool{}
		for _, stage := range stages {
			known, err := stageNamed(stage)
			if err != nil {
				return err
			}
			wanted[known] = true
		}
		versions = slices.DeleteFunc(found, func(v Version) bool { return len(wanted) > 0 && !wanted[v.Stage] })
		return loadVersions(ctx, tx, ws, versions)
	})
	return versions, err
}

// LatestOf returns the newest version in every stage, of each of the models called
// names.
func (s *Service) LatestOf(ctx context.Context, ws string, names []string) (map[string][]Version, error) {
	latest := map[string][]Version{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		found, err := selectLatestByStage(ctx, tx, ws, names)
		if err != nil {
			return err
		}
		err = loadVersions(ctx, tx, ws, found)
		for _, v := range found {
			latest[v.Name] = append(latest[v.Name], v)
		}
		return err
	})
	return latest, err
}

// change edits a version in one transaction and returns it.
func (s *Service) change(ctx context.Context, ws, name, version string, edit func(tx *sqldb.Tx, number int64, v Version) error) (Version, error) {
	var number int64
	err := s.write(ctx, ws, name, func(tx *sqldb.Tx) (err error) {
		if number, err = numberOf(ctx, tx, ws, name, version); err != nil {
			return err
		}
		v, err := selectVersion(ctx, tx, ws, name, number)
		if err != nil {
			return err
		}
		if err := edit(tx, number, v); err != nil {
			return err
		}
		return touchModel(ctx, tx, ws, name)
	})
	if err != nil {
		return Version{}, err
	}
	return s.version(ctx, ws, name, func(*sqldb.Tx) (int64, error) { return number, nil })
}

// UpdateVersion changes what is said about a version; its content never changes.
func (s *Service) UpdateVersion(ctx context.Context, ws, name, version string, u UpdateVersion) (Version, error) {
	return s.change(ctx, ws, name, version, func(tx *sqldb.Tx, number int64, v Version) (err error) {
		if u.Description != nil {
			if err := tracking.CheckText("description", *u.Description); err != nil {
				return err
			}
			v.Description = *u.Description
		}
		if u.Stage != nil {
			if v.Stage, err = stageNamed(*u.Stage); err != nil {
				return err
			}
		}
		for key, value := range u.Properties {
			if value == nil {
				delete(v.Properties, key)
			} else {
				v.Properties[key] = *value
			}
		}
		if u.Description != nil || u.Stage != nil || u.Properties != nil {
			if err := updateVersion(ctx, tx, ws, number, v); err != nil {
				return err
			}
		}
		set := map[string]string{}
		for key, value := range u.Tags {
			if value == nil {
				if err := deleteVersionTag(ctx, tx, ws, name, number, key); err != nil {
					return err
				}
				continue
			}
			if err := checkTag(key, *value); err != nil {
				return err
			}
			set[key] = *value
		}
		return setVersionTags(ctx, tx, ws, name, number, set)
	})
}

// Transition moves a version to a stage. With archive, the versions that were in
// that stage move to Archived.
func (s *Service) Transition(ctx context.Context, ws, name, version, stage string, archive bool) (Version, error) {
	known, err := stageNamed(stage)
	if err != nil {
		return Version{}, err
	}
	if archive && known != Staging && known != Production {
		return Version{}, atelier.Errorf(atelier.Invalid, "Model version transition cannot archive existing model versions because '%s' is not an Active stage. Valid stages are Staging, Production.", known).At("stage")
	}
	return s.change(ctx, ws, name, version, func(tx *sqldb.Tx, number int64, v Version) error {
		v.Stage = known
		if err := updateVersion(ctx, tx, ws, number, v); err != nil {
			return err
		}
		if archive {
			return archiveOthers(ctx, tx, ws, number, v)
		}
		return nil
	})
}

// DeleteVersion removes a version. Its number is not given again.
func (s *Service) DeleteVersion(ctx context.Context, ws, name, version string) error {
	return s.write(ctx, ws, name, func(tx *sqldb.Tx) error {
		number, err := numberOf(ctx, tx, ws, name, version)
		if err != nil {
			return err
		}
		if _, err := selectVersion(ctx, tx, ws, name, number); err != nil {
			return err
		}
		if err := deleteVersion(ctx, tx, ws, name, number); err != nil {
			return err
		}
		return touchModel(ctx, tx, ws, name)
	})
}
