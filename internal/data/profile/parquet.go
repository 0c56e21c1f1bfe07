package profile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// readerAt reads a file at any place, for the library, which begins at the end.
type readerAt struct {
	mu sync.Mutex
	r  io.ReadSeeker
}

func (r *readerAt) ReadAt(p []byte, offset int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.r.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(r.r, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// maxChunk bounds a part of a column that is read at once, as its file says.
const maxChunk = 1 << 31

// openParquet reads the end of a file, where Parquet says what is in it.
func openParquet(name string, content io.ReadSeeker, size int64) (file *parquet.File, err error) {
	defer recovered(name, &err)
	file, err = parquet.OpenFile(&readerAt{r: content}, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(readSize))
	if err != nil {
		return nil, broken(name, "It is no whole Parquet file: %s.", strings.TrimRight(err.Error(), "."))
	}
	for _, group := range file.Metadata().RowGroups {
		for _, chunk := range group.Columns {
			if chunk.MetaData.TotalUncompressedSize > maxChunk {
				return nil, broken(name, "A part of a column has more than %d bytes.", int64(maxChunk))
			}
		}
	}
	return file, nil
}

// recovered turns a panic of the library, which a broken file can cause, into an
// error.
func recovered(name string, err *error) {
	if cause := recover(); cause != nil {
		*err = broken(name, "It is no whole Parquet file: %v.", cause)
	}
}

func (t *table) readParquet(ctx context.Context, name string, content io.ReadSeeker, size int64) (err error) {
	file, err := openParquet(name, content, size)
	if err != nil {
		return err
	}
	defer recovered(name, &err)
	paths := file.Schema().Columns()
	columns := make([]*column, len(paths))
	adders := make([]func(parquet.Value), len(paths))
	for i, path := range paths {
		if columns[i], err = t.column(shown(strings.Join(path, "."))); err != nil {
			return err
		}
		leaf, _ := file.Schema().Lookup(path...)
		adders[i] = adder(columns[i], leaf.Node)
	}
	for _, group := range file.RowGroups() {
		for i, chunk := range group.ColumnChunks() {
			if err := readChunk(ctx, chunk, adders[i]); err != nil {
				return unreadable(name, err)
			}
		}
	}
	t.rows += file.NumRows()
	return nil
}

// readChunk reads the values of one column in one group of rows, page by page.
func readChunk(ctx context.Context, chunk parquet.ColumnChunk, add func(parquet.Value)) (err error) {
	pages := chunk.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	values := make([]parquet.Value, 1024)
	for ctx.Err() == nil {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		reader := page.Values()
		for {
			n, err := reader.ReadValues(values)
			for _, value := range values[:n] {
				if !value.IsNull() {
					add(value)
				}
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if err != nil || n == 0 {
				break
			}
		}
		parquet.Release(page)
	}
	return ctx.Err()
}

// adder returns how values of a column enter c.
func adder(c *column, node parquet.Node) func(parquet.Value) {
	var logical format.LogicalTypeValue
	if known := node.Type().LogicalType(); known != nil {
		logical = known.Value
	}
	switch node.Type().Kind() {
	case parquet.Boolean:
		return func(v parquet.Value) { c.truth(v.Boolean()) }
	case parquet.Int32:
		add := integers(c, logical)
		return func(v parquet.Value) { add(int64(v.Int32())) }
	case parquet.Int64:
		add := integers(c, logical)
		return func(v parquet.Value) { add(v.Int64()) }
	case parquet.Int96:
		c.formatNumber = microsText
		return func(v parquet.Value) { c.float(int96Micros(v), true) }
	case parquet.Float:
		return func(v parquet.Value) { c.float(float64(v.Float()), false) }
	case parquet.Double:
		return func(v parquet.Value) { c.float(v.Double(), false) }
	}
	if exact, ok := logical.(*format.DecimalType); ok {
		return func(v parquet.Value) { c.float(decimal(v.ByteArray(), exact.Scale), false) }
	}
	return func(v parquet.Value) { c.word(string(v.ByteArray())) }
}

// integers returns how whole numbers enter c, which may stand for something else.
func integers(c *column, logical format.LogicalTypeValue) func(int64) {
	switch is := logical.(type) {
	case *format.TimestampType:
		c.formatNumber = microsText
		unit := time.Microsecond
		if is.Unit.Value != nil {
			unit = is.Unit.Value.Duration()
		}
		return func(n int64) { c.float(float64(n)*float64(unit)/float64(time.Microsecond), true) }
	case *format.DateType:
		c.formatNumber = func(n float64) string { return time.Unix(int64(n)*86_400, 0).UTC().Format(time.DateOnly) }
	case *format.DecimalType:
		scale := math.Pow10(int(is.Scale))
		return func(n int64) { c.float(float64(n)/scale, false) }
	}
	return func(n int64) { c.float(float64(n), true) }
}

func microsText(n float64) string { return time.UnixMicro(int64(n)).UTC().Format(time.RFC3339Nano) }

// int96Micros reads the time that old writers store: nanoseconds of the day, and
// the day by its Julian number.
func int96Micros(v parquet.Value) float64 {
	raw := v.Int96()
	nanos := int64(raw[1])<<32 | int64(raw[0])
	const julian1970 = 2_440_588
	return float64((int64(raw[2])-julian1970)*86_400_000_000 + nanos/1000)
}

// decimal reads a two's complement number of any length.
func decimal(raw []byte, scale int32) float64 {
	n := new(big.Int).SetBytes(raw)
	if len(raw) > 0 && raw[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(raw)*8)))
	}
	value, _ := new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).Float64()
	return value
}

// textOf shows a value of Parquet to people.
func textOf(v parquet.Value) string {
	switch v.Kind() {
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return shown(string(v.ByteArray()))
	case parquet.Int96:
		return microsText(int96Micros(v))
	}
	return fmt.Sprint(v)
}
