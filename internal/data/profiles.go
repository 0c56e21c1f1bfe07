package data

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/data/profile"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// ProfileStatus says how far a profile has come.
type ProfileStatus string

const (
	ProfileQueued ProfileStatus = "Queued"
	ProfileReady  ProfileStatus = "Ready"
	ProfileFailed ProfileStatus = "Failed"
)

// ProfileState is a profile, or why there is none yet.
type ProfileState struct {
	Status  ProfileStatus    `json:"status" enum:"Queued,Ready,Failed"`
	Error   string           `json:"error,omitempty"`
	Profile *profile.Profile `json:"profile,omitempty"`
	AskedAt time.Time        `json:"asked_at"`
	DoneAt  *time.Time       `json:"done_at,omitempty"`
}

// profileKey is equal for equal content; empty for what cannot be looked at.
func (v Version) profileKey() string {
	if v.Reference != nil {
		return v.tableMark() + v.Reference.Fingerprint
	}
	if v.Tree == "" {
		return ""
	}
	return v.tableMark() + string(v.Tree)
}

// tableMark tells an MLTable from a folder with the same files, which is read as
// it is.
func (v Version) tableMark() string {
	if v.Type == MLTable {
		return "mltable:"
	}
	return ""
}

// Profile returns what is known of a version's tables. It is found out in the
// background when it is asked for first.
func (s *Service) Profile(ctx context.Context, ws, name, version string) (ProfileState, error) {
	v, err := s.Version(ctx, ws, name, version)
	if err != nil {
		return ProfileState{}, err
	}
	if v.profileKey() == "" {
		return ProfileState{}, atelier.Errorf(atelier.Precondition, "What lies at an address of the web cannot be looked at by the server.").
			WithHint("Download it and register the file.")
	}
	var state ProfileState
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := insertProfile(ctx, tx, ws, v); err != nil {
			return err
		}
		state, err = selectProfile(ctx, tx, ws, v.profileKey())
		return err
	})
	if err == nil && state.Status == ProfileQueued {
		s.wakeUp()
	}
	return state, err
}

func (s *Service) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// look asks for the profile of a new version, if it has tables.
func (s *Service) look(ctx context.Context, ws string, v Version) {
	if v.profileKey() == "" {
		return
	}
	if sources, err := s.sources(ctx, ws, v); err == nil {
		if tables, _, _, _ := v.table(sources); len(tables) > 0 {
			s.Profile(ctx, ws, v.Name, v.Version) // whoever wants to see it asks again
		}
	}
}

// sources are the files of a version.
func (s *Service) sources(ctx context.Context, ws string, v Version) ([]profile.Source, error) {
	var all []profile.Source
	if v.open() {
		files, err := s.collects.Files(ctx, ws, v.Reference.Path)
		return s.stored(ctx, ws, files), err
	}
	if r := v.Reference; r != nil && r.URL == "" {
		err := s.eachObject(ctx, ws, *r, func(_ datastore.Place, o datastore.Object) error {
			all = append(all, profile.Source{Name: datastore.Inside(o.Path, r.Path), Open: func() (io.ReadSeekCloser, int64, error) {
				return s.stores.Content(ctx, ws, r.Datastore, o.Path)
			}})
			return nil
		})
		return all, err
	}
	if v.Tree == "" {
		return nil, nil
	}
	tree, err := blob.GetTree(ctx, s.blobs, ws, v.Tree)
	return s.stored(ctx, ws, tree.Files), err
}

// stored are files as sources.
func (s *Service) stored(ctx context.Context, ws string, files []blob.File) (all []profile.Source) {
	for _, file := range files {
		all = append(all, profile.Source{Name: file.Path, Open: func() (io.ReadSeekCloser, int64, error) { return s.blobs.Open(ctx, ws, file.Hash) }})
	}
	return all
}

// Run makes the profiles that were asked for, one at a time, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		worked, err := s.profileNext(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if worked {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
	}
}

// waitingProfile is a profile to make.
type waitingProfile struct{ workspace, key, name, version string }

func (s *Service) profileNext(ctx context.Context) (worked bool, err error) {
	var next *waitingProfile
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		next, err = selectWaitingProfile(ctx, tx)
		return err
	})
	if err != nil || next == nil {
		return false, err
	}
	made, err := s.profileOf(ctx, *next)
	if ctx.Err() != nil {
		return false, nil // the next server makes it
	}
	state := ProfileState{Status: ProfileReady, Profile: &made}
	if err != nil {
		public := atelier.Public(err)
		if public.Code == atelier.Internal {
			slog.ErrorContext(ctx, "profile a data asset", "asset", next.name, "version", next.version, "error", err)
		}
		state = ProfileState{Status: ProfileFailed, Error: public.Message}
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error { return updateProfile(ctx, tx, *next, state) })
	s.announce(next.workspace, next.name)
	return true, err
}

func (s *Service) profileOf(ctx context.Context, w waitingProfile) (profile.Profile, error) {
	v, err := s.Version(ctx, w.workspace, w.name, w.version)
	if err != nil {
		return profile.Profile{}, err
	}
	sources, err := s.sources(ctx, w.workspace, v)
	if err != nil {
		return profile.Profile{}, err
	}
	tables, format, view, err := v.table(sources)
	if err != nil {
		return profile.Profile{}, err
	}
	if len(tables) == 0 {
		return profile.Profile{}, noTables(v)
	}
	return profile.Read(ctx, tables, format, view)
}

// table is what of the sources is the version's table.
func (v Version) table(sources []profile.Source) ([]profile.Source, profile.Format, profile.View, error) {
	if v.Type != MLTable {
		tables, format := profile.Tables(sources)
		return tables, format, profile.View{}, nil
	}
	return tableOf(sources)
}

func noTables(v Version) error {
	return atelier.Errorf(atelier.Precondition, "%s:%s has no tables.", v.Name, v.Version).
		WithHint("Tables are files that end in .csv, .tsv, .jsonl, .ndjson or .parquet.")
}

// Preview is the beginning of one table of a version.
type Preview struct {
	profile.Table
	Tables []string `json:"tables" doc:"The files that can be shown: the first 1,000."`
}

const (
	previewRows  = 50
	maxPreview   = 1000
	maxPreviewed = 1000 // names of files
)

// PreviewOf says what to show: the table at Path, the first one for "".
type PreviewOf struct {
	Path string
	Rows int
}

// Preview returns the first rows of a table.
func (s *Service) Preview(ctx context.Context, ws, name, version string, ask PreviewOf) (Preview, error) {
	v, err := s.Version(ctx, ws, name, version)
	if err != nil {
		return Preview{}, err
	}
	sources, err := s.sources(ctx, ws, v)
	if err != nil {
		return Preview{}, err
	}
	shown := Preview{Tables: []string{}}
	var chosen *profile.Source
	var format profile.Format
	var view profile.View
	if ask.Path == "" && v.Type == MLTable {
		var tables []profile.Source
		if tables, format, view, err = tableOf(sources); err != nil {
			return shown, err
		}
		if len(tables) > 0 {
			chosen = &tables[0]
		}
	}
	for _, source := range sources {
		by, ok := profile.FormatOf(source.Name)
		if !ok {
			continue
		}
		if chosen == nil && (ask.Path == source.Name || ask.Path == "" && v.Type != MLTable) {
			chosen, format = &source, by
		}
		if len(shown.Tables) < maxPreviewed {
			shown.Tables = append(shown.Tables, source.Name)
		}
	}
	switch {
	case chosen == nil && ask.Path != "":
		return shown, atelier.Errorf(atelier.NotFound, "%s:%s has no table %q.", v.Name, v.Version, atelier.Clip(ask.Path, 200)).At("path")
	case chosen == nil:
		return shown, noTables(v)
	}
	shown.Table, err = profile.Head(ctx, *chosen, format, min(cmp.Or(max(ask.Rows, 0), previewRows), maxPreview), view)
	return shown, err
}
