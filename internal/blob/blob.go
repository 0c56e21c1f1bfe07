// Package blob stores bytes by their content: an object's name is the SHA-256
// of what it holds, so equal content is stored once and a name can never lead
// outside the store. Objects live under a workspace, and one workspace cannot
// see another's.
//
// A Tree is an immutable folder of objects: a code snapshot, a model version,
// an input that somebody uploaded.
package blob

import (
	"context"
	"encoding/hex"
	"io"
	"time"

	"github.com/atelier-ml/atelier"
)

// Hash is the SHA-256 of an object in 64 lower-case hexadecimal digits.
type Hash string

// ParseHash returns text as a Hash, or an Invalid error.
func ParseHash(text string) (Hash, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 32 || hex.EncodeToString(raw) != text {
		return "", atelier.Errorf(atelier.Invalid, "%q is not a SHA-256 in 64 lower-case hexadecimal digits.", atelier.Clip(text, 80)).At("sha256")
	}
	return Hash(text), nil
}

// Store keeps objects. Every method streams; none holds an object in memory.
type Store interface {
	// Put stores what r gives and returns its hash and its size in bytes. It
	// returns once the object is durable. Storing the same content again is
	// cheap and changes nothing.
	Put(ctx context.Context, workspace string, r io.Reader) (Hash, int64, error)
	// PutAs is Put for content that should have the hash want. Other content is
	// refused with an Invalid error and not stored.
	PutAs(ctx context.Context, workspace string, want Hash, r io.Reader) (int64, error)
	// Open returns the object and its size, or a NotFound error.
	Open(ctx context.Context, workspace string, h Hash) (io.ReadSeekCloser, int64, error)
	// Has reports whether the object is there. Whoever asks is about to refer to
	// it, so it counts as stored just now: nothing sweeps it away meanwhile.
	Has(ctx context.Context, workspace string, h Hash) (bool, error)
	// Delete removes the object. Deleting one that is not there is no error.
	Delete(ctx context.Context, workspace string, h Hash) error
	// DeleteAll removes every object of the workspace.
	DeleteAll(ctx context.Context, workspace string) error
	// List calls found with every object of the workspace, in no order. Objects
	// that come or go meanwhile may be among them or not.
	List(ctx context.Context, workspace string, found func(Object) error) error
	// DeleteUnused removes the object if nobody stored it or asked for it since
	// before, and reports whether it did.
	DeleteUnused(ctx context.Context, workspace string, h Hash, before time.Time) (bool, error)
}

// Object is one object as List finds it. UsedAt is when it was last stored, or
// asked for with Has.
type Object struct {
	Hash   Hash
	Size   int64
	UsedAt time.Time
}

// NotFoundError is what a Store answers when the object is not there.
func NotFoundError(h Hash) error {
	return atelier.Errorf(atelier.NotFound, "There is no object %s in this workspace.", h)
}

// OtherContentError is what PutAs answers to content with the hash got.
func OtherContentError(got, want Hash) error {
	return atelier.Errorf(atelier.Invalid, "The content has the SHA-256 %s and not %s, as was said.", got, want).
		WithHint("The file may have changed while it was sent. Send it again.")
}

// UntilDone is r, which fails once ctx ends, so that a long copy does.
func UntilDone(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
