package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/atelier-ml/atelier/internal/clock"
)

// maxGroup bounds how many writes share one commit, and so how long the first
// of them waits for the last.
const maxGroup = 128

// groupWriter owns SQLite's one writing connection. Writes that arrive while a
// commit is under way wait together and share the next one.
type groupWriter struct {
	session *session
	clock   clock.Clock
	queue   chan *pendingWrite
	done    chan struct{}

	watchers *watchers
}

type pendingWrite struct {
	ctx    context.Context
	fn     func(tx *Tx) error
	result chan error // buffered: the writer never waits for a caller that left
	err    error
}

func newGroupWriter(s *session, clk clock.Clock, told *watchers) *groupWriter {
	w := &groupWriter{session: s, clock: clk, queue: make(chan *pendingWrite, maxGroup), done: make(chan struct{}), watchers: told}
	go w.run()
	return w
}

func (w *groupWriter) write(ctx context.Context, fn func(tx *Tx) error) error {
	pending := &pendingWrite{ctx: ctx, fn: fn, result: make(chan error, 1)}
	select {
	case w.queue <- pending:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.done:
		return sql.ErrConnDone
	}
	// Once it is queued the write may commit, so its caller must learn the
	// outcome even when its own context ends: the wait is short and bounded.
	select {
	case err := <-pending.result:
		return err
	case <-w.done:
		return sql.ErrConnDone
	}
}

// stop ends the writer; writes still queued are refused.
func (w *groupWriter) stop() {
	w.queue <- nil
	<-w.done
}

func (w *groupWriter) run() {
	defer close(w.done)
	for first := range w.queue {
		group, last := w.gather(first)
		if len(group) > 0 {
			w.commit(group)
		}
		if last {
			return
		}
	}
}

// gather collects what is queued behind first, up to maxGroup. The second
// value is true when the order to stop was among it.
func (w *groupWriter) gather(first *pendingWrite) ([]*pendingWrite, bool) {
	if first == nil {
		return nil, true
	}
	group := []*pendingWrite{first}
	for len(group) < maxGroup {
		select {
		case next := <-w.queue:
			if next == nil {
				return group, true
			}
			group = append(group, next)
		default:
			return group, false
		}
	}
	return group, false
}

func (w *groupWriter) commit(group []*pendingWrite) {
	err := w.runGroup(group)
	for _, pending := range group {
		if err != nil {
			pending.err = err
		}
		pending.result <- pending.err
	}
}

// runGroup runs every write of the group and commits once. Its error is of the
// whole group: nothing of it is stored.
func (w *groupWriter) runGroup(group []*pendingWrite) error {
	if err := w.session.run("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin write: %w", err)
	}
	committed := false
	defer func() {
		if !committed {
			w.session.run("ROLLBACK")
		}
	}()
	tx := &Tx{session: w.session, engine: SQLite, now: w.clock.Now(), write: true}
	defer w.watchers.tell(tx)
	if len(group) == 1 {
		// The transaction is its own: nobody else's work is undone with it.
		if err := group[0].run(tx); err != nil {
			return err
		}
	} else {
		for _, pending := range group {
			if err := w.runInSavepoint(pending, tx); err != nil {
				return err
			}
		}
	}
	if err := w.session.run("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	committed = true
	return nil
}

// runInSavepoint runs one write of many such that it can be undone alone. Its
// error is of all of them.
func (w *groupWriter) runInSavepoint(pending *pendingWrite, tx *Tx) error {
	if err := w.session.run("SAVEPOINT one"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	if pending.err = pending.run(tx); pending.err != nil {
		if err := w.session.run("ROLLBACK TO one"); err != nil {
			return fmt.Errorf("undo a write: %w", errors.Join(pending.err, err))
		}
	}
	if err := w.session.run("RELEASE one"); err != nil {
		// SQLite has undone all of the group, as it does on a full disk. What
		// made it do so is the error of the write.
		return fmt.Errorf("end of savepoint: %w", errors.Join(pending.err, err))
	}
	return nil
}

// run does what was asked for, unless who asked has left.
func (p *pendingWrite) run(tx *Tx) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	return safely(p.fn, tx)
}

// safely turns a panic of one write into its error, so that a fault in one
// request cannot end the writer of all.
func safely(fn func(tx *Tx) error, tx *Tx) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic in a write: %v\n%s", cause, debug.Stack())
		}
	}()
	return fn(tx)
}
