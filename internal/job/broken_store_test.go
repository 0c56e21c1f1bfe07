package job_test

import (
	"context"
	"testing"

	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// breakJobs makes the database refuse every change of a job, as it does when its
// disk is full, until the function it returns is called.
func breakJobs(t *testing.T, db *sqldb.DB) (repair func()) {
	t.Helper()
	run := func(statements ...string) {
		t.Helper()
		err := db.Write(context.Background(), func(tx *sqldb.Tx) error {
			for _, statement := range statements {
				if _, err := tx.Exec(context.Background(), statement); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if db.Engine() == sqldb.SQLite {
		run(`CREATE TRIGGER full_disk BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`)
		return func() { run(`DROP TRIGGER full_disk`) }
	}
	run(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END $$`,
		`CREATE TRIGGER full_disk BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION full_disk()`)
	return func() { run(`DROP TRIGGER full_disk ON jobs`, `DROP FUNCTION full_disk()`) }
}

// countTaskTokens counts the tokens of tasks that are still good.
func countTaskTokens(t *testing.T, db *sqldb.DB) (n int) {
	t.Helper()
	err := db.Read(context.Background(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(context.Background(), `SELECT COUNT(*) FROM credentials WHERE task IS NOT NULL`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// storedRunStatus reads the status of a run past all that services remember.
func storedRunStatus(t *testing.T, db *sqldb.DB, id string) (status tracking.RunStatus) {
	t.Helper()
	err := db.Read(context.Background(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(context.Background(), `SELECT status FROM runs WHERE id = $1`, id).Scan(&status)
	})
	if err != nil {
		t.Fatal(err)
	}
	return status
}
