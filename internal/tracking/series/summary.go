package series

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Summary says of many points what a chart needs of them.
type Summary struct {
	Count int     // of all points
	NaNs  int     // of points whose value is not a number
	Sum   float64 // of all other values
	// First and Last are the ends by step, then time, then value.
	First, Last Point
	// Low and High are the extremes; they mean nothing when all values are NaN.
	Low, High Point
}

// Add includes p.
func (s *Summary) Add(p Point) {
	one := Summary{Count: 1, First: p, Last: p, Low: p, High: p, Sum: float64(p.Value)}
	if p.Value.IsNaN() {
		one.NaNs, one.Sum = 1, 0
	}
	s.Merge(one)
}

// Merge includes all points of t.
func (s *Summary) Merge(t Summary) {
	if s.Count == 0 || t.Count == 0 {
		if s.Count == 0 {
			*s = t
		}
		return
	}
	if s.First.After(t.First) {
		s.First = t.First
	}
	if t.Last.After(s.Last) {
		s.Last = t.Last
	}
	if t.NaNs < t.Count {
		if s.NaNs == s.Count || t.Low.Value < s.Low.Value {
			s.Low = t.Low
		}
		if s.NaNs == s.Count || t.High.Value > s.High.Value {
			s.High = t.High
		}
	}
	s.Count, s.NaNs, s.Sum = s.Count+t.Count, s.NaNs+t.NaNs, s.Sum+t.Sum
}

// Mean is the mean of all values that are numbers; NaN when there are none.
func (s Summary) Mean() Value {
	if s.NaNs == s.Count {
		return Value(math.NaN())
	}
	return Value(s.Sum / float64(s.Count-s.NaNs))
}

func summarise(points []Point) Summary {
	var s Summary
	for _, p := range points {
		s.Add(p)
	}
	return s
}

// encode returns the stored form: the format's version, both counts, the sum
// and the four points, whose steps and times are differences from the first,
// sealed like a chunk.
func (s Summary) encode() []byte {
	out := append(make([]byte, 0, 100), chunkVersion)
	out = binary.AppendUvarint(out, uint64(s.Count))
	out = binary.AppendUvarint(out, uint64(s.NaNs))
	out = binary.LittleEndian.AppendUint64(out, math.Float64bits(s.Sum))
	var from Point
	for _, p := range []Point{s.First, s.Last, s.Low, s.High} {
		out = binary.AppendVarint(out, p.Step-from.Step)
		out = binary.AppendVarint(out, int64(p.Timestamp-from.Timestamp))
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(float64(p.Value)))
		from = s.First
	}
	return seal(out)
}

func decodeSummary(stored []byte) (Summary, error) {
	var s Summary
	body, err := unseal(stored)
	if err != nil {
		return s, err
	}
	r := &byteReader{in: body}
	if r.byte() != chunkVersion {
		return s, fmt.Errorf("%w: its version is unknown", errDamaged)
	}
	s.Count, s.NaNs, s.Sum = int(r.uvarint()), int(r.uvarint()), r.float()
	var from Point
	for _, p := range []*Point{&s.First, &s.Last, &s.Low, &s.High} {
		p.Step = from.Step + r.varint()
		p.Timestamp = from.Timestamp + Timestamp(r.varint())
		p.Value = Value(r.float())
		from = s.First
	}
	if r.short || len(r.in) > 0 || s.Count <= 0 || s.NaNs < 0 || s.NaNs > s.Count {
		return s, fmt.Errorf("%w: its summary is impossible", errDamaged)
	}
	return s, nil
}

// byteReader reads numbers from bytes, zeros past their end.
type byteReader struct {
	in    []byte
	short bool
}

func (r *byteReader) take(n int) []byte {
	if n <= 0 || n > len(r.in) {
		r.short = true
		return make([]byte, 8)
	}
	taken := r.in[:n]
	r.in = r.in[n:]
	return taken
}

func (r *byteReader) byte() byte { return r.take(1)[0] }
func (r *byteReader) float() float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(r.take(8)))
}

func (r *byteReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.in)
	r.take(n)
	return v
}

func (r *byteReader) varint() int64 {
	v, n := binary.Varint(r.in)
	r.take(n)
	return v
}
