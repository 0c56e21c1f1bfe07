package timing_test

import (
	"errors"
	"testing"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

func TestPercentiles(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[len(hundred)-1-i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		name    string
		lists   [][]time.Duration
		percent float64
		want    time.Duration
	}{
		{"nothing", nil, 50, 0},
		{"one", [][]time.Duration{{7}}, 99, 7},
		{"two, the half", [][]time.Duration{{9}, {3}}, 50, 3},
		{"lists of several callers", [][]time.Duration{{5, 1}, {4, 2}, {3}}, 50, 3},
		{"the half", [][]time.Duration{hundred}, 50, 50},
		{"nearly all", [][]time.Duration{hundred}, 99, 99},
		{"a part of one", [][]time.Duration{hundred}, 99.5, 100},
		{"all", [][]time.Duration{hundred}, 100, 100},
		{"none", [][]time.Duration{hundred}, 0, 1},
	} {
		if got := timing.Sorted(c.lists...).At(c.percent); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestRepeatEndsAtTheFirstFailure(t *testing.T) {
	calls, failure := 0, errors.New("no")
	times, err := timing.Repeat(3, func() error {
		if calls++; calls == 2 {
			return failure
		}
		return nil
	})
	if calls != 2 || times != nil || !errors.Is(err, failure) {
		t.Errorf("%d calls, times %v, %v", calls, times, err)
	}
	if times, err := timing.Repeat(3, func() error { return nil }); len(times) != 3 || err != nil {
		t.Errorf("times %v, %v", times, err)
	}
}
