// Package sqldb is the database: SQLite in the data directory by default, or
// PostgreSQL by a URL. SQL is written once, with $n parameters, and the same
// text runs on both.
//
// Every access is a transaction, passed explicitly as a *Tx:
//
//	err := db.Write(ctx, func(tx *sqldb.Tx) error {
//		return insertRun(ctx, tx, run)
//	})
//
// A function whose first parameters are (ctx, tx) never begins or commits; a
// service's method does, once. On SQLite there is one writer, and concurrent
// Write calls share its transaction (group commit): each runs in a savepoint of
// its own, one commit makes them all durable, and nobody can meet "database is
// locked". A Write whose function fails is undone alone.
//
// Only files named *_store.go hold SQL; only this package knows database/sql.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxstd "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
)

// Engine is the database behind a DB.
type Engine string

const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// DB is an open database with its schema up to date.
type DB struct {
	engine  Engine
	clock   clock.Clock
	pool    *sql.DB      // PostgreSQL only
	readers *readers     // SQLite only
	writer  *groupWriter // SQLite only
	close   func() error

	watchers *watchers
}

// Open opens the database at target and migrates it. target is a PostgreSQL
// URL ("postgres://..."), or the path of a SQLite file, made if missing.
func Open(ctx context.Context, target string, clk clock.Clock) (*DB, error) {
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		return openPostgres(ctx, target, clk)
	}
	return openSQLite(ctx, target, clk)
}

func openSQLite(ctx context.Context, path string, clk clock.Clock) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the database's folder: %w", err)
	}
	// SQLite would let everybody on the machine read what it makes; the files
	// beside this one get its permissions.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the database: %w", err)
	}
	file.Close()
	source := sqliteDSN(path, "_pragma=auto_vacuum(incremental)", "_txlock=immediate", "_pragma=synchronous(full)")
	if err := migrateSQLite(ctx, source); err != nil {
		return nil, err
	}
	session, err := newSession(ctx, source)
	if err != nil {
		return nil, err
	}
	count := max(4, runtime.NumCPU()*2)
	pages := fmt.Sprintf("_pragma=cache_size(-%d)", max(leastPages, allPages/count))
	db := &DB{engine: SQLite, clock: clk, readers: newReaders(sqliteDSN(path, "_pragma=query_only(true)", pages), count), watchers: &watchers{}}
	db.writer = newGroupWriter(session, clk, db.watchers)
	db.close = func() error {
		db.writer.stop()
		return errors.Join(db.readers.close(), session.close())
	}
	return db, nil
}

func migrateSQLite(ctx context.Context, source string) error {
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	return errors.Join(migrate(ctx, db, SQLite), db.Close())
}

// How many KiB of the database's pages all readers may keep together, and each at
// least, which is what SQLite does by itself. A search of thousands of runs reads
// more than that, again and again.
const (
	allPages   = 32 << 10
	leastPages = 2000
)

func sqliteDSN(path string, options ...string) string {
	options = append(options, "_pragma=journal_mode(wal)", "_pragma=busy_timeout(10000)",
		"_pragma=foreign_keys(true)", "_pragma=temp_store(memory)")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(options, "&")
}

func openPostgres(ctx context.Context, target string, clk clock.Clock) (*DB, error) {
	config, err := pgxpool.ParseConfig(target)
	if err != nil {
		return nil, atelier.Errorf(atelier.Invalid, "The database URL cannot be read: %w", err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	db := pgxstd.OpenDBFromPool(pool)
	if err := migrate(ctx, db, Postgres); err != nil {
		db.Close()
		pool.Close()
		return nil, inOneSentence(err)
	}
	return &DB{engine: Postgres, clock: clk, pool: db, watchers: &watchers{}, close: func() error {
		err := db.Close()
		pool.Close()
		return err
	}}, nil
}

// inOneSentence takes of the many lines about a connection that failed, one for
// each address that was tried, what the last one comes down to.
func inOneSentence(err error) error {
	if refused := (*pgconn.ConnectError)(nil); !errors.As(err, &refused) {
		return err
	}
	text := strings.TrimSpace(err.Error())
	return errors.New(strings.TrimSpace(text[strings.LastIndex(text, ": ")+1:]))
}

// Close waits for writes under way and closes the database.
func (db *DB) Close() error { return db.close() }

// Engine tells which database is behind db.
func (db *DB) Engine() Engine { return db.engine }

// Clock is the one that transactions tell their time by.
func (db *DB) Clock() clock.Clock { return db.clock }

// Read runs fn in a read-only transaction: what it sees does not change under it.
func (db *DB) Read(ctx context.Context, fn func(tx *Tx) error) error {
	if db.engine == SQLite {
		return db.readers.read(ctx, func(s *session) error {
			return fn(&Tx{session: s, engine: SQLite, now: db.clock.Now()})
		})
	}
	raw, err := db.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return fmt.Errorf("begin read: %w", err)
	}
	defer raw.Rollback()
	return fn(&Tx{raw: raw, engine: Postgres, now: db.clock.Now()})
}

// Write runs fn in a transaction and returns once it is durable. fn may run
// more than once on PostgreSQL (after a deadlock), so it must have no effect
// outside the transaction.
func (db *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	return withCompanion(ctx, fn, func(fn func(tx *Tx) error) error { return db.write(ctx, fn) })
}

func (db *DB) write(ctx context.Context, fn func(tx *Tx) error) error {
	if db.engine == SQLite {
		return plainly(db.writer.write(ctx, fn))
	}
	const tries = 5
	for try := 1; ; try++ {
		err := db.writePostgres(ctx, fn)
		if try < tries && isRetryable(err) {
			<-db.clock.After(time.Duration(try) * 10 * time.Millisecond)
			continue
		}
		return plainly(err)
	}
}

func (db *DB) writePostgres(ctx context.Context, fn func(tx *Tx) error) error {
	raw, err := db.pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin write: %w", err)
	}
	defer raw.Rollback()
	tx := &Tx{raw: raw, engine: Postgres, now: db.clock.Now(), write: true}
	defer db.watchers.tell(tx)
	if err := fn(tx); err != nil {
		return err
	}
	return raw.Commit()
}
