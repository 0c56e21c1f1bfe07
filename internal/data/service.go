package data

import (
	"cmp"
	"context"
	"maps"
	"strconv"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// Service is the registry of every workspace.
type Service struct {
	db       *sqldb.DB
	blobs    blob.Store
	bus      *event.Bus
	tracking *tracking.Service
	stores   *datastore.Service
	collects *collect.Service
	wake     chan struct{} // receives when a profile was asked for
}

// New returns the service over db and blobs, which reads what runs keep from
// tracked, what lies elsewhere through stores and what deployments collect from
// collected, and announces changes on bus.
func New(db *sqldb.DB, blobs blob.Store, bus *event.Bus, tracked *tracking.Service, stores *datastore.Service, collected *collect.Service) *Service {
	return &Service{db: db, blobs: blobs, bus: bus, tracking: tracked, stores: stores, collects: collected, wake: make(chan struct{}, 1)}
}

func (s *Service) write(ctx context.Context, ws, name string, change func(tx *sqldb.Tx) error) error {
	err := s.db.Write(ctx, change)
	if err == nil {
		s.announce(ws, name)
	}
	return err
}

func (s *Service) announce(ws, name string) {
	s.bus.Publish(event.Notice{Workspace: ws, Topic: event.Data, ID: name})
}

// Register makes a version, and the asset too if it is new. The content is
// stored before the version exists, so that a version is never half there.
func (s *Service) Register(ctx context.Context, ws string, r Register) (Version, error) {
	prepared, err := s.Prepare(ctx, ws, r)
	if err != nil {
		return Version{}, err
	}
	var made Version
	err = s.write(ctx, ws, r.Name, func(tx *sqldb.Tx) (err error) {
		made, err = Insert(ctx, tx, ws, prepared)
		return err
	})
	if err == nil {
		s.look(ctx, ws, made)
	}
	return made, err
}

// Prepare checks r, and finds and keeps what its path names. The version that it
// returns is for Insert, which gives it its number and its time.
func (s *Service) Prepare(ctx context.Context, ws string, r Register) (Version, error) {
	if err := r.check(); err != nil {
		return Version{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	v := Version{Name: r.Name, Version: r.Version, Type: cmp.Or(r.Type, Folder), Path: r.Path, Description: r.Description,
		Tags: clone(r.Tags), Properties: clone(r.Properties), CreatedBy: actor.Name}
	content, err := s.Resolve(ctx, ws, r.Path)
	if err != nil {
		return Version{}, at(err, "path")
	}
	if err := content.Check(v.Type); err != nil {
		return Version{}, err
	}
	if content.Reference != nil && r.Freeze {
		if content, err = s.freeze(ctx, ws, content); err != nil {
			return Version{}, at(err, "path")
		}
	}
	v.RunID, v.Reference, v.Files, v.Size = content.RunID, content.Reference, content.Files, content.Size
	if v.Reference == nil {
		v.Tree, v.Size, v.Files = content.Tree.ID, content.Tree.Size(), len(content.Tree.Files)
	}
	return v, nil
}

// at names the place of a fault that has none yet.
func at(err error, field string) error {
	if public := atelier.Public(err); public.Code != atelier.Internal && public.Field == "" {
		return public.At(field)
	}
	return err
}

func clone(pairs map[string]string) map[string]string {
	if pairs == nil {
		return map[string]string{}
	}
	return maps.Clone(pairs)
}

// Insert makes a prepared version in the transaction of whoever calls, and the
// asset too if it is new. A new version takes its asset out of the archive.
func Insert(ctx context.Context, tx *sqldb.Tx, ws string, v Version) (Version, error) {
	v.CreatedAt, v.UpdatedAt = tx.Now(), tx.Now()
	serial, next, err := countVersion(ctx, tx, ws, v, asNumber(v.Version))
	if err != nil {
		return Version{}, err
	}
	if v.Version == "" {
		v.Version = strconv.FormatInt(next, 10)
	}
	return v, insertVersion(ctx, tx, ws, serial, v)
}

// Taken reports whether there is a version with the name of v. Whoever is about
// to insert v asks before: an insertion that fails would break the transaction.
func Taken(ctx context.Context, tx *sqldb.Tx, ws string, v Version) (bool, error) {
	if v.Version == "" {
		return false, nil
	}
	_, err := selectVersion(ctx, tx, ws, v.Name, v.Version)
	if atelier.CodeOf(err) == atelier.NotFound {
		return false, nil
	}
	return err == nil, err
}

// Registered announces versions that others inserted.
func (s *Service) Registered(ctx context.Context, ws string, versions ...Version) {
	for _, v := range versions {
		s.announce(ws, v.Name)
		s.look(ctx, ws, v)
	}
}

// Get returns the asset called name.
func (s *Service) Get(ctx context.Context, ws, name string) (a Asset, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		a, err = selectAsset(ctx, tx, ws, name)
		return err
	})
	return a, err
}

// List returns a page of assets, by name.
func (s *Service) List(ctx context.Context, ws string, q List) (atelier.Page[Asset], error) {
	after := ""
	if q.PageToken != "" {
		if err := atelier.DecodePageToken(q.PageToken, &after); err != nil {
			return atelier.Page[Asset]{}, err
		}
	}
	size := atelier.PageSize(q.MaxResults, 100, 1000)
	var page atelier.Page[Asset]
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		page.Items, err = selectAssets(ctx, tx, ws, q.Archived, after, size+1)
		return err
	})
	if len(page.Items) > size {
		page.Items = page.Items[:size]
		page.NextPageToken = atelier.EncodePageToken(page.Items[size-1].Name)
	}
	return page, err
}

// Update changes an asset.
func (s *Service) Update(ctx context.Context, ws, name string, u UpdateAsset) (a Asset, err error) {
	err = s.write(ctx, ws, name, func(tx *sqldb.Tx) error {
		if a, err = selectAsset(ctx, tx, ws, name); err != nil {
			return err
		}
		if u.Archived != nil {
			a.Archived = *u.Archived
		}
		a.UpdatedAt = tx.Now()
		return updateAsset(ctx, tx, ws, a)
	})
	return a, err
}

// Version returns a version by its name, or the newest one for "latest".
func (s *Service) Version(ctx context.Context, ws, name, version string) (v Version, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		v, err = selectVersion(ctx, tx, ws, name, version)
		return err
	})
	return v, err
}

// Versions returns a page of an asset's versions, the newest first.
func (s *Service) Versions(ctx context.Context, ws, name string, q List) (atelier.Page[Version], error) {
	var before int64
	if q.PageToken != "" {
		if err := atelier.DecodePageToken(q.PageToken, &before); err != nil {
			return atelier.Page[Version]{}, err
		}
	}
	size := atelier.PageSize(q.MaxResults, 100, 1000)
	q.MaxResults = size + 1 // one more tells whether there is another page
	var page atelier.Page[Version]
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if _, err := selectAsset(ctx, tx, ws, name); err != nil {
			return err
		}
		items, serials, err := selectVersions(ctx, tx, ws, name, q, before)
		if page.Items = items; len(items) > size {
			page.Items = items[:size]
			page.NextPageToken = atelier.EncodePageToken(serials[size-1])
		}
		return err
	})
	return page, err
}

// UpdateVersion changes what is said about a version; its content never changes.
func (s *Service) UpdateVersion(ctx context.Context, ws, name, version string, u UpdateVersion) (v Version, err error) {
	err = s.write(ctx, ws, name, func(tx *sqldb.Tx) error {
		if v, err = selectVersion(ctx, tx, ws, name, version); err != nil {
			return err
		}
		if u.Description != nil {
			v.Description = *u.Description
		}
		if u.Archived != nil {
			v.Archived = *u.Archived
		}
		merge(v.Tags, u.Tags)
		merge(v.Properties, u.Properties)
		v.UpdatedAt = tx.Now()
		if err := (Register{Name: v.Name, Description: v.Description, Tags: v.Tags, Properties: v.Properties}).check(); err != nil {
			return err
		}
		return updateVersion(ctx, tx, ws, v)
	})
	return v, err
}

// merge puts changes into pairs; a nil value removes its key.
func merge(pairs map[string]string, changes map[string]*string) {
	for key, value := range changes {
		if value == nil {
			delete(pairs, key)
		} else {
			pairs[key] = *value
		}
	}
}
