// Package profile looks into tables: what columns a CSV, TSV, JSON lines or
// Parquet file has, and how their values are distributed.
//
// A file is read once, as a stream, in memory that does not grow with it: counts
// of distinct values and quantiles come from sketches (HyperLogLog, DDSketch),
// which are exact while a column has few values. Nothing in a file is executed.
// A file that is broken is an Invalid error with the file and the line.
package profile

import (
	"cmp"
	"context"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
)

// Format is how a table is written.
type Format string

const (
	CSV       Format = "csv"
	TSV       Format = "tsv"
	JSONLines Format = "jsonl"
	Parquet   Format = "parquet"
)

// FormatOf tells the format by the file's name; ok is false for other files.
func FormatOf(name string) (f Format, ok bool) {
	f, ok = map[string]Format{".csv": CSV, ".tsv": TSV, ".tab": TSV, ".jsonl": JSONLines, ".ndjson": JSONLines, ".parquet": Parquet, ".pq": Parquet}[strings.ToLower(path.Ext(name))]
	return f, ok
}

// Source is one file of a table.
type Source struct {
	Name string
	Open func() (io.ReadSeekCloser, int64, error)
}

// Tables returns those of sources that are tables of one format: the one that
// most of them have.
func Tables(sources []Source) (tables []Source, f Format) {
	found := map[Format][]Source{}
	for _, s := range sources {
		if format, ok := FormatOf(s.Name); ok {
			found[format] = append(found[format], s)
		}
	}
	for _, format := range []Format{Parquet, CSV, TSV, JSONLines} {
		if len(found[format]) > len(tables) {
			tables, f = found[format], format
		}
	}
	slices.SortFunc(tables, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	return tables, f
}

// Profile is what is known of a table, which may be several files.
type Profile struct {
	Format  Format   `json:"format" enum:"csv,tsv,jsonl,parquet"`
	Files   int      `json:"files"`
	Bytes   int64    `json:"bytes"`
	Rows    int64    `json:"rows"`
	Columns []Column `json:"columns"`
}

// Column is what is known of a column.
type Column struct {
	Name    string `json:"name"`
	Type    string `json:"type" enum:"integer,number,boolean,datetime,string,object,empty"`
	Missing int64  `json:"missing"`
	// Distinct is exact up to a thousand values, and within about one per cent beyond.
	Distinct int64  `json:"distinct"`
	Min      string `json:"min,omitempty"`
	Max      string `json:"max,omitempty"`
	// What follows is known of numbers.
	Mean      *float64   `json:"mean,omitempty"`
	Std       *float64   `json:"std,omitempty"`
	Quantiles []Quantile `json:"quantiles,omitempty" doc:"Within one per cent of the value."`
	Histogram []Bin      `json:"histogram,omitempty"`
	// Top are the most frequent values of a column with at most a thousand.
	Top []Count `json:"top,omitempty"`
}

// Quantile is the value below which a part Q of the values lies.
type Quantile struct {
	Q     float64 `json:"q"`
	Value float64 `json:"value"`
}

// Bin counts the values from From up to, but without, To; the last one with.
type Bin struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Count int64   `json:"count"`
}

// Count is a value and how often it is there.
type Count struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// maxColumns bounds how wide a table may be.
const maxColumns = 10_000

// Read reads sources, all of one format, to their ends, or that of the view.
func Read(ctx context.Context, sources []Source, f Format, view View) (Profile, error) {
	t := &table{view: view}
	if f == Parquet && (view.Skip > 0 || view.Take != nil) {
		return Profile{}, atelier.Errorf(atelier.NotImplemented, "A profile of Parquet is of all rows: skip and take are not applied.")
	}
	p := Profile{Format: f, Files: len(sources)}
	for _, s := range sources {
		size, err := t.read(ctx, s, f)
		if err != nil {
			return Profile{}, err
		}
		p.Bytes += size
	}
	p.Rows = t.rows
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
		if view.has(c.name) {
			p.Columns = append(p.Columns, c.finish(t.rows))
		}
	}
	return p, view.check(names)
}

// table is what was read so far of one or more files.
type table struct {
	columns []*column
	byName  map[string]*column
	rows    int64
	skipped int64
	view    View
}

func (t *table) read(ctx context.Context, s Source, f Format) (int64, error) {
	content, size, err := s.Open()
	if err != nil {
		return 0, err
	}
	defer content.Close()
	switch f {
	case Parquet:
		err = t.readParquet(ctx, s.Name, content, size)
	case JSONLines:
		err = t.readLines(ctx, s.Name, content)
	default:
		err = t.readText(ctx, s.Name, content, f)
	}
	return size, err
}

// column returns the column called name, made if it is new.
func (t *table) column(name string) (*column, error) {
	if c := t.byName[name]; c != nil {
		return c, nil
	}
	if len(t.columns) == maxColumns {
		return nil, atelier.Errorf(atelier.Invalid, "The table has more than %d columns.", maxColumns)
	}
	if t.byName == nil {
		t.byName = map[string]*column{}
	}
	c := newColumn(name)
	t.columns, t.byName[name] = append(t.columns, c), c
	return c, nil
}

// broken is the error of a file that is not what its name says.
func broken(name, format string, args ...any) error {
	fault := atelier.Errorf(atelier.Invalid, format, args...)
	return atelier.Errorf(atelier.Invalid, "%q cannot be read: %s", atelier.Clip(name, 200), fault.Message)
}
