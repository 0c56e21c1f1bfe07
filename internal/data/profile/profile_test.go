package profile_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/data/profile"
)

type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func source(name, content string) profile.Source {
	return profile.Source{Name: name, Open: func() (io.ReadSeekCloser, int64, error) {
		return memory{bytes.NewReader([]byte(content))}, int64(len(content)), nil
	}}
}

func read(t *testing.T, sources ...profile.Source) profile.Profile {
	t.Helper()
	tables, format := profile.Tables(sources)
	p, err := profile.Read(t.Context(), tables, format, profile.View{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// summary is what is compared of a column: type, missing, distinct, min, max.
func summary(p profile.Profile) map[string]string {
	all := map[string]string{}
	for _, c := range p.Columns {
		all[c.Name] = fmt.Sprintf("%s missing %d distinct %d %s..%s", c.Type, c.Missing, c.Distinct, c.Min, c.Max)
	}
	return all
}

func TestTypesAreFoundOut(t *testing.T) {
	want := map[string]string{
		"id": "integer missing 0 distinct 3 1..3", "x": "number missing 1 distinct 2 -0.5..1000",
		"ok": "boolean missing 0 distinct 2 false..true", "at": "datetime missing 0 distinct 3 2026-01-01..2026-01-03",
		"s": "string missing 1 distinct 2 a,\"b\"\nc..z", "none": "empty missing 3 distinct 0 ..",
	}
	tests := map[string]profile.Source{
		"csv":        source("a.csv", "\xEF\xBB\xBFid,x,ok,at,s,none\n1,-0.5,true,2026-01-01,\"a,\"\"b\"\"\nc\",\n2,NA,false,2026-01-03,z,\n3,1e3,true,2026-01-02,,\n"),
		"semicolons": source("a.csv", "id;x;ok;at;s;none\r\n1;-0.5;true;2026-01-01;\"a,\"\"b\"\"\nc\";\r\n2;NA;false;2026-01-03;z;\r\n3;1e3;true;2026-01-02;;\r\n"),
		"tsv":        source("a.tsv", "id\tx\tok\tat\ts\tnone\n1\t-0.5\ttrue\t2026-01-01\t\"a,\"\"b\"\"\nc\"\t\n2\tNA\tfalse\t2026-01-03\tz\t\n3\t1e3\ttrue\t2026-01-02\t\t\n"),
		"jsonl":      source("a.jsonl", `{"id":1,"x":-0.5,"ok":true,"at":"2026-01-01","s":"a,\"b\"\nc","none":null}`+"\n\n"+`{"id":2,"x":null,"ok":false,"at":"2026-01-03","s":"z"}`+"\n"+`{"id":3,"x":1e3,"ok":true,"at":"2026-01-02"}`),
	}
	for name, s := range tests {
		p := read(t, s)
		if diff := cmp.Diff(want, summary(p)); diff != "" || p.Rows != 3 {
			t.Errorf("%s: %d rows (-want +got):\n%s", name, p.Rows, diff)
		}
	}
	p := read(t, source("b.jsonl", `{"code":"007","tags":["a"],"big":12345678901234567890}`))
	if diff := cmp.Diff(map[string]string{"code": "string missing 0 distinct 1 007..007", "tags": `object missing 0 distinct 1 ["a"]..["a"]`,
		"big": "integer missing 0 distinct 1 1.2345678901234567e+19..1.2345678901234567e+19"}, summary(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFilesOfAFolderAreOneTable(t *testing.T) {
	p := read(t, source("part-2.csv", "b,a\n3,x\n"), source("part-1.csv", "a,b\ny,1\n"), source("notes.txt", "no table"), source("one.jsonl", "{}"), source("part-3.csv", "a\nz\n"))
	want := map[string]string{"a": "string missing 0 distinct 3 x..z", "b": "integer missing 1 distinct 2 1..3"}
	if diff := cmp.Diff(want, summary(p)); diff != "" || p.Files != 3 || p.Rows != 3 {
		t.Errorf("%d files, %d rows (-want +got):\n%s", p.Files, p.Rows, diff)
	}
}

// record is a row of the Parquet files of the tests.
type record struct {
	ID    int32                `parquet:"id"`
	X     *float64             `parquet:"x,optional"`
	OK    bool                 `parquet:"ok"`
	Name  string               `parquet:"name,dict"`
	At    time.Time            `parquet:"at,timestamp(millisecond)"`
	Price int64                `parquet:"price,decimal(2:18)"`
	Inner struct{ Deep int64 } `parquet:"inner"`
}

func parquetFile(t *testing.T, rows int) string {
	t.Helper()
	var file bytes.Buffer
	writer := parquet.NewGenericWriter[record](&file, parquet.MaxRowsPerRowGroup(700), parquet.Compression(&parquet.Zstd))
	for i := range rows {
		x := float64(i) / 2
		r := record{ID: int32(i) - 1, X: &x, OK: i%2 == 0, Name: fmt.Sprint("n", i%3), At: time.UnixMilli(int64(i) * 1000), Price: int64(i) * 25}
		if i%4 == 0 {
			r.X = nil
		}
		r.Inner.Deep = int64(i) << 33
		if _, err := writer.Write([]record{r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func TestParquet(t *testing.T) {
	p := read(t, source("a.parquet", parquetFile(t, 2000)))
	for i, c := range p.Columns {
		if c.Distinct > 1000 { // an estimate
			if off := math.Abs(float64(c.Distinct)/2000 - 1); c.Name != "x" && off > 0.02 {
				t.Errorf("%s: %d distinct values of 2000", c.Name, c.Distinct)
			}
			p.Columns[i].Distinct = -1
		}
	}
	want := map[string]string{
		"id": "integer missing 0 distinct -1 -1..1998", "x": "number missing 500 distinct -1 0.5..999.5", "ok": "boolean missing 0 distinct 2 false..true",
		"name": "string missing 0 distinct 3 n0..n2", "at": "datetime missing 0 distinct -1 1970-01-01T00:00:00Z..1970-01-01T00:33:19Z",
		"price": "number missing 0 distinct -1 0..499.75", "inner.Deep": fmt.Sprintf("integer missing 0 distinct -1 0..%d", int64(1999)<<33),
	}
	if diff := cmp.Diff(want, summary(p)); diff != "" || p.Rows != 2000 {
		t.Errorf("%d rows (-want +got):\n%s", p.Rows, diff)
	}
}

func TestNumbersAreDescribed(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	values := make([]float64, 20_000)
	var text strings.Builder
	text.WriteString("x,few\n")
	for i := range values {
		values[i] = math.Round(random.NormFloat64()*1e4) / 100
		fmt.Fprintf(&text, "%g,%d\n", values[i], i%3)
	}
	p := read(t, source("a.csv", text.String()))
	slices.Sort(values)
	sum, squares := 0.0, 0.0
	for _, v := range values {
		sum += v
	}
	mean := sum / float64(len(values))
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	x := p.Columns[0]
	near := func(what string, got, want, by float64) {
		if math.Abs(got-want) > by {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	near("mean", *x.Mean, mean, 1e-9)
	near("std", *x.Std, math.Sqrt(squares/float64(len(values)-1)), 1e-9)
	for _, q := range x.Quantiles {
		want := values[int(q.Q*float64(len(values)-1))]
		near(fmt.Sprint("quantile ", q.Q), q.Value, want, math.Abs(want)*0.02+0.5)
	}
	counted := int64(0)
	for _, bin := range x.Histogram {
		counted += bin.Count
	}
	if counted != int64(len(values)) || len(x.Histogram) != 20 {
		t.Errorf("%d values in %d bins", counted, len(x.Histogram))
	}
	if diff := cmp.Diff([]profile.Count{{"0", 6667}, {"1", 6667}, {"2", 6666}}, p.Columns[1].Top); diff != "" {
		t.Errorf("top (-want +got):\n%s", diff)
	}
}

func TestHugeAndOddNumbersDoNoHarm(t *testing.T) {
	p := read(t, source("a.csv", "x,y\n1e308,inf\n-1e308,NaN\n0,5\n1e-320,0x10\n"))
	if c := p.Columns[0]; c.Type != "number" || c.Min != "-1e+308" || c.Max != "1e+308" {
		t.Errorf("%+v", c)
	}
	if c := p.Columns[1]; c.Type != "string" || c.Missing != 2 {
		t.Errorf("%+v", c)
	}
}

func TestBrokenFilesAreSaid(t *testing.T) {
	whole := parquetFile(t, 2000)
	tests := map[string]struct {
		source profile.Source
		says   string
	}{
		"open quotation":      {source("a.csv", "a,b\n1,\"x\n2,3\n"), "quoting is broken in line"},
		"bare quotation":      {source("a.csv", "a,b\n1,x\n2,y\"z\n"), "quoting is broken in line 3"},
		"too many fields":     {source("a.csv", "a,b\n1,2\n1,2,3\n"), "Line 3 has 3 fields, and the first row has 2"},
		"empty":               {source("a.csv", ""), "empty"},
		"endless quotation":   {source("a.csv", "a,b\n1,\""+strings.Repeat("x", 17<<20)), "more than 16 MB"},
		"half a line":         {source("a.jsonl", "{\"a\":1}\n{\"a\":"), "Line 2 is not one JSON object"},
		"two on a line":       {source("a.jsonl", "{\"a\":1} {\"a\":2}"), "Line 1 is not one JSON object"},
		"a list":              {source("a.jsonl", "[1]"), "Line 1 is not one JSON object"},
		"long line":           {source("a.jsonl", "{\"a\":\""+strings.Repeat("x", 17<<20)+"\"}"), "more than 16 MB"},
		"half a parquet":      {source("a.parquet", whole[:len(whole)/2]), "no whole Parquet file"},
		"parquet's end":       {source("a.parquet", whole[len(whole)/2:]), "a.parquet"},
		"parquet of nothing":  {source("a.parquet", ""), "no whole Parquet file"},
		"text called parquet": {source("a.parquet", "a,b\n1,2\n1,2\n1,2\n"), "no whole Parquet file"},
	}
	for name, test := range tests {
		tables, format := profile.Tables([]profile.Source{test.source})
		_, err := profile.Read(t.Context(), tables, format, profile.View{})
		if atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), test.source.Name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file that somebody damaged on purpose must end in an error or a profile, and
// nothing else.
func TestDamagedParquetNeverPanics(t *testing.T) {
	whole := []byte(parquetFile(t, 300))
	random := rand.New(rand.NewSource(7))
	for range 300 {
		damaged := slices.Clone(whole)
		for range 1 + random.Intn(4) {
			damaged[random.Intn(len(damaged))] = byte(random.Intn(256))
		}
		s := source("a.parquet", string(damaged))
		if _, err := profile.Read(t.Context(), []profile.Source{s}, profile.Parquet, profile.View{}); err != nil && !strings.Contains(err.Error(), "a.parquet") {
			t.Errorf("%v", err)
		}
		profile.Head(t.Context(), s, profile.Parquet, 10, profile.View{})
	}
}

func TestHead(t *testing.T) {
	text := func(s string) *string { return &s }
	tests := map[string]struct {
		source profile.Source
		want   profile.Table
	}{
		"csv":   {source("a.csv", "a,b\n1,\n2,x\n3,y\n"), profile.Table{Columns: []string{"a", "b"}, Rows: [][]*string{{text("1"), nil}, {text("2"), text("x")}}, More: true}},
		"twice": {source("a.csv", "a,a,\n1,2,3\n"), profile.Table{Columns: []string{"a", "a (column 2)", "(column 3)"}, Rows: [][]*string{{text("1"), text("2"), text("3")}}}},
		"jsonl": {source("a.jsonl", "{\"a\":1}\n{\"b\":[true]}\n"), profile.Table{Columns: []string{"a", "b"}, Rows: [][]*string{{text("1"), nil}, {nil, text("[true]")}}}},
	}
	for name, test := range tests {
		_, format := profile.Tables([]profile.Source{test.source})
		got, err := profile.Head(t.Context(), test.source, format, 2, profile.View{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(profile.Table{}, "Path", "Format")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	got, err := profile.Head(t.Context(), source("a.parquet", parquetFile(t, 2000)), profile.Parquet, 900, profile.View{})
	if err != nil || len(got.Rows) != 900 || !got.More || got.Columns[3] != "name" || *got.Rows[899][3] != "n2" || got.Rows[0][1] != nil {
		t.Errorf("%d rows, columns %v, %v", len(got.Rows), got.Columns, err)
	}
}

// Memory must not grow with the file.
func TestMemoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	peak := func(rows int) uint64 {
		file := filepath.Join(dir, fmt.Sprint(rows, ".csv"))
		out, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(out, "id,name,value")
		for i := range rows {
			fmt.Fprintf(out, "%d,some name %d,%g\n", i, i*7, float64(i)/3)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		most, done := uint64(0), make(chan struct{})
		go func() {
			defer close(done)
			for ctx.Err() == nil {
				var stats runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&stats)
				most = max(most, stats.HeapAlloc)
			}
		}()
		s := profile.Source{Name: file, Open: func() (io.ReadSeekCloser, int64, error) {
			f, err := os.Open(file)
			return f, 0, err
		}}
		if _, err := profile.Read(t.Context(), []profile.Source{s}, profile.CSV, profile.View{}); err != nil {
			t.Fatal(err)
		}
		stop()
		<-done
		return most
	}
	small, large := peak(20_000), peak(400_000)
	if large > small+16<<20 {
		t.Errorf("live memory grows from %d to %d bytes with twenty times the rows", small, large)
	}
}
