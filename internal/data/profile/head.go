package profile

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/atelier-ml/atelier"
)

// Table is the beginning of a file. A value that is missing is null.
type Table struct {
	Path    string      `json:"path"`
	Format  Format      `json:"format" enum:"csv,tsv,jsonl,parquet"`
	Columns []string    `json:"columns"`
	Rows    [][]*string `json:"rows"`
	More    bool        `json:"more" doc:"There are more rows."`
}

// maxSkipped bounds the rows that are read to be left out of a Head.
const maxSkipped = 100_000

// Head reads the first n rows of a file as the view shows it. Long values are cut.
func Head(ctx context.Context, s Source, f Format, n int, view View) (Table, error) {
	if view.Skip > maxSkipped {
		return Table{}, atelier.Errorf(atelier.NotImplemented, "The table begins after %d rows; the first %d are looked through.", view.Skip, maxSkipped)
	}
	n += int(view.Skip)
	t := Table{Path: s.Name, Format: f, Columns: []string{}, Rows: [][]*string{}}
	content, size, err := s.Open()
	if err != nil {
		return t, err
	}
	defer content.Close()
	switch f {
	case Parquet:
		err = t.headParquet(s.Name, content, size, n)
	case JSONLines:
		err = t.headLines(s.Name, content, n)
	default:
		err = t.headText(s.Name, content, n, view.Comma)
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return t, err
	}
	return t, t.apply(view)
}

// full reports whether t has n rows, and notes that there is one more.
func (t *Table) full(n int) bool {
	t.More = len(t.Rows) >= n
	return t.More
}

func (t *Table) headText(name string, content io.Reader, n int, comma rune) error {
	r, err := openRows(name, content, t.Format, comma)
	if err != nil {
		return err
	}
	t.Columns = r.header
	for {
		record, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || t.full(n) {
			return err
		}
		row := make([]*string, len(record))
		for i, field := range record {
			if field != "" {
				text := shown(field)
				row[i] = &text
			}
		}
		t.Rows = append(t.Rows, row)
	}
}

func (t *Table) headLines(name string, content io.Reader, n int) error {
	source, at := openObjects(name, content), map[string]int{}
	for {
		object, err := source.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if t.full(n) {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if _, known := at[key]; !known && len(at) < maxColumns {
				at[key] = len(t.Columns)
				t.Columns = append(t.Columns, shown(key))
			}
		}
		row := make([]*string, len(t.Columns))
		for key, value := range object {
			if place, ok := at[key]; ok && value != nil {
				row[place] = jsonText(value)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	for i, row := range t.Rows { // columns that came later
		t.Rows[i] = append(row, make([]*string, len(t.Columns)-len(row))...)
	}
	return nil
}

func jsonText(value any) *string {
	text, ok := value.(string)
	if !ok {
		raw, _ := json.Marshal(value) // it was read from JSON
		text = string(raw)
	}
	text = shown(text)
	return &text
}

func (t *Table) headParquet(name string, content io.ReadSeeker, size int64, n int) (err error) {
	file, err := openParquet(name, content, size)
	if err != nil {
		return err
	}
	defer recovered(name, &err)
	for _, path := range file.Schema().Columns() {
		t.Columns = append(t.Columns, shown(strings.Join(path, ".")))
	}
	buffer := make([]parquet.Row, 1)
	for _, group := range file.RowGroups() {
		if t.full(n) {
			return nil
		}
		if err := t.headGroup(name, group, buffer, n); err != nil {
			return err
		}
	}
	t.More = file.NumRows() > int64(len(t.Rows))
	return nil
}

func (t *Table) headGroup(name string, group parquet.RowGroup, buffer []parquet.Row, n int) (err error) {
	reader := group.Rows()
	defer func() { err = errors.Join(err, reader.Close()) }()
	for len(t.Rows) < n {
		got, err := reader.ReadRows(buffer)
		for _, values := range buffer[:got] {
			row := make([]*string, len(t.Columns))
			for _, value := range values {
				if at := value.Column(); !value.IsNull() && at >= 0 && at < len(row) && row[at] == nil {
					text := textOf(value)
					row[at] = &text
				}
			}
			t.Rows = append(t.Rows, row)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(name, err)
		}
	}
	return nil
}
