package mlflow

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking"
)

func (s *server) experimentRoutes() []endpoint {
	return []endpoint{
		{"POST /mlflow/experiments/create", writeExperiments, handle(s, s.createExperiment), 0},
		{"GET /mlflow/experiments/get", readExperiments, handle(s, s.getExperiment), 0},
		{"GET /mlflow/experiments/get-by-name", readExperiments, handle(s, s.getExperimentByName), 0},
		{"POST /mlflow/experiments/search", readExperiments, handle(s, s.searchExperiments), 0},
		{"GET /mlflow/experiments/search", readExperiments, handle(s, s.searchExperiments), 0},
		{"POST /mlflow/experiments/delete", writeExperiments, handle(s, s.deleteExperiment), 0},
		{"POST /mlflow/experiments/restore", writeExperiments, handle(s, s.restoreExperiment), 0},
		{"POST /mlflow/experiments/update", writeExperiments, handle(s, s.updateExperiment), 0},
		{"POST /mlflow/experiments/set-experiment-tag", writeExperiments, handle(s, s.setExperimentTag), 0},
		{"POST /mlflow/experiments/delete-experiment-tag", writeExperiments, handle(s, s.deleteExperimentTag), 0},
		{"POST /mlflow/experiments/search-datasets", readExperiments, handle(s, s.searchDatasets), 0},
	}
}

type experiment struct {
	ExperimentID     string          `json:"experiment_id"`
	Name             string          `json:"name"`
	ArtifactLocation string          `json:"artifact_location"`
	LifecycleStage   string          `json:"lifecycle_stage"`
	LastUpdateTime   int64           `json:"last_update_time"`
	CreationTime     int64           `json:"creation_time"`
	Tags             []tracking.Pair `json:"tags,omitempty"`
}

func experimentOf(e tracking.Experiment) experiment {
	return experiment{ExperimentID: e.ID, Name: e.Name, ArtifactLocation: e.ArtifactLocation, LifecycleStage: e.LifecycleStage,
		LastUpdateTime: e.UpdatedAt.UnixMilli(), CreationTime: e.CreatedAt.UnixMilli(), Tags: pairs(e.Tags)}
}

type experimentAnswer struct {
	Experiment experiment `json:"experiment"`
}

type experimentRequest struct {
	ExperimentID identifier `json:"experiment_id"`
	Key          string     `json:"key"`
	Value        string     `json:"value"`
	NewName      string     `json:"new_name"`
}

type createExperimentRequest struct {
	Name             string          `json:"name"`
	ArtifactLocation string          `json:"artifact_location"`
	Tags             []tracking.Pair `json:"tags"`
}

func (s *server) createExperiment(ctx context.Context, ws string, in *createExperimentRequest) (any, error) {
	if err := required("name", in.Name); err != nil {
		return nil, err
	}
	e, err := s.tracking.CreateExperiment(ctx, ws, tracking.NewExperiment{
		Name: in.Name, ArtifactLocation: in.ArtifactLocation, Tags: tagMap(in.Tags)})
	return map[string]string{"experiment_id": e.ID}, err
}

func (s *server) getExperiment(ctx context.Context, ws string, in *experimentRequest) (any, error) {
	if err := required("experiment_id", string(in.ExperimentID)); err != nil {
		return nil, err
	}
	e, err := s.tracking.Experiment(ctx, ws, string(in.ExperimentID))
	return experimentAnswer{experimentOf(e)}, err
}

type experimentByNameRequest struct {
	Name string `json:"experiment_name"`
}

func (s *server) getExperimentByName(ctx context.Context, ws string, in *experimentByNameRequest) (any, error) {
	if err := required("experiment_name", in.Name); err != nil {
		return nil, err
	}
	e, err := s.tracking.ExperimentByName(ctx, ws, in.Name)
	return experimentAnswer{experimentOf(e)}, err
}

type searchExperimentsRequest struct {
	MaxResults integer    `json:"max_results"`
	PageToken  string     `json:"page_token"`
	Filter     string     `json:"filter"`
	OrderBy    []string   `json:"order_by"`
	ViewType   identifier `json:"view_type"`
}

// viewOf translates MLflow's ViewType.
func viewOf(text identifier) (tracking.View, error) {
	if text == "" {
		return tracking.ActiveOnly, nil
	}
	name, err := enumerated("view_type", string(text), []string{"ACTIVE_ONLY", "DELETED_ONLY", "ALL"})
	return map[string]tracking.View{"ACTIVE_ONLY": tracking.ActiveOnly, "DELETED_ONLY": tracking.DeletedOnly, "ALL": tracking.ViewAll}[name], err
}

func (s *server) searchExperiments(ctx context.Context, ws string, in *searchExperimentsRequest) (any, error) {
	view, err := viewOf(in.ViewType)
	if err != nil {
		return nil, err
	}
	page, err := s.tracking.SearchExperiments(ctx, ws, tracking.Search{
		Filter: in.Filter, OrderBy: in.OrderBy, View: view, MaxResults: int(in.MaxResults), PageToken: in.PageToken})
	if err != nil {
		return nil, err
	}
	return struct {
		Experiments   []experiment `json:"experiments,omitempty"`
		NextPageToken string       `json:"next_page_token,omitempty"`
	}{each(page.Items, experimentOf), page.NextPageToken}, nil
}

func (s *server) deleteExperiment(ctx context.Context, ws string, in *experimentRequest) (any, error) {
	if err := required("experiment_id", string(in.ExperimentID)); err != nil {
		return nil, err
	}
	return nil, s.tracking.DeleteExperiment(ctx, ws, string(in.ExperimentID))
}

func (s *server) restoreExperiment(ctx context.Context, ws string, in *experimentRequest) (any, error) {
	if err := required("experiment_id", string(in.ExperimentID)); err != nil {
		return nil, err
	}
	return nil, s.tracking.RestoreExperiment(ctx, ws, string(in.ExperimentID))
}

func (s *server) updateExperiment(ctx context.Context, ws string, in *experimentRequest) (any, error) {
	if err := required("experiment_id", string(in.ExperimentID), "new_name", in.NewName); err != nil {
		return nil, err
	}
	return nil, s.tracking.RenameExperiment(ctx, ws, string(in.ExperimentID), in.NewName)
}

func (s *server) setExperimentTag(ctx context.Context, ws string, in *experimentRequest) (any, error) {
	if err := required("experiment_id", string(in.ExperimentID), "key", in.Key); err != nil {
		return nil, err
	}
	return nil, s.tracking.SetExperimentTag(ctx, ws, string(in.ExperimentID), tracking.Pair{Key: in.Key, Value: in.Value})
}

func (s *server) deleteExperimentTag(ctx context.Context, ws string, in *experimentRequest) (any, error) {
	if err := required("experiment_id", string(in.ExperimentID), "key", in.Key); err != nil {
		return nil, err
	}
	return nil, s.tracking.DeleteExperimentTag(ctx, ws, string(in.ExperimentID), in.Key)
}

type experimentsRequest struct {
	ExperimentIDs []identifier `json:"experiment_ids"`
}

type datasetSummary struct {
	ExperimentID string `json:"experiment_id"`
	Name         string `json:"name"`
	Digest       string `json:"digest"`
	Context      string `json:"context,omitempty"`
}

func (s *server) searchDatasets(ctx context.Context, ws string, in *experimentsRequest) (any, error) {
	if len(in.ExperimentIDs) == 0 {
		return nil, atelier.Errorf(atelier.Invalid, "SearchDatasets request must specify at least one experiment_id.").At("experiment_ids")
	}
	found, err := s.tracking.Datasets(ctx, ws, texts(in.ExperimentIDs))
	if err != nil {
		return nil, err
	}
	return struct {
		Summaries []datasetSummary `json:"dataset_summaries,omitempty"`
	}{each(found, func(d tracking.DatasetSummary) datasetSummary {
		return datasetSummary{d.ExperimentID, d.Name, d.Digest, d.Context}
	})}, nil
}
