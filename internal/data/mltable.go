package data

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/data/profile"
)

// tableFile is the file that makes a folder an MLTable, and maxTable its greatest
// size.
const (
	tableFile = "MLTable"
	maxTable  = 1 << 20
)

// recipe is what a file MLTable says of how its table is made.
type recipe struct {
	paths  []tablePath
	format profile.Format // "" where no step says it
	view   profile.View
}

// tablePath is one place of a table: a file, a folder or a pattern.
type tablePath struct {
	kind, place string
}

// tableOf returns the files of a table in their order, how they are written, and
// what of them is in the table. Sources without a file MLTable are a table as
// they are.
func tableOf(sources []profile.Source) ([]profile.Source, profile.Format, profile.View, error) {
	at := slices.IndexFunc(sources, func(s profile.Source) bool { return s.Name == tableFile })
	if at < 0 {
		tables, format := profile.Tables(sources)
		return tables, format, profile.View{}, nil
	}
	r, err := readRecipe(sources[at])
	if err != nil {
		return nil, "", profile.View{}, err
	}
	files := r.pick(sources)
	if r.format == "" {
		files, r.format = profile.Tables(files)
	}
	return files, r.format, r.view, nil
}

func readRecipe(source profile.Source) (recipe, error) {
	content, size, err := source.Open()
	if err != nil {
		return recipe{}, err
	}
	defer content.Close()
	if size > maxTable {
		return recipe{}, atelier.Errorf(atelier.Invalid, "The file %s has %d bytes; at most %d are read.", tableFile, size, maxTable)
	}
	text, err := io.ReadAll(io.LimitReader(content, maxTable))
	if err != nil {
		return recipe{}, err
	}
	var document struct {
		Paths []map[string]string `yaml:"paths"`
		Steps []yaml.Node         `yaml:"transformations"`
	}
	if err := yaml.Unmarshal(text, &document); err != nil {
		return recipe{}, atelier.Errorf(atelier.Invalid, "The file %s cannot be read: %s.", tableFile, atelier.Clip(strings.TrimSpace(err.Error()), 200))
	}
	r := recipe{}
	for _, one := range document.Paths {
		for kind, place := range one {
			if parsed, err := atelier.ParsePath(place); err == nil && parsed.Kind != atelier.LocalPath {
				return r, atelier.Errorf(atelier.NotImplemented, "The table names %q, and only files beside %s are looked into.", atelier.Clip(place, 120), tableFile)
			}
			r.paths = append(r.paths, tablePath{kind, path.Clean(strings.TrimPrefix(place, "file://"))})
		}
	}
	for i := range document.Steps {
		if err := r.step(&document.Steps[i]); err != nil {
			return r, err
		}
	}
	return r, nil
}

// pick returns the files that the table names, each once, in the order of its paths.
func (r recipe) pick(sources []profile.Source) []profile.Source {
	var files []profile.Source
	seen := map[string]bool{tableFile: true}
	for _, p := range r.paths {
		from := len(files)
		for _, s := range sources {
			if !seen[s.Name] && p.holds(s.Name) {
				seen[s.Name] = true
				files = append(files, s)
			}
		}
		slices.SortFunc(files[from:], func(a, b profile.Source) int { return cmp.Compare(a.Name, b.Name) })
	}
	return files
}

func (p tablePath) holds(name string) bool {
	switch p.kind {
	case "pattern":
		matched, _ := doublestar.Match(p.place, name)
		return matched
	case "folder":
		return p.place == "." || strings.HasPrefix(name, p.place+"/")
	}
	return name == p.place
}

// step takes one transformation into account, or says that it is not applied.
func (r *recipe) step(node *yaml.Node) error {
	name, argument := node, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if node.Kind == yaml.MappingNode && len(node.Content) == 2 {
		name, argument = node.Content[0], node.Content[1]
	}
	switch name.Value {
	case "read_delimited":
		r.format = profile.CSV
		return r.delimited(argument)
	case "read_json_lines":
		r.format = profile.JSONLines
		return r.options(name, argument, map[string][]string{"encoding": utf8Names, "include_path_column": {"false"}, "invalid_lines": {"error"}})
	case "read_parquet":
		r.format = profile.Parquet
		return r.options(name, argument, map[string][]string{"include_path_column": {"false"}})
	case "convert_column_types":
		return nil // the types of a profile are those that the values have
	case "keep_columns", "drop_columns":
		return r.columns(name, argument)
	case "take", "skip":
		var rows int64
		if argument.Decode(&rows) != nil || rows < 0 {
			return wrongStep(argument, "%q is followed by a number of rows.", name.Value)
		}
		r.view = r.view.Skipped(rows, name.Value == "take")
		return nil
	}
	return notApplied(name, name.Value)
}

func (r *recipe) columns(name, argument *yaml.Node) error {
	var columns []string
	if argument.Kind == yaml.ScalarNode {
		columns = []string{argument.Value}
	} else if err := argument.Decode(&columns); err != nil {
		return wrongStep(argument, "%q is followed by a column or a list of columns.", name.Value)
	}
	if name.Value == "drop_columns" {
		r.view.Drop = append(r.view.Drop, columns...)
		return nil
	}
	if r.view.Keep != nil {
		columns = slices.DeleteFunc(columns, func(column string) bool { return !slices.Contains(r.view.Keep, column) })
	}
	r.view.Keep = append([]string{}, columns...)
	return nil
}

var (
	utf8Names = []string{"utf8", "utf-8", "ascii"}
	anyValue  []string
)

// delimited reads the settings of read_delimited. What is the default here and
// there needs no word; what would read other rows or columns is not applied.
func (r *recipe) delimited(argument *yaml.Node) error {
	for i := 0; i+1 < len(argument.Content); i += 2 {
		if value := argument.Content[i+1]; argument.Content[i].Value == "delimiter" {
			runes := []rune(value.Value)
			if len(runes) != 1 || strings.ContainsRune("\r\n\"\uFFFD", runes[0]) {
				return wrongStep(value, "The delimiter is one character, and no quotation mark.")
			}
			r.view.Comma = runes[0]
		}
	}
	return r.options(&yaml.Node{Value: "read_delimited"}, argument, map[string][]string{
		"delimiter": anyValue, "encoding": utf8Names, "header": {"all_files_same_headers", "from_first_file", "true"}, "include_path_column": {"false"},
		"empty_as_string": anyValue, "infer_column_types": anyValue, "support_multi_line": anyValue})
}

// options refuses settings of a step, and values of them, that are not known.
func (r *recipe) options(name, argument *yaml.Node, known map[string][]string) error {
	for i := 0; i+1 < len(argument.Content); i += 2 {
		key, value := argument.Content[i], argument.Content[i+1]
		values, ok := known[key.Value]
		if !ok || values != nil && !slices.Contains(values, strings.ToLower(value.Value)) {
			return notApplied(key, fmt.Sprintf("%s with %s: %s", name.Value, key.Value, value.Value))
		}
	}
	return nil
}

func notApplied(node *yaml.Node, step string) error {
	return atelier.Errorf(atelier.NotImplemented, "%s:%d: previews and profiles do not apply %s.", tableFile, node.Line, atelier.Clip(step, 120)).
		WithHint("A preview shows one of its files as it is when the file is named (--path). Jobs get the files whole.")
}

func wrongStep(node *yaml.Node, format string, args ...any) error {
	return atelier.Errorf(atelier.Invalid, "%s:%d: %s", tableFile, node.Line, fmt.Sprintf(format, args...))
}
