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

// batch is what one log-batch has of one series, ordered.
type batch struct {
	key    string
	points []Point
	latest Point
}

// batches groups samples by key. They are ordered by key, so that writers who
// meet take their locks in the same order.
func batches(samples []Sample) []batch {
	var all []batch
	places := map[string]int{}
	at := -1
	for _, sample := range samples {
		if at < 0 || all[at].key != sample.Key {
			known, ok := places[sample.Key]
			if !ok {
				known = len(all)
				places[sample.Key] = known
				all = append(all, batch{key: sample.Key})
			}
			at = known
		}
		all[at].points = append(all[at].points, sample.Point)
	}
	for i := range all {
		b := &all[i]
		b.points = ordered(b.points)
		b.latest = b.points[0]
		for _, p := range b.points[1:] {
			if p.After(b.latest) {
				b.latest = p
			}
		}
	}
	slices.SortFunc(all, func(a, b batch) int { return cmp.Compare(a.key, b.key) })
	return all
}
