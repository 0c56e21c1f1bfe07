package sqldb

import (
	"context"
	"sync/atomic"
)

// companion is something to be written with the first write of a context.
type companion struct {
	fn   func(ctx context.Context, tx *Tx) error
	done atomic.Bool
}

type companionKey struct{}

// Along returns a context with which the first Write that succeeds also writes what fn
// does, in the same transaction. done tells whether that has happened.
func Along(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) (_ context.Context, done func() bool) {
	c := &companion{fn: fn}
	return context.WithValue(ctx, companionKey{}, c), c.done.Load
}

// withCompanion runs write with fn, and with what goes along with it.
func withCompanion(ctx context.Context, fn func(tx *Tx) error, write func(fn func(tx *Tx) error) error) error {
	c, ok := ctx.Value(companionKey{}).(*companion)
	if !ok || !c.done.CompareAndSwap(false, true) {
		return write(fn)
	}
	err := write(func(tx *Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return c.fn(ctx, tx)
	})
	if err != nil {
		c.done.Store(false)
	}
	return err
}
