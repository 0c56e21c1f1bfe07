package model

import (
	"context"
	"errors"
	"strconv"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/filter"
)

// nextVersion counts up the versions of a model, in a row that concurrent writers
// wait for. A number is never given twice, even when its version was deleted.
func nextVersion(ctx context.Context, tx *sqldb.Tx, ws, name string) (int64, error) {
	var number int64
	err := tx.QueryRow(ctx, `UPDATE registered_models SET last_version = last_version + 1, updated_at = $3
		WHERE workspace_id = $1 AND name = $2 RETURNING last_version`, ws, name, sqldb.Micros(tx.Now())).Scan(&number)
	return number, err
}

// reserveVersion notes that a version with a number of the user's choice is there.
func reserveVersion(ctx context.Context, tx *sqldb.Tx, ws, name string, number int64) error {
	_, err := tx.Exec(ctx, `UPDATE registered_models SET updated_at = $4,
			last_version = CASE WHEN last_version < $3 THEN $3 ELSE last_version END
		WHERE workspace_id = $1 AND name = $2`, ws, name, number, sqldb.Micros(tx.Now()))
	return err
}

func insertVersion(ctx context.Context, tx *sqldb.Tx, ws string, number int64, v Version) error {
	_, err := tx.Exec(ctx, `INSERT INTO model_versions (workspace_id, name, version, type, path, tree, size, flavors, description,
		properties, stage, run_id, run_link, logged_model_id, created_by, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)`,
		ws, v.Name, number, v.Type, v.Path, string(v.Tree), v.Size, sqldb.JSON(v.Flavors), v.Description,
		sqldb.JSON(v.Properties), v.Stage, v.RunID, v.RunLink, v.LoggedModelID, v.CreatedBy, sqldb.Micros(v.CreatedAt))
	if sqldb.IsDuplicate(err) {
		return atelier.Errorf(atelier.Conflict, "The model %q has a version %d already.", v.Name, number).At("version").
			WithHint("Versions never change. Leave the version out to get the next number.")
	}
	return err
}

const versionColumns = `v.name, v.version, v.type, v.path, v.tree, v.size, v.flavors, v.description, v.properties, v.stage,
	v.run_id, v.run_link, v.logged_model_id, v.created_by, v.created_at, v.updated_at`

func scanVersion(scan func(...any) error, after ...any) (Version, error) {
	v := Version{Tags: map[string]string{}, Aliases: []string{}, Status: Ready}
	var number, created, updated int64
	var flavors, properties string
	err := scan(append([]any{&v.Name, &number, &v.Type, &v.Path, &v.Tree, &v.Size, &flavors, &v.Description, &properties, &v.Stage,
		&v.RunID, &v.RunLink, &v.LoggedModelID, &v.CreatedBy, &created, &updated}, after...)...)
	if err != nil {
		return v, err
	}
	v.Version = strconv.FormatInt(number, 10)
	v.CreatedAt, v.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return v, errors.Join(sqldb.FromJSON(flavors, &v.Flavors), sqldb.FromJSON(properties, &v.Properties))
}

// selectVersion finds a version without its tags and aliases.
func selectVersion(ctx context.Context, tx *sqldb.Tx, ws, name string, number int64) (Version, error) {
	row := tx.QueryRow(ctx, `SELECT `+versionColumns+` FROM model_versions v WHERE workspace_id = $1 AND name = $2 AND version = $3`, ws, name, number)
	v, err := scanVersion(row.Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return v, atelier.Errorf(atelier.NotFound, "Model Version (name=%s, version=%d) not found.", atelier.Clip(name, 80), number).
			WithHint("List the versions with `atelier model list --name NAME`.")
	}
	return v, err
}

// selectLatest returns the greatest version number of a model.
func selectLatest(ctx context.Context, tx *sqldb.Tx, ws, name string) (int64, error) {
	var number *int64
	err := tx.QueryRow(ctx, `SELECT MAX(version) FROM model_versions WHERE workspace_id = $1 AND name = $2`, ws, name).Scan(&number)
	if err != nil {
		return 0, err
	}
	if number == nil {
		if _, err := selectModel(ctx, tx, ws, name); err != nil {
			return 0, err
		}
		return 0, atelier.Errorf(atelier.NotFound, "The model %q has no versions.", atelier.Clip(name, 80))
	}
	return *number, nil
}

// selectLatestByStage returns the newest version of every model in every stage
// that has one.
func selectLatestByStage(ctx context.Context, tx *sqldb.Tx, ws string, names []string) ([]Version, error) {
	var versions []Version
	err := inChunks(names, func(marks string, args []any) error {
		return tx.Query(ctx, func(rows *sqldb.Rows) error {
			v, err := scanVersion(rows.Scan)
			versions = append(versions, v)
			return err
		}, `SELECT `+versionColumns+` FROM model_versions v WHERE v.workspace_id = $1 AND v.name IN (`+marks+`) AND v.version =
			(SELECT MAX(w.version) FROM model_versions w WHERE w.workspace_id = v.workspace_id AND w.name = v.name AND w.stage = v.stage)
			ORDER BY v.name, v.stage`, append([]any{ws}, args...)...)
	})
	return versions, err
}

func updateVersion(ctx context.Context, tx *sqldb.Tx, ws string, number int64, v Version) error {
	_, err := tx.Exec(ctx, `UPDATE model_versions SET description = $4, stage = $5, properties = $6, updated_at = $7
		WHERE workspace_id = $1 AND name = $2 AND version = $3`,
		ws, v.Name, number, v.Description, v.Stage, sqldb.JSON(v.Properties), sqldb.Micros(tx.Now()))
	return err
}

func updateVersionTimes(ctx context.Context, tx *sqldb.Tx, ws string, number int64, v Version) error {
	_, err := tx.Exec(ctx, `UPDATE model_versions SET created_at = $4, updated_at = $5 WHERE workspace_id = $1 AND name = $2 AND version = $3`,
		ws, v.Name, number, sqldb.Micros(v.CreatedAt), sqldb.Micros(v.UpdatedAt))
	return err
}

// archiveOthers moves the other versions of a stage to Archived.
func archiveOthers(ctx context.Context, tx *sqldb.Tx, ws string, number int64, v Version) error {
	_, err := tx.Exec(ctx, `UPDATE model_versions SET stage = $5, updated_at = $6
		WHERE workspace_id = $1 AND name = $2 AND stage = $3 AND version <> $4`,
		ws, v.Name, v.Stage, number, Archived, sqldb.Micros(tx.Now()))
	return err
}

func deleteVersion(ctx context.Context, tx *sqldb.Tx, ws, name string, number int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM model_versions WHERE workspace_id = $1 AND name = $2 AND version = $3`, ws, name, number)
	return err
}

func setVersionTags(ctx context.Context, tx *sqldb.Tx, ws, name string, number int64, tags map[string]string) error {
	var rows [][]any
	for key, value := range tags {
		rows = append(rows, []any{ws, name, number, key, value})
	}
	return tx.ExecEach(ctx, `INSERT INTO model_version_tags (workspace_id, name, version, key, value) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (workspace_id, name, version, key) DO UPDATE SET value = excluded.value`, rows)
}

func deleteVersionTag(ctx context.Context, tx *sqldb.Tx, ws, name string, number int64, key string) error {
	_, err := tx.Exec(ctx, `DELETE FROM model_version_tags WHERE workspace_id = $1 AND name = $2 AND version = $3 AND key = $4`, ws, name, number, key)
	return err
}

// loadVersions fills in tags and aliases.
func loadVersions(ctx context.Context, tx *sqldb.Tx, ws string, versions []Version) error {
	at := map[string]*Version{}
	seen := map[string]bool{}
	var names []string
	for i := range versions {
		at[versions[i].Name+":"+versions[i].Version] = &versions[i]
		if !seen[versions[i].Name] {
			seen[versions[i].Name] = true
			names = append(names, versions[i].Name)
		}
	}
	return inChunks(names, func(marks string, args []any) error {
		args = append([]any{ws}, args...)
		var name, version, key, value string
		err := tx.Query(ctx, func(rows *sqldb.Rows) error {
			err := rows.Scan(&name, &version, &key, &value)
			if v := at[name+":"+version]; v != nil {
				v.Tags[key] = value
			}
			return err
		}, `SELECT name, version, key, value FROM model_version_tags WHERE workspace_id = $1 AND name IN (`+marks+`)`, args...)
		if err != nil {
			return err
		}
		return tx.Query(ctx, func(rows *sqldb.Rows) error {
			err := rows.Scan(&name, &version, &key)
			if v := at[name+":"+version]; v != nil {
				v.Aliases = append(v.Aliases, key)
			}
			return err
		}, `SELECT name, version, alias FROM model_aliases WHERE workspace_id = $1 AND name IN (`+marks+`) ORDER BY alias`, args...)
	})
}

// Registration is a version that was made from a logged model.
type Registration struct {
	Name    string `json:"name"`
	Version int64  `json:"version"`
}

// selectRegistrations returns the versions that were made from logged models, by
// the models' ids, the oldest first.
func selectRegistrations(ctx context.Context, tx *sqldb.Tx, ws string, ids []string) (map[string][]Registration, error) {
	found := map[string][]Registration{}
	err := inChunks(ids, func(marks string, args []any) error {
		return tx.Query(ctx, func(rows *sqldb.Rows) error {
			var id string
			var r Registration
			err := rows.Scan(&id, &r.Name, &r.Version)
			found[id] = append(found[id], r)
			return err
		}, `SELECT logged_model_id, name, version FROM model_versions
			WHERE workspace_id = $1 AND logged_model_id <> '' AND logged_model_id IN (`+marks+`)
			ORDER BY created_at, name, version`, append([]any{ws}, args...)...)
	})
	return found, err
}

func versionNoun() filter.Noun {
	created, updated := filter.Field{Name: "creation_timestamp", Kind: filter.Time}, filter.Field{Name: "last_updated_timestamp", Kind: filter.Time}
	return filter.Noun{
		Language: filter.Language{Entities: []filter.Entity{filter.Tag}, Attributes: map[string]filter.Field{
			"name": {Name: "name", Kind: filter.ID}, "run_id": {Name: "run_id", Kind: filter.ID}, "source_path": {Name: "source_path"},
			"version_number": {Name: "version_number", Kind: filter.Number}, "version": {Name: "version_number", Kind: filter.Number},
			"creation_timestamp": created, "last_updated_timestamp": updated, "created_at": created, "updated_at": updated,
			"stage": {Name: "stage"}, "type": {Name: "type"},
		}},
		Source: filter.Source{
			Columns: map[string]string{"name": "v.name", "run_id": "v.run_id", "source_path": "v.path", "version_number": "v.version",
				"creation_timestamp": "v.created_at", "last_updated_timestamp": "v.updated_at", "stage": "v.stage", "type": "v.type"},
			Tables: map[filter.Entity]filter.Table{filter.Tag: {Name: "model_version_tags",
				Owner: "t.workspace_id = v.workspace_id AND t.name = v.name AND t.version = v.version"}},
		},
	}
}

func searchVersions(ctx context.Context, tx *sqldb.Tx, ws string, q Search) (atelier.Page[Version], error) {
	page := atelier.Page[Version]{Items: []Version{}}
	l, not, err := newListing(tx, q, versionNoun())
	if err != nil {
		return page, err
	}
	l.Only("v.workspace_id = ?", ws)
	l.Only(not+`EXISTS (SELECT 1 FROM model_version_tags p WHERE p.workspace_id = v.workspace_id AND p.name = v.name
		AND p.version = v.version AND p.key = ? AND p.value = 'true')`, TagPrompt)
	l.Then("v.updated_at", filter.Time, true)
	l.Then("v.name", filter.Text, false)
	l.Then("v.version", filter.Time, true)
	page.NextPageToken, err = l.Run(ctx, tx, versionColumns+" FROM model_versions v", func(rows *sqldb.Rows, position []any) error {
		v, err := scanVersion(rows.Scan, position...)
		page.Items = append(page.Items, v)
		return err
	})
	if err != nil {
		return page, err
	}
	return page, loadVersions(ctx, tx, ws, page.Items)
}
