package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"

	"github.com/atelier-ml/atelier/internal/clock"
)

// Foreign is a database of another program: it is read, and never migrated or
// written.
type Foreign struct {
	db *DB
}

// OpenForeign opens the database at target for reading. target is a PostgreSQL
// URL or the path of a SQLite file that is there.
func OpenForeign(ctx context.Context, target string, clk clock.Clock) (*Foreign, error) {
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		db, err := sql.Open("pgx", target)
		if err != nil {
			return nil, err
		}
		if err := db.PingContext(ctx); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		return &Foreign{&DB{engine: Postgres, clock: clk, pool: db, close: db.Close}}, nil
	}
	source := "file:" + (&url.URL{Path: target}).EscapedPath() + "?mode=ro&_pragma=query_only(true)&_pragma=busy_timeout(10000)"
	connections := newReaders(source, 2)
	db := &DB{engine: SQLite, clock: clk, readers: connections, close: connections.close}
	if err := db.Read(ctx, func(*Tx) error { return nil }); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Foreign{db}, nil
}

// Read runs fn in a read-only transaction.
func (f *Foreign) Read(ctx context.Context, fn func(tx *Tx) error) error { return f.db.Read(ctx, fn) }

// Engine tells which database it is.
func (f *Foreign) Engine() Engine { return f.db.engine }

// Close closes the database.
func (f *Foreign) Close() error { return f.db.Close() }
