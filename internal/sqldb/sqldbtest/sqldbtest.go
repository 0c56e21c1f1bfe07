// Package sqldbtest gives tests a real database: every test that uses Each runs
// on SQLite and on PostgreSQL.
package sqldbtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// PostgresVariable names the environment variable with the URL of a PostgreSQL
// server on which tests may create databases. `make test` starts one.
const PostgresVariable = "ATELIER_TEST_POSTGRES"

// Each runs test on a fresh, migrated database of every engine. Without
// PostgresVariable only SQLite is tested, and the test's log says so.
func Each(t *testing.T, test func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	EachAt(t, clock.System{}, test)
}

// EachAt is Each with a clock of the test's choice.
func EachAt(t *testing.T, clk clock.Clock, test func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	EachTarget(t, func(t *testing.T, target string) { test(t, open(t, target, clk)) })
}

// EachTarget runs test with where a fresh, empty database of every engine is.
func EachTarget(t *testing.T, test func(t *testing.T, target string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, filepath.Join(t.TempDir(), "atelier.db"))
	})
	if os.Getenv(PostgresVariable) == "" {
		t.Logf("PostgreSQL is not tested: %s is not set", PostgresVariable)
		return
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newPostgres(t))
	})
}

// SQLite returns a fresh SQLite database that ends with the test.
func SQLite(t testing.TB, clk clock.Clock) *sqldb.DB {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "atelier.db"), clk)
}

func open(t testing.TB, target string, clk clock.Clock) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(context.Background(), target, clk)
	if err != nil {
		t.Fatalf("open %s: %v", target, err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// newPostgres creates an empty database of the test's own and returns its URL.
func newPostgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(PostgresVariable)
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(atelier.NewID(clock.System{}.Now()))
	if _, err := admin.Exec(fmt.Sprintf("CREATE DATABASE %s", name)); err != nil {
		t.Fatalf("create a test database: %v", err)
	}
	t.Cleanup(func() {
		admin.Exec(fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name))
		admin.Close()
	})
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	address.Path = "/" + name
	return address.String()
}
