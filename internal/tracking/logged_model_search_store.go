package tracking

import (
	"context"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/filter"
)

// statusWords are the short forms of statuses, which MLflow's users write and see,
// by the long ones of its wire.
var statusWords = map[string]string{string(ModelPending): "PENDING", string(ModelReady): "READY", string(ModelUploadFailed): "FAILED"}

func loggedModelLanguage() filter.Language {
	created := filter.Field{Name: "creation_time", Kind: filter.Time}
	updated := filter.Field{Name: "last_updated_time", Kind: filter.Time}
	return filter.Language{
		Entities: []filter.Entity{filter.Metric, filter.Param, filter.Tag},
		Lists:    true,
		Attributes: map[string]filter.Field{
			"name": {Name: "name", Kind: filter.ID}, "model_id": {Name: "model_id", Kind: filter.ID},
			"model_type": {Name: "model_type", Kind: filter.ID}, "status": {Name: "status", Kind: filter.ID, Words: statusWords},
			"source_run_id": {Name: "source_run_id", Kind: filter.ID}, "experiment_id": {Name: "experiment_id", Kind: filter.ID},
			"creation_timestamp": created, "creation_time": created, "creation_timestamp_ms": created,
			"last_updated_timestamp": updated, "last_updated_time": updated, "last_updated_timestamp_ms": updated,
		},
	}
}

// statusWord is the short form of a model's status.
const statusWord = `CASE m.status WHEN 'LOGGED_MODEL_UPLOAD_FAILED' THEN 'FAILED' ELSE SUBSTR(m.status, 14) END`

const ofLoggedModel = "t.workspace_id = m.workspace_id AND t.model_id = m.id"

// loggedModelSource is where filters look: the latest values that each run
// measured on each of the datasets.
func loggedModelSource(datasets []DatasetFilter) filter.Source {
	condition, values := measuredOn("t", datasets)
	return filter.Source{
		Columns: map[string]string{"name": "m.name", "model_id": "m.id", "model_type": "m.model_type", "status": statusWord,
			"source_run_id": "m.source_run_id", "experiment_id": "m.experiment_id",
			"creation_time": "m.created_at", "last_updated_time": "m.updated_at"},
		Tables: map[filter.Entity]filter.Table{
			filter.Metric: {Name: "logged_model_metrics", Owner: ofLoggedModel + condition, Values: values},
			filter.Param:  {Name: "logged_model_params", Owner: ofLoggedModel},
			filter.Tag:    {Name: "logged_model_tags", Owner: ofLoggedModel},
		},
	}
}

// latestMeasure is where an order by a metric looks: one value for each model, the
// one that was measured last, whichever run did it.
func latestMeasure(dataset DatasetFilter) filter.Table {
	var datasets []DatasetFilter
	if dataset.Name != "" {
		datasets = append(datasets, dataset)
	}
	condition, values := measuredOn("t", datasets)
	later, _ := measuredOn("l", datasets)
	return filter.Table{Name: "logged_model_metrics", Values: append(values, values...),
		Owner: ofLoggedModel + condition + ` AND NOT EXISTS (SELECT 1 FROM logged_model_metrics l
			WHERE l.workspace_id = t.workspace_id AND l.model_id = t.model_id AND l.key = t.key` + later + `
			AND (l.timestamp_ms, l.step, l.value, l.run_id, l.dataset_name, l.dataset_digest)
				> (t.timestamp_ms, t.step, t.value, t.run_id, t.dataset_name, t.dataset_digest))`}
}

// measuredOn is the end of a condition: that the metric in the table called alias
// was measured on one of datasets, or on any if there are none.
func measuredOn(alias string, datasets []DatasetFilter) (string, []any) {
	var alternatives []string
	var values []any
	for _, dataset := range datasets {
		condition := alias + ".dataset_name = ?"
		values = append(values, dataset.Name)
		if dataset.Digest != "" {
			condition += " AND " + alias + ".dataset_digest = ?"
			values = append(values, dataset.Digest)
		}
		alternatives = append(alternatives, condition)
	}
	if len(alternatives) == 0 {
		return "", nil
	}
	return " AND (" + strings.Join(alternatives, " OR ") + ")", values
}

func searchLoggedModels(ctx context.Context, tx *sqldb.Tx, ws string, q LoggedModelSearch) (atelier.Page[LoggedModel], error) {
	page := atelier.Page[LoggedModel]{Items: []LoggedModel{}}
	l, err := q.listing(tx, ws)
	if err != nil {
		return page, err
	}
	l.Only("NOT m.is_deleted")
	l.Then("m.created_at", filter.Time, true)
	l.Then("m.id", filter.Text, false)
	page.NextPageToken, err = l.Run(ctx, tx, loggedModelColumns+" FROM logged_models m", func(rows *sqldb.Rows, position []any) error {
		m, err := scanLoggedModel(rows.Scan, position...)
		page.Items = append(page.Items, m)
		return err
	})
	if err != nil {
		return page, err
	}
	return page, loadLoggedModels(ctx, tx, ws, page.Items)
}

// listing reads q.
func (q LoggedModelSearch) listing(tx *sqldb.Tx, ws string) (*filter.Listing, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	limit, err := pageSize(q.MaxResults, defaultLoggedModels, maxResults)
	if err != nil {
		return nil, err
	}
	measured := 0
	query := filter.Query{Filter: q.Filter, PageToken: q.PageToken, Limit: limit, Take: func(c filter.Condition) bool {
		if c.Entity == filter.Metric {
			measured++
		}
		return false
	}}
	for _, order := range q.OrderBy {
		query.OrderBy = append(query.OrderBy, order.Field)
		query.OrderTables = append(query.OrderTables, latestMeasure(order.Dataset))
	}
	l, err := filter.NewListing(tx.Engine(), filter.Noun{Language: loggedModelLanguage(), Source: loggedModelSource(q.Datasets)}, query)
	if err != nil {
		return nil, err
	}
	if measured*len(q.Datasets) > maxDatasetConditions {
		return nil, tooManyDatasets("A filter with %d conditions on metrics and %d datasets costs too much.", measured, len(q.Datasets))
	}
	l.Only("m.workspace_id = ?", ws)
	if len(q.Experiments) > 0 {
		l.OnlyIn("m.experiment_id", q.Experiments)
	}
	if condition, values := measuredOn("t", q.Datasets); measured == 0 && condition != "" {
		l.Only("EXISTS (SELECT 1 FROM logged_model_metrics t WHERE "+ofLoggedModel+condition+")", values...)
	}
	return l, nil
}
