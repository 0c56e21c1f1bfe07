package runner

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// fetchObjects writes the file or the folder at from in a datastore into dir. The
// server reads it: its credentials never come here.
func (r *runner) fetchObjects(ctx context.Context, datastore, from, dir string, readOnly bool) error {
	root, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	found := false
	base, mode := "/datastores/"+url.PathEscape(datastore), fileMode(blob.File{}, readOnly)
	err = transfer(ctx, func(yield func(step, error) bool) {
		for token := ""; ; {
			var page struct {
				Items []struct {
					Path string `json:"path"`
				} `json:"items"`
				NextPageToken string `json:"next_page_token"`
			}
			query := url.Values{"path": {from}, "page_token": {token}}
			if err := r.server.call(ctx, http.MethodGet, base+"/files?"+query.Encode(), nil, &page); err != nil {
				yield(nil, err)
				return
			}
			found = found || len(page.Items) > 0
			for _, object := range page.Items {
				name, _ := nameUnder(object.Path, from)
				address := base + "/content?" + url.Values{"path": {object.Path}}.Encode()
				fetch := func(ctx context.Context) error {
					_, err := r.save(ctx, root, saved{name: name, mode: mode, open: func(ctx context.Context) (*http.Response, error) {
						return r.server.open(ctx, http.MethodGet, address, nil)
					}})
					return err
				}
				if !yield(fetch, nil) {
					return
				}
			}
			if token = page.NextPageToken; token == "" {
				return
			}
		}
	})
	if err == nil && !found {
		err = atelier.Errorf(atelier.NotFound, "%q is not there any more in the datastore %s.", atelier.Clip(from, 200), datastore)
	}
	return err
}

func openFolder(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

// fetchAddress writes the file at an address of the web into dir, as the user
// whose job it is.
func (r *runner) fetchAddress(ctx context.Context, address, dir string, readOnly bool) error {
	root, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	parsed, err := url.Parse(address)
	if err != nil {
		return err
	}
	name := safeName(path.Base(parsed.Path))
	if name == "" || name == "." || name == "_" {
		name = "data"
	}
	open := func(ctx context.Context) (*http.Response, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil && response.StatusCode != http.StatusOK {
			response.Body.Close()
			err = atelier.Errorf(atelier.Unavailable, "%s answered %s.", parsed.Host, response.Status)
		}
		return response, err
	}
	if _, err := r.save(ctx, root, saved{name: name, mode: fileMode(blob.File{}, readOnly), open: open}); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}
