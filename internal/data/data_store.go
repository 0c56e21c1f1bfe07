package data

import (
	"context"
	"errors"
	"strconv"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// The latest version of an asset stands beside it in every list.
const assetQuery = `SELECT a.name, a.archived, a.last_number, a.created_by, a.created_at, a.updated_at,
		COALESCE(v.version, ''), COALESCE(v.type, ''), COALESCE(v.description, '')
	FROM data_assets a LEFT JOIN data_versions v ON v.workspace_id = a.workspace_id AND v.name = a.name AND v.serial =
		(SELECT MAX(w.serial) FROM data_versions w WHERE w.workspace_id = a.workspace_id AND w.name = a.name AND w.archived = FALSE)
	WHERE a.workspace_id = $1 `

func scanAsset(scan func(...any) error) (Asset, error) {
	var a Asset
	var last, created, updated int64
	err := scan(&a.Name, &a.Archived, &last, &a.CreatedBy, &created, &updated, &a.LatestVersion, &a.Type, &a.Description)
	a.NextVersion = strconv.FormatInt(last+1, 10)
	a.CreatedAt, a.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return a, err
}

func selectAsset(ctx context.Context, tx *sqldb.Tx, ws, name string) (Asset, error) {
	a, err := scanAsset(tx.QueryRow(ctx, assetQuery+`AND a.name = $2`, ws, name).Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return a, atelier.Errorf(atelier.NotFound, "There is no data asset %q.", atelier.Clip(name, 80)).
			WithHint("List them with `atelier data list`.")
	}
	return a, err
}

func selectAssets(ctx context.Context, tx *sqldb.Tx, ws string, archived bool, after string, limit int) ([]Asset, error) {
	var all []Asset
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		a, err := scanAsset(rows.Scan)
		all = append(all, a)
		return err
	}, assetQuery+`AND a.name > $2 AND (a.archived = FALSE OR a.archived = $3) ORDER BY a.name LIMIT $4`, ws, after, archived, limit)
	return all, err
}

func updateAsset(ctx context.Context, tx *sqldb.Tx, ws string, a Asset) error {
	_, err := tx.Exec(ctx, `UPDATE data_assets SET archived = $3, updated_at = $4 WHERE workspace_id = $1 AND name = $2`,
		ws, a.Name, a.Archived, sqldb.Micros(a.UpdatedAt))
	return err
}

// countVersion makes the asset of v if it is new, and counts one more version, in
// a row that concurrent writers wait for. It returns the version's place in the
// order of versions, and the next number, which no version has had. A number that
// the user chose is noted, so that the next one is greater.
func countVersion(ctx context.Context, tx *sqldb.Tx, ws string, v Version, chosen int64) (serial, number int64, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO data_assets (workspace_id, name, archived, last_number, last_serial, created_by, created_at, updated_at)
		VALUES ($1, $2, FALSE, $3, 1, $4, $5, $5)
		ON CONFLICT (workspace_id, name) DO UPDATE SET archived = FALSE, last_serial = data_assets.last_serial + 1, updated_at = excluded.updated_at,
			last_number = CASE WHEN $6 = '' THEN data_assets.last_number + 1
				WHEN data_assets.last_number < $7 THEN $7 ELSE data_assets.last_number END
		RETURNING last_serial, last_number`,
		ws, v.Name, firstNumber(v.Version, chosen), v.CreatedBy, sqldb.Micros(tx.Now()), v.Version, chosen).Scan(&serial, &number)
	return serial, number, err
}

// firstNumber is the number that a new asset has counted to with its first version.
func firstNumber(version string, chosen int64) int64 {
	if version == "" {
		return 1
	}
	return chosen
}
