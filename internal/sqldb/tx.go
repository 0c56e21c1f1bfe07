package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/atelier-ml/atelier"
)

// ErrNoRows is returned by Row.Scan when the query found nothing.
var ErrNoRows = sql.ErrNoRows

// Tx is a transaction under way.
type Tx struct {
	session *session // SQLite
	raw     *sql.Tx  // PostgreSQL, whose driver keeps prepared statements itself
	engine  Engine
	now     time.Time
	write   bool
	changed []Change
}

// Now is the one time of this transaction; SQL never asks the clock.
func (tx *Tx) Now() time.Time { return tx.now }

// Engine tells which database runs tx, for the few statements that must differ.
func (tx *Tx) Engine() Engine { return tx.engine }

// uninterrupted returns the context for a statement of SQLite, or an error when
// ctx has ended. A write that has begun is not interrupted: it is short, and
// watching over it would cost as much as the statement.
func (tx *Tx) uninterrupted(ctx context.Context) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return ctx, err
	}
	if tx.write {
		return context.WithoutCancel(ctx), nil
	}
	return ctx, nil
}

// Exec runs a statement and returns how many rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	var changed int64
	err := tx.execEach(ctx, query, [][]any{args}, &changed)
	return changed, err
}

// ExecEach prepares query once and runs it for each list of arguments. It is
// the fast way to insert many rows on both engines.
func (tx *Tx) ExecEach(ctx context.Context, query string, rows [][]any) error {
	var changed int64
	return tx.execEach(ctx, query, rows, &changed)
}

func (tx *Tx) execEach(ctx context.Context, query string, rows [][]any, changed *int64) error {
	if len(rows) == 0 {
		return nil
	}
	run, done, err := tx.executor(ctx, query)
	if err != nil {
		return describe(err, query)
	}
	defer done()
	for _, args := range rows {
		if err := ctx.Err(); err != nil {
			return describe(err, query)
		}
		n, err := run(args)
		if err != nil {
			return describe(err, query)
		}
		*changed += n
	}
	return nil
}

// executor returns a function that runs query, and one to call after the last time.
func (tx *Tx) executor(ctx context.Context, query string) (run func(args []any) (int64, error), done func(), err error) {
	if tx.session == nil {
		return func(args []any) (int64, error) {
			result, err := tx.raw.ExecContext(ctx, query, args...)
			if err != nil {
				return 0, err
			}
			return result.RowsAffected()
		}, func() {}, nil
	}
	quiet, st, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, nil, err
	}
	return func(args []any) (int64, error) { return tx.session.exec(quiet, st, args) }, func() { tx.session.release(st) }, nil
}

// prepare returns SQLite's statement of query, and the context to run it in.
func (tx *Tx) prepare(ctx context.Context, query string) (context.Context, *statement, error) {
	quiet, err := tx.uninterrupted(ctx)
	if err != nil {
		return ctx, nil, err
	}
	st, err := tx.session.prepare(quiet, query)
	return quiet, st, err
}

// QueryEach prepares query once, runs it for each list of arguments, and calls
// scan with the one row that each finds.
func (tx *Tx) QueryEach(ctx context.Context, scan func(i int, row *Row) error, query string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	find := func(args []any) *Row { return &Row{standard: tx.raw.QueryRowContext(ctx, query, args...)} }
	if tx.session != nil {
		quiet, st, err := tx.prepare(ctx, query)
		if err != nil {
			return describe(err, query)
		}
		defer tx.session.release(st)
		find = func(args []any) *Row { return tx.session.queryOne(quiet, st, args) }
	}
	for i, args := range rows {
		if err := ctx.Err(); err != nil {
			return describe(err, query)
		}
		if err := scan(i, find(args)); err != nil {
			return describe(err, query)
		}
	}
	return nil
}

// QueryRow runs a query that finds one row. Its error comes with Scan.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *Row {
	if tx.session == nil {
		if err := ctx.Err(); err != nil {
			return &Row{err: describe(err, query)}
		}
		return &Row{standard: tx.raw.QueryRowContext(ctx, query, args...)}
	}
	quiet, st, err := tx.prepare(ctx, query)
	if err != nil {
		return &Row{err: describe(err, query)}
	}
	defer tx.session.release(st)
	return tx.session.queryOne(quiet, st, args)
}

// Query runs a query and calls scan for every row it finds.
func (tx *Tx) Query(ctx context.Context, scan func(rows *Rows) error, query string, args ...any) error {
	if tx.session == nil {
		return tx.queryPostgres(ctx, scan, query, args)
	}
	quiet, st, err := tx.prepare(ctx, query)
	if err != nil {
		return describe(err, query)
	}
	defer tx.session.release(st)
	return tx.session.queryEach(quiet, st, scan, args)
}

func (tx *Tx) queryPostgres(ctx context.Context, scan func(rows *Rows) error, query string, args []any) error {
	if err := ctx.Err(); err != nil {
		return describe(err, query)
	}
	found, err := tx.raw.QueryContext(ctx, query, args...)
	if err != nil {
		return describe(err, query)
	}
	defer found.Close()
	rows := &Rows{standard: found}
	for found.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return found.Err()
}

func describe(err error, query string) error {
	return fmt.Errorf("%w (in %.80q)", err, query)
}

// IsDuplicate reports whether err says that a unique key is already there.
func IsDuplicate(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	if lite := (*sqlite.Error)(nil); errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// plainly adds to an error of a database on a full disk what the operating
// system calls it, and says who holds a database that is locked, so that nobody
// above needs to know the databases' numbers.
func plainly(err error) error {
	full := false
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		full = pg.Code == "53100"
	} else if lite := (*sqlite.Error)(nil); errors.As(err, &lite) {
		full = lite.Code() == sqlite3.SQLITE_FULL
		if lite.Code()&0xff == sqlite3.SQLITE_BUSY {
			return atelier.Errorf(atelier.Unavailable, "Another program holds the server's database: %w", err).
				WithHint("Close the program that has the file open for writing, then try again.")
		}
	}
	if full {
		return fmt.Errorf("%w: %w", err, syscall.ENOSPC)
	}
	return err
}

// isRetryable reports whether PostgreSQL undid a transaction only because of
// another one (deadlock, serialization failure).
func isRetryable(err error) bool {
	pg := (*pgconn.PgError)(nil)
	return errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
}
