package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/atelier-ml/atelier/internal/lineage"
)

// Lineage returns what a thing comes from and what became of it.
func (c *Client) Lineage(ctx context.Context, ask lineage.Ask) (lineage.Graph, error) {
	query := url.Values{"of": {ask.Of}, "depth": {strconv.Itoa(ask.Depth)}}
	if ask.Direction != "" {
		query.Set("direction", string(ask.Direction))
	}
	return get[lineage.Graph](ctx, c, c.path("lineage"), query)
}
