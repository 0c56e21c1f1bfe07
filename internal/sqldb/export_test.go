package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// MigrateTo gives the database at target the schema that it had after so many
// migrations, and runs the statements.
func MigrateTo(ctx context.Context, target string, version int64, statements ...string) (err error) {
	engine, driver, source := SQLite, "sqlite", sqliteDSN(target)
	if strings.HasPrefix(target, "postgres://") {
		engine, driver, source = Postgres, "pgx", target
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	steps, err := newMigrator(db, engine)
	if err != nil {
		return err
	}
	if _, err := steps.UpTo(ctx, version); err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return describe(err, statement)
		}
	}
	return nil
}
