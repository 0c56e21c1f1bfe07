package client

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/atelier-ml/atelier/internal/blob"
)

// Source is one file to upload: its place in the tree, and how to read it.
type Source struct {
	blob.File
	Open func() (io.ReadCloser, error)
}

// Progress is told how many bytes of how many have moved. It is called from
// several goroutines.
type Progress func(done, total int64)

const (
	uploads     = 4    // files on their way at once
	missingStep = 1000 // hashes asked about in one request
)

// UploadTree makes the tree of sources on the server: it asks which contents
// are not there yet, sends those, and registers the tree. Sending the same
// folder twice costs two small requests.
func (c *Client) UploadTree(ctx context.Context, sources []Source, progress Progress) (blob.Tree, error) {
	files := make([]blob.File, len(sources))
	byHash := map[blob.Hash]Source{}
	for i, source := range sources {
		files[i] = source.File
		byHash[source.Hash] = source
	}
	missing, err := c.missing(ctx, byHash)
	if err != nil {
		return blob.Tree{}, err
	}
	if err := c.uploadAll(ctx, missing, progress); err != nil {
		return blob.Tree{}, err
	}
	return post[blob.Tree](ctx, c, c.path("trees"), map[string]any{"files": files})
}

// missing returns the sources whose content the server does not have.
func (c *Client) missing(ctx context.Context, byHash map[blob.Hash]Source) ([]Source, error) {
	hashes := make([]blob.Hash, 0, len(byHash))
	for hash := range byHash {
		hashes = append(hashes, hash)
	}
	slices.Sort(hashes)
	var sources []Source
	for step := range slices.Chunk(hashes, missingStep) {
		answer, err := post[struct {
			Missing []blob.Hash `json:"missing"`
		}](ctx, c, c.path("blobs", "missing"), map[string]any{"sha256": step})
		if err != nil {
			return nil, err
		}
		for _, hash := range answer.Missing {
			if source, ok := byHash[hash]; ok {
				sources = append(sources, source)
			}
		}
	}
	return sources, nil
}

func (c *Client) uploadAll(ctx context.Context, sources []Source, progress Progress) error {
	var total int64
	for _, source := range sources {
		total += source.Size
	}
	var done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, source := range sources {
		group.Go(func() error {
			return c.uploadBlob(ctx, source, func(n int64) {
				if now := done.Add(n); progress != nil {
					progress(now, total)
				}
			})
		})
	}
	return group.Wait()
}

// uploadBlob sends one content. A second attempt takes back what the first
// counted, so that progress never passes the total.
func (c *Client) uploadBlob(ctx context.Context, source Source, count func(int64)) error {
	var sent atomic.Int64 // the transport may still read the first body when the second is opened
	response, err := c.send(ctx, call{
		method: http.MethodPut,
		path:   c.path("blobs", string(source.Hash)),
		size:   source.Size,
		body: func() (io.ReadCloser, error) {
			count(-sent.Swap(0))
			file, err := source.Open()
			if err != nil {
				return nil, err
			}
			return &countingReader{ReadCloser: file, count: func(n int64) { sent.Add(n); count(n) }}, nil
		},
	})
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// countingReader tells count how many bytes were read.
type countingReader struct {
	io.ReadCloser
	count func(int64)
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if n > 0 {
		r.count(int64(n))
	}
	return n, err
}
