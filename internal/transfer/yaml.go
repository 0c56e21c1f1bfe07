package transfer

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"
)

// What is read whole of a file store. A dataset's profile is the largest thing
// that MLflow puts into a meta.yaml.
const (
	maxValue = 1 << 20
	maxMeta  = 24 << 20
)

// read returns the content of a small file.
func (f *folder) read(name string, most int64) ([]byte, error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%s: it is left out: it is no file of at most %d bytes", name, most)
	}
	return io.ReadAll(io.LimitReader(file, most))
}

// readYAML reads a meta.yaml into out. MLflow writes plain mappings: an alias is
// refused, because a few of them can write out to more than any memory holds.
func (f *folder) readYAML(name string, out any) error {
	text, err := f.read(name, maxMeta)
	if err != nil {
		return err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("%s: it is not YAML: %w", name, err)
	}
	if hasAlias(&document) {
		return fmt.Errorf("%s: it is left out: it has YAML aliases, which MLflow never writes", name)
	}
	if err := document.Decode(out); err != nil {
		return fmt.Errorf("%s: it is not a file of MLflow: %w", name, err)
	}
	return nil
}

func hasAlias(node *yaml.Node) bool {
	if node.Kind == yaml.AliasNode {
		return true
	}
	for _, child := range node.Content {
		if hasAlias(child) {
			return true
		}
	}
	return false
}

// scalar is a value of a meta.yaml as it is written there, whatever its type;
// null and what is no scalar are empty.
type scalar string

// UnmarshalYAML keeps the text of a scalar.
func (s *scalar) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode && node.Tag != "!!null" {
		*s = scalar(node.Value)
	}
	return nil
}

// time reads milliseconds since 1970.
func (s scalar) time() time.Time {
	ms, _ := strconv.ParseInt(string(s), 10, 64)
	return time.UnixMilli(ms).UTC()
}

func (s scalar) timeOrNil() *time.Time {
	if s == "" {
		return nil
	}
	t := s.time()
	return &t
}
