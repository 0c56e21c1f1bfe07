package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

func insertUser(name string) func(tx *sqldb.Tx) error {
	return func(tx *sqldb.Tx) error {
		_, err := tx.Exec(context.Background(),
			`INSERT INTO users (id, name, server_role, created_at) VALUES ($1, $1, $2, $3)`,
			name, "user", sqldb.Micros(tx.Now()))
		return err
	}
}

func names(t *testing.T, db *sqldb.DB) []string {
	t.Helper()
	var found []string
	err := db.Read(context.Background(), func(tx *sqldb.Tx) error {
		return tx.Query(context.Background(), func(rows *sqldb.Rows) error {
			var name string
			err := rows.Scan(&name)
			found = append(found, name)
			return err
		}, `SELECT name FROM users ORDER BY name`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestConcurrentWritesAllCommit(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		var group sync.WaitGroup
		for i := range 200 {
			group.Go(func() {
				if err := db.Write(t.Context(), insertUser(fmt.Sprintf("user-%03d", i))); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := len(names(t, db)); got != 200 {
			t.Errorf("found %d rows, want 200", got)
		}
	})
}

func TestAFullDiskIsCalledThat(t *testing.T) {
	db, err := sqldb.Open(t.Context(), filepath.Join(t.TempDir(), "atelier.db"), clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	err = db.Write(t.Context(), func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(t.Context(), `PRAGMA max_page_count = 1`); err != nil {
			return err
		}
		return insertUser(strings.Repeat("x", 1<<20))(tx)
	})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
}

func TestADatabaseIsItsOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	db, err := sqldb.Open(t.Context(), filepath.Join(dir, "atelier.db"), clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
	}
}

func TestAServerThatIsNotThereIsOneSentence(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	_, err = sqldb.Open(t.Context(), "postgres://ada:secret@"+closed.Addr().String()+"/x", clock.System{})
	if err == nil || err.Error() != "connection refused" {
		t.Errorf("got %v", err)
	}
}

func TestFailedWriteIsUndoneAlone(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		refused := errors.New("refused")
		var group sync.WaitGroup
		for i := range 50 {
			group.Go(func() {
				err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
					if err := insertUser(fmt.Sprintf("user-%02d", i))(tx); err != nil {
						return err
					}
					if i%2 == 1 {
						return refused
					}
					return nil
				})
				if want := i%2 == 1; errors.Is(err, refused) != want {
					t.Errorf("write %d: error %v", i, err)
				}
			})
		}
		group.Wait()
		if got := len(names(t, db)); got != 25 {
			t.Errorf("found %d rows, want 25", got)
		}
	})
}

func TestPanicInAWriteHarmsNobodyElse(t *testing.T) {
	db := sqldbtest.SQLite(t, clock.System{})
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		if err := insertUser("lost")(tx); err != nil {
			return err
		}
		panic("a bug")
	})
	if err == nil {
		t.Fatal("a panicking write reported success")
	}
	if err := db.Write(t.Context(), insertUser("kept")); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(names(t, db)); got != "[kept]" {
		t.Errorf("found %s, want [kept]", got)
	}
}

func TestDuplicateIsRecognised(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := db.Write(t.Context(), insertUser("ada")); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), insertUser("ada")); !sqldb.IsDuplicate(err) {
			t.Errorf("second insert: %v, want a duplicate", err)
		}
	})
}

// Both engines must order text by its bytes, or pages would differ.
func TestTextOrdersByBytes(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for _, name := range []string{"a", "_d", "c", "B"} {
			if err := db.Write(t.Context(), insertUser(name)); err != nil {
				t.Fatal(err)
			}
		}
		if got := fmt.Sprint(names(t, db)); got != "[B _d a c]" {
			t.Errorf("ordered %s, want [B _d a c]", got)
		}
	})
}

// A search may write statements of many shapes while it reads the rows of
// another; the one that is being read must not be dropped under it.
func TestManyStatementsInsideAQuery(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for i := range 5 {
			if err := db.Write(t.Context(), insertUser(fmt.Sprintf("user-%d", i))); err != nil {
				t.Fatal(err)
			}
		}
		seen := 0
		read := func(tx *sqldb.Tx) error {
			return tx.Query(t.Context(), func(rows *sqldb.Rows) error {
				var name string
				if err := rows.Scan(&name); err != nil {
					return err
				}
				seen++
				if tx.Engine() == sqldb.Postgres {
					return nil // its protocol reads one result at a time
				}
				var again string
				if err := tx.QueryRow(t.Context(), `SELECT name FROM users ORDER BY name`).Scan(&again); err != nil || again != "user-0" {
					return fmt.Errorf("the same query inside itself: %q, %w", again, err)
				}
				for i := range 300 {
					var n int
					if err := tx.QueryRow(t.Context(), fmt.Sprintf(`SELECT %d`, seen*1000+i)).Scan(&n); err != nil {
						return err
					}
				}
				return nil
			}, `SELECT name FROM users ORDER BY name`)
		}
		if err := db.Read(t.Context(), read); err != nil || seen != 5 {
			t.Errorf("saw %d rows, %v", seen, err)
		}
	})
}

// Values come back as what they were stored as, into whatever kind of variable
// can hold them, on both engines.
func TestValuesIntoVariables(t *testing.T) {
	type name string
	type number int64
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
			var (
				text    string
				named   name
				short   int
				whole   number
				real    float64
				yes     bool
				none    *int64
				some    *int64
				perhaps *string
			)
			err := tx.QueryRow(t.Context(), `SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT),
				CAST($5 AS DOUBLE PRECISION), 1 = 1, CAST($6 AS BIGINT), CAST($7 AS BIGINT), CAST($8 AS TEXT)`,
				"a\u00e4", name("n"), 7, number(-8), 0.25, nil, int64(9), (*string)(nil)).
				Scan(&text, &named, &short, &whole, &real, &yes, &none, &some, &perhaps)
			if err != nil {
				return err
			}
			if text != "aä" || named != "n" || short != 7 || whole != -8 || real != 0.25 || !yes ||
				none != nil || *some != 9 || perhaps != nil {
				t.Error(text, named, short, whole, real, yes, none, some, perhaps)
			}
			if err := tx.QueryRow(t.Context(), `SELECT CAST($1 AS BIGINT)`, nil).Scan(&short); err == nil {
				t.Error("NULL was read into an int")
			}
			if err := tx.QueryRow(t.Context(), `SELECT 1, 2`).Scan(&short); err == nil {
				t.Error("two columns were read into one variable")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A reader that is under way when the database closes ends in peace.
func TestNothingIsReadFromAClosedDatabase(t *testing.T) {
	db := sqldbtest.SQLite(t, clock.System{})
	err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
		if err := db.Close(); err != nil {
			return err
		}
		if err := db.Read(t.Context(), func(*sqldb.Tx) error { return nil }); err == nil {
			t.Error("a read succeeded")
		}
		if err := db.Write(t.Context(), func(*sqldb.Tx) error { return nil }); err == nil {
			t.Error("a write succeeded")
		}
		var n int
		return tx.QueryRow(t.Context(), `SELECT COUNT(*) FROM users`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A reader that is stopped, panics or fails leaves its session to the next.
func TestReadersAfterTrouble(t *testing.T) {
	db := sqldbtest.SQLite(t, clock.System{})
	for i := range 3 {
		if err := db.Write(t.Context(), insertUser(fmt.Sprintf("user-%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	all := func(ctx context.Context, visit func() error) error {
		return db.Read(ctx, func(tx *sqldb.Tx) error {
			return tx.Query(ctx, func(*sqldb.Rows) error { return visit() }, `SELECT name FROM users ORDER BY name`)
		})
	}
	for range 20 {
		ctx, stop := context.WithCancel(t.Context())
		if err := all(ctx, func() error { stop(); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: %v", err)
		}
		refused := errors.New("refused")
		if err := all(t.Context(), func() error { return refused }); !errors.Is(err, refused) {
			t.Errorf("refused: %v", err)
		}
		func() {
			defer func() { recover() }()
			all(t.Context(), func() error { panic("a bug") })
		}()
		if got := fmt.Sprint(names(t, db)); got != "[user-0 user-1 user-2]" {
			t.Fatal(got)
		}
	}
}

// What deleted rows leave is given back while others write.
func TestShrink(t *testing.T) {
	file := filepath.Join(t.TempDir(), "atelier.db")
	db, err := sqldb.Open(t.Context(), file, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	size := func() int64 {
		t.Helper()
		if err := db.Close(); err != nil { // moves what is in the log to its place
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if db, err = sqldb.Open(t.Context(), file, clock.System{}); err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for i := range 100 {
		if err := db.Write(t.Context(), insertUser(fmt.Sprintf("%03d", i)+strings.Repeat("x", 100_000))); err != nil {
			t.Fatal(err)
		}
	}
	full := size()
	err = db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `DELETE FROM users WHERE name < $1`, "095")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for i := range 20 {
			if err := db.Write(t.Context(), insertUser(fmt.Sprint("new", i))); err != nil {
				t.Error(err)
			}
		}
	})
	if err := db.Shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	if left := size(); left > full/4 {
		t.Errorf("%d bytes are left of %d", left, full)
	}
	if got := len(names(t, db)); got != 25 {
		t.Errorf("found %d rows, want 25", got)
	}
}
