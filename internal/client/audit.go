package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/atelier-ml/atelier/internal/audit"
)

// auditPath is the workspace's log, or the server's.
func (c *Client) auditPath(everything bool, parts ...string) string {
	parts = append([]string{"audit"}, parts...)
	if everything {
		return serverPath(append([]string{"server"}, parts...)...)
	}
	return c.path(parts...)
}

// Audit returns the newest entries of the audit log, at most limit: the workspace's, or
// those of the whole server.
func (c *Client) Audit(ctx context.Context, everything bool, filter url.Values, limit int) ([]audit.Entry, error) {
	return list[audit.Entry](ctx, c, c.auditPath(everything), filter, limit)
}

// ExportAudit writes the audit log, in the form that the filter names, as it comes.
func (c *Client) ExportAudit(ctx context.Context, everything bool, filter url.Values, w io.Writer) error {
	response, err := c.send(ctx, call{method: http.MethodGet, path: c.auditPath(everything, "export"), query: filter})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(w, response.Body)
	return c.broken(ctx, err)
}
