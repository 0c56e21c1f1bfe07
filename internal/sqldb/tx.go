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
	raw    *sql.Tx
	engine Engine
	now    time.Time
}

// Now is the one time of this transaction; SQL never asks the clock.
func (tx *Tx) Now() time.Time { return tx.now }

// Engine tells which database runs tx, for the few statements that must differ.
func (tx *Tx) Engine() Engine { return tx.engine }

// Exec runs a statement and returns how many rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := tx.raw.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, describe(err, query)
	}
	return result.RowsAffected()
}

// ExecEach prepares query once and runs it for each list of arguments. It is
// the fast way to insert many rows on both engines.
func (tx *Tx) ExecEach(ctx context.Context, query string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	statement, err := tx.raw.PrepareContext(ctx, query)
	if err != nil {
		return describe(err, query)
	}
	defer statement.Close()
	for _, args := range rows {
		if _, err := statement.ExecContext(ctx, args...); err != nil {
			return describe(err, query)
		}
	}
	return nil
}

// QueryRow runs a query that finds one row. Its error comes with Scan.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *Row {
	return tx.raw.QueryRowContext(ctx, query, args...)
}

// Query runs a query and calls scan for every row it finds.
func (tx *Tx) Query(ctx context.Context, scan func(rows *Rows) error, query string, args ...any) error {
	rows, err := tx.raw.QueryContext(ctx, query, args...)
	if err != nil {
		return describe(err, query)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
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
