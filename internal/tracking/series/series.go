// Package series keeps metric points: for every run and key, the values that
// were logged over steps and time.
//
// It is the narrow place behind which the form of storage may change: callers
// append points, read them back in order, read the latest, and thin a long
// series out for a chart. The table latest_metrics, with one row per series, is
// the only part that others read by SQL, because searches join it.
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

// latestOf returns the latest point of every key among samples, ordered by key
// so that writers who meet take their locks in the same order.
func latestOf(samples []Sample) []Sample {
	latest := map[string]Sample{}
	for _, sample := range samples {
		if known, ok := latest[sample.Key]; !ok || sample.After(known.Point) {
			latest[sample.Key] = sample
		}
	}
	ordered := make([]Sample, 0, len(latest))
	for _, sample := range latest {
		ordered = append(ordered, sample)
	}
	slices.SortFunc(ordered, func(a, b Sample) int { return cmp.Compare(a.Key, b.Key) })
	return ordered
}
