package client

import (
	"context"
	"net/url"

	"github.com/atelier-ml/atelier/internal/datastore"
)

// CreateDatastore makes a datastore.
func (c *Client) CreateDatastore(ctx context.Context, ask datastore.Create) (datastore.Datastore, error) {
	return post[datastore.Datastore](ctx, c, c.path("datastores"), ask)
}

// ListDatastores returns the datastores of the workspace.
func (c *Client) ListDatastores(ctx context.Context) ([]datastore.Datastore, error) {
	return list[datastore.Datastore](ctx, c, c.path("datastores"), nil, 0)
}

// GetDatastore returns the datastore called name, without its credentials.
func (c *Client) GetDatastore(ctx context.Context, name string) (datastore.Datastore, error) {
	return get[datastore.Datastore](ctx, c, c.path("datastores", name), nil)
}

// UpdateDatastore changes what is said of a datastore, or its credentials.
func (c *Client) UpdateDatastore(ctx context.Context, name string, change datastore.Update) (datastore.Datastore, error) {
	return patch[datastore.Datastore](ctx, c, c.path("datastores", name), change)
}

// DeleteDatastore forgets a datastore. What lies there stays.
func (c *Client) DeleteDatastore(ctx context.Context, name string) error {
	return c.delete(ctx, c.path("datastores", name))
}

// DatastoreFiles returns the files at or below a path of a datastore.
func (c *Client) DatastoreFiles(ctx context.Context, name, path string) ([]datastore.Object, error) {
	return list[datastore.Object](ctx, c, c.path("datastores", name, "files"), url.Values{"path": {path}}, 0)
}

// DownloadObjects writes files of a datastore, whose paths begin with folder.
func (c *Client) DownloadObjects(ctx context.Context, name, folder string, objects []datastore.Object, to Target) error {
	var done, total int64
	for _, o := range objects {
		total += o.Size
	}
	for _, o := range objects {
		save := download{target: to.Root, path: datastore.Inside(o.Path, folder), count: func(n int64) {
			done += n
			to.report(done, total)
		}}
		if err := c.save(ctx, c.path("datastores", name, "content"), url.Values{"path": {o.Path}}, save); err != nil {
			return err
		}
	}
	return nil
}
