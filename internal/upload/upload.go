// Package upload takes in files that come in parts: in any order, several at a
// time, each to an address that opens for that one part and for a day.
//
// Parts lie in a folder of the server, whatever the storage is, and are durable
// before they are answered. When all are there they become one artifact. An upload
// that is given up, or that nobody completes, is forgotten with its parts.
package upload

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
)

const (
	// MaxParts is how many parts a file may have, as with S3.
	MaxParts = 10_000
	// Lifetime is how long an upload may take.
	Lifetime = 24 * time.Hour
	// tidyEvery is how often uploads whose time is over are looked for.
	tidyEvery = 10 * time.Minute
)

// Upload is a file on its way in. Path is where it will be, as tracking.Locate
// understands it.
type Upload struct {
	ID        string
	Path      string
	Parts     int
	ExpiresAt time.Time
	key       string // signs the addresses of the parts
	job       string // whose token began it; empty for a person's
	done      bool
}

// Signature is what opens the address of one part.
func (u Upload) Signature(part int) string {
	mac := hmac.New(sha256.New, []byte(u.key))
	fmt.Fprintf(mac, "%s/%d", u.ID, part)
	return hex.EncodeToString(mac.Sum(nil))
}

// Part is a part that was sent, and what its content was said to be.
type Part struct {
	Number int
	Hash   blob.Hash
}

// Service takes in the uploads of every workspace.
type Service struct {
	db       *sqldb.DB
	clock    clock.Clock
	runs     *tracking.Service
	parts    *Folder
	complete singleflight.Group
}

// New returns the service, which keeps parts in the folder.
func New(db *sqldb.DB, clk clock.Clock, runs *tracking.Service, parts *Folder) *Service {
	return &Service{db: db, clock: clk, runs: runs, parts: parts}
}

// Begin starts the upload of the file at path.
func (s *Service) Begin(ctx context.Context, ws, path string, parts int) (Upload, error) {
	if parts < 1 || parts > MaxParts {
		return Upload{}, atelier.Errorf(atelier.Invalid, "Invalid value %d for parameter 'num_parts' supplied: it must be at least 1 and at most %d.", parts, MaxParts).At("num_parts")
	}
	if _, err := s.target(ctx, ws, path); err != nil {
		return Upload{}, err
	}
	u := Upload{Path: path, Parts: parts, key: atelier.NewSecret("")}
	if actor, _ := atelier.ActorFrom(ctx); actor.Kind == atelier.JobActor {
		u.job = actor.ID
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		u.ID, u.ExpiresAt = atelier.NewID(tx.Now()), tx.Now().Add(Lifetime)
		return insertUpload(ctx, tx, ws, u)
	})
	return u, err
}

// target is where the file at path goes, if the actor may write there.
func (s *Service) target(ctx context.Context, ws, path string) (tracking.Place, error) {
	place, err := s.runs.Locate(ctx, ws, path)
	if err == nil {
		err = s.runs.MayUpload(ctx, ws, place.Owner, place.Path)
	}
	return place, err
}

// PutPart stores what r gives as one part, and returns its hash once it is
// durable. A part that comes again replaces what was there. The signature is all
// that is asked for: who has it got it from somebody who may write.
func (s *Service) PutPart(ctx context.Context, ws, id string, part int, signature string, r io.Reader) (blob.Hash, error) {
	u, err := s.find(ctx, ws, id)
	if err != nil && atelier.CodeOf(err) != atelier.NotFound {
		return "", err
	}
	if err != nil || u.done || part < 1 || part > u.Parts || !hmac.Equal([]byte(signature), []byte(u.Signature(part))) {
		return "", atelier.Errorf(atelier.Forbidden, "This address opens no part of an upload: it is not as it was given, or its time is over.").
			WithHint("Begin the upload anew.")
	}
	hash, err := s.parts.keep(ctx, u.ID, part, r)
	if errors.Is(err, errGone) {
		err = notFound(id)
	}
	return hash, err
}

// find returns an upload whose time is not over.
func (s *Service) find(ctx context.Context, ws, id string) (u Upload, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		u, err = selectUpload(ctx, tx, ws, id)
		return err
	})
	if errors.Is(err, sqldb.ErrNoRows) || err == nil && !u.ExpiresAt.After(s.clock.Now()) {
		return Upload{}, notFound(id)
	}
	return u, err
}

func notFound(id string) error {
	return atelier.Errorf(atelier.NotFound, "There is no upload %q under way.", atelier.Clip(id, 60)).At("upload_id")
}

// findOwn is find for who may end the upload: a job's token only its own.
func (s *Service) findOwn(ctx context.Context, ws, id, path string) (Upload, error) {
	u, err := s.find(ctx, ws, id)
	if err != nil {
		return u, err
	}
	if actor, _ := atelier.ActorFrom(ctx); actor.Kind == atelier.JobActor && actor.ID != u.job {
		return u, notFound(id)
	}
	if path != u.Path {
		return u, atelier.Errorf(atelier.Invalid, "The upload %s is of the file %q and not of %q.", u.ID, atelier.Clip(u.Path, 120), atelier.Clip(path, 120)).At("path")
	}
	return u, nil
}

// Complete makes the parts, which must be all of the upload in their order, the
// file at path. Once it has, doing it again changes nothing: a client that waited
// too long for the answer may ask again.
func (s *Service) Complete(ctx context.Context, ws, id, path string, parts []Part) error {
	u, err := s.findOwn(ctx, ws, id, path)
	if err != nil || u.done {
		return err
	}
	place, err := s.target(ctx, ws, path)
	if err != nil {
		return err
	}
	if err := u.check(parts); err != nil {
		return err
	}
	_, err, _ = s.complete.Do(ws+"/"+u.ID, func() (any, error) {
		// Who asks again while this goes on gets its result, so it does not end with who asked first.
		return nil, s.join(context.WithoutCancel(ctx), ws, u.ID, place, parts)
	})
	return err
}

// check compares the parts that a client names with those that it announced.
func (u Upload) check(parts []Part) error {
	if len(parts) != u.Parts {
		return atelier.Errorf(atelier.Invalid, "The upload has %d parts, of which %d are named.", u.Parts, len(parts)).At("parts")
	}
	for i, part := range parts {
		if part.Number != i+1 {
			return atelier.Errorf(atelier.Invalid, "The parts must be named in their order: part %d is where part %d should be.", part.Number, i+1).At("parts")
		}
	}
	return nil
}

func (s *Service) join(ctx context.Context, ws, id string, place tracking.Place, parts []Part) error {
	if u, err := s.find(ctx, ws, id); err != nil || u.done {
		return err
	}
	if err := s.parts.present(id, parts); err != nil {
		return err
	}
	content := s.parts.joined(id, parts)
	defer content.Close()
	if err := s.runs.Upload(ctx, ws, place.Owner, place.Path, content); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error { return markDone(ctx, tx, ws, id) })
	if err != nil {
		return err
	}
	return s.parts.remove(id)
}

// Abort gives the upload up. One that is complete stays so.
func (s *Service) Abort(ctx context.Context, ws, id, path string) error {
	u, err := s.findOwn(ctx, ws, id, path)
	if err != nil || u.done {
		return err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error { return deleteUpload(ctx, tx, ws, u.ID) })
	if err != nil {
		return err
	}
	return s.parts.remove(u.ID)
}

// Run removes uploads whose time is over, and parts that belong to none, until ctx
// ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		if err := s.Tidy(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.clock.After(tidyEvery):
		}
	}
}

// Tidy is one round of Run.
func (s *Service) Tidy(ctx context.Context) error {
	found, err := s.parts.list() // first: a folder is younger than its upload's row
	if err != nil {
		return err
	}
	open, expired := map[string]bool{}, false
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return selectUploads(ctx, tx, func(u Upload) {
			over := !u.ExpiresAt.After(s.clock.Now())
			open[u.ID], expired = !over && !u.done, expired || over
		})
	})
	if err == nil && expired {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error { return deleteExpired(ctx, tx) })
	}
	for _, id := range found {
		if err == nil && !open[id] {
			err = s.parts.remove(id)
		}
	}
	return err
}
