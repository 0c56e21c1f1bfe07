package profile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"

	"github.com/atelier-ml/atelier"
)

const (
	readSize = 1 << 20
	// maxRecord bounds a row: a quotation that never ends would else be read
	// whole into memory.
	maxRecord = 16 << 20
	batchRows = 512
)

// errLongRecord says that a row does not end.
var errLongRecord = errors.New("a row has more than 16 MB; a quotation is probably not closed")

// bounded is a reader that fails when a row becomes too long.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRecord
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// rows reads the rows of a CSV or TSV file.
type rows struct {
	name   string
	csv    *csv.Reader
	input  *bounded
	header []string
}

// openRows reads the header: the first row.
func openRows(name string, content io.Reader, f Format, comma rune) (*rows, error) {
	buffered := bufio.NewReaderSize(content, readSize)
	if mark, _ := buffered.Peek(3); bytes.Equal(mark, []byte("\xEF\xBB\xBF")) {
		buffered.Discard(3)
	}
	r := &rows{name: name, input: &bounded{r: buffered, left: maxRecord}}
	r.csv = csv.NewReader(r.input)
	if r.csv.Comma = '\t'; comma != 0 {
		r.csv.Comma = comma
	} else if f == CSV {
		line, _ := buffered.Peek(4096)
		r.csv.Comma = delimiter(line)
	}
	header, err := r.next()
	if errors.Is(err, io.EOF) {
		return nil, broken(name, "It is empty.")
	}
	if err != nil {
		return nil, err
	}
	if len(header) > maxColumns {
		return nil, broken(name, "It has more than %d columns.", maxColumns)
	}
	taken := map[string]int{}
	for i, title := range header {
		title = shown(strings.TrimSpace(title))
		if taken[title]++; taken[title] > 1 || title == "" {
			title = strings.TrimSpace(title + " (column " + itoa(i+1) + ")")
		}
		header[i] = title
	}
	r.header = header
	return r, nil
}

// delimiter is what stands most often in the first line: people write CSV with
// semicolons, too.
func delimiter(start []byte) rune {
	line, _, _ := bytes.Cut(start, []byte("\n"))
	best, most := ',', bytes.Count(line, []byte(","))
	for _, other := range ";\t|" {
		if n := bytes.Count(line, []byte(string(other))); n > most {
			best, most = other, n
		}
	}
	return best
}

// next returns the next row, or io.EOF.
func (r *rows) next() ([]string, error) {
	record, err := r.csv.Read()
	r.input.left = maxRecord
	if err == nil || errors.Is(err, io.EOF) {
		return record, err
	}
	var fault *csv.ParseError
	if !errors.As(err, &fault) {
		if errors.Is(err, errLongRecord) {
			line, _ := 0, 0
			if len(record) > 0 {
				line, _ = r.csv.FieldPos(0)
			}
			return nil, broken(r.name, "After line %d %s.", line, errLongRecord)
		}
		return nil, err
	}
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		return nil, broken(r.name, "Line %d has %d fields, and the first row has %d.", fault.Line, len(record), r.csv.FieldsPerRecord)
	case errors.Is(err, csv.ErrQuote), errors.Is(err, csv.ErrBareQuote):
		return nil, broken(r.name, "The quoting is broken in line %d, column %d (the row begins in line %d).", fault.Line, fault.Column, fault.StartLine)
	}
	return nil, broken(r.name, "Line %d: %s.", fault.Line, fault.Err)
}

// readText reads a CSV or TSV file. One goroutine takes the file apart into
// batches of rows; others share the columns, each looking at its own.
func (t *table) readText(ctx context.Context, name string, content io.Reader, f Format) error {
	r, err := openRows(name, content, f, t.view.Comma)
	if err != nil {
		return err
	}
	columns := make([]*column, len(r.header))
	for i, title := range r.header {
		if columns[i], err = t.column(title); err != nil {
			return err
		}
	}
	workers := max(1, min(runtime.GOMAXPROCS(0), len(columns)))
	var group sync.WaitGroup
	feeds := make([]chan [][]string, workers)
	for w := range feeds {
		feeds[w] = make(chan [][]string, 4)
		group.Go(func() {
			for batch := range feeds[w] {
				for i := w; i < len(columns); i += workers {
					for _, row := range batch {
						columns[i].infer(row[i])
					}
				}
			}
		})
	}
	err = t.feed(ctx, r, feeds)
	for _, feed := range feeds {
		close(feed)
	}
	group.Wait()
	return err
}

func (t *table) feed(ctx context.Context, r *rows, feeds []chan [][]string) error {
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		batch := make([][]string, 0, batchRows)
		var err error
		for size := 0; len(batch) < batchRows && size < readSize; {
			var row []string
			if row, err = r.next(); err != nil {
				break
			}
			for _, field := range row {
				size += len(field)
			}
			in, over := t.admits()
			if over {
				err = io.EOF
				break
			}
			if in {
				batch = append(batch, row)
			}
		}
		for _, feed := range feeds {
			feed <- batch
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func unreadable(name string, err error) error {
	if atelier.CodeOf(err) != atelier.Internal {
		return err
	}
	return broken(name, "%s.", strings.TrimRight(err.Error(), "."))
}
