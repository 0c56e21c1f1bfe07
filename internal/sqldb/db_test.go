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
