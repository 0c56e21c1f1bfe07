package mlflow

import (
	"context"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/tracking"
)

func (s *server) registryRoutes() []endpoint {
	return []endpoint{
		{"POST /mlflow/registered-models/create", writeModels, handle(s, s.createModel), 0},
		{"GET /mlflow/registered-models/get", readModels, handle(s, s.getModel), 0},
		{"POST /mlflow/registered-models/rename", writeModels, handle(s, s.renameModel), 0},
		{"PATCH /mlflow/registered-models/update", writeModels, handle(s, s.updateModel), 0},
		{"DELETE /mlflow/registered-models/delete", deleteModels, handle(s, s.deleteModel), 0},
		{"GET /mlflow/registered-models/search", readModels, handle(s, s.searchModels), 0},
		{"POST /mlflow/registered-models/get-latest-versions", readModels, handle(s, s.latestVersions), 0},
		{"GET /mlflow/registered-models/get-latest-versions", readModels, handle(s, s.latestVersions), 0},
		{"POST /mlflow/registered-models/set-tag", writeModels, handle(s, s.setModelTag), 0},
		{"DELETE /mlflow/registered-models/delete-tag", writeModels, handle(s, s.deleteModelTag), 0},
		{"POST /mlflow/registered-models/alias", writeModels, handle(s, s.setAlias), 0},
		{"DELETE /mlflow/registered-models/alias", writeModels, handle(s, s.deleteAlias), 0},
		{"GET /mlflow/registered-models/alias", readModels, handle(s, s.getAlias), 0},
		{"POST /mlflow/model-versions/create", writeModels, handle(s, s.createVersion), 0},
		{"GET /mlflow/model-versions/get", readModels, handle(s, s.getVersion), 0},
		{"PATCH /mlflow/model-versions/update", writeModels, handle(s, s.updateVersion), 0},
		{"POST /mlflow/model-versions/transition-stage", writeModels, handle(s, s.transition), 0},
		{"DELETE /mlflow/model-versions/delete", deleteModels, handle(s, s.deleteVersion), 0},
		{"GET /mlflow/model-versions/search", readModels, handle(s, s.searchVersions), 0},
		{"GET /mlflow/model-versions/get-download-uri", readModels, handle(s, s.downloadURI), 0},
		{"POST /mlflow/model-versions/set-tag", writeModels, handle(s, s.setVersionTag), 0},
		{"DELETE /mlflow/model-versions/delete-tag", writeModels, handle(s, s.deleteVersionTag), 0},
	}
}

type modelAlias struct {
	Alias   string `json:"alias"`
	Version string `json:"version"`
}

type registeredModel struct {
	Name           string          `json:"name"`
	CreatedMs      int64           `json:"creation_timestamp"`
	UpdatedMs      int64           `json:"last_updated_timestamp"`
	UserID         string          `json:"user_id,omitempty"`
	Description    string          `json:"description,omitempty"`
	LatestVersions []modelVersion  `json:"latest_versions,omitempty"`
	Tags           []tracking.Pair `json:"tags,omitempty"`
	Aliases        []modelAlias    `json:"aliases,omitempty"`
}

type modelVersion struct {
	Name         string          `json:"name"`
	Version      string          `json:"version"`
	CreatedMs    int64           `json:"creation_timestamp"`
	UpdatedMs    int64           `json:"last_updated_timestamp"`
	UserID       string          `json:"user_id,omitempty"`
	CurrentStage string          `json:"current_stage"`
	Description  string          `json:"description"`
	Source       string          `json:"source"`
	RunID        string          `json:"run_id,omitempty"`
	Status       string          `json:"status"`
	Tags         []tracking.Pair `json:"tags,omitempty"`
	RunLink      string          `json:"run_link,omitempty"`
	Aliases      []string        `json:"aliases,omitempty"`
	ModelID      string          `json:"model_id,omitempty"`
	ModelParams  []modelParam    `json:"model_params,omitempty"`
	ModelMetrics []metric        `json:"model_metrics,omitempty"`
}

type modelParam struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func versionOf(v model.Version) modelVersion {
	return modelVersion{Name: v.Name, Version: v.Version, CreatedMs: v.CreatedAt.UnixMilli(), UpdatedMs: v.UpdatedAt.UnixMilli(),
		UserID: v.CreatedBy, CurrentStage: v.Stage, Description: v.Description, Source: v.Path, RunID: v.RunID, Status: v.Status,
		Tags: pairs(v.Tags), RunLink: v.RunLink, Aliases: v.Aliases, ModelID: v.LoggedModelID}
}

// shownModels are models as they are answered, each with its newest version in
// every stage.
func (s *server) shownModels(ctx context.Context, ws string, models ...model.Model) ([]registeredModel, error) {
	latest, err := s.models.LatestOf(ctx, ws, each(models, func(m model.Model) string { return m.Name }))
	return each(models, func(m model.Model) registeredModel {
		out := registeredModel{Name: m.Name, CreatedMs: m.CreatedAt.UnixMilli(), UpdatedMs: m.UpdatedAt.UnixMilli(),
			UserID: m.CreatedBy, Description: m.Description, Tags: pairs(m.Tags), LatestVersions: each(latest[m.Name], versionOf)}
		for _, alias := range pairs(m.Aliases) {
			out.Aliases = append(out.Aliases, modelAlias{alias.Key, alias.Value})
		}
		return out
	}), err
}

func (s *server) modelAnswer(ctx context.Context, ws string, m model.Model, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	shown, err := s.shownModels(ctx, ws, m)
	return map[string]any{"registered_model": shown[0]}, err
}

// versionAnswer answers with a version, and with the params and metrics of the
// logged model that it was made from while that is there.
func (s *server) versionAnswer(ctx context.Context, ws string, v model.Version, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	shown := versionOf(v)
	if v.LoggedModelID != "" {
		logged, err := s.tracking.LoggedModel(ctx, ws, v.LoggedModelID)
		if err != nil && atelier.CodeOf(err) != atelier.NotFound {
			return nil, err
		}
		for _, param := range pairs(logged.Params) {
			shown.ModelParams = append(shown.ModelParams, modelParam{param.Key, param.Value})
		}
		shown.ModelMetrics = loggedModelOf(logged).Data.Metrics
	}
	return map[string]any{"model_version": shown}, nil
}

type modelRequest struct {
	Name        string          `json:"name"`
	NewName     string          `json:"new_name"`
	Description *string         `json:"description"`
	Tags        []tracking.Pair `json:"tags"`
	Key         string          `json:"key"`
	Value       string          `json:"value"`
	Alias       string          `json:"alias"`
	Version     identifier      `json:"version"`
	Stages      []string        `json:"stages"`
	Stage       string          `json:"stage"`
	Archive     bool            `json:"archive_existing_versions"`
	Source      string          `json:"source"`
	RunID       string          `json:"run_id"`
	RunLink     string          `json:"run_link"`
	ModelID     string          `json:"model_id"`
}

func (r *modelRequest) description() string {
	if r.Description == nil {
		return ""
	}
	return *r.Description
}

func (s *server) createModel(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name); err != nil {
		return nil, err
	}
	made, err := s.models.Create(ctx, ws, model.Create{Name: in.Name, Description: in.description(), Tags: tagMap(in.Tags)})
	return s.modelAnswer(ctx, ws, made, err)
}

func (s *server) getModel(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name); err != nil {
		return nil, err
	}
	found, err := s.models.Get(ctx, ws, in.Name)
	return s.modelAnswer(ctx, ws, found, err)
}

func (s *server) renameModel(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name, "new_name", in.NewName); err != nil {
		return nil, err
	}
	renamed, err := s.models.Rename(ctx, ws, in.Name, in.NewName)
	return s.modelAnswer(ctx, ws, renamed, err)
}

func (s *server) updateModel(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name); err != nil {
		return nil, err
	}
	changed, err := s.models.Update(ctx, ws, in.Name, in.Description, nil)
	return s.modelAnswer(ctx, ws, changed, err)
}

func (s *server) deleteModel(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name); err != nil {
		return nil, err
	}
	return nil, s.models.Delete(ctx, ws, in.Name)
}

type searchModelsRequest struct {
	Filter     string   `json:"filter"`
	MaxResults integer  `json:"max_results"`
	OrderBy    []string `json:"order_by"`
	PageToken  string   `json:"page_token"`
}

func (r *searchModelsRequest) search(most integer) (model.Search, error) {
	if r.MaxResults < 0 || r.MaxResults > most {
		return model.Search{}, atelier.Errorf(atelier.Invalid, "Invalid value for parameter 'max_results' supplied. It must be at most %d, but got value %d.", int64(most), int64(r.MaxResults)).At("max_results")
	}
	return model.Search{Filter: r.Filter, OrderBy: r.OrderBy, MaxResults: int(r.MaxResults), PageToken: r.PageToken}, nil
}

func (s *server) searchModels(ctx context.Context, ws string, in *searchModelsRequest) (any, error) {
	q, err := in.search(1000)
	if err != nil {
		return nil, err
	}
	page, err := s.models.Search(ctx, ws, q)
	if err != nil {
		return nil, err
	}
	shown, err := s.shownModels(ctx, ws, page.Items...)
	return struct {
		Models        []registeredModel `json:"registered_models,omitempty"`
		NextPageToken string            `json:"next_page_token,omitempty"`
	}{shown, page.NextPageToken}, err
}

func (s *server) latestVersions(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name); err != nil {
		return nil, err
	}
	latest, err := s.models.LatestVersions(ctx, ws, in.Name, in.Stages)
	return versionsAnswer{Versions: each(latest, versionOf)}, err
}

type versionsAnswer struct {
	Versions      []modelVersion `json:"model_versions,omitempty"`
	NextPageToken string         `json:"next_page_token,omitempty"`
}

func (s *server) setModelTag(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name, "key", in.Key); err != nil {
		return nil, err
	}
	_, err := s.models.Update(ctx, ws, in.Name, nil, map[string]string{in.Key: in.Value})
	return nil, err
}

func (s *server) deleteModelTag(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name, "key", in.Key); err != nil {
		return nil, err
	}
	return nil, s.models.Untag(ctx, ws, in.Name, in.Key)
}

func (s *server) setAlias(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name, "alias", in.Alias, "version", string(in.Version)); err != nil {
		return nil, err
	}
	return nil, s.models.SetAlias(ctx, ws, in.Name, in.Alias, string(in.Version))
}

func (s *server) deleteAlias(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name, "alias", in.Alias); err != nil {
		return nil, err
	}
	return nil, s.models.DeleteAlias(ctx, ws, in.Name, in.Alias)
}

func (s *server) getAlias(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name, "alias", in.Alias); err != nil {
		return nil, err
	}
	if _, err := s.models.Get(ctx, ws, in.Name); err != nil {
		return nil, err
	}
	version := "@" + in.Alias
	if strings.EqualFold(in.Alias, "latest") {
		version = "latest"
	}
	found, err := s.models.Version(ctx, ws, in.Name, version)
	return s.versionAnswer(ctx, ws, found, err)
}

func (s *server) createVersion(ctx context.Context, ws string, in *modelRequest) (any, error) {
	if err := required("name", in.Name, "source", in.Source); err != nil {
		return nil, err
	}
	found, err := s.models.Register(ctx, ws, model.Register{Name: in.Name, Path: in.Source, Description: in.description(),
		Tags: tagMap(in.Tags), RunID: in.RunID, RunLink: in.RunLink, LoggedModelID: in.ModelID, OnlyExisting: true, Remote: true})
	return s.versionAnswer(ctx, ws, found, err)
}

// version returns the name and number that a request about a version must have.
func (r *modelRequest) version() (string, string, error) {
	err := required("name", r.Name, "version", string(r.Version))
	if err == nil {
		_, err = model.ParseVersion(string(r.Version))
	}
	return r.Name, string(r.Version), err
}

func (s *server) getVersion(ctx context.Context, ws string, in *modelRequest) (any, error) {
	name, version, err := in.version()
	if err != nil {
		return nil, err
	}
	found, err := s.models.Version(ctx, ws, name, version)
	return s.versionAnswer(ctx, ws, found, err)
}

func (s *server) updateVersion(ctx context.Context, ws string, in *modelRequest) (any, error) {
	name, version, err := in.version()
	if err != nil {
		return nil, err
	}
	found, err := s.models.UpdateVersion(ctx, ws, name, version, model.UpdateVersion{Description: in.Description})
	return s.versionAnswer(ctx, ws, found, err)
}

func (s *server) transition(ctx context.Context, ws string, in *modelRequest) (any, error) {
	name, version, err := in.version()
	if err != nil {
		return nil, err
	}
	if in.Stage == "" {
		return nil, missing("stage")
	}
	found, err := s.models.Transition(ctx, ws, name, version, in.Stage, in.Archive)
	return s.versionAnswer(ctx, ws, found, err)
}

func (s *server) deleteVersion(ctx context.Context, ws string, in *modelRequest) (any, error) {
	name, version, err := in.version()
	if err != nil {
		return nil, err
	}
	return nil, s.models.DeleteVersion(ctx, ws, name, version)
}

func (s *server) searchVersions(ctx context.Context, ws string, in *searchModelsRequest) (any, error) {
	q, err := in.search(200_000)
	if err != nil {
		return nil, err
	}
	page, err := s.models.SearchVersions(ctx, ws, q)
	if err != nil {
		return nil, err
	}
	return versionsAnswer{each(page.Items, versionOf), page.NextPageToken}, nil
}

// downloadURI tells where the files of a version are: the version's own, kept by
// the server, unless they lie in somebody else's storage.
func (s *server) downloadURI(ctx context.Context, ws string, in *modelRequest) (any, error) {
	name, version, err := in.version()
	if err != nil {
		return nil, err
	}
	v, err := s.models.Version(ctx, ws, name, version)
	uri := v.Path
	if v.Tree != "" {
		uri = treeURI(v.Tree)
	}
	return map[string]string{"artifact_uri": uri}, err
}

func (s *server) setVersionTag(ctx context.Context, ws string, in *modelRequest) (any, error) {
	name, version, err := in.version()
	if err != nil {
		return nil, err
	}
	if in.Key == "" {
		return nil, missing("key")
	}
	_, err = s.models.UpdateVersion(ctx, ws, name, version, model.UpdateVersion{Tags: map[string]*string{in.Key: &in.Value}})
	return nil, err
}

func (s *server) deleteVersionTag(ctx context.Context, ws string, in *modelRequest) (any, error) {
	name, version, err := in.version()
	if err != nil {
		return nil, err
	}
	if in.Key == "" {
		return nil, missing("key")
	}
	_, err = s.models.UpdateVersion(ctx, ws, name, version, model.UpdateVersion{Tags: map[string]*string{in.Key: nil}})
	return nil, err
}
