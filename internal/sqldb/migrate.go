package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

// migrations holds files named NNNN_what.sql: numbered, forward-only SQL that
// is never edited once released. Statements end with a semicolon at the end of
// a line. The text is PostgreSQL's; sqliteWords turns it into SQLite's.
//
//go:embed migrations/*.sql
var migrations embed.FS

// sqliteWords are the few words that SQLite spells otherwise. COLLATE "C" makes
// PostgreSQL order text by its bytes, as SQLite does by itself.
var sqliteWords = strings.NewReplacer("BYTEA", "BLOB", ` COLLATE "C"`, "",
	"BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "INTEGER PRIMARY KEY")

func migrate(ctx context.Context, db *sql.DB, engine Engine) error {
	steps, err := newMigrator(db, engine)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := steps.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

func newMigrator(db *sql.DB, engine Engine) (*goose.Provider, error) {
	steps, err := migrationSteps(engine)
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	if engine == Postgres {
		dialect = goose.DialectPostgres
	}
	return goose.NewProvider(dialect, db, nil, goose.WithGoMigrations(steps...))
}

func migrationSteps(engine Engine) ([]*goose.Migration, error) {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var steps []*goose.Migration
	for _, file := range files {
		text, err := migrations.ReadFile(path.Join("migrations", file.Name()))
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(file.Name(), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s has no number", file.Name())
		}
		up := &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			return runStatements(ctx, tx, engine, string(text))
		}}
		steps = append(steps, goose.NewGoMigration(version, up, nil))
	}
	return steps, nil
}

func runStatements(ctx context.Context, tx *sql.Tx, engine Engine, text string) error {
	if engine == SQLite {
		text = sqliteWords.Replace(text)
	}
	for statement := range strings.SplitSeq(text, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return describe(err, statement)
		}
	}
	return nil
}
