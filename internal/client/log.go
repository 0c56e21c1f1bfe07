package client

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// Whoever logs to a run may have to ask again without knowing whether the first
// call was heard. Every call here may be made any number of times.

// StartRun makes the run called id, once.
func (c *Client) StartRun(ctx context.Context, id string, n tracking.NewRun) (tracking.Run, error) {
	var run tracking.Run
	err := c.exchange(ctx, call{method: http.MethodPut, path: c.path("runs", id), in: n}, &run)
	return run, err
}

// LogBatch logs to a run what the server takes at once: up to a thousand points,
// a hundred params and a hundred tags, all of them or none.
func (c *Client) LogBatch(ctx context.Context, run string, b tracking.Batch) error {
	type point struct {
		Key           string       `json:"key"`
		Value         series.Value `json:"value"`
		Timestamp     int64        `json:"timestamp"`
		Step          int64        `json:"step"`
		ModelID       string       `json:"model_id,omitempty"`
		DatasetName   string       `json:"dataset_name,omitempty"`
		DatasetDigest string       `json:"dataset_digest,omitempty"`
	}
	points := make([]point, len(b.Metrics))
	for i, m := range b.Metrics {
		points[i] = point{m.Key, m.Value, int64(m.Timestamp), m.Step, m.ModelID, m.DatasetName, m.DatasetDigest}
	}
	body := map[string]any{"run_id": run, "metrics": points}
	if len(b.Params) > 0 {
		body["params"] = b.Params
	}
	if len(b.Tags) > 0 {
		body["tags"] = b.Tags
	}
	return c.tell(ctx, http.MethodPost, body, "mlflow", "runs", "log-batch")
}

// SetRunStatus moves a run; end is when it ended, in milliseconds since 1970, and
// 0 while it has not.
func (c *Client) SetRunStatus(ctx context.Context, run string, status tracking.RunStatus, end int64) error {
	body := map[string]any{"run_id": run, "status": status}
	if end != 0 {
		body["end_time"] = end
	}
	return c.tell(ctx, http.MethodPost, body, "mlflow", "runs", "update")
}

// NameArtifact keeps content that the server has as a file of a run.
func (c *Client) NameArtifact(ctx context.Context, run, path string, hash blob.Hash) error {
	body := map[string]string{"path": path, "sha256": string(hash)}
	return c.exchange(ctx, call{method: http.MethodPut, path: c.path("runs", run, "artifacts"), in: body}, nil)
}

// UploadBlob sends one content, whose hash and size source says.
func (c *Client) UploadBlob(ctx context.Context, source Source) error {
	return c.uploadBlob(ctx, source, func(int64) {})
}
