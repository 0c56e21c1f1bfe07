package spec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
)

// dockerBuild reads a Docker build context: its Dockerfile, and the files that
// say which packages it installs. Nothing outside the folder is read, wherever
// links lead.
func (d *Document) dockerBuild(o *object) *environment.DockerBuild {
	inner := o.inner("build")
	if inner == nil {
		return nil
	}
	inner.need("path", "the folder of the Dockerfile")
	node := inner.value("path")
	file := inner.text("dockerfile_path")
	inner.finish(nil)
	if node == nil {
		return nil
	}
	place := d.path(node, inner.name("path"), aFolder)
	if place == "" {
		return nil
	}
	if !isLocal(node.Value) {
		d.add(node, "%q must be a folder on this machine.", inner.name("path"))
		return nil
	}
	root, err := os.OpenRoot(place)
	if err != nil {
		d.add(node, "The folder %s cannot be read: %s.", place, reason(err))
		return nil
	}
	defer root.Close()
	if file == "" {
		file = "Dockerfile"
	}
	text, err := readIn(root, file)
	if err != nil {
		d.add(node, "The Dockerfile %q of the context %s cannot be read: %s.", atelier.Clip(file, 120), place, reason(err))
		return nil
	}
	build := &environment.DockerBuild{Dockerfile: text, Files: map[string]string{},
		DockerfileName: path.Join(filepath.ToSlash(strings.TrimPrefix(node.Value, "file:")), filepath.ToSlash(file))}
	t, err := environment.TranslateDockerfile(text, build.DockerfileName, func(name string) (string, bool) {
		content, err := readIn(root, name)
		if err == nil {
			build.Files[name] = content
		}
		return content, err == nil
	})
	if err != nil {
		d.addForeign(err, faultyFile(err, build))
	}
	if o.path == "" { // a job is told by the server, with the rest of its hints
		d.notes = append(d.notes, t.Notes...)
	}
	return build
}

// faultyFile is the text of the file in which a fault lies: the Dockerfile, or
// one that it names.
func faultyFile(err error, build *environment.DockerBuild) string {
	file := placeForm.ReplaceAllString(atelier.Public(err).Field, "")
	for name, text := range build.Files {
		if file != build.DockerfileName && strings.HasSuffix(file, name) {
			return text
		}
	}
	return build.Dockerfile
}

// readIn reads a file that people write by hand, in a folder that it cannot
// leave.
func readIn(root *os.Root, name string) (string, error) {
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a file")
	}
	if err == nil && info.Size() > maxFileBytes {
		err = fmt.Errorf("it is larger than %d bytes", maxFileBytes)
	}
	if err != nil {
		return "", err
	}
	file, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFileBytes))
	return string(text), err
}
