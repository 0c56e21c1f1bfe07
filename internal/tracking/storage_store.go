package tracking

import (
	"context"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// selectExperimentStorage returns what the files of each experiment take, or of
// the one with an id, as if runs were all that refers to objects.
func selectExperimentStorage(ctx context.Context, tx *sqldb.Tx, ws, experiment string) (all []ExperimentStorage, err error) {
	only, args := "", []any{ws}
	if experiment != "" {
		only, args = ` AND experiment_id = $2`, append(args, experiment)
	}
	at := map[string]int{}
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		var e ExperimentStorage
		err := rows.Scan(&e.ID, &e.Name, &e.LifecycleStage, &e.Runs)
		at[e.ID] = len(all)
		all = append(all, e)
		return err
	}, `SELECT id, name, lifecycle_stage, (SELECT COUNT(*) FROM runs r WHERE r.workspace_id = e.workspace_id AND r.experiment_id = e.id)
		FROM (SELECT workspace_id, id, id AS experiment_id, name, lifecycle_stage FROM experiments) AS e WHERE workspace_id = $1`+only, args...)
	if err != nil {
		return nil, err
	}
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		var id string
		var files, bytes, stored int64
		err := rows.Scan(&id, &files, &bytes, &stored)
		if i, ok := at[id]; ok {
			all[i].Files, all[i].Bytes, all[i].SharedBytes = files, bytes, stored
		}
		return err
	}, `SELECT experiment_id, CAST(SUM(files) AS BIGINT), CAST(SUM(bytes) AS BIGINT), CAST(SUM(size) AS BIGINT) FROM (
		SELECT experiment_id, COUNT(*) AS files, SUM(size) AS bytes, MAX(size) AS size FROM artifacts
		WHERE workspace_id = $1`+only+` GROUP BY experiment_id, hash) AS objects GROUP BY experiment_id`, args...)
	if err != nil {
		return nil, err
	}
	query := uniqueOfAll
	if experiment != "" {
		query = uniqueOfOne
	}
	return all, tx.Query(ctx, func(rows *sqldb.Rows) error {
		var id string
		var unique int64
		err := rows.Scan(&id, &unique)
		if i, ok := at[id]; ok {
			all[i].move(unique)
		}
		return err
	}, query, args...)
}

// What only the files of one experiment have: for each, or for the one in $2.
const (
	uniqueOfAll = `SELECT experiment, CAST(SUM(size) AS BIGINT) FROM (
		SELECT MIN(experiment_id) AS experiment, MAX(size) AS size FROM artifacts WHERE workspace_id = $1
		GROUP BY hash HAVING MIN(experiment_id) = MAX(experiment_id)) AS objects GROUP BY experiment`
	uniqueOfOne = `SELECT $2, CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM (
		SELECT hash, MAX(size) AS size FROM artifacts WHERE workspace_id = $1 AND experiment_id = $2 GROUP BY hash) AS own
		WHERE NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.workspace_id = $1 AND a.hash = own.hash AND a.experiment_id < $2)
		AND NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.workspace_id = $1 AND a.hash = own.hash AND a.experiment_id > $2)`
)

// selectSoleOwners calls found for those of hashes that the files of only one
// experiment have.
func selectSoleOwners(ctx context.Context, tx *sqldb.Tx, ws string, hashes []string, found func(experiment string, size int64)) error {
	return inChunks(hashes, func(marks string, args []any) error {
		return tx.Query(ctx, func(rows *sqldb.Rows) error {
			var experiment string
			var size int64
			err := rows.Scan(&experiment, &size)
			found(experiment, size)
			return err
		}, `SELECT MIN(experiment_id), MAX(size) FROM artifacts WHERE workspace_id = $1 AND hash IN (`+marks+`)
			GROUP BY hash HAVING MIN(experiment_id) = MAX(experiment_id)`, append([]any{ws}, args...)...)
	})
}

// selectStoredBytes returns what the files of all experiments take, equal content
// once.
func selectStoredBytes(ctx context.Context, tx *sqldb.Tx, ws string) (bytes int64, err error) {
	err = tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM (
		SELECT MAX(size) AS size FROM artifacts WHERE workspace_id = $1 AND experiment_id <> '' GROUP BY hash) AS objects`, ws).Scan(&bytes)
	return bytes, err
}

// selectSizes returns what those of hashes take that artifacts have.
func selectSizes(ctx context.Context, tx *sqldb.Tx, ws string, hashes []string) (bytes int64, err error) {
	rows := make([][]any, len(hashes))
	for i, hash := range hashes {
		rows[i] = []any{ws, hash}
	}
	err = tx.QueryEach(ctx, func(_ int, row *sqldb.Row) error {
		var size int64
		err := row.Scan(&size)
		bytes += size
		return err
	}, `SELECT COALESCE((SELECT size FROM artifacts WHERE workspace_id = $1 AND hash = $2 LIMIT 1), 0)`, rows)
	return bytes, err
}

// countArtifacts calls found with how many artifacts have each of hashes, or with
// a number above its most when they are more.
func countArtifacts(ctx context.Context, tx *sqldb.Tx, ws string, hashes []blob.Hash, most func(blob.Hash) int64, found func(blob.Hash, int64)) error {
	rows := make([][]any, len(hashes))
	for i, hash := range hashes {
		rows[i] = []any{ws, string(hash), most(hash) + 1}
	}
	return tx.QueryEach(ctx, func(i int, row *sqldb.Row) error {
		var n int64
		err := row.Scan(&n)
		found(hashes[i], n)
		return err
	}, `SELECT COUNT(*) FROM (SELECT 1 FROM artifacts WHERE workspace_id = $1 AND hash = $2 LIMIT $3) AS found`, rows)
}

// selectRunBytes returns the sizes of each run's files, with those of the logged
// models that it made; of one experiment, or of all for "". One experiment's are
// added up here: asked to group them, SQLite would read those of all.
func selectRunBytes(ctx context.Context, tx *sqldb.Tx, ws, experiment string) (map[string]int64, error) {
	only, args := "", []any{ws}
	files := `SELECT owner_kind, owner_id, CAST(SUM(size) AS BIGINT) FROM artifacts WHERE workspace_id = $1 GROUP BY owner_kind, owner_id`
	if experiment != "" {
		only, args = ` AND experiment_id = $2`, append(args, experiment)
		files = `SELECT owner_kind, owner_id, size FROM artifacts WHERE workspace_id = $1` + only
	}
	makers := map[string]string{} // runs by logged model
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var model, run string
		err := rows.Scan(&model, &run)
		makers[model] = run
		return err
	}, `SELECT id, source_run_id FROM logged_models WHERE workspace_id = $1`+only, args...)
	if err != nil {
		return nil, err
	}
	bytes := map[string]int64{}
	return bytes, tx.Query(ctx, func(rows *sqldb.Rows) error {
		var kind OwnerKind
		var owner string
		var n int64
		err := rows.Scan(&kind, &owner, &n)
		switch kind {
		case RunArtifact:
			bytes[owner] += n
		case LoggedModelArtifact:
			bytes[makers[owner]] += n
		}
		return err
	}, files, args...)
}

// loadTally adds the files of an owner.
func loadTally(ctx context.Context, tx *sqldb.Tx, ws string, o Owner, files tally) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var hash blob.Hash
		var size int64
		err := rows.Scan(&hash, &size)
		files[hash] = counted{size, files[hash].files + 1}
		return err
	}, `SELECT hash, size FROM artifacts WHERE workspace_id = $1 AND owner_kind = $2 AND owner_id = $3`, ws, string(o.Kind), o.ID)
}
