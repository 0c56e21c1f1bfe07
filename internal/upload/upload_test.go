package upload_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/blob/blobtest"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/upload"
)

const ws = "one"

// desk is a server that takes uploads in.
type desk struct {
	*upload.Service
	t     *testing.T
	ctx   context.Context
	db    *sqldb.DB
	blobs blob.Store
	clock *clock.Fake
	runs  *tracking.Service
	run   tracking.Owner
	path  string // of a file of the run
	dir   string
	parts *upload.Folder
}

// each runs test on every engine with every kind of storage.
func each(t *testing.T, test func(d *desk)) {
	clk := clock.NewFake(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	sqldbtest.EachAt(t, clk, func(t *testing.T, db *sqldb.DB) {
		if err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
				VALUES ($1, $1, '', '', '{}', '', 0, 0), ($2, $2, '', '', '{}', '', 0, 0)`, ws, "two")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		blobtest.Each(t, func(t *testing.T, store blob.Store) {
			runs := tracking.New(db, store, event.NewBus())
			ctx := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: "u1", Name: "ada"})
			run, err := runs.StartRun(ctx, ws, tracking.NewRun{})
			if err != nil {
				t.Fatal(err)
			}
			d := &desk{t: t, ctx: ctx, db: db, blobs: store, clock: clk, runs: runs, run: tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID},
				path: strings.TrimPrefix(run.ArtifactURI, "mlflow-artifacts:/") + "/models/net.bin", dir: t.TempDir()}
			d.start()
			test(d)
		})
	})
}

// start is a server's start, on what an earlier one left.
func (d *desk) start() {
	d.t.Helper()
	var err error
	d.parts, err = upload.OpenFolder(d.dir)
	d.must(err)
	d.t.Cleanup(func() { d.parts.Close() })
	d.Service = upload.New(d.db, d.clock, d.runs, d.parts)
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) refused(err error, code atelier.Code, fragment string) {
	d.t.Helper()
	if atelier.CodeOf(err) != code || !strings.Contains(err.Error(), fragment) {
		d.t.Errorf("error %v; want %s with %q", err, code, fragment)
	}
}

func (d *desk) begin(parts int) upload.Upload {
	d.t.Helper()
	u, err := d.Begin(d.ctx, ws, d.path, parts)
	d.must(err)
	return u
}

func (d *desk) put(u upload.Upload, part int, content string) upload.Part {
	d.t.Helper()
	hash, err := d.PutPart(d.t.Context(), ws, u.ID, part, u.Signature(part), strings.NewReader(content))
	d.must(err)
	return upload.Part{Number: part, Hash: hash}
}

// stored is the run's file, or what reading it gave instead.
func (d *desk) stored() (string, error) {
	d.t.Helper()
	content, _, err := d.runs.Open(d.ctx, ws, d.run, "models/net.bin")
	if err != nil {
		return "", err
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	return string(text), err
}

// left are the parts that lie in the folder.
func (d *desk) left() []string {
	d.t.Helper()
	found, err := filepath.Glob(filepath.Join(d.dir, "*", "*"))
	d.must(err)
	return found
}

func TestPartsBecomeAFile(t *testing.T) {
	each(t, func(d *desk) {
		whole := make([]byte, 300_000)
		rand.NewChaCha8([32]byte{1}).Read(whole)
		const size, parts = 70_000, 5
		u := d.begin(parts)
		sent := make([]upload.Part, parts)
		var group sync.WaitGroup
		for i := range parts { // all at a time, and so in any order
			group.Go(func() {
				content := whole[i*size : min((i+1)*size, len(whole))]
				hash, err := d.PutPart(t.Context(), ws, u.ID, i+1, u.Signature(i+1), iotest.OneByteReader(bytes.NewReader(content)))
				if sum := sha256.Sum256(content); err != nil || string(hash) != hex.EncodeToString(sum[:]) {
					t.Errorf("part %d: %s, %v", i+1, hash, err)
				}
				sent[i] = upload.Part{Number: i + 1, Hash: hash}
			})
		}
		group.Wait()
		if _, err := d.stored(); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("before it is complete: %v", err)
		}
		var results [3]error
		for i := range results { // a client that hears nothing asks again
			group.Go(func() { results[i] = d.Complete(d.ctx, ws, u.ID, d.path, sent) })
		}
		group.Wait()
		d.must(errors.Join(results[:]...))
		if got, err := d.stored(); err != nil || got != string(whole) {
			t.Errorf("stored %d bytes, %v", len(got), err)
		}
		d.must(d.Complete(d.ctx, ws, u.ID, d.path, sent))
		d.must(d.Abort(d.ctx, ws, u.ID, d.path))
		if _, err := d.stored(); err != nil {
			t.Errorf("after it was given up too late: %v", err)
		}
		_, err := d.PutPart(t.Context(), ws, u.ID, 1, u.Signature(1), strings.NewReader("late"))
		d.refused(err, atelier.Forbidden, "opens no part")
		if left := d.left(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestWhatWasAnsweredOutlivesTheServer(t *testing.T) {
	each(t, func(d *desk) {
		u := d.begin(3)
		sent := []upload.Part{d.put(u, 1, "a"), d.put(u, 2, ""), d.put(u, 3, "other")}
		_, err := d.PutPart(t.Context(), ws, u.ID, 1, u.Signature(1), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("half a part: %v", err)
		}
		d.must(d.parts.Close())
		d.must(os.WriteFile(filepath.Join(d.dir, u.ID, "incoming-of-a-killed-server"), []byte("x"), 0o600))
		d.start()
		d.must(d.Tidy(t.Context()))
		sent[2] = d.put(u, 3, "c")
		d.must(d.Complete(d.ctx, ws, u.ID, d.path, sent))
		if got, err := d.stored(); err != nil || got != "ac" {
			t.Errorf("stored %q, %v", got, err)
		}
		// Killed between storing the file and noting it: the parts are there and nobody wants them.
		d.must(os.MkdirAll(filepath.Join(d.dir, u.ID), 0o700))
		d.must(d.Tidy(t.Context()))
		if found, _ := os.ReadDir(d.dir); len(found) > 0 {
			t.Errorf("left: %v", found)
		}
	})
}

func TestWrongPartsMakeNoFile(t *testing.T) {
	each(t, func(d *desk) {
		u := d.begin(2)
		one := d.put(u, 1, "one")
		two := upload.Part{Number: 2, Hash: one.Hash}
		complete := func(fragment string, parts ...upload.Part) {
			t.Helper()
			d.refused(d.Complete(d.ctx, ws, u.ID, d.path, parts), atelier.Invalid, fragment)
		}
		complete("Part 2 of the upload has not arrived", one, two)
		before := d.put(u, 2, "before")
		two = d.put(u, 2, "two")
		complete("has 2 parts, of which 1 are named", one)
		complete("has 2 parts, of which 0 are named")
		complete("has 2 parts, of which 3 are named", one, two, upload.Part{Number: 3, Hash: two.Hash})
		complete("in their order", two, one)
		complete("in their order", one, one)
		complete("in their order", one, upload.Part{Number: -1 << 62, Hash: two.Hash})
		complete("has the ETag", one, upload.Part{Number: 2, Hash: one.Hash})
		complete("has the ETag", one, upload.Part{Number: 2})
		complete("has the ETag", one, before)
		d.refused(d.Complete(d.ctx, ws, u.ID, d.path+"x", []upload.Part{one, two}), atelier.Invalid, "is of the file")
		d.refused(d.Abort(d.ctx, ws, u.ID, d.path+"x"), atelier.Invalid, "is of the file")
		if _, err := d.stored(); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("something was stored: %v", err)
		}
		d.must(d.Complete(d.ctx, ws, u.ID, d.path, []upload.Part{one, two}))
		if got, err := d.stored(); err != nil || got != "onetwo" {
			t.Errorf("stored %q, %v", got, err)
		}
		for _, parts := range []int{-1, 0, upload.MaxParts + 1} {
			_, err := d.Begin(d.ctx, ws, d.path, parts)
			d.refused(err, atelier.Invalid, "num_parts")
		}
	})
}

func TestAnAddressOpensOnePartOfOneUpload(t *testing.T) {
	each(t, func(d *desk) {
		u, other := d.begin(2), d.begin(2)
		for name, c := range map[string]struct {
			ws, id    string
			part      int
			signature string
		}{
			"another part":      {ws, u.ID, 2, u.Signature(1)},
			"another upload":    {ws, other.ID, 1, u.Signature(1)},
			"another workspace": {"two", u.ID, 1, u.Signature(1)},
			"no workspace":      {"", u.ID, 1, u.Signature(1)},
			"no signature":      {ws, u.ID, 1, ""},
			"half a signature":  {ws, u.ID, 1, u.Signature(1)[:32]},
			"one digit wrong":   {ws, u.ID, 1, "0" + u.Signature(1)[1:] + "0"},
			"in capitals":       {ws, u.ID, 1, strings.ToUpper(u.Signature(1))},
			"part 0":            {ws, u.ID, 0, u.Signature(0)},
			"beyond the last":   {ws, u.ID, 3, u.Signature(3)},
			"no upload":         {ws, "../" + u.ID, 1, u.Signature(1)},
		} {
			_, err := d.PutPart(t.Context(), c.ws, c.id, c.part, c.signature, iotest.ErrReader(errors.New("was read")))
			if atelier.CodeOf(err) != atelier.Forbidden {
				t.Errorf("%s: %v", name, err)
			}
		}
		if left := d.left(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestAnUploadIsGivenUp(t *testing.T) {
	each(t, func(d *desk) {
		given, expired, kept := d.begin(1), d.begin(1), upload.Upload{}
		d.put(given, 1, "x")
		part := d.put(expired, 1, "x")
		d.must(d.Abort(d.ctx, ws, given.ID, d.path))
		d.refused(d.Abort(d.ctx, ws, given.ID, d.path), atelier.NotFound, "no upload")
		d.refused(d.Complete(d.ctx, ws, given.ID, d.path, nil), atelier.NotFound, "no upload")
		d.clock.Advance(upload.Lifetime / 2)
		kept = d.begin(1)
		d.put(kept, 1, "y")
		d.must(d.Tidy(t.Context()))
		if left := d.left(); len(left) != 2 {
			t.Errorf("left before their time is over: %v", left)
		}
		d.clock.Advance(upload.Lifetime / 2)
		_, err := d.PutPart(t.Context(), ws, expired.ID, 1, expired.Signature(1), strings.NewReader("x"))
		d.refused(err, atelier.Forbidden, "its time is over")
		d.refused(d.Complete(d.ctx, ws, expired.ID, d.path, []upload.Part{part}), atelier.NotFound, "no upload")
		d.must(d.Tidy(t.Context()))
		if left := d.left(); len(left) != 1 || filepath.Base(filepath.Dir(left[0])) != kept.ID {
			t.Errorf("left: %v", left)
		}
	})
}

func TestOnlyWhoMayWriteUploads(t *testing.T) {
	each(t, func(d *desk) {
		u := d.begin(1)
		part := d.put(u, 1, "x")
		as := func(id string) context.Context {
			return atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.JobActor, ID: id, Workspace: ws})
		}
		_, err := d.Begin(as("job-1"), ws, d.path, 1)
		d.refused(err, atelier.Forbidden, "job-1")
		d.refused(d.Complete(as("job-1"), ws, u.ID, d.path, []upload.Part{part}), atelier.NotFound, "no upload")
		d.refused(d.Abort(as("job-1"), ws, u.ID, d.path), atelier.NotFound, "no upload")
		d.refused(d.Complete(d.ctx, "two", u.ID, d.path, []upload.Part{part}), atelier.NotFound, "no upload")
		d.refused(d.Abort(d.ctx, "two", u.ID, d.path), atelier.NotFound, "no upload")
		_, err = d.Begin(d.ctx, "two", d.path, 1)
		d.refused(err, atelier.NotFound, "no run")

		free, err := d.Begin(as("job-1"), ws, "shared/"+u.ID, 1)
		d.must(err)
		d.refused(d.Abort(as("job-2"), ws, free.ID, free.Path), atelier.NotFound, "no upload")
		one := d.put(free, 1, "free")
		d.must(d.Complete(as("job-1"), ws, free.ID, free.Path, []upload.Part{one}))
		_, err = d.Begin(as("job-1"), ws, free.Path, 1)
		d.refused(err, atelier.Forbidden, "replace")

		d.must(d.runs.Delete(d.ctx, ws, d.run.ID))
		if err := d.Complete(d.ctx, ws, u.ID, d.path, []upload.Part{part}); err == nil {
			t.Error("a deleted run was written to")
		}
	})
}
