package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// Downloads write through an os.Root: whatever a server answers, and whatever
// links lie in the folder, nothing is written outside it.

// Tree returns the list of files of a folder that was uploaded.
func (c *Client) Tree(ctx context.Context, id blob.Hash) (blob.Tree, error) {
	return get[blob.Tree](ctx, c, c.path("trees", string(id)), nil)
}

// Target is the folder that a download goes to, and who hears how it goes.
type Target struct {
	Root     *os.Root
	Progress Progress // may be nil
}

func (t Target) report(done, total int64) {
	if t.Progress != nil {
		t.Progress(done, total)
	}
}

// DownloadTree writes the files of a tree, checking each content against its hash.
func (c *Client) DownloadTree(ctx context.Context, tree blob.Tree, to Target) error {
	var done int64
	for _, file := range tree.Files {
		save := download{target: to.Root, path: file.Path, want: file.Hash, executable: file.Executable}
		save.count = func(n int64) {
			done += n
			to.report(done, tree.Size())
		}
		if err := c.save(ctx, c.path("blobs", string(file.Hash)), nil, save); err != nil {
			return err
		}
	}
	return nil
}

// download says where one file goes.
type download struct {
	target     *os.Root
	path       string
	want       blob.Hash // empty when the server gave none
	executable bool
	count      func(int64)
}

// open returns the raw body at path.
func (c *Client) open(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	response, err := c.send(ctx, call{method: http.MethodGet, path: path, query: query})
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// save writes the raw body at path into a file. The file appears under its name
// only when it is whole.
func (c *Client) save(ctx context.Context, address string, query url.Values, to download) error {
	if err := blob.CheckPath(to.path); err != nil {
		return atelier.Errorf(atelier.Internal, "The server named a file %q, which no download may write.", atelier.Clip(to.path, 120))
	}
	body, err := c.open(ctx, address, query)
	if err != nil {
		return err
	}
	defer body.Close()
	if dir := path.Dir(to.path); dir != "." {
		if err := to.target.MkdirAll(dir, 0o755); err != nil {
			return unwritable(to, err)
		}
	}
	part := to.path + ".part"
	hash, err := c.write(ctx, body, part, to)
	if err == nil && to.want != "" && hash != to.want {
		err = atelier.Errorf(atelier.Unavailable, "%s arrived damaged.", to.path).WithHint("Try again.")
	}
	if err == nil {
		err = to.target.Rename(part, to.path)
	}
	if err != nil {
		to.target.Remove(part)
		return unwritable(to, err)
	}
	return nil
}

// write copies body into the file part and returns the hash of what it wrote.
func (c *Client) write(ctx context.Context, body io.ReadCloser, part string, to download) (blob.Hash, error) {
	mode := os.FileMode(0o644)
	if to.executable {
		mode = 0o755
	}
	to.target.Remove(part) // a leftover, or a link that somebody laid there
	file, err := to.target.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	counted := &countingReader{ReadCloser: body, count: to.count}
	reading := io.TeeReader(counted, sum)
	if _, err := io.Copy(file, reading); err != nil {
		file.Close()
		if !errors.As(err, new(*os.PathError)) {
			err = c.broken(ctx, err)
		}
		return "", err
	}
	return blob.Hash(hex.EncodeToString(sum.Sum(nil))), file.Close()
}

func unwritable(to download, err error) error {
	var known *atelier.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return atelier.Errorf(atelier.Invalid, "%s cannot be written in %s: %w.", to.path, to.target.Name(), err)
}
