package client

import (
	"context"
	"net/url"
	"strings"

	"github.com/atelier-ml/atelier/internal/tracking"
)

// ListRuns chooses runs. What is empty does not restrict.
type ListRuns struct {
	Experiments []string // names or ids
	Filter      string   // in MLflow's language
	OrderBy     []string
	View        tracking.View
	MaxResults  int // 0: all
}

// ListRuns returns the runs that match.
func (c *Client) ListRuns(ctx context.Context, ask ListRuns) ([]tracking.Run, error) {
	query := url.Values{}
	for _, experiment := range ask.Experiments {
		query.Add("experiment", experiment)
	}
	for _, order := range ask.OrderBy {
		query.Add("order_by", order)
	}
	if ask.Filter != "" {
		query.Set("filter", ask.Filter)
	}
	if ask.View != "" {
		query.Set("view", string(ask.View))
	}
	return list[tracking.Run](ctx, c, c.path("runs"), query, ask.MaxResults)
}

// GetRun returns the run called id.
func (c *Client) GetRun(ctx context.Context, id string) (tracking.Run, error) {
	return get[tracking.Run](ctx, c, c.path("runs", id), nil)
}

// DeleteRun hides the run; RestoreRun brings it back.
func (c *Client) DeleteRun(ctx context.Context, id string) error {
	return c.delete(ctx, c.path("runs", id))
}

// RestoreRun brings back a run that was deleted.
func (c *Client) RestoreRun(ctx context.Context, id string) error {
	return c.exchange(ctx, call{method: "POST", path: c.path("runs", id, "restore")}, nil)
}

// RunStorage says how much room a run takes.
func (c *Client) RunStorage(ctx context.Context, id string) (tracking.RunStorage, error) {
	return get[tracking.RunStorage](ctx, c, c.path("runs", id, "storage"), nil)
}

// PurgeRuns removes runs for good.
func (c *Client) PurgeRuns(ctx context.Context, which tracking.Purge) (tracking.Purged, error) {
	return post[tracking.Purged](ctx, c, c.path("runs", "purge"), which)
}

// RunMetric returns the history of one metric of a run.
func (c *Client) RunMetric(ctx context.Context, id, key string) (tracking.MetricSeries, error) {
	return get[tracking.MetricSeries](ctx, c, c.path("runs", id, "metrics"), url.Values{"key": {key}})
}

// ListArtifacts returns what lies directly under folder in a run's artifacts.
func (c *Client) ListArtifacts(ctx context.Context, run, folder string) ([]tracking.Artifact, error) {
	return list[tracking.Artifact](ctx, c, c.path("runs", run, "artifacts"), url.Values{"path": {folder}}, 0)
}

// Artifacts returns all files under folder, at any depth.
func (c *Client) Artifacts(ctx context.Context, run, folder string) ([]tracking.Artifact, error) {
	var files []tracking.Artifact
	folders := []string{folder}
	for len(folders) > 0 {
		entries, err := c.ListArtifacts(ctx, run, folders[0])
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			switch {
			case !entry.IsDir:
				files = append(files, entry)
			case within(entry.Path, folders[0]): // a server that lies must not send us in circles
				folders = append(folders, entry.Path)
			}
		}
		folders = folders[1:]
	}
	return files, nil
}

// within reports whether inner lies below outer, where "" is the root.
func within(inner, outer string) bool {
	return inner != outer && inner != "" && (outer == "" || strings.HasPrefix(inner, outer+"/"))
}

// DownloadArtifacts writes files of a run below target, by their paths relative
// to base.
func (c *Client) DownloadArtifacts(ctx context.Context, run string, files []tracking.Artifact, base string, to Target) error {
	var done, total int64
	for _, file := range files {
		total += file.Size
	}
	for _, file := range files {
		name := file.Path
		if base != "" {
			name = strings.TrimPrefix(name, base+"/")
		}
		save := download{target: to.Root, path: name, want: file.Hash, count: func(n int64) {
			done += n
			to.report(done, total)
		}}
		query := url.Values{"path": {file.Path}}
		if err := c.save(ctx, c.path("runs", run, "artifacts", "content"), query, save); err != nil {
			return err
		}
	}
	return nil
}
