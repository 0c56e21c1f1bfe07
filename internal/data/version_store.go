package data

import (
	"context"
	"errors"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

const versionColumns = `name, version, type, path, reference, tree, size, files, description, tags, properties, archived, run_id,
	created_by, created_at, updated_at`

func insertVersion(ctx context.Context, tx *sqldb.Tx, ws string, serial int64, v Version) error {
	_, err := tx.Exec(ctx, `INSERT INTO data_versions (workspace_id, serial, `+versionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		ws, serial, v.Name, v.Version, string(v.Type), v.Path, v.Reference.text(), string(v.Tree), v.Size, v.Files, v.Description,
		sqldb.JSON(v.Tags), sqldb.JSON(v.Properties), v.Archived, v.RunID, v.CreatedBy, sqldb.Micros(v.CreatedAt), sqldb.Micros(v.UpdatedAt))
	if sqldb.IsDuplicate(err) {
		return atelier.Errorf(atelier.Conflict, "The data asset %q has a version %q already.", v.Name, v.Version).At("version").
			WithHint("Versions never change. Leave the version out to get the next number.")
	}
	return err
}

func scanVersion(scan func(...any) error, before ...any) (Version, error) {
	var v Version
	var created, updated int64
	var reference, tags, properties string
	err := scan(append(before, &v.Name, &v.Version, &v.Type, &v.Path, &reference, &v.Tree, &v.Size, &v.Files, &v.Description, &tags, &properties,
		&v.Archived, &v.RunID, &v.CreatedBy, &created, &updated)...)
	if err != nil {
		return v, err
	}
	v.CreatedAt, v.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	if v.Reference, err = readReference(reference); err != nil {
		return v, err
	}
	return v, errors.Join(sqldb.FromJSON(tags, &v.Tags), sqldb.FromJSON(properties, &v.Properties))
}

// selectVersion finds a version by its name, or the newest for "latest".
func selectVersion(ctx context.Context, tx *sqldb.Tx, ws, name, version string) (Version, error) {
	query, args := `SELECT `+versionColumns+` FROM data_versions WHERE workspace_id = $1 AND name = $2 AND version = $3`, []any{ws, name, version}
	if version == Latest {
		query = `SELECT ` + versionColumns + ` FROM data_versions WHERE workspace_id = $1 AND name = $2 AND archived = FALSE ORDER BY serial DESC LIMIT 1`
		args = args[:2]
	}
	v, err := scanVersion(tx.QueryRow(ctx, query, args...).Scan)
	if !errors.Is(err, sqldb.ErrNoRows) {
		return v, err
	}
	if _, err := selectAsset(ctx, tx, ws, name); err != nil {
		return v, err
	}
	if version == Latest {
		return v, atelier.Errorf(atelier.NotFound, "All versions of the data asset %q are archived.", name).
			WithHint("Name one of `atelier data list --name %s --archived`.", name)
	}
	return v, atelier.Errorf(atelier.NotFound, "The data asset %q has no version %q.", name, atelier.Clip(version, 80)).
		WithHint("List its versions with `atelier data list --name %s`.", name)
}

// selectVersions returns q.MaxResults versions before a serial number, 0 for all,
// newest first, and their serial numbers.
func selectVersions(ctx context.Context, tx *sqldb.Tx, ws, name string, q List, before int64) (all []Version, serials []int64, err error) {
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		var serial int64
		v, err := scanVersion(rows.Scan, &serial)
		all, serials = append(all, v), append(serials, serial)
		return err
	}, `SELECT serial, `+versionColumns+` FROM data_versions
		WHERE workspace_id = $1 AND name = $2 AND (archived = FALSE OR archived = $3) AND ($4 = 0 OR serial < $4)
		ORDER BY serial DESC LIMIT $5`, ws, name, q.Archived, before, q.MaxResults)
	return all, serials, err
}

func updateVersion(ctx context.Context, tx *sqldb.Tx, ws string, v Version) error {
	_, err := tx.Exec(ctx, `UPDATE data_versions SET description = $4, tags = $5, properties = $6, archived = $7, updated_at = $8
		WHERE workspace_id = $1 AND name = $2 AND version = $3`,
		ws, v.Name, v.Version, v.Description, sqldb.JSON(v.Tags), sqldb.JSON(v.Properties), v.Archived, sqldb.Micros(v.UpdatedAt))
	return err
}

// text is how a reference is stored, "" for none.
func (r *Reference) text() string {
	if r == nil {
		return ""
	}
	return sqldb.JSON(r)
}

func readReference(text string) (*Reference, error) {
	if text == "" {
		return nil, nil
	}
	r := &Reference{}
	return r, sqldb.FromJSON(text, r)
}
