package tracking

import (
	"context"
	"fmt"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/filter"
)

// The attributes of a run under every name that MLflow and our own API give them.
func runLanguage() filter.Language {
	return filter.Language{
		Entities: []filter.Entity{filter.Metric, filter.Param, filter.Tag, filter.Dataset},
		Attributes: map[string]filter.Field{
			"run_id": {Name: "run_id", Kind: filter.ID}, "id": {Name: "run_id", Kind: filter.ID},
			"run_name": {Name: "run_name"}, "run name": {Name: "run_name"}, "name": {Name: "run_name"},
			"status": {Name: "status"}, "user_id": {Name: "user_id"}, "user": {Name: "user"},
			"artifact_uri": {Name: "artifact_uri"}, "experiment_id": {Name: "experiment_id"}, "experiment_name": {Name: "experiment_name"},
			"lifecycle_stage": {Name: "lifecycle_stage"},
			"start_time":      {Name: "start_time", Kind: filter.Time}, "created": {Name: "start_time", Kind: filter.Time},
			"started_at": {Name: "start_time", Kind: filter.Time},
			"end_time":   {Name: "end_time", Kind: filter.Time}, "ended_at": {Name: "end_time", Kind: filter.Time},
		},
	}
}

func runSource() filter.Source {
	const owner = "t.workspace_id = r.workspace_id AND t.run_id = r.id"
	return filter.Source{
		Columns: map[string]string{
			"run_id": "r.id", "run_name": "r.name", "status": "r.status", "user_id": "r.claimed_user", "user": "r.user_name",
			"artifact_uri": "r.artifact_uri", "start_time": "r.started_at", "end_time": "r.ended_at",
			"experiment_id": "r.experiment_id", "experiment_name": "e.name", "lifecycle_stage": "r.lifecycle_stage",
		},
		Tables: map[filter.Entity]filter.Table{
			filter.Metric:  {Name: "latest_metrics", Owner: owner},
			filter.Param:   {Name: "run_params", Owner: owner},
			filter.Tag:     {Name: "run_tags", Owner: owner},
			filter.Dataset: {Name: "run_datasets", Owner: owner},
		},
	}
}

const (
	defaultResults = 1000
	maxResults     = 50_000
)

// listing is a search of one kind of thing, ready to run.
type listing struct {
	statement filter.Statement
	sorting   filter.Sorting
	where     []string
	limit     int
}

// newListing reads q in language. The caller adds its own conditions and orders.
func newListing(tx *sqldb.Tx, ws, alias string, q Search, language filter.Language, source filter.Source) (*listing, error) {
	conditions, err := filter.Parse(q.Filter, language)
	if err != nil {
		return nil, err
	}
	orders, err := filter.ParseOrder(q.OrderBy, language)
	if err != nil {
		return nil, err
	}
	l := &listing{statement: filter.Statement{Engine: tx.Engine()}}
	if l.limit, err = pageSize(q.MaxResults, defaultResults, maxResults); err != nil {
		return nil, err
	}
	l.where = append(l.where, alias+".workspace_id = "+l.statement.Bind(ws), l.statement.Where(conditions, source))
	if len(q.Experiments) > 0 {
		l.where = append(l.where, l.statement.In(alias+".experiment_id", q.Experiments))
	}
	l.sorting.Sort(&l.statement, orders, source)
	return l, nil
}

// run executes the search and returns the token of the next page. scan reads a
// row, whose last columns are the given destinations.
func (l *listing) run(ctx context.Context, tx *sqldb.Tx, columns, tables, token string, scan func(rows *sqldb.Rows, position []any) error) (string, error) {
	after, err := l.sorting.After(&l.statement, token)
	if err != nil {
		return "", err
	}
	query := fmt.Sprintf(`SELECT %s, %s %s %s WHERE %s AND %s ORDER BY %s LIMIT %s`,
		columns, l.sorting.Keys(), tables, l.sorting.Joins(),
		strings.Join(l.where, " AND "), after, l.sorting.OrderBy(), l.statement.Bind(l.limit+1))
	count, next := 0, ""
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		if count++; count > l.limit {
			return nil // only tells that there is more
		}
		position := l.sorting.NewPosition()
		if err := scan(rows, position); err != nil {
			return err
		}
		if count == l.limit {
			next = atelier.EncodePageToken(position)
		}
		return nil
	}, query, l.statement.Args...)
	if count <= l.limit {
		next = ""
	}
	return next, err
}

func searchRuns(ctx context.Context, tx *sqldb.Tx, ws string, q Search) (atelier.Page[Run], error) {
	page := atelier.Page[Run]{Items: []Run{}}
	stage, err := stageOf(q.View)
	if err != nil {
		return page, err
	}
	l, err := newListing(tx, ws, "r", q, runLanguage(), runSource())
	if err != nil {
		return page, err
	}
	if stage != "" {
		l.where = append(l.where, "r.lifecycle_stage = "+l.statement.Bind(stage))
	}
	l.sorting.Then("r.started_at", filter.Time, true)
	l.sorting.Then("r.id", filter.Text, false)
	page.NextPageToken, err = l.run(ctx, tx, runColumns, runTables, q.PageToken, func(rows *sqldb.Rows, position []any) error {
		run, err := scanRun(rows.Scan, position...)
		page.Items = append(page.Items, run)
		return err
	})
	if err != nil {
		return page, err
	}
	return page, loadRuns(ctx, tx, ws, page.Items)
}

func experimentLanguage() filter.Language {
	return filter.Language{
		Entities: []filter.Entity{filter.Tag},
		Attributes: map[string]filter.Field{
			"name": {Name: "name"}, "experiment_id": {Name: "experiment_id", Kind: filter.ID}, "id": {Name: "experiment_id", Kind: filter.ID},
			"creation_time": {Name: "creation_time", Kind: filter.Time}, "created_at": {Name: "creation_time", Kind: filter.Time},
			"last_update_time": {Name: "last_update_time", Kind: filter.Time}, "updated_at": {Name: "last_update_time", Kind: filter.Time},
		},
	}
}

func experimentSource() filter.Source {
	return filter.Source{
		Columns: map[string]string{"name": "e.name", "experiment_id": "e.id", "creation_time": "e.created_at", "last_update_time": "e.updated_at"},
		Tables:  map[filter.Entity]filter.Table{filter.Tag: {Name: "experiment_tags", Owner: "t.workspace_id = e.workspace_id AND t.experiment_id = e.id"}},
	}
}

func searchExperiments(ctx context.Context, tx *sqldb.Tx, ws string, q Search) (atelier.Page[Experiment], error) {
	page := atelier.Page[Experiment]{Items: []Experiment{}}
	stage, err := stageOf(q.View)
	if err != nil {
		return page, err
	}
	q.Experiments = nil
	if len(q.OrderBy) == 0 {
		q.OrderBy = []string{"creation_time DESC"}
	}
	l, err := newListing(tx, ws, "e", q, experimentLanguage(), experimentSource())
	if err != nil {
		return page, err
	}
	if stage != "" {
		l.where = append(l.where, "e.lifecycle_stage = "+l.statement.Bind(stage))
	}
	l.sorting.Then("LENGTH(e.id)", filter.Time, true)
	l.sorting.Then("e.id", filter.Text, true)
	page.NextPageToken, err = l.run(ctx, tx, experimentColumns, "FROM experiments e", q.PageToken, func(rows *sqldb.Rows, position []any) error {
		e, err := scanExperiment(rows.Scan, position...)
		page.Items = append(page.Items, e)
		return err
	})
	if err != nil {
		return page, err
	}
	return page, loadExperimentTags(ctx, tx, ws, page.Items)
}
