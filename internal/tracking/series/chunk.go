package series

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
)

// A chunk is the stored form of some points of one series:
//
//	byte     version of this format, 1
//	byte     how values are written: 0 XOR, 1 decimal, 2 single, 3 split, 4 double
//	uvarint  number of points, at least 1
//	bits     steps, then timestamps, as integers (see bitWriter.integers);
//	         then values: XOR (see bitWriter.xor); or 4 bits with the number
//	         of decimals and the scaled values as integers; or numbers of 32
//	         bits, as integers or split (see bitWriter.split); or numbers of
//	         64 bits, as integers
//	4 bytes  CRC-32C of all before, little-endian
//
// The points are in the order of history, each once. NaN has one form, and
// there is no negative zero, so that equal points are equal bytes.
// docs/reference/metric-chunks.md tells the same to people without this code.
const (
	chunkVersion = 1
	// maxChunk bounds what a damaged count can make a reader allocate.
	maxChunk = 1 << 16
	// Compaction makes chunks of at least half of fullChunk points: of several
	// pages of SQLite, the last of which is half empty.
	fullChunk = 8192
)

// errDamaged is the cause whenever stored bytes are not what was written.
var errDamaged = errors.New("the stored metric chunk is damaged")

// seal appends the checksum.
func seal(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

// unseal returns the body of what seal made.
func unseal(sealed []byte) ([]byte, error) {
	end := len(sealed) - 4
	if end < 0 || crc32.Checksum(sealed[:end], crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(sealed[end:]) {
		return nil, fmt.Errorf("%w: its checksum is wrong", errDamaged)
	}
	return sealed[:end], nil
}

// ordered returns points as chunks hold them: in order of history, each once,
// in their one form. It changes points.
func ordered(points []Point) []Point {
	for i := range points {
		points[i].Value = points[i].Value.canonical()
	}
	if !slices.IsSortedFunc(points, Point.compare) {
		slices.SortFunc(points, Point.compare)
	}
	return slices.CompactFunc(points, func(a, b Point) bool { return a.compare(b) == 0 })
}

func (v Value) canonical() Value {
	if v.IsNaN() {
		return Value(math.NaN())
	}
	return v + 0 // makes -0 to 0
}

// compare orders points as history shows them: by time, step and value, and NaN
// as if it were zero, after zero.
func (p Point) compare(q Point) int {
	if p.Timestamp != q.Timestamp {
		return cmp.Compare(p.Timestamp, q.Timestamp)
	}
	if p.Step != q.Step {
		return cmp.Compare(p.Step, q.Step)
	}
	a, aNaN := p.stored()
	b, bNaN := q.stored()
	if order := cmp.Compare(a, b); order != 0 || aNaN == bNaN {
		return order
	}
	if aNaN {
		return 1
	}
	return -1
}

// encoder makes chunks. It keeps its working memory from one to the next.
type encoder struct {
	steps, times, whole []int64
	values              []float64
	scratch             [2][]uint64
	trials              [2]bitWriter
}

func sized[T any](list []T, n int) []T { return slices.Grow(list[:0], n)[:n] }

// encode returns the chunk of points, which are ordered and at least one.
func (e *encoder) encode(points []Point) []byte {
	n := len(points)
	e.steps, e.times, e.whole, e.values = sized(e.steps, n), sized(e.times, n), sized(e.whole, n), sized(e.values, n)
	for i, p := range points {
		e.steps[i], e.times[i], e.values[i] = p.Step, int64(p.Timestamp), float64(p.Value)
	}
	head := append(make([]byte, 0, 24+4*n), chunkVersion, 0)
	w := &bitWriter{out: binary.AppendUvarint(head, uint64(n))}
	w.integers(e.steps, &e.scratch)
	w.integers(e.times, &e.scratch)
	form := e.writeValues(w)
	chunk := w.close()
	chunk[1] = form
	return seal(chunk)
}

// writeValues appends the values in the form that is shortest for them, and
// returns which that is.
func (e *encoder) writeValues(w *bitWriter) byte {
	best, trial := &e.trials[0], &e.trials[1]
	best.reset()
	best.xor(e.values)
	form := byte(xorValues)
	try := func(other byte, write func(w *bitWriter)) {
		trial.reset()
		if write(trial); trial.size() < best.size() {
			best, trial, form = trial, best, other
		}
	}
	if decimals, ok := scaled(e.values, e.whole); ok {
		try(decimalValues, func(w *bitWriter) {
			w.write(uint64(decimals), 4)
			w.integers(e.whole, &e.scratch)
		})
	}
	if singles(e.values, e.whole) {
		try(singleValues, func(w *bitWriter) { w.integers(e.whole, &e.scratch) })
		try(splitValues, func(w *bitWriter) { w.split(e.whole) })
	} else {
		doubles(e.values, e.whole)
		try(doubleValues, func(w *bitWriter) { w.integers(e.whole, &e.scratch) })
	}
	w.append(best)
	return form
}

// decode returns the points of a chunk, or an error for anything that encode did
// not make.
func decode(chunk []byte) ([]Point, error) {
	body, err := unseal(chunk)
	if err != nil {
		return nil, err
	}
	if len(body) < 3 || body[0] != chunkVersion {
		return nil, fmt.Errorf("%w: its version is unknown", errDamaged)
	}
	count, length := binary.Uvarint(body[2:])
	if length <= 0 || count == 0 || count > maxChunk {
		return nil, fmt.Errorf("%w: its length is impossible", errDamaged)
	}
	n := int(count)
	points, numbers := make([]Point, n), make([]int64, n)
	r := &bitReader{in: body[2+length:]}
	r.integers(numbers)
	for i, step := range numbers {
		points[i].Step = step
	}
	r.integers(numbers)
	for i, at := range numbers {
		points[i].Timestamp = Timestamp(at)
	}
	if !r.values(body[1], points, numbers) || r.short || len(r.in) > 0 {
		return nil, fmt.Errorf("%w: its content does not fit its length", errDamaged)
	}
	return points, nil
}

func (r *bitReader) values(form byte, points []Point, numbers []int64) bool {
	switch form {
	case xorValues:
		values := make([]float64, len(points))
		r.xor(values)
		for i, value := range values {
			points[i].Value = Value(value)
		}
		return true
	case decimalValues:
		decimals := int(r.read(4))
		if decimals > maxDecimals {
			return false
		}
		factor := pow10(decimals)
		r.integers(numbers)
		for i, whole := range numbers {
			points[i].Value = Value(float64(whole) / factor)
		}
		return true
	case singleValues, splitValues:
		if form == singleValues {
			r.integers(numbers)
		} else {
			r.split(numbers)
		}
		for i, whole := range numbers {
			if max(whole, -whole) > math.MaxInt32 || whole == math.MinInt64 {
				return false
			}
			points[i].Value = ofSingle(whole)
		}
		return true
	case doubleValues:
		r.integers(numbers)
		for i, whole := range numbers {
			points[i].Value = ofDouble(whole)
		}
		return true
	}
	return false
}
