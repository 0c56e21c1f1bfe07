package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/atelier-ml/atelier/internal/data"
)

// RegisterData registers a version of a data asset, and the asset with its first.
func (c *Client) RegisterData(ctx context.Context, ask data.Register) (data.Version, error) {
	return post[data.Version](ctx, c, c.path("data"), ask)
}

// ListData returns the data assets of the workspace.
func (c *Client) ListData(ctx context.Context, archived bool) ([]data.Asset, error) {
	return list[data.Asset](ctx, c, c.path("data"), archivedToo(archived), 0)
}

// ListDataVersions returns the versions of a data asset, newest first.
func (c *Client) ListDataVersions(ctx context.Context, name string, archived bool) ([]data.Version, error) {
	return list[data.Version](ctx, c, c.path("data", name, "versions"), archivedToo(archived), 0)
}

func archivedToo(archived bool) url.Values {
	if archived {
		return url.Values{"archived": {"true"}}
	}
	return nil
}

// GetDataVersion returns one version of a data asset; "latest" is one too.
func (c *Client) GetDataVersion(ctx context.Context, name, version string) (data.Version, error) {
	return get[data.Version](ctx, c, c.path("data", name, "versions", version), nil)
}

// UpdateData archives a data asset, or takes it out of the archive.
func (c *Client) UpdateData(ctx context.Context, name string, change data.UpdateAsset) (data.Asset, error) {
	return patch[data.Asset](ctx, c, c.path("data", name), change)
}

// UpdateDataVersion changes what people say of a version. Its files stay.
func (c *Client) UpdateDataVersion(ctx context.Context, name, version string, change data.UpdateVersion) (data.Version, error) {
	return patch[data.Version](ctx, c, c.path("data", name, "versions", version), change)
}

// DataUses returns the runs that read or made a version.
func (c *Client) DataUses(ctx context.Context, name, version string) ([]data.Use, error) {
	return list[data.Use](ctx, c, c.path("data", name, "versions", version, "uses"), nil, 0)
}

// PreviewData returns the first rows of a table of a version.
func (c *Client) PreviewData(ctx context.Context, name, version string, ask data.PreviewOf) (data.Preview, error) {
	query := url.Values{"path": {ask.Path}, "rows": {strconv.Itoa(ask.Rows)}}
	return get[data.Preview](ctx, c, c.path("data", name, "versions", version, "preview"), query)
}

// ProfileData returns what is known of the columns of a version, once it is.
func (c *Client) ProfileData(ctx context.Context, name, version string) (data.ProfileState, error) {
	return get[data.ProfileState](ctx, c, c.path("data", name, "versions", version, "profile"), nil)
}

// CompareData returns what changed between two versions.
func (c *Client) CompareData(ctx context.Context, name, from, to string) (data.Difference, error) {
	return get[data.Difference](ctx, c, c.path("data", name, "versions", to, "difference"), url.Values{"since": {from}})
}

// DataOfRun returns what a run read and made.
func (c *Client) DataOfRun(ctx context.Context, run string) ([]data.Use, error) {
	return list[data.Use](ctx, c, c.path("runs", run, "data"), nil, 0)
}
