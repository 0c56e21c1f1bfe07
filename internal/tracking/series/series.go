// Package series keeps metric points: for every run and key, the values that
// were logged over steps and time.
//
// Points are kept in compressed chunks. What one batch has of a series becomes a
// small chunk, durable with everything else of the batch; Compact later merges
// small chunks into full ones. A point that was logged twice may be in two
// chunks for a while, but is never seen twice: whoever reads merges chunks that
// overlap, and compaction drops the second. Full chunks carry a summary, so
// that a chart of millions of points reads few of them.
//
// The table latest_metrics, with one row per series, is the only part that
// others read by SQL, because searches join it.
package series

import (
	"cmp"
	"iter"
	"math"
	"slices"
)

// Point is one logged value.
type Point struct {
	Step      int64     `json:"step"`
	Timestamp Timestamp `json:"timestamp"`
	Value     Value     `json:"value"`
}

// Sample is a point of the series called Key.
type Sample struct {
	Key string
	Point
}

// stored returns the value as the database keeps it: NaN as zero, beside a flag.
func (p Point) stored() (value float64, isNaN bool) {
	if p.Value.IsNaN() {
		return 0, true
	}
	return float64(p.Value), false
}

func fromStored(value float64, isNaN bool) Value {
	if isNaN {
		return Value(math.NaN())
	}
	return Value(value)
}

// After reports whether p is later than q, by step, then time, then value: the
// rule by which MLflow picks the latest point of a series. NaN counts as zero.
func (p Point) After(q Point) bool {
	a, _ := p.stored()
	b, _ := q.stored()
	return cmp.Or(cmp.Compare(p.Step, q.Step), cmp.Compare(p.Timestamp, q.Timestamp), cmp.Compare(a, b)) > 0
}

// Batch is what one log-batch brings of every series, encoded: all the work of
// an Append that needs no transaction.
type Batch struct {
	parts []part
}

// part is what a batch has of one series.
type part struct {
	key    string
	points []Point
	header header // without a number
	data   []byte
	latest Point
}

// NewBatch makes a batch of samples. Its parts are ordered by key, so that
// writers who meet take their locks in the same order.
func NewBatch(samples iter.Seq[Sample]) Batch {
	parts := group(samples)
	e := &encoder{}
	for i := range parts {
		p := &parts[i]
		p.points = ordered(p.points)
		p.latest = p.points[0]
		for _, point := range p.points[1:] {
			if point.After(p.latest) {
				p.latest = point
			}
		}
		p.header = headerOf(smallLevel, 0, p.points)
		p.data = e.encode(p.points)
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.key, b.key) })
	return Batch{parts}
}

// group puts the points of each key together, in one piece of memory for all.
func group(samples iter.Seq[Sample]) []part {
	var parts []part
	places := map[string]int{}
	var counts, place []int // of points in each part, and of each sample
	for sample := range samples {
		at, ok := places[sample.Key]
		if !ok {
			at = len(parts)
			places[sample.Key] = at
			parts = append(parts, part{key: sample.Key})
			counts = append(counts, 0)
		}
		counts[at]++
		place = append(place, at)
	}
	room := make([]Point, len(place))
	for i, n := range counts {
		parts[i].points, room = room[:0:n], room[n:]
	}
	for sample := range samples {
		p := &parts[place[0]]
		p.points, place = append(p.points, sample.Point), place[1:]
	}
	return parts
}
