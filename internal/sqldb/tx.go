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
)

// ErrNoRows is returned by Row.Scan when the query found nothing.
var ErrNoRows = sql.ErrNoRows

// Row and Rows are the results of a query.
type (
	Row  = sql.Row
	Rows = sql.Rows
)

// Tx is a transaction under way.
type Tx struct {
	raw     executor
	session *session // SQLite only: keeps prepared statements
	engine  Engine
	now     time.Time
	write   bool
}

// executor is a transaction of database/sql, or the connection that has one.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Now is the one time of this transaction; SQL never asks the clock.
func (tx *Tx) Now() time.Time { return tx.now }

// Engine tells which database runs tx, for the few statements that must differ.
func (tx *Tx) Engine() Engine { return tx.engine }

// uninterrupted returns the context for a statement, or an error when ctx has
// ended. On SQLite a write that has begun is not interrupted: it is short, and
// watching over it would cost as much as the statement.
func (tx *Tx) uninterrupted(ctx context.Context) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return ctx, err
	}
	if tx.session != nil && tx.write {
		return context.WithoutCancel(ctx), nil
	}
	return ctx, nil
}

// prepare returns the statement of query that the session keeps, nil on
// PostgreSQL, whose driver keeps statements itself.
func (tx *Tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if tx.session == nil {
		return nil, nil
	}
	return tx.session.prepare(ctx, query)
}

// hold keeps the session from using query's statement again until the function
// that it returns is called.
func (tx *Tx) hold(query string) (release func()) {
	if tx.session == nil || tx.session.reading[query] {
		return func() {}
	}
	tx.session.reading[query] = true
	return func() { delete(tx.session.reading, query) }
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
	quiet, err := tx.uninterrupted(ctx)
	if err != nil {
		return describe(err, query)
	}
	statement, err := tx.prepare(quiet, query)
	if err != nil {
		return describe(err, query)
	}
	for _, args := range rows {
		if err := ctx.Err(); err != nil {
			return describe(err, query)
		}
		n, err := tx.execOne(quiet, statement, query, args)
		if err != nil {
			return describe(err, query)
		}
		*changed += n
	}
	return nil
}

func (tx *Tx) execOne(ctx context.Context, statement *sql.Stmt, query string, args []any) (int64, error) {
	var result sql.Result
	var err error
	if statement != nil {
		result, err = statement.ExecContext(ctx, args...)
	} else {
		result, err = tx.raw.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// QueryEach prepares query once, runs it for each list of arguments, and calls
// scan with the one row that each finds.
func (tx *Tx) QueryEach(ctx context.Context, scan func(i int, row *Row) error, query string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	quiet, err := tx.uninterrupted(ctx)
	if err != nil {
		return describe(err, query)
	}
	statement, err := tx.prepare(quiet, query)
	if err != nil {
		return describe(err, query)
	}
	defer tx.hold(query)()
	for i, args := range rows {
		if err := ctx.Err(); err != nil {
			return describe(err, query)
		}
		if err := scan(i, tx.queryOne(quiet, statement, query, args)); err != nil {
			return describe(err, query)
		}
	}
	return nil
}

// QueryRow runs a query that finds one row. Its error comes with Scan.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *Row {
	quiet, err := tx.uninterrupted(ctx)
	if err != nil {
		return tx.raw.QueryRowContext(ctx, query, args...) // which tells the error
	}
	statement, err := tx.prepare(quiet, query)
	if err != nil {
		statement = nil // the same error comes from the query itself
	}
	return tx.queryOne(quiet, statement, query, args)
}

func (tx *Tx) queryOne(ctx context.Context, statement *sql.Stmt, query string, args []any) *Row {
	if statement != nil {
		return statement.QueryRowContext(ctx, args...)
	}
	return tx.raw.QueryRowContext(ctx, query, args...)
}

// Query runs a query and calls scan for every row it finds.
func (tx *Tx) Query(ctx context.Context, scan func(rows *Rows) error, query string, args ...any) error {
	rows, err := tx.open(ctx, query, args)
	if err != nil {
		return describe(err, query)
	}
	defer tx.hold(query)()
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (tx *Tx) open(ctx context.Context, query string, args []any) (*Rows, error) {
	quiet, err := tx.uninterrupted(ctx)
	if err != nil {
		return nil, err
	}
	statement, err := tx.prepare(quiet, query)
	if err != nil {
		return nil, err
	}
	if statement != nil {
		return statement.QueryContext(quiet, args...)
	}
	return tx.raw.QueryContext(quiet, query, args...)
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
// system calls it, so that nobody above needs to know the databases' numbers.
func plainly(err error) error {
	full := false
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		full = pg.Code == "53100"
	} else if lite := (*sqlite.Error)(nil); errors.As(err, &lite) {
		full = lite.Code() == sqlite3.SQLITE_FULL
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
