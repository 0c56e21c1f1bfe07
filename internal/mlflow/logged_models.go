package mlflow

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/workspace"
)

func (s *server) loggedModelRoutes() []endpoint {
	return []endpoint{
		{"POST /mlflow/logged-models", writeRuns, handle(s, s.createLoggedModel), 0},
		{"POST /mlflow/logged-models/search", readRuns, handle(s, s.searchLoggedModels), 0},
		{"GET /mlflow/logged-models/{model_id}", readRuns, ofModel(s, s.getLoggedModel), 0},
		{"PATCH /mlflow/logged-models/{model_id}", writeRuns, ofModel(s, s.finishLoggedModel), 0},
		{"DELETE /mlflow/logged-models/{model_id}", writeRuns, ofModel(s, s.deleteLoggedModel), 0},
		{"PATCH /mlflow/logged-models/{model_id}/tags", writeRuns, ofModel(s, s.tagLoggedModel), 0},
		{"DELETE /mlflow/logged-models/{model_id}/tags/{tag_key}", writeRuns, s.untagLoggedModel, 0},
		{"POST /mlflow/logged-models/{model_id}/params", writeRuns, ofModel(s, s.setLoggedModelParams), 0},
		{"GET /mlflow/logged-models/{model_id}/artifacts/directories", readArtifacts, ofModel(s, s.listLoggedModel), 0},
	}
}

type loggedModelInfo struct {
	ModelID       string          `json:"model_id"`
	ExperimentID  string          `json:"experiment_id"`
	Name          string          `json:"name"`
	CreatedMs     int64           `json:"creation_timestamp_ms"`
	UpdatedMs     int64           `json:"last_updated_timestamp_ms"`
	ArtifactURI   string          `json:"artifact_uri"`
	Status        string          `json:"status"`
	ModelType     string          `json:"model_type,omitempty"`
	SourceRunID   string          `json:"source_run_id,omitempty"`
	StatusMessage string          `json:"status_message,omitempty"`
	Tags          []tracking.Pair `json:"tags,omitempty"`
	Registrations []registration  `json:"registrations,omitempty"`
}

type registration struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type loggedModel struct {
	Info loggedModelInfo `json:"info"`
	Data struct {
		Params  []tracking.Pair `json:"params,omitempty"`
		Metrics []metric        `json:"metrics,omitempty"`
	} `json:"data"`
}

type loggedModelAnswer struct {
	Model loggedModel `json:"model"`
}

func loggedModelOf(m tracking.LoggedModel) loggedModel {
	out := loggedModel{Info: loggedModelInfo{ModelID: m.ID, ExperimentID: m.ExperimentID, Name: m.Name,
		CreatedMs: m.CreatedAt.UnixMilli(), UpdatedMs: m.UpdatedAt.UnixMilli(), ArtifactURI: m.ArtifactURI, Status: string(m.Status),
		ModelType: m.ModelType, SourceRunID: m.SourceRunID, StatusMessage: m.StatusMessage, Tags: pairs(m.Tags)}}
	out.Data.Params = pairs(m.Params)
	for _, measured := range m.Metrics {
		shown := metricOf(measured.Key, measured.Point)
		shown.RunID, shown.ModelID = measured.RunID, m.ID
		shown.DatasetName, shown.DatasetDigest = measured.DatasetName, measured.DatasetDigest
		out.Data.Metrics = append(out.Data.Metrics, shown)
	}
	return out
}

// tagVersions is the tag in which MLflow keeps the versions that were made from a
// logged model. Here it is made up from the registry, so that it is always right.
const tagVersions = "mlflow.modelVersions"

// shown are models as they are answered, with the versions made from them.
func (s *server) shown(ctx context.Context, ws string, models ...tracking.LoggedModel) ([]loggedModel, error) {
	registered, err := s.models.Registrations(ctx, ws, each(models, func(m tracking.LoggedModel) string { return m.ID }))
	if err != nil {
		return nil, err
	}
	return each(models, func(m tracking.LoggedModel) loggedModel {
		out := loggedModelOf(m)
		for _, r := range registered[m.ID] {
			out.Info.Registrations = append(out.Info.Registrations, registration{r.Name, strconv.FormatInt(r.Version, 10)})
		}
		if versions := registered[m.ID]; len(versions) > 0 {
			texts := each(versions, func(r model.Registration) string {
				return fmt.Sprintf(`{"name": %s, "version": %d}`, toJSON(r.Name), r.Version) // as Python spaces it
			})
			out.Info.Tags = append(out.Info.Tags, tracking.Pair{Key: tagVersions, Value: "[" + strings.Join(texts, ", ") + "]"})
		}
		return out
	}), nil
}

// answerModel answers with one logged model.
func (s *server) answerModel(ctx context.Context, ws string, m tracking.LoggedModel, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	shown, err := s.shown(ctx, ws, m)
	if err != nil {
		return nil, err
	}
	return loggedModelAnswer{shown[0]}, nil
}

type createLoggedModelRequest struct {
	ExperimentID identifier      `json:"experiment_id"`
	Name         string          `json:"name"`
	ModelType    string          `json:"model_type"`
	SourceRunID  string          `json:"source_run_id"`
	Params       []tracking.Pair `json:"params"`
	Tags         []tracking.Pair `json:"tags"`
}

func (s *server) createLoggedModel(ctx context.Context, ws string, in *createLoggedModelRequest) (any, error) {
	if err := required("experiment_id", string(in.ExperimentID)); err != nil {
		return nil, err
	}
	made, err := s.tracking.CreateLoggedModel(ctx, ws, tracking.NewLoggedModel{ExperimentID: string(in.ExperimentID), Name: in.Name,
		ModelType: in.ModelType, SourceRunID: in.SourceRunID, Params: in.Params, Tags: in.Tags})
	return s.answerModel(ctx, ws, made, err)
}

type loggedModelRequest struct {
	Status    identifier      `json:"status"`
	Tags      []tracking.Pair `json:"tags"`
	Params    []tracking.Pair `json:"params"`
	Directory string          `json:"artifact_directory_path"`
	// AllowDeleted shows a logged model although it was deleted.
	AllowDeleted bool `json:"allow_deleted"`
}

// ofModel is handle for a route whose path names a logged model.
func ofModel(s *server, fn func(ctx context.Context, ws, id string, in *loggedModelRequest) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		handle(s, func(ctx context.Context, ws string, in *loggedModelRequest) (any, error) {
			return fn(ctx, ws, req.PathValue("model_id"), in)
		})(w, req)
	}
}

// showModel answers with a logged model after err is known to be nil.
func (s *server) showModel(ctx context.Context, ws, id string, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	found, err := s.tracking.LoggedModel(ctx, ws, id)
	return s.answerModel(ctx, ws, found, err)
}

func (s *server) getLoggedModel(ctx context.Context, ws, id string, in *loggedModelRequest) (any, error) {
	if in.AllowDeleted {
		found, err := s.tracking.DeletedLoggedModel(ctx, ws, id)
		return s.answerModel(ctx, ws, found, err)
	}
	return s.showModel(ctx, ws, id, nil)
}

func (s *server) finishLoggedModel(ctx context.Context, ws, id string, in *loggedModelRequest) (any, error) {
	if err := required("status", string(in.Status)); err != nil {
		return nil, err
	}
	status, err := enumerated("status", string(in.Status), tracking.LoggedModelStatuses())
	if err != nil {
		return nil, err
	}
	return s.showModel(ctx, ws, id, s.tracking.FinishLoggedModel(ctx, ws, id, status))
}

func (s *server) deleteLoggedModel(ctx context.Context, ws, id string, _ *loggedModelRequest) (any, error) {
	return nil, s.tracking.DeleteLoggedModel(ctx, ws, id)
}

func (s *server) tagLoggedModel(ctx context.Context, ws, id string, in *loggedModelRequest) (any, error) {
	return s.showModel(ctx, ws, id, s.tracking.TagLoggedModel(ctx, ws, id, in.Tags))
}

func (s *server) untagLoggedModel(w http.ResponseWriter, req *http.Request) {
	handle(s, func(ctx context.Context, ws string, _ *struct{}) (any, error) {
		return nil, s.tracking.UntagLoggedModel(ctx, ws, req.PathValue("model_id"), req.PathValue("tag_key"))
	})(w, req)
}

func (s *server) setLoggedModelParams(ctx context.Context, ws, id string, in *loggedModelRequest) (any, error) {
	return nil, s.tracking.SetLoggedModelParams(ctx, ws, id, in.Params)
}

func (s *server) listLoggedModel(ctx context.Context, ws, id string, in *loggedModelRequest) (any, error) {
	found, err := s.tracking.LoggedModel(ctx, ws, id)
	if err != nil {
		return nil, err
	}
	files, err := s.tracking.List(ctx, ws, tracking.Owner{Kind: tracking.LoggedModelArtifact, ID: id}, in.Directory)
	return artifactsAnswer{found.ArtifactURI, each(files, fileOf)}, err
}

type datasetFilter struct {
	Name   string `json:"dataset_name"`
	Digest string `json:"dataset_digest"`
}

type searchLoggedModelsRequest struct {
	ExperimentIDs []identifier    `json:"experiment_ids"`
	Filter        string          `json:"filter"`
	Datasets      []datasetFilter `json:"datasets"`
	MaxResults    integer         `json:"max_results"`
	OrderBy       []struct {
		Field     string `json:"field_name"`
		Ascending *bool  `json:"ascending"`
		datasetFilter
	} `json:"order_by"`
	PageToken string `json:"page_token"`
}

func (s *server) searchLoggedModels(ctx context.Context, ws string, in *searchLoggedModelsRequest) (any, error) {
	if len(in.ExperimentIDs) == 0 {
		return nil, missing("experiment_ids")
	}
	q := tracking.LoggedModelSearch{Experiments: texts(in.ExperimentIDs), Filter: in.Filter, MaxResults: int(in.MaxResults), PageToken: in.PageToken,
		Datasets: each(in.Datasets, func(d datasetFilter) tracking.DatasetFilter { return tracking.DatasetFilter(d) })}
	for _, field := range in.OrderBy {
		if field.Field == "" {
			return nil, missing("order_by.field_name")
		}
		direction := " ASC"
		if field.Ascending != nil && !*field.Ascending {
			direction = " DESC"
		}
		q.OrderBy = append(q.OrderBy, tracking.LoggedModelOrder{Field: field.Field + direction, Dataset: tracking.DatasetFilter(field.datasetFilter)})
	}
	page, err := s.tracking.SearchLoggedModels(ctx, ws, q)
	if err != nil {
		return nil, err
	}
	shown, err := s.shown(ctx, ws, page.Items...)
	return struct {
		Models        []loggedModel `json:"models,omitempty"`
		NextPageToken string        `json:"next_page_token,omitempty"`
	}{shown, page.NextPageToken}, err
}

func workspaceID(req *http.Request) string { return workspace.From(req.Context()).ID }
