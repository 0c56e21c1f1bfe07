package model

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/filter"
)

const modelColumns = `m.name, m.description, m.last_version, m.created_by, m.created_at, m.updated_at`

func scanModel(scan func(...any) error, after ...any) (Model, error) {
	m := Model{Tags: map[string]string{}, Aliases: map[string]string{}}
	var last, created, updated int64
	err := scan(append([]any{&m.Name, &m.Description, &last, &m.CreatedBy, &created, &updated}, after...)...)
	m.CreatedAt, m.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return m, err
}

func insertModel(ctx context.Context, tx *sqldb.Tx, ws string, m Model) error {
	_, err := tx.Exec(ctx, `INSERT INTO registered_models (workspace_id, name, description, last_version, created_by, created_at, updated_at)
		VALUES ($1, $2, $3, 0, $4, $5, $6)`, ws, m.Name, m.Description, m.CreatedBy, sqldb.Micros(m.CreatedAt), sqldb.Micros(m.UpdatedAt))
	if sqldb.IsDuplicate(err) {
		return taken(m.Name)
	}
	return err
}

// isPrompt reports whether the model called name is one of MLflow's prompts.
func isPrompt(ctx context.Context, tx *sqldb.Tx, ws, name string) (bool, error) {
	var found bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM registered_model_tags WHERE workspace_id = $1 AND name = $2 AND key = $3)`,
		ws, name, TagPrompt).Scan(&found)
	return found, err
}

func taken(name string) error {
	return atelier.Errorf(atelier.Conflict, "Registered Model (name=%s) already exists.", atelier.Clip(name, 80)).At("name")
}

// selectModel finds a model without its tags and aliases.
func selectModel(ctx context.Context, tx *sqldb.Tx, ws, name string) (Model, error) {
	row := tx.QueryRow(ctx, `SELECT `+modelColumns+` FROM registered_models m WHERE workspace_id = $1 AND name = $2`, ws, name)
	m, err := scanModel(row.Scan)
	if errors.Is(err, sqldb.ErrNoRows) {
		return m, atelier.Errorf(atelier.NotFound, "Registered Model with name=%s not found.", atelier.Clip(name, 80)).
			WithHint("List the models with `atelier model list`.")
	}
	return m, err
}

func updateModel(ctx context.Context, tx *sqldb.Tx, ws, name string, m Model) error {
	_, err := tx.Exec(ctx, `UPDATE registered_models SET name = $3, description = $4, updated_at = $5 WHERE workspace_id = $1 AND name = $2`,
		ws, name, m.Name, m.Description, sqldb.Micros(tx.Now()))
	if sqldb.IsDuplicate(err) {
		return taken(m.Name)
	}
	return err
}

func touchModel(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	_, err := tx.Exec(ctx, `UPDATE registered_models SET updated_at = $3 WHERE workspace_id = $1 AND name = $2`, ws, name, sqldb.Micros(tx.Now()))
	return err
}

func updateModelTimes(ctx context.Context, tx *sqldb.Tx, ws string, m Model) error {
	_, err := tx.Exec(ctx, `UPDATE registered_models SET created_at = $3, updated_at = $4 WHERE workspace_id = $1 AND name = $2`,
		ws, m.Name, sqldb.Micros(m.CreatedAt), sqldb.Micros(m.UpdatedAt))
	return err
}

func deleteModel(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM registered_models WHERE workspace_id = $1 AND name = $2`, ws, name)
	return err
}

func setModelTags(ctx context.Context, tx *sqldb.Tx, ws, name string, tags map[string]string) error {
	var rows [][]any
	for key, value := range tags {
		rows = append(rows, []any{ws, name, key, value})
	}
	return tx.ExecEach(ctx, `INSERT INTO registered_model_tags (workspace_id, name, key, value) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace_id, name, key) DO UPDATE SET value = excluded.value`, rows)
}

func deleteModelTag(ctx context.Context, tx *sqldb.Tx, ws, name, key string) error {
	_, err := tx.Exec(ctx, `DELETE FROM registered_model_tags WHERE workspace_id = $1 AND name = $2 AND key = $3`, ws, name, key)
	return err
}

func setAlias(ctx context.Context, tx *sqldb.Tx, ws, name, alias string, version int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO model_aliases (workspace_id, name, alias, version) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace_id, name, alias) DO UPDATE SET version = excluded.version`, ws, name, alias, version)
	return err
}

func deleteAlias(ctx context.Context, tx *sqldb.Tx, ws, name, alias string) error {
	_, err := tx.Exec(ctx, `DELETE FROM model_aliases WHERE workspace_id = $1 AND name = $2 AND alias = $3`, ws, name, alias)
	return err
}

func selectAlias(ctx context.Context, tx *sqldb.Tx, ws, name, alias string) (int64, error) {
	var version int64
	err := tx.QueryRow(ctx, `SELECT version FROM model_aliases WHERE workspace_id = $1 AND name = $2 AND alias = $3`, ws, name, alias).Scan(&version)
	if errors.Is(err, sqldb.ErrNoRows) {
		return 0, atelier.Errorf(atelier.Invalid, "Registered model alias %s not found.", atelier.Clip(alias, 80)).At("alias")
	}
	return version, err
}

// loadModels fills in tags, aliases and the latest version of models.
func loadModels(ctx context.Context, tx *sqldb.Tx, ws string, models []Model) error {
	at := map[string]*Model{}
	names := make([]string, len(models))
	for i := range models {
		names[i], at[models[i].Name] = models[i].Name, &models[i]
	}
	return inChunks(names, func(marks string, args []any) error {
		args = append([]any{ws}, args...)
		var name, key, value string
		var version int64
		err := tx.Query(ctx, func(rows *sqldb.Rows) error {
			err := rows.Scan(&name, &key, &value)
			at[name].Tags[key] = value
			return err
		}, `SELECT name, key, value FROM registered_model_tags WHERE workspace_id = $1 AND name IN (`+marks+`)`, args...)
		if err != nil {
			return err
		}
		err = tx.Query(ctx, func(rows *sqldb.Rows) error {
			err := rows.Scan(&name, &key, &version)
			at[name].Aliases[key] = strconv.FormatInt(version, 10)
			return err
		}, `SELECT name, alias, version FROM model_aliases WHERE workspace_id = $1 AND name IN (`+marks+`)`, args...)
		if err != nil {
			return err
		}
		return tx.Query(ctx, func(rows *sqldb.Rows) error {
			err := rows.Scan(&name, &version)
			at[name].LatestVersion = strconv.FormatInt(version, 10)
			return err
		}, `SELECT name, MAX(version) FROM model_versions WHERE workspace_id = $1 AND name IN (`+marks+`) GROUP BY name`, args...)
	})
}

// inChunks calls query with pieces of names that fit into one statement; $1 is
// the caller's.
func inChunks(names []string, query func(marks string, args []any) error) error {
	const perStatement = 150
	for start := 0; start < len(names); start += perStatement {
		var marks []string
		var args []any
		for i, name := range names[start:min(start+perStatement, len(names))] {
			marks = append(marks, "$"+strconv.Itoa(i+2))
			args = append(args, name)
		}
		if err := query(strings.Join(marks, ", "), args); err != nil {
			return err
		}
	}
	return nil
}

func modelNoun() filter.Noun {
	created, updated := filter.Field{Name: "creation_timestamp", Kind: filter.Time}, filter.Field{Name: "last_updated_timestamp", Kind: filter.Time}
	return filter.Noun{
		Language: filter.Language{Entities: []filter.Entity{filter.Tag}, Attributes: map[string]filter.Field{
			"name": {Name: "name", Kind: filter.ID}, "timestamp": updated, "creation_timestamp": created, "last_updated_timestamp": updated,
			"created_at": created, "updated_at": updated,
		}},
		Source: filter.Source{
			Columns: map[string]string{"name": "m.name", "creation_timestamp": "m.created_at", "last_updated_timestamp": "m.updated_at"},
			Tables:  map[filter.Entity]filter.Table{filter.Tag: {Name: "registered_model_tags", Owner: "t.workspace_id = m.workspace_id AND t.name = m.name"}},
		},
	}
}

// newListing reads q, and whether it is about prompts: not is "NOT " unless its
// filter says that the prompt tag is 'true', or not 'false'. Any other condition on
// that tag, as clients add to every search, means models that are no prompts.
func newListing(tx *sqldb.Tx, q Search, noun filter.Noun) (l *filter.Listing, not string, err error) {
	not = "NOT "
	l, err = filter.NewListing(tx.Engine(), noun, filter.Query{Filter: q.Filter, OrderBy: q.OrderBy, PageToken: q.PageToken, Limit: q.MaxResults,
		Take: func(c filter.Condition) bool {
			if c.Entity != filter.Tag || c.Key != TagPrompt {
				return false
			}
			if c.Operator == "=" && strings.EqualFold(c.Text, "true") || c.Operator == "!=" && strings.EqualFold(c.Text, "false") {
				not = ""
			}
			return true
		}})
	return l, not, err
}

func searchModels(ctx context.Context, tx *sqldb.Tx, ws string, q Search) (atelier.Page[Model], error) {
	page := atelier.Page[Model]{Items: []Model{}}
	l, not, err := newListing(tx, q, modelNoun())
	if err != nil {
		return page, err
	}
	l.Only("m.workspace_id = ?", ws)
	l.Only(not+`EXISTS (SELECT 1 FROM registered_model_tags p WHERE p.workspace_id = m.workspace_id AND p.name = m.name
		AND p.key = ? AND p.value = 'true')`, TagPrompt)
	l.Then("m.name", filter.Text, false)
	page.NextPageToken, err = l.Run(ctx, tx, modelColumns+" FROM registered_models m", func(rows *sqldb.Rows, position []any) error {
		m, err := scanModel(rows.Scan, position...)
		page.Items = append(page.Items, m)
		return err
	})
	if err != nil {
		return page, err
	}
	return page, loadModels(ctx, tx, ws, page.Items)
}
