package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/atelier-ml/atelier"
)

// pageStep is how many items a list asks for at once.
const pageStep = 200

// list fetches pages at path until it has limit items or there are no more.
// A limit of 0 means all.
func list[T any](ctx context.Context, c *Client, path string, query url.Values, limit int) ([]T, error) {
	if query == nil {
		query = url.Values{}
	}
	items := []T{}
	for {
		size := pageStep
		if limit > 0 {
			size = min(size, limit-len(items))
		}
		query.Set("max_results", strconv.Itoa(size))
		page, err := get[atelier.Page[T]](ctx, c, path, query)
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if limit > 0 && len(items) >= limit {
			return items[:limit], nil
		}
		if page.NextPageToken == "" {
			return items, nil
		}
		query.Set("page_token", page.NextPageToken)
	}
}
