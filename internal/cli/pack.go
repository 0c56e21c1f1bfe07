package cli

import (
	"context"
	"io"
	"path/filepath"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/snapshot"
)

// packer uploads the folders and files that a YAML file names, and gives the
// references under which the server knows them.
type packer struct {
	c   *command
	api *client.Client
}

// code uploads a code folder and returns its reference, "azureml:TREE:1".
func (p packer) code(ctx context.Context, dir string) (string, error) {
	folder, err := snapshot.Code(ctx, dir)
	if err != nil {
		return "", err
	}
	tree, err := p.upload(ctx, "Uploading the code", folder)
	return "azureml:" + string(tree.ID) + ":1", err
}

// data uploads a file or a folder as it is, and returns its place in the
// workspace's own datastore.
func (p packer) data(ctx context.Context, path string) (string, error) {
	content, err := snapshot.Data(ctx, path)
	if err != nil {
		return "", err
	}
	tree, err := p.upload(ctx, "Uploading "+filepath.Base(path), content)
	return "azureml://datastores/" + atelier.DefaultDatastore + "/paths/LocalUpload/" + string(tree.ID) + "/" + filepath.Base(path), err
}

func (p packer) upload(ctx context.Context, verb string, content *snapshot.Snapshot) (blob.Tree, error) {
	sources := make([]client.Source, len(content.Files))
	for i, file := range content.Files {
		sources[i] = client.Source{File: file, Open: func() (io.ReadCloser, error) { return content.Open(file.Hash) }}
	}
	for _, skipped := range content.Skipped {
		p.c.done("%s is no regular file and is left out.", p.c.st.shown(skipped))
	}
	line := p.c.progress(verb)
	defer line.close()
	return p.api.UploadTree(ctx, sources, line.update)
}

// local reports whether path is on this machine, and where.
func local(path string) (string, bool) {
	parsed, err := atelier.ParsePath(path)
	if err != nil || parsed.Kind != atelier.LocalPath {
		return "", false
	}
	return parsed.Rest, true
}
