package tracking

import (
	"context"
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
		Filled: []string{"run_id", "run_name", "status", "user_id", "user", "artifact_uri", "start_time", "experiment_id", "lifecycle_stage"},
		Columns: map[string]string{
			"run_id": "r.id", "run_name": "r.name", "status": "r.status", "user_id": "r.claimed_user", "user": "r.user_name",
			"artifact_uri": "r.artifact_uri", "start_time": "r.started_at", "end_time": "r.ended_at",
			"experiment_id": "r.experiment_id", "experiment_name": "(SELECT e.name FROM experiments e WHERE e.workspace_id = r.workspace_id AND e.id = r.experiment_id)", "lifecycle_stage": "r.lifecycle_stage",
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
	maxSkip        = 1_000_000
)

// newListing reads q in a language over a table with the given alias.
func newListing(tx *sqldb.Tx, ws, alias string, q Search, n filter.Noun) (*filter.Listing, error) {
	limit, err := pageSize(q.MaxResults, defaultResults, maxResults)
	if err != nil {
		return nil, err
	}
	if q.Skip < 0 || q.Skip > maxSkip {
		return nil, atelier.Errorf(atelier.Invalid, "A list can be entered at most %d things after its beginning, not at %d.", maxSkip, q.Skip).At("skip").
			WithHint("Narrow the list with a filter, or follow its page tokens.")
	}
	l, err := filter.NewListing(tx.Engine(), n, filter.Query{Filter: q.Filter, OrderBy: q.OrderBy, PageToken: q.PageToken, Limit: limit, Skip: q.Skip})
	if err != nil {
		return nil, err
	}
	l.Only(alias+".workspace_id = ?", ws)
	if len(q.Experiments) > 0 {
		l.OnlyIn(alias+".experiment_id", q.Experiments)
	}
	return l, nil
}

// listRuns returns the search for the runs that q asks for.
func listRuns(tx *sqldb.Tx, counts *filter.Counts, ws string, q Search) (*filter.Listing, error) {
	stage, err := stageOf(q.View)
	if err != nil {
		return nil, err
	}
	source := runSource()
	if stage != "" && len(q.Experiments) <= 1 {
		source.Walk = "r.started_at"
	}
	l, err := newListing(tx, ws, "r", q, filter.Noun{Language: runLanguage(), Source: source})
	if err != nil {
		return nil, err
	}
	if stage != "" {
		l.Only("r.lifecycle_stage = ?", stage)
	}
	l.Choose(counts)
	leadRuns(l, ws, q.Experiments)
	l.Then("r.started_at", filter.Time, true)
	l.Then("r.id", filter.Text, false)
	return l, nil
}

const listedRuns = "r.id FROM runs r"

// searchRuns returns the ids of a page of runs, and the token of the next page.
func searchRuns(ctx context.Context, tx *sqldb.Tx, counts *filter.Counts, ws string, q Search) (ids []string, next string, err error) {
	l, err := listRuns(tx, counts, ws, q)
	if err != nil {
		return nil, "", err
	}
	next, err = l.Run(ctx, tx, listedRuns, func(rows *sqldb.Rows, position []any) error {
		var id string
		err := rows.Scan(append([]any{&id}, position...)...)
		ids = append(ids, id)
		return err
	})
	return ids, next, err
}

// countRuns counts what all pages of a search have.
func countRuns(ctx context.Context, tx *sqldb.Tx, ws string, q Search) (int, error) {
	l, err := listRuns(tx, nil, ws, q)
	if err != nil {
		return 0, err
	}
	return l.Count(ctx, tx, listedRuns)
}

// maxLeads is how many experiments are looked up one by one in an index.
const maxLeads = 16

// leadRuns tells l of the indexes on what runs logged.
func leadRuns(l *filter.Listing, ws string, experiments []string) {
	byValue := filter.Lead{Where: "t.workspace_id = ?", Values: []any{ws}}
	l.LeadBy(filter.Param, byValue)
	l.LeadBy(filter.Tag, byValue)
	if len(experiments) == 0 || len(experiments) > maxLeads {
		return
	}
	of := filter.Lead{Where: "t.workspace_id = ? AND t.experiment_id = ?", Values: []any{ws, experiments[0]}, Ordered: true}
	for _, id := range experiments[1:] {
		of.Values, of.Ordered = append(of.Values, id), false
	}
	if !of.Ordered {
		of.Where = "t.workspace_id = ? AND t.experiment_id IN (?" + strings.Repeat(", ?", len(experiments)-1) + ")"
	}
	l.LeadBy(filter.Metric, of)
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
	l, err := newListing(tx, ws, "e", q, filter.Noun{Language: experimentLanguage(), Source: experimentSource()})
	if err != nil {
		return page, err
	}
	if stage != "" {
		l.Only("e.lifecycle_stage = ?", stage)
	}
	l.Then("LENGTH(e.id)", filter.Time, true)
	l.Then("e.id", filter.Text, true)
	page.NextPageToken, err = l.Run(ctx, tx, experimentColumns+" FROM experiments e", func(rows *sqldb.Rows, position []any) error {
		e, err := scanExperiment(rows.Scan, position...)
		page.Items = append(page.Items, e)
		return err
	})
	if err != nil {
		return page, err
	}
	return page, loadExperimentTags(ctx, tx, ws, page.Items)
}
