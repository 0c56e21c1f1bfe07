package collect

import (
	"context"
	"errors"
	"path"
	"strings"
	"time"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

const fileColumns = `path, writer, hash, size, lines, at`

func scanFile(scan func(...any) error) (f file, err error) {
	var at int64
	err = scan(&f.path, &f.writer, &f.hash, &f.size, &f.lines, &at)
	f.at = sqldb.Time(at)
	return f, err
}

// insertFile notes a file unless its path is taken, and reports whether it did.
func insertFile(ctx context.Context, tx *sqldb.Tx, ws string, of Key, f file) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO collected_files (workspace_id, endpoint, deployment, collection, `+fileColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (workspace_id, path) DO NOTHING`,
		ws, of.Endpoint, of.Deployment, of.Collection, f.path, f.writer, string(f.hash), f.size, f.lines, sqldb.Micros(f.at))
	return n > 0, err
}

func deleteFile(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM collected_files WHERE workspace_id = $1 AND path = $2`, ws, name)
	return err
}

// selectSmall returns the small files that a writer has in a folder, oldest first.
func selectSmall(ctx context.Context, tx *sqldb.Tx, ws string, of Key, folder, writer string) (found []file, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		f, err := scanFile(rows.Scan)
		found = append(found, f)
		return err
	}, `SELECT `+fileColumns+` FROM collected_files
		WHERE workspace_id = $1 AND endpoint = $2 AND deployment = $3 AND collection = $4 AND writer = $5
		AND path >= $6 AND path < $7 AND lines > 0 AND size < $8 ORDER BY at, path`,
		ws, of.Endpoint, of.Deployment, of.Collection, writer, folder+"/", folder+"0", smallFile)
	return found, err
}

// selectBelow returns the files below a folder, with their paths in it. "0" is
// what follows "/" in the order of characters.
func selectBelow(ctx context.Context, tx *sqldb.Tx, ws, folder string) (found []blob.File, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		f, err := scanFile(rows.Scan)
		name := path.Base(f.path)
		if f.path != folder {
			name = strings.TrimPrefix(f.path, folder+"/")
		}
		found = append(found, blob.File{Path: name, Hash: f.hash, Size: f.size})
		return err
	}, `SELECT `+fileColumns+` FROM collected_files WHERE workspace_id = $1 AND (path = $2 OR path >= $3 AND path < $4) ORDER BY path`,
		ws, folder, folder+"/", folder+"0")
	return found, err
}

func selectSummaries(ctx context.Context, tx *sqldb.Tx, ws, endpoint, deployment string) (all []Summary, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		one := Summary{Key: Key{Endpoint: endpoint, Deployment: deployment}}
		var first, last int64
		err := rows.Scan(&one.Collection, &one.Rows, &one.Files, &one.Bytes, &first, &last)
		one.FirstAt, one.LastAt = sqldb.Time(first), sqldb.Time(last)
		all = append(all, one)
		return err
	}, `SELECT collection, CAST(SUM(lines) AS BIGINT), COUNT(*), CAST(SUM(size) AS BIGINT), MIN(at), MAX(at) FROM collected_files
		WHERE workspace_id = $1 AND endpoint = $2 AND deployment = $3 GROUP BY collection ORDER BY collection`, ws, endpoint, deployment)
	return all, err
}

// selectBefore returns the newest file of a collection that has lines, or the
// newest before a position: the very file where that is inside it.
func selectBefore(ctx context.Context, tx *sqldb.Tx, ws string, of Key, from *position) (*file, error) {
	before, name, inside := int64(1)<<62, "", false
	if from != nil {
		before, name, inside = from.At, from.Path, from.Line > 0
	}
	f, err := scanFile(tx.QueryRow(ctx, `SELECT `+fileColumns+` FROM collected_files
		WHERE workspace_id = $1 AND endpoint = $2 AND deployment = $3 AND collection = $4 AND lines > 0
		AND (at < $5 OR at = $5 AND (path < $6 OR path = $6 AND $7)) ORDER BY at DESC, path DESC LIMIT 1`,
		ws, of.Endpoint, of.Deployment, of.Collection, before, name, inside).Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, nil
	}
	return &f, err
}

func deleteBefore(ctx context.Context, tx *sqldb.Tx, ws string, of Key, before time.Time) (gone Deleted, err error) {
	const which = ` FROM collected_files WHERE workspace_id = $1 AND endpoint = $2 AND deployment = $3
		AND ($4 = '' OR collection = $4) AND at < $5`
	args := []any{ws, of.Endpoint, of.Deployment, of.Collection, sqldb.Micros(before)}
	err = tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(lines), 0) AS BIGINT), COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT)`+which, args...).Scan(&gone.Rows, &gone.Files, &gone.Bytes)
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE`+which, args...)
	}
	return gone, err
}

// References calls found with every collected file of a workspace.
func References(ctx context.Context, tx *sqldb.Tx, ws string, found func(blob.Reference)) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var hash string
		err := rows.Scan(&hash)
		found(blob.Reference{Hash: blob.Hash(hash)})
		return err
	}, `SELECT hash FROM collected_files WHERE workspace_id = $1`, ws)
}
