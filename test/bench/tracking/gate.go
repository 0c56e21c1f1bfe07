package main

import (
	"fmt"
	"io"

	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// gate is what one scenario must reach.
type gate struct {
	scenario string
	text     string
	figure   func(all *results, r result) (reached string, pass, known bool)
}

// gates are what the project promises.
func gates() []gate {
	return []gate{
		{"log-batch", "at least 8 times FastTrackML", atLeast("log-batch", 8)},
		{"log-batch-16", "at least 25 times FastTrackML", atLeast("log-batch-16", 25)},
		{"log-metric-16", "at least 5 times FastTrackML", atLeast("log-metric-16", 5)},
		{"disk", "4 bytes a point or less", func(_ *results, r result) (string, bool, bool) {
			return fmt.Sprintf("%.2f bytes", r.perPoint), r.perPoint <= 4, true
		}},
		{"search-100", "p50 of 3 ms or less", within(3)},
		{"large-search-100", "p50 of 10 ms or less", within(10)},
		{"history", "p50 of 60 ms or less", within(60)},
		{"large-seed", "memory below 300 MB", lighter},
		{"large-idle", "memory below 300 MB", lighter},
		{"large-search-100", "memory below 300 MB", lighter},
		{"upload-big", "memory grows by less than 64 MB", flat},
		{"download-big", "memory grows by less than 64 MB", flat},
		{"upload-big", "two thirds of what the disk or SHA-256 can", func(all *results, r result) (string, bool, bool) {
			return ofLimit(r.rate(), min(all.limits.disk, all.limits.hash))
		}},
		{"download-big", "two thirds of what the loopback or the disk can", func(all *results, r result) (string, bool, bool) {
			return ofLimit(r.rate(), min(all.limits.loopback, all.limits.disk))
		}},
	}
}

func atLeast(scenario string, factor float64) func(*results, result) (string, bool, bool) {
	return func(all *results, _ result) (string, bool, bool) {
		ratio, known := all.ratio(scenario, fastTrackML)
		return fmt.Sprintf("%.1f times", ratio), ratio >= factor, known
	}
}

func within(limit float64) func(*results, result) (string, bool, bool) {
	return func(_ *results, r result) (string, bool, bool) {
		ms := timing.Milliseconds(r.times.Median())
		return milliseconds(ms) + " ms", ms <= limit, true
	}
}

func lighter(_ *results, r result) (string, bool, bool) {
	return fmt.Sprintf("%.0f MB", float64(r.peak)/1e6), r.peak < 300e6, true
}

func flat(_ *results, r result) (string, bool, bool) {
	return fmt.Sprintf("%.0f MB more", float64(r.peak-r.before)/1e6), r.peak-r.before < 64e6, true
}

func ofLimit(rate, limit float64) (string, bool, bool) {
	return fmt.Sprintf("%.0f of %.0f MiB/s", rate, limit), rate >= limit*2/3, true
}

// printGates says what was reached and what was missed.
func (all *results) printGates(w io.Writer) {
	for _, g := range gates() {
		if _, asked := all.found[g.scenario][ours]; !asked {
			continue
		}
		r, ok := all.of(g.scenario, ours)
		reached, pass, known := "failed", false, true
		if ok {
			reached, pass, known = g.figure(all, r)
		}
		verdict := map[bool]string{true: "pass", false: "MISS"}[pass]
		if !known {
			verdict, reached = "?", "no peer was measured"
		}
		fmt.Fprintf(w, "%-4s  %-17s %-48s %s\n", verdict, g.scenario, g.text, reached)
	}
}
