package client

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// What brings history from elsewhere speaks two dialects: ours where a run keeps
// its id and its times, MLflow's where that says all there is to say.

// ImportRun makes a run that happened elsewhere, or brings it up to date.
func (c *Client) ImportRun(ctx context.Context, run tracking.ImportRun) (tracking.Run, error) {
	return post[tracking.Run](ctx, c, c.path("runs", "import"), run)
}

// RunContents counts what a run holds.
func (c *Client) RunContents(ctx context.Context, id string) (tracking.RunContents, error) {
	return get[tracking.RunContents](ctx, c, c.path("runs", id, "contents"), nil)
}

// mlflow returns the path of a route of MLflow's API in the client's workspace.
func (c *Client) mlflow(parts ...string) string {
	return joinPath(joinPath("/workspaces", []string{c.config.Workspace})+"/api/2.0", parts)
}

func (c *Client) tell(ctx context.Context, method string, in any, parts ...string) error {
	return c.exchange(ctx, call{method: method, path: c.mlflow(parts...), in: in}, nil)
}

// ImportExperiment makes an experiment that was made elsewhere, or finds it.
func (c *Client) ImportExperiment(ctx context.Context, experiment tracking.ImportExperiment) (tracking.Experiment, error) {
	return post[tracking.Experiment](ctx, c, c.path("experiments", "import"), experiment)
}

// TagExperiment sets a tag of an experiment.
func (c *Client) TagExperiment(ctx context.Context, id, key, value string) error {
	return c.tell(ctx, http.MethodPost, map[string]string{"experiment_id": id, "key": key, "value": value}, "mlflow", "experiments", "set-experiment-tag")
}

// FindExperiment returns the experiment of this name, deleted or not.
func (c *Client) FindExperiment(ctx context.Context, name string) (tracking.Experiment, error) {
	found, err := get[struct {
		Experiment struct {
			ID      string          `json:"experiment_id"`
			Name    string          `json:"name"`
			Stage   string          `json:"lifecycle_stage"`
			Tags    []tracking.Pair `json:"tags"`
			Created int64           `json:"creation_time"`
		} `json:"experiment"`
	}](ctx, c, c.mlflow("mlflow", "experiments", "get-by-name"), map[string][]string{"experiment_name": {name}})
	e := tracking.Experiment{ID: found.Experiment.ID, Name: found.Experiment.Name, LifecycleStage: found.Experiment.Stage, Tags: map[string]string{},
		CreatedAt: time.UnixMilli(found.Experiment.Created).UTC()}
	for _, tag := range found.Experiment.Tags {
		e.Tags[tag.Key] = tag.Value
	}
	return e, err
}

// MetricsAtOnce is how many points LogMetrics takes.
const MetricsAtOnce = 1000

// LogMetrics logs points of a run. Points that it has already are not doubled.
func (c *Client) LogMetrics(ctx context.Context, run string, metrics []tracking.Metric) error {
	return c.LogBatch(ctx, run, tracking.Batch{Metrics: metrics})
}

// LogInputs notes the datasets and the logged models that a run read.
func (c *Client) LogInputs(ctx context.Context, run string, inputs []tracking.Input, models []tracking.ModelLink) error {
	datasets := []map[string]any{}
	for _, i := range inputs {
		datasets = append(datasets, map[string]any{"tags": listed(i.Tags), "dataset": map[string]string{"name": i.Name, "digest": i.Digest,
			"source_type": i.SourceType, "source": i.Source, "schema": i.Schema, "profile": i.Profile}})
	}
	return c.tell(ctx, http.MethodPost, map[string]any{"run_id": run, "datasets": datasets, "models": models}, "mlflow", "runs", "log-inputs")
}

// LogOutputs notes the logged models that a run made.
func (c *Client) LogOutputs(ctx context.Context, run string, models []tracking.ModelLink) error {
	return c.tell(ctx, http.MethodPost, map[string]any{"run_id": run, "models": models}, "mlflow", "runs", "outputs")
}

// PutArtifact sends a file, to where parts say below the artifacts' root. open is
// called again when the server was away.
func (c *Client) PutArtifact(ctx context.Context, parts []string, size int64, open func() (io.ReadCloser, error)) error {
	response, err := c.send(ctx, call{method: http.MethodPut, path: c.mlflow(append([]string{"mlflow-artifacts", "artifacts"}, parts...)...), size: size, body: open})
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// CreateModel makes a model without versions.
func (c *Client) CreateModel(ctx context.Context, name, description string, tags map[string]string) error {
	return c.tell(ctx, http.MethodPost, map[string]any{"name": name, "description": description, "tags": listed(tags)}, "mlflow", "registered-models", "create")
}

// ImportModelTimes says when a model and its versions were made elsewhere.
func (c *Client) ImportModelTimes(ctx context.Context, times model.ImportTimes) (model.Model, error) {
	return post[model.Model](ctx, c, c.path("models", "import"), times)
}

// DescribeModel changes what is said of a model.
func (c *Client) DescribeModel(ctx context.Context, name, description string) error {
	return c.tell(ctx, http.MethodPatch, map[string]any{"name": name, "description": description}, "mlflow", "registered-models", "update")
}

// TagModel sets a tag of a model.
func (c *Client) TagModel(ctx context.Context, name, key, value string) error {
	return c.tell(ctx, http.MethodPost, map[string]string{"name": name, "key": key, "value": value}, "mlflow", "registered-models", "set-tag")
}

// SetModelAlias points an alias at a version of a model.
func (c *Client) SetModelAlias(ctx context.Context, name, alias, version string) error {
	return c.tell(ctx, http.MethodPost, map[string]string{"name": name, "alias": alias, "version": version}, "mlflow", "registered-models", "alias")
}

// RegisterRemote registers the next version of a model whose files stay in
// somebody else's storage, and returns its number.
func (c *Client) RegisterRemote(ctx context.Context, ask model.Register) (string, error) {
	made, err := post[struct {
		Version struct {
			Number string `json:"version"`
		} `json:"model_version"`
	}](ctx, c, c.mlflow("mlflow", "model-versions", "create"), map[string]any{"name": ask.Name, "source": ask.Path, "run_id": ask.RunID,
		"description": ask.Description, "tags": listed(ask.Tags)})
	return made.Version.Number, err
}

// listed is how MLflow writes a map.
func listed(m map[string]string) []tracking.Pair {
	pairs := []tracking.Pair{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, tracking.Pair{Key: key, Value: m[key]})
	}
	return pairs
}
