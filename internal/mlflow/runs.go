package mlflow

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

const inputsLimit = 64 << 20 // profiles of datasets may be large

func (s *server) runRoutes() []endpoint {
	return []endpoint{
		{"POST /mlflow/runs/create", writeRuns, withRunID(handle(s, s.createRun)), 0},
		{"POST /mlflow/runs/update", writeRuns, handle(s, s.updateRun), 0},
		{"POST /mlflow/runs/delete", deleteRuns, handle(s, s.deleteRun), 0},
		{"POST /mlflow/runs/restore", deleteRuns, handle(s, s.restoreRun), 0},
		{"GET /mlflow/runs/get", readRuns, handle(s, s.getRun), 0},
		{"POST /mlflow/runs/search", readRuns, handle(s, s.searchRuns), 0},
		{"POST /mlflow/runs/log-metric", writeRuns, handle(s, s.logMetric), 0},
		{"POST /mlflow/runs/log-parameter", writeRuns, handle(s, s.logParameter), 0},
		{"POST /mlflow/runs/log-batch", writeRuns, handle(s, s.logBatch), 0},
		{"POST /mlflow/runs/set-tag", writeRuns, handle(s, s.setTag), 0},
		{"POST /mlflow/runs/delete-tag", writeRuns, handle(s, s.deleteTag), 0},
		{"POST /mlflow/runs/log-inputs", writeRuns, handle(s, s.logInputs), inputsLimit},
		{"POST /mlflow/runs/outputs", writeRuns, handle(s, s.logOutputs), 0},
		{"POST /mlflow/runs/log-model", writeRuns, handle(s, s.logModel), 0},
		{"GET /mlflow/metrics/get-history", readRuns, handle(s, s.history), 0},
		{"GET /mlflow/metrics/get-history-bulk", readRuns, handle(s, s.historyBulk), 0},
		{"GET /mlflow/metrics/get-history-bulk-interval", readRuns, handle(s, s.historyInterval), 0},
	}
}

// RunIDHeader is a request's header by which runs/create makes a run with an id of
// the sender's choice. A sender that heard no answer may ask again, and one run is
// made. MLflow's own clients do not send it; a job's relay does in their place.
const RunIDHeader = "Atelier-Run-Id"

type runIDKey struct{}

// withRunID passes the header on to createRun, which sees only the body.
func withRunID(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		next(w, req.WithContext(context.WithValue(req.Context(), runIDKey{}, req.Header.Get(RunIDHeader))))
	}
}

type createRunRequest struct {
	ExperimentID identifier      `json:"experiment_id"`
	UserID       string          `json:"user_id"`
	RunName      string          `json:"run_name"`
	StartTime    integer         `json:"start_time"`
	Tags         []tracking.Pair `json:"tags"`
}

type runAnswer struct {
	Run run `json:"run"`
}

func (s *server) createRun(ctx context.Context, ws string, in *createRunRequest) (any, error) {
	chosen, _ := ctx.Value(runIDKey{}).(string)
	if chosen != "" {
		if err := tracking.CheckChosenID(chosen); err != nil {
			return nil, err
		}
	}
	n := tracking.NewRun{ID: chosen, ExperimentID: string(in.ExperimentID), Name: in.RunName, ClaimedUser: in.UserID, Tags: tagMap(in.Tags)}
	if in.StartTime != 0 {
		started, err := moment("start_time", in.StartTime)
		if err != nil {
			return nil, err
		}
		n.StartedAt = &started
	}
	made, err := s.tracking.StartRun(ctx, ws, n)
	return runAnswer{runOf(made)}, err
}

// moment reads milliseconds since 1970.
func moment(parameter string, ms integer) (time.Time, error) {
	if ms < 0 || series.Timestamp(ms) > series.MaxTimestamp {
		return time.Time{}, atelier.Errorf(atelier.Invalid, "Invalid value %d for parameter '%s' supplied: it is in milliseconds since 1970, from 0 to the year 9999.", int64(ms), parameter).At(parameter)
	}
	return series.Timestamp(ms).Time(), nil
}

type runRequest struct {
	RunID   string     `json:"run_id"`
	RunUUID string     `json:"run_uuid"`
	Status  identifier `json:"status"`
	EndTime *integer   `json:"end_time"`
	RunName *string    `json:"run_name"`
	Key     string     `json:"key"`
	Value   string     `json:"value"`
}

// id returns the run's id; run_uuid is its old name.
func (r *runRequest) id() (string, error) { return runID(r.RunID, r.RunUUID) }

func runID(id, uuid string) (string, error) {
	if id == "" {
		id = uuid
	}
	return id, required("run_id", id)
}

func (s *server) getRun(ctx context.Context, ws string, in *runRequest) (any, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	found, err := s.tracking.Run(ctx, ws, id)
	return written(func(text *writer) {
		text.raw(`{"run":`)
		text.run(&found)
		text.raw("}")
	}), err
}

func (s *server) updateRun(ctx context.Context, ws string, in *runRequest) (any, error) {
	id, update, err := in.update()
	if err != nil {
		return nil, err
	}
	changed, err := s.tracking.Update(ctx, ws, id, update)
	return struct {
		Info runInfo `json:"run_info"`
	}{infoOf(changed)}, err
}

func (r *runRequest) update() (string, tracking.UpdateRun, error) {
	update := tracking.UpdateRun{}
	id, err := r.id()
	if err != nil {
		return id, update, err
	}
	if r.RunName != nil && *r.RunName != "" {
		update.Name = r.RunName
	}
	if r.Status != "" {
		status, err := enumerated("status", string(r.Status), tracking.RunStatuses())
		if err != nil {
			return id, update, err
		}
		update.Status = &status
	}
	if r.EndTime != nil {
		end, err := moment("end_time", *r.EndTime)
		if err != nil {
			return id, update, err
		}
		update.EndedAt = &end
	}
	return id, update, nil
}

func (s *server) deleteRun(ctx context.Context, ws string, in *runRequest) (any, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	return nil, s.tracking.Delete(ctx, ws, id)
}

func (s *server) restoreRun(ctx context.Context, ws string, in *runRequest) (any, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	return nil, s.tracking.Restore(ctx, ws, id)
}

type searchRunsRequest struct {
	ExperimentIDs []identifier `json:"experiment_ids"`
	Filter        string       `json:"filter"`
	ViewType      identifier   `json:"run_view_type"`
	MaxResults    integer      `json:"max_results"`
	OrderBy       []string     `json:"order_by"`
	PageToken     string       `json:"page_token"`
}

func (s *server) searchRuns(ctx context.Context, ws string, in *searchRunsRequest) (any, error) {
	view, err := viewOf(in.ViewType)
	if err != nil {
		return nil, err
	}
	if len(in.ExperimentIDs) == 0 { // none asked, none found
		return nil, nil
	}
	page, err := s.tracking.SearchRuns(ctx, ws, tracking.Search{Experiments: texts(in.ExperimentIDs), Filter: in.Filter,
		OrderBy: in.OrderBy, View: view, MaxResults: int(in.MaxResults), PageToken: in.PageToken})
	if err != nil {
		return nil, err
	}
	return written(func(text *writer) { text.runs(page.Items, page.NextPageToken) }), nil
}

type metricRequest struct {
	Key           string        `json:"key"`
	Value         *series.Value `json:"value"`
	Timestamp     *integer      `json:"timestamp"`
	Step          integer       `json:"step"`
	ModelID       string        `json:"model_id"`
	DatasetName   string        `json:"dataset_name"`
	DatasetDigest string        `json:"dataset_digest"`
}

// metric returns the point that m means. within is what its parameters' names
// begin with in messages.
func (m metricRequest) metric(within string) (tracking.Metric, error) {
	switch {
	case m.Key == "":
		return tracking.Metric{}, missing(within + "key")
	case m.Value == nil:
		return tracking.Metric{}, missing(within + "value")
	case m.Timestamp == nil:
		return tracking.Metric{}, missing(within + "timestamp")
	}
	return tracking.Metric{
		Sample: series.Sample{Key: m.Key, Point: series.Point{
			Step: int64(m.Step), Timestamp: series.Timestamp(*m.Timestamp), Value: *m.Value}},
		ModelID: m.ModelID, DatasetName: m.DatasetName, DatasetDigest: m.DatasetDigest,
	}, nil
}

type logMetricRequest struct {
	RunID   string `json:"run_id"`
	RunUUID string `json:"run_uuid"`
	metricRequest

	quickly *tracking.Metric // what quick read
}

func (r *logMetricRequest) read() (tracking.Metric, error) {
	if r.quickly != nil {
		return *r.quickly, nil
	}
	return r.metric("")
}

func (s *server) logMetric(ctx context.Context, ws string, in *logMetricRequest) (any, error) {
	id, err := runID(in.RunID, in.RunUUID)
	if err != nil {
		return nil, err
	}
	m, err := in.read()
	if err != nil {
		return nil, err
	}
	return nil, alone(s.tracking.Log(ctx, ws, id, tracking.Batch{Metrics: []tracking.Metric{m}}), "metrics")
}

// pair returns a param or a tag. One without a value has the empty one.
func (r *runRequest) pair() (string, []tracking.Pair, error) {
	id, err := r.id()
	return id, []tracking.Pair{{Key: r.Key, Value: r.Value}}, cmp.Or(err, required("key", r.Key))
}

func (s *server) logParameter(ctx context.Context, ws string, in *runRequest) (any, error) {
	id, param, err := in.pair()
	if err != nil {
		return nil, err
	}
	return nil, alone(s.tracking.Log(ctx, ws, id, tracking.Batch{Params: param}), "params")
}

func (s *server) setTag(ctx context.Context, ws string, in *runRequest) (any, error) {
	id, tag, err := in.pair()
	if err != nil {
		return nil, err
	}
	return nil, alone(s.tracking.Log(ctx, ws, id, tracking.Batch{Tags: tag}), "tags")
}

func (s *server) deleteTag(ctx context.Context, ws string, in *runRequest) (any, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	if in.Key == "" {
		return nil, missing("key")
	}
	return nil, s.tracking.DeleteTag(ctx, ws, id, in.Key)
}

type logBatchRequest struct {
	RunID   string          `json:"run_id"`
	Metrics []metricRequest `json:"metrics"`
	Params  []tracking.Pair `json:"params"`
	Tags    []tracking.Pair `json:"tags"`

	batch *tracking.Batch // what quick read
}

func (s *server) logBatch(ctx context.Context, ws string, in *logBatchRequest) (any, error) {
	if err := required("run_id", in.RunID); err != nil {
		return nil, err
	}
	batch, err := in.read()
	if err != nil {
		return nil, err
	}
	return nil, s.tracking.Log(ctx, ws, in.RunID, batch)
}

func (r *logBatchRequest) read() (tracking.Batch, error) {
	if r.batch != nil {
		return *r.batch, nil
	}
	batch := tracking.Batch{Params: r.Params, Tags: r.Tags, Metrics: make([]tracking.Metric, len(r.Metrics))}
	for i, wanted := range r.Metrics {
		m, err := wanted.metric(fmt.Sprintf("metrics[%d].", i))
		if err != nil {
			return batch, err
		}
		batch.Metrics[i] = m
	}
	return batch, nil
}

type logInputsRequest struct {
	RunID    string         `json:"run_id"`
	Datasets []datasetInput `json:"datasets"`
	Models   []modelInput   `json:"models"`
}

func (s *server) logInputs(ctx context.Context, ws string, in *logInputsRequest) (any, error) {
	if err := required("run_id", in.RunID); err != nil {
		return nil, err
	}
	inputs := each(in.Datasets, func(d datasetInput) tracking.Input {
		return tracking.Input{Name: d.Dataset.Name, Digest: d.Dataset.Digest, SourceType: d.Dataset.SourceType, Source: d.Dataset.Source,
			Schema: d.Dataset.Schema, Profile: d.Dataset.Profile, Tags: tagMap(d.Tags)}
	})
	models := each(in.Models, func(m modelInput) tracking.ModelLink { return tracking.ModelLink{ModelID: m.ModelID} })
	return nil, s.tracking.AddInputs(ctx, ws, in.RunID, inputs, models)
}

type logOutputsRequest struct {
	RunID  string        `json:"run_id"`
	Models []modelOutput `json:"models"`
}

func (s *server) logOutputs(ctx context.Context, ws string, in *logOutputsRequest) (any, error) {
	if err := required("run_id", in.RunID); err != nil {
		return nil, err
	}
	return nil, s.tracking.AddOutputs(ctx, ws, in.RunID, each(in.Models, func(m modelOutput) tracking.ModelLink {
		return tracking.ModelLink{ModelID: m.ModelID, Step: int64(m.Step)}
	}))
}

type logModelRequest struct {
	RunID     string `json:"run_id"`
	ModelJSON string `json:"model_json"`
}

func (s *server) logModel(ctx context.Context, ws string, in *logModelRequest) (any, error) {
	if err := required("run_id", in.RunID, "model_json", in.ModelJSON); err != nil {
		return nil, err
	}
	return nil, s.tracking.RecordModel(ctx, ws, in.RunID, in.ModelJSON)
}
