package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/endpoint"
)

// Collected returns what a deployment has collected, by collection.
func (c *Client) Collected(ctx context.Context, of, name string) ([]endpoint.CollectedCollection, error) {
	return list[endpoint.CollectedCollection](ctx, c, c.deployments(of, name, "collected"), nil, 0)
}

// CollectedRows returns the newest events of a collection, at most limit.
func (c *Client) CollectedRows(ctx context.Context, of collect.Key, limit int) ([]collect.Event, error) {
	return list[collect.Event](ctx, c, c.collected(of), nil, limit)
}

// DeleteCollected removes what a collection has from before a time, or with a zero
// time everything.
func (c *Client) DeleteCollected(ctx context.Context, of collect.Key, before time.Time) (gone collect.Deleted, err error) {
	request := call{method: http.MethodDelete, path: c.collected(of)}
	if !before.IsZero() {
		request.query = url.Values{"before": {before.UTC().Format(time.RFC3339)}}
	}
	return gone, c.exchange(ctx, request, &gone)
}

func (c *Client) collected(of collect.Key) string {
	return c.deployments(of.Endpoint, of.Deployment, "collected", of.Collection)
}
