// Package timing sums up how long things took.
package timing

import (
	"slices"
	"time"
)

// Times are durations in ascending order.
type Times []time.Duration

// Sorted puts what several callers measured together.
func Sorted(lists ...[]time.Duration) Times {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return all
}

// Repeat does something and returns how long each time took.
func Repeat(rounds int, do func() error) (Times, error) {
	var took []time.Duration
	for range rounds {
		began := time.Now()
		if err := do(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return Sorted(took), nil
}

// At returns the time that percent of all things did not exceed, and 0 when
// nothing was measured.
func (t Times) At(percent float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	rank := int(percent/100*float64(len(t)) + 0.999999) // the nearest rank, rounded up
	return t[min(max(rank, 1), len(t))-1]
}

// Median is the time that half of all things did not exceed.
func (t Times) Median() time.Duration { return t.At(50) }

// Milliseconds returns d as a number.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
