package tracking

import (
	"context"
	"errors"
	"path"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

func upsertArtifact(ctx context.Context, tx *sqldb.Tx, ws string, o Owner, a Artifact) error {
	if err := checkNoClash(ctx, tx, ws, o, a.Path); err != nil {
		return err
	}
	experiment := `SELECT experiment_id FROM runs WHERE workspace_id = $1 AND id = $3`
	if o.Kind == LoggedModelArtifact {
		experiment = `SELECT experiment_id FROM logged_models WHERE workspace_id = $1 AND id = $3`
	}
	_, err := tx.Exec(ctx, `INSERT INTO artifacts (workspace_id, owner_kind, owner_id, path, hash, size, created_at, experiment_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, COALESCE((`+experiment+`), ''))
		ON CONFLICT (workspace_id, owner_kind, owner_id, path) DO UPDATE SET hash = excluded.hash, size = excluded.size, created_at = excluded.created_at`,
		ws, string(o.Kind), o.ID, a.Path, string(a.Hash), a.Size, sqldb.Micros(tx.Now()))
	return err
}

// checkNoClash refuses a file where a folder is, and a folder where a file is:
// a client could not download such a pair.
func checkNoClash(ctx context.Context, tx *sqldb.Tx, ws string, o Owner, p string) error {
	for dir := path.Dir(p); dir != "." && dir != "/"; dir = path.Dir(dir) {
		_, err := selectArtifact(ctx, tx, ws, o, dir)
		if err == nil {
			return atelier.Errorf(atelier.Conflict, "%q cannot be a folder: there is a file with that name.", dir).At("path")
		}
		if !isNotFound(err) {
			return err
		}
	}
	below, err := selectArtifacts(ctx, tx, ws, o, p, 1)
	if err == nil && len(below) > 0 {
		return atelier.Errorf(atelier.Conflict, "%q cannot be a file: there is a folder with that name.", p).At("path")
	}
	return err
}

func selectArtifact(ctx context.Context, tx *sqldb.Tx, ws string, o Owner, p string) (Artifact, error) {
	a := Artifact{Path: p}
	err := tx.QueryRow(ctx, `SELECT hash, size FROM artifacts
		WHERE workspace_id = $1 AND owner_kind = $2 AND owner_id = $3 AND path = $4`,
		ws, string(o.Kind), o.ID, p).Scan(&a.Hash, &a.Size)
	if errors.Is(err, sqldb.ErrNoRows) {
		return a, atelier.Errorf(atelier.NotFound, "There is no artifact %q.", atelier.Clip(p, 120)).At("path")
	}
	return a, err
}

// selectArtifacts returns the files below folder ("" for all) in order of path;
// at most limit of them, or all for limit 0.
func selectArtifacts(ctx context.Context, tx *sqldb.Tx, ws string, o Owner, folder string, limit int) ([]Artifact, error) {
	from, to := "", "\U0010FFFF"
	if folder != "" {
		from, to = folder+"/", folder+"0" // '0' follows '/'
	}
	if limit <= 0 {
		limit = 1 << 31
	}
	var files []Artifact
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var a Artifact
		err := rows.Scan(&a.Path, &a.Hash, &a.Size)
		files = append(files, a)
		return err
	}, `SELECT path, hash, size FROM artifacts
		WHERE workspace_id = $1 AND owner_kind = $2 AND owner_id = $3 AND path >= $4 AND path < $5
		ORDER BY path LIMIT $6`, ws, string(o.Kind), o.ID, from, to, limit)
	return files, err
}

// deleteArtifacts removes the file p and all below the folder p.
func deleteArtifacts(ctx context.Context, tx *sqldb.Tx, ws string, o Owner, p string) (int64, error) {
	if p == "" {
		return tx.Exec(ctx, `DELETE FROM artifacts WHERE workspace_id = $1 AND owner_kind = $2 AND owner_id = $3`,
			ws, string(o.Kind), o.ID)
	}
	return tx.Exec(ctx, `DELETE FROM artifacts WHERE workspace_id = $1 AND owner_kind = $2 AND owner_id = $3
		AND (path = $4 OR (path >= $5 AND path < $6))`, ws, string(o.Kind), o.ID, p, p+"/", p+"0")
}
