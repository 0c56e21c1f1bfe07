package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
)

// Folders beside the script that are kept, as Azure ML keeps them.
const (
	outputsFolder = "outputs"
	logsFolder    = "logs"
)

// upload stores what the command made as artifacts of its run: ./outputs, ./logs,
// the named outputs and the log of what it printed.
func (r *runner) upload(ctx context.Context) error {
	return transfer(ctx, func(yield func(step, error) bool) {
		send := func(local, where, name string) error {
			if !yield(func(ctx context.Context) error { return r.uploadFile(ctx, local, where, name) }, nil) {
				return errEnough
			}
			return nil
		}
		err := r.eachFile(func(local, name string) error { return send(local, "/artifacts", name) })
		for output, place := range r.task.Outputs {
			if place.Datastore != "" && place.Address == "" && err == nil {
				where := "/outputs/" + url.PathEscape(output)
				err = walk(r.workPath("outputs", output), "", func(local, name string) error { return send(local, where, name) })
			}
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	})
}

// errEnough ends a walk whose files nobody wants any more.
var errEnough = errors.New("enough")

// eachFile calls found with every file to keep and its name as an artifact.
func (r *runner) eachFile(found func(local, name string) error) error {
	folders := map[string]string{
		outputsFolder: r.workPath("code", outputsFolder),
		logsFolder:    r.workPath("code", logsFolder),
	}
	for name, place := range r.task.Outputs {
		if place.Datastore != "" {
			continue
		}
		folders[path.Join("named-outputs", name)] = r.workPath("outputs", name)
	}
	for name, dir := range folders {
		if err := walk(dir, name, found); err != nil {
			return err
		}
	}
	for _, log := range r.streams.ranks {
		if log.size.Load() > 0 {
			if err := found(log.file.Name(), log.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// walk finds the regular files under dir, and those that links point to. Links
// to folders are not followed: they may lead in a circle.
func walk(dir, prefix string, found func(local, name string) error) error {
	return filepath.WalkDir(dir, func(local string, entry fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) && local == dir {
				return nil // the command removed the folder
			}
			return err
		}
		info, err := os.Stat(local)
		if err != nil || !info.Mode().IsRegular() {
			return nil // a folder, a socket, a link to nothing
		}
		relative, err := filepath.Rel(dir, local)
		if err != nil {
			return err
		}
		return found(local, path.Join(prefix, filepath.ToSlash(relative)))
	})
}

func (r *runner) uploadFile(ctx context.Context, local, where, name string) error {
	query := where + "?path=" + url.QueryEscape(name)
	err := r.server.call(ctx, http.MethodPut, "/tasks/"+url.PathEscape(r.task.ID)+query, fileContent(local), nil)
	if err != nil {
		return fmt.Errorf("%s could not be stored: %w", name, err)
	}
	return nil
}
