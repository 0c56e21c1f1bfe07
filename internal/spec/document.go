// Package spec reads Azure Machine Learning's v2 YAML files and gives our nouns.
//
// It is strict, because a file that is half understood costs a night of
// training: an unknown key, a wrong type, a missing file or a reference to
// nothing is refused with file, line and column, the line itself, and what is
// allowed there. All faults of a file are reported at once. A key that Azure
// has and we do not is refused by name with the reason. What a user wrote as
// text stays text: a variable of 1.10 is "1.10".
package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
)

const (
	maxFileBytes = 1 << 20
	maxNodes     = 20_000 // with every alias written out
	maxDepth     = 64
)

// Document is a YAML file, parsed but not yet understood: the verb decides what
// it should describe.
type Document struct {
	file   string // as the user named it, for messages
	dir    string // what local paths in it are relative to
	lines  []string
	root   *yaml.Node
	sets   []string // the patches; a node with line -n comes from the n-th
	faults []fault
	notes  []string
	// partial says that there is no file: what is left out is left as it is.
	partial bool
}

// Load reads the file at path and applies sets, each "key.inner=value".
func Load(path string, sets []string) (*Document, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return parse(filepath.ToSlash(path), dir, text, sets)
}

// Options reads sets alone, as if they changed an empty file in the folder dir.
func Options(dir string, sets []string) (*Document, error) {
	d, err := parse("the options", dir, nil, sets)
	if err == nil {
		d.partial = true
	}
	return d, err
}

// readSmall reads a file that people write by hand.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder")
	}
	if err == nil && info.Size() > maxFileBytes {
		err = fmt.Errorf("it is larger than %d bytes", maxFileBytes)
	}
	var text []byte
	if err == nil {
		text, err = readMost(path)
	}
	if err != nil {
		return nil, atelier.Errorf(atelier.Invalid, "The file %s cannot be read: %s.", path, reason(err))
	}
	return text, nil
}

// readMost reads what may have no size that is known, as a pipe has none.
func readMost(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err == nil && len(text) > maxFileBytes {
		err = fmt.Errorf("it is larger than %d bytes", maxFileBytes)
	}
	return text, err
}

func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		return inner.Err.Error()
	}
	return err.Error()
}

func parse(file, dir string, text []byte, sets []string) (*Document, error) {
	d := read(file, dir, text, sets)
	if err := d.failure(); err != nil {
		return nil, err
	}
	return d, nil
}

// read parses text. The faults say what hinders; then the document is good for
// nothing else.
func read(file, dir string, text []byte, sets []string) *Document {
	d := &Document{file: strings.Map(visible, file), dir: dir, lines: strings.Split(string(text), "\n"), sets: sets}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	err := decoder.Decode(&document)
	switch {
	case err == io.EOF || err == nil && len(document.Content) == 0:
		document.Content = []*yaml.Node{{Kind: yaml.MappingNode, Line: 1, Column: 1}}
	case err != nil:
		d.syntax(err)
		return d
	default:
		var second yaml.Node
		if err := decoder.Decode(&second); err != io.EOF {
			d.add(&second, "The file holds more than one document. Write one per file.")
			return d
		}
	}
	d.root = document.Content[0]
	if d.root.Kind == yaml.ScalarNode && d.root.Tag == "!!null" {
		d.root = &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}
	}
	budget := maxNodes
	if !d.small(d.root, maxDepth, &budget) {
		return d
	}
	merge(d.root, map[*yaml.Node]bool{})
	for i := range sets {
		d.patch(i)
	}
	return d
}

// Notes are sentences about keys that were accepted and change nothing here.
func (d *Document) Notes() []string { return d.notes }

var syntaxPlace = regexp.MustCompile(`line (\d+)(?:, column (\d+))?`)

// syntax reports what the parser says, at the last place that it names.
func (d *Document) syntax(err error) {
	node := &yaml.Node{Line: 1, Column: 1}
	places := syntaxPlace.FindAllStringSubmatch(err.Error(), -1)
	if len(places) > 0 {
		last := places[len(places)-1]
		node.Line, _ = strconv.Atoi(last[1])
		if column, err := strconv.Atoi(last[2]); err == nil {
			node.Column = column
		}
	}
	hint := ""
	if node.Line <= len(d.lines) && strings.Contains(d.lines[node.Line-1], "{{") {
		hint = " A template's {{NAME}} must be filled in first."
	}
	d.add(node, "This is not YAML: %s.%s", strings.TrimPrefix(err.Error(), "yaml: "), hint)
}

// small refuses a document that would become huge, or endless, once its
// aliases are written out.
func (d *Document) small(node *yaml.Node, depth int, budget *int) bool {
	*budget--
	if *budget < 0 || depth == 0 {
		d.add(node, "The file becomes too large or too deep once its aliases are written out.")
		return false
	}
	if node.Kind == yaml.AliasNode {
		return d.small(node.Alias, depth-1, budget)
	}
	for _, child := range node.Content {
		if !d.small(child, depth-1, budget) {
			return false
		}
	}
	return true
}

// merge writes out what "<<" merges into mappings: keys that a mapping has
// itself win, then those of the mapping that is named first. What is not a
// mapping stays, to be refused where it stands.
func merge(node *yaml.Node, done map[*yaml.Node]bool) {
	node = real(node)
	if done[node] {
		return
	}
	done[node] = true
	for _, inner := range node.Content {
		merge(inner, done)
	}
	if node.Kind != yaml.MappingNode {
		return
	}
	var own, merged []*yaml.Node
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := real(node.Content[i]), real(node.Content[i+1])
		if sources := mergedMappings(key, value); sources != nil {
			merged = append(merged, sources...)
			continue
		}
		seen[key.Value] = true
		own = append(own, node.Content[i], node.Content[i+1])
	}
	for _, source := range merged {
		for i := 0; i+1 < len(source.Content); i += 2 {
			key, value := real(source.Content[i]), source.Content[i+1]
			if !seen[key.Value] {
				seen[key.Value] = true
				// An alias, so that a patch of the one leaves the other alone.
				own = append(own, key, &yaml.Node{Kind: yaml.AliasNode, Alias: real(value), Line: value.Line, Column: value.Column})
			}
		}
	}
	node.Content = own
}

// mergedMappings returns the mappings that "<<" names, nil for another key.
func mergedMappings(key, value *yaml.Node) []*yaml.Node {
	if key.Kind != yaml.ScalarNode || key.Value != "<<" || key.Style != 0 {
		return nil
	}
	if value.Kind == yaml.MappingNode {
		return []*yaml.Node{value}
	}
	var all []*yaml.Node
	for _, inner := range value.Content {
		if real(inner).Kind != yaml.MappingNode {
			return nil
		}
		all = append(all, real(inner))
	}
	return all
}

// real follows an alias to what it stands for.
func real(node *yaml.Node) *yaml.Node {
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}
