package data_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/datastore"
)

// tableFiles are a table of two files, and one that its MLTable does not name.
func tableFiles(steps string) map[string]string {
	return map[string]string{
		"MLTable":     "paths:\n- file: ./b.txt\n- pattern: ./more/*.txt\ntransformations:\n" + steps,
		"b.txt":       "x;y;z\n1;a;p\n2;b;q\n",
		"more/a.txt":  "x;y;z\n3;c;r\n4;d;s\n5;e;t\n",
		"more/no.csv": "other\n1\n",
	}
}

func TestATableIsShownAsItsFileSays(t *testing.T) {
	each(t, func(b bench) {
		for name, test := range map[string]struct {
			steps         string
			rows          int64
			columns       string
			first         string // the first row of the preview
			shown         int
			least, latest string // of x
		}{
			"delimited": {"- read_delimited:\n    delimiter: ';'\n    encoding: ascii\n    header: all_files_same_headers\n", 5, "x y z", "1 a p", 2, "1", "5"},
			"columns": {"- read_delimited:\n    delimiter: ';'\n- drop_columns: [z]\n- keep_columns:\n  - x\n" +
				"- convert_column_types:\n  - columns: x\n    column_type: int\n", 5, "x", "1", 2, "1", "5"},
			"rows": {"- read_delimited:\n    delimiter: ';'\n- skip: 1\n- take: 2\n- drop_columns: y\n", 2, "x z", "2 q", 1, "2", "3"},
		} {
			b.register(data.Register{Name: name, Type: data.MLTable, Path: b.upload(name, tableFiles(test.steps))})
			state := b.profile(name, "1")
			if state.Profile == nil || state.Profile.Rows != test.rows || state.Profile.Files != 2 || columnNames(state) != test.columns {
				b.t.Errorf("%s: %s, %+v", name, state.Error, state.Profile)
				continue
			}
			if x := state.Profile.Columns[0]; x.Min != test.least || x.Max != test.latest || x.Type != "integer" {
				b.t.Errorf("%s: x is %+v", name, x)
			}
			shown, err := b.Preview(b.ctx, ws, name, "1", data.PreviewOf{})
			b.must(err)
			if row := words(shown.Rows[0]); shown.Path != "b.txt" || strings.Join(shown.Columns, " ") != test.columns || row != test.first || len(shown.Rows) != test.shown {
				b.t.Errorf("%s: %+v, %s", name, shown, row)
			}
			if raw, err := b.Preview(b.ctx, ws, name, "1", data.PreviewOf{Path: "more/no.csv"}); err != nil || raw.Columns[0] != "other" {
				b.t.Errorf("%s: a file by its name: %+v, %v", name, raw, err)
			}
		}
		// The same files without being a table are looked at as they are.
		b.register(data.Register{Name: "plain", Path: b.upload("plain", tableFiles("- take: 1\n"))})
		if state := b.profile("plain", "1"); state.Profile == nil || columnNames(state) != "other" {
			b.t.Errorf("as a folder: %+v", state)
		}
	})
}

func TestStepsThatAreNotAppliedAreNamed(t *testing.T) {
	each(t, func(b bench) {
		for name, test := range map[string]struct {
			steps, want string
		}{
			"filter":    {"- read_delimited:\n    delimiter: ';'\n- filter: 'col(\"x\") > 1'\n", "MLTable:7: previews and profiles do not apply filter"},
			"sample":    {"- take_random_sample:\n    probability: 0.1\n", "MLTable:5: previews and profiles do not apply take_random_sample"},
			"partition": {"- extract_columns_from_partition_format: '{year:yyyy}'\n", "MLTable:5: previews and profiles do not apply extract_columns"},
			"delta":     {"- read_delta_lake\n", "MLTable:5: previews and profiles do not apply read_delta_lake"},
			"headers":   {"- read_delimited:\n    header: no_header\n", "MLTable:6: previews and profiles do not apply read_delimited with header: no_header"},
			"encoding":  {"- read_delimited: {encoding: utf16}\n", "MLTable:5: previews and profiles do not apply read_delimited with encoding: utf16"},
			"delimiter": {"- read_delimited: {delimiter: '::'}\n", "MLTable:5: The delimiter is one character"},
			"take":      {"- take: some\n", "MLTable:5: \"take\" is followed by a number of rows"},
			"column":    {"- read_delimited: {delimiter: ';'}\n- keep_columns: [colour]\n", "no column \"colour\""},
		} {
			b.register(data.Register{Name: name, Type: data.MLTable, Path: b.upload(name, tableFiles(test.steps))})
			if state := b.profile(name, "1"); state.Status != data.ProfileFailed || !strings.Contains(state.Error, test.want) {
				b.t.Errorf("%s: %+v, want %q", name, state, test.want)
			}
			if _, err := b.Preview(b.ctx, ws, name, "1", data.PreviewOf{}); err == nil || !strings.Contains(err.Error(), test.want) {
				b.t.Errorf("%s: the preview gave %v, want %q", name, err, test.want)
			}
		}
		files := tableFiles("")
		files["MLTable"] = "paths:\n- file: https://example.com/a.csv\n"
		b.register(data.Register{Name: "far", Type: data.MLTable, Path: b.upload("far", files)})
		_, err := b.Preview(b.ctx, ws, "far", "1", data.PreviewOf{})
		b.refused(err, atelier.NotImplemented, "only files beside MLTable")
	})
}

// A table in a datastore is looked at where it lies.
func TestATableInADatastoreIsShownAsItsFileSays(t *testing.T) {
	each(t, func(b bench) {
		dir := b.t.TempDir()
		for name, text := range tableFiles("- read_delimited: {delimiter: ';'}\n- take: 3\n") {
			b.must(os.MkdirAll(filepath.Dir(filepath.Join(dir, "t", name)), 0o755))
			b.must(os.WriteFile(filepath.Join(dir, "t", name), []byte(text), 0o600))
		}
		_, err := b.stores.Create(b.ctx, ws, datastore.Create{Name: "lake", Type: datastore.Local, Location: datastore.Location{Path: dir}})
		b.must(err)
		b.register(data.Register{Name: "t", Type: data.MLTable, Path: "azureml://datastores/lake/paths/t"})
		if state := b.profile("t", "1"); state.Profile == nil || state.Profile.Rows != 3 || columnNames(state) != "x y z" {
			b.t.Errorf("%+v", state)
		}
	})
}

func columnNames(state data.ProfileState) string {
	var names []string
	for _, column := range state.Profile.Columns {
		names = append(names, column.Name)
	}
	return strings.Join(names, " ")
}

func words(row []*string) string {
	var all []string
	for _, value := range row {
		all = append(all, *value)
	}
	return strings.Join(all, " ")
}
