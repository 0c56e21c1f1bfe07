package spec

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
)

// wanted says what a local path must lead to.
type wanted int

const (
	anything wanted = iota
	aFile
	aFolder
)

// path reads a place of data. A local path is made absolute, relative to the
// YAML file, and must exist; every other form is kept as it is.
func (d *Document) path(node *yaml.Node, name string, want wanted) string {
	if d.placeholder(node, name) {
		return ""
	}
	text := d.text(node, name)
	if text == "" {
		if node.Kind == yaml.ScalarNode {
			d.add(node, "%q must be a path, and is empty.", name)
		}
		return ""
	}
	if strings.HasPrefix(text, "git+") {
		d.add(node, "%q cannot be a git repository. Clone it, and name the folder.", name)
		return ""
	}
	parsed, err := atelier.ParsePath(text)
	if err != nil {
		fault := atelier.Public(err)
		d.add(node, "%s %s", fault.Message, fault.Hint)
		return ""
	}
	if parsed.Kind != atelier.LocalPath {
		return text
	}
	place := d.absolute(parsed.Rest)
	info, err := os.Stat(place)
	switch {
	case err != nil:
		d.add(node, "%q leads nowhere: %s: %s. Local paths are relative to the YAML file.", name, place, reason(err))
	case want == aFile && info.IsDir():
		d.add(node, "%q must be a file, and %s is a folder.", name, place)
	case want == aFolder && !info.IsDir():
		d.add(node, "%q must be a folder, and %s is a file.", name, place)
	default:
		return place
	}
	return ""
}

// absolute returns where a local path of this document leads.
func (d *Document) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(d.dir, filepath.FromSlash(path))
}

func isLocal(path string) bool {
	parsed, err := atelier.ParsePath(path)
	return err == nil && parsed.Kind == atelier.LocalPath
}
