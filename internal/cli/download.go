package cli

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
)

// artifactsWanted says which of a run's artifacts to write where.
type artifactsWanted struct {
	run    string
	folder string // only what lies under it
	base   string // the part of the paths that is left out
	target string
}

func (c *command) downloadArtifacts(ctx context.Context, api *client.Client, want artifactsWanted) error {
	files, err := api.Artifacts(ctx, want.run, want.folder)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return nothingThere(want)
	}
	return c.intoFolder(want.target, len(files), func(to client.Target) error {
		return api.DownloadArtifacts(ctx, want.run, files, want.base, to)
	})
}

func nothingThere(want artifactsWanted) error {
	if want.folder == "" {
		return atelier.Errorf(atelier.NotFound, "%q has kept no files.", want.run)
	}
	return atelier.Errorf(atelier.NotFound, "%q has kept no files under %s.", want.run, want.folder).
		WithHint("`atelier run download %s` gets everything that it kept.", want.run)
}

// intoFolder calls do with the folder target open for writing, then says that n
// files were written.
func (c *command) intoFolder(target string, n int, do func(to client.Target) error) error {
	root, err := c.st.folder(target)
	if err != nil {
		return atelier.Errorf(atelier.Invalid, "The folder %s cannot be written: %w.", target, err)
	}
	defer root.Close()
	line := c.progress("Downloading")
	err = do(client.Target{Root: root, Progress: line.update})
	line.close()
	if err != nil {
		return err
	}
	c.done("Downloaded %s to %s.", counted(n, "file"), target)
	return nil
}
