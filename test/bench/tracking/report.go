package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// results are all that was measured, by server and scenario.
type results struct {
	order  []scenario
	found  map[string]map[string]result // by scenario, then by server
	limits limits
}

func (all *results) add(t target, s scenario, r result) {
	if all.found[s.name] == nil {
		all.order = append(all.order, s)
		all.found[s.name] = map[string]result{}
	}
	all.found[s.name][t.name] = r
}

// of returns what was measured without a failure.
func (all *results) of(scenario, server string) (result, bool) {
	r, ok := all.found[scenario][server]
	return r, ok && r.err == nil
}

// ratio is how many times as fast as the peer ours is.
func (all *results) ratio(scenario, peer string) (float64, bool) {
	mine, ok := all.of(scenario, ours)
	theirs, there := all.of(scenario, peer)
	if !ok || !there {
		return 0, false
	}
	if mine.perPoint > 0 {
		return theirs.perPoint / mine.perPoint, true
	}
	if scenario == "train-reader" { // it paces itself, so its rate says nothing
		return float64(theirs.times.Median()) / float64(mine.times.Median()), true
	}
	return mine.rate() / theirs.rate(), true
}

const lineFormat = "%-12s %-20s %12s %-10s %9s %9s %9s %7s %9s %8s %6s\n"

func printLineHeader(w io.Writer) {
	fmt.Fprintf(w, lineFormat, "server", "work", "rate", "", "p50 ms", "p95 ms", "p99 ms", "cpu s", "ms/call", "peak MB", "noise")
}

// printLine shows one result as soon as it is there.
func printLine(w io.Writer, t target, s scenario, r result) {
	switch {
	case errors.Is(r.err, errMissing):
		fmt.Fprintf(w, "%-12s %-20s not offered\n", t.name, s.name)
	case r.err != nil:
		fmt.Fprintf(w, "%-12s %-20s FAILED: %v\n", t.name, s.name, r.err)
	default:
		fmt.Fprintf(w, lineFormat, t.name, s.name, count(r.rate()), s.unit+"/s", at(r, 50), at(r, 95), at(r, 99),
			fmt.Sprintf("%.2f", r.processor.Seconds()), milliseconds(timing.Milliseconds(r.processor)/float64(len(r.times))), fmt.Sprintf("%.0f", float64(r.peak)/1e6), fmt.Sprintf("%.1f", r.noise))
		if r.perPoint > 0 {
			fmt.Fprintf(w, "%-12s %-20s %12.2f bytes on disk for each of %s points\n", t.name, s.name, r.perPoint, count(float64(r.items)))
		}
	}
}

// at is a percentile of what was timed.
func at(r result, percent float64) string {
	return milliseconds(timing.Milliseconds(r.times.At(percent)))
}

func milliseconds(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

// count writes a number as people read it.
func count(n float64) string {
	if n < 10 {
		return fmt.Sprintf("%.1f", n)
	}
	text := fmt.Sprintf("%.0f", n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

const tableFormat = "%-20s %-10s |%12s%9s%9s%9s |%12s%9s |%10s%9s |%14s%9s |%6s\n"

// printTable compares the servers.
func (all *results) printTable(w io.Writer) {
	fmt.Fprintf(w, tableFormat, "work", "unit", ours, "p50 ms", "p95 ms", "p99 ms", fastTrackML, "p50 ms", mlflow, "p50 ms", "÷ "+fastTrackML, "÷ "+mlflow, "noise")
	for _, s := range all.order {
		unit := s.unit + "/s"
		if mine, ok := all.of(s.name, ours); ok && mine.perPoint > 0 {
			unit = "B/point"
		}
		row := []any{s.name, unit}
		row = append(row, all.cells(s, ours, 50, 95, 99)...)
		row = append(row, all.cells(s, fastTrackML, 50)...)
		row = append(row, all.cells(s, mlflow, 50)...)
		fmt.Fprintf(w, tableFormat, append(row, all.times(s, fastTrackML), all.times(s, mlflow), all.noise(s))...)
	}
}

// cells is what a server reached, and its percentiles.
func (all *results) cells(s scenario, server string, percents ...float64) []any {
	r, ok := all.of(s.name, server)
	cells := []any{"-"}
	switch {
	case ok && r.perPoint > 0:
		cells[0] = fmt.Sprintf("%.2f", r.perPoint)
	case ok:
		cells[0] = count(r.rate())
	case r.err != nil && !errors.Is(r.err, errMissing):
		cells[0] = "failed"
	}
	for _, percent := range percents {
		if ok && r.perPoint == 0 {
			cells = append(cells, at(r, percent))
		} else {
			cells = append(cells, "")
		}
	}
	return cells
}

// noise is the most that others used of the machine while any server did this.
func (all *results) noise(s scenario) string {
	most := 0.0
	for _, r := range all.found[s.name] {
		most = max(most, r.noise)
	}
	return fmt.Sprintf("%.1f", most)
}

func (all *results) times(s scenario, peer string) string {
	ratio, ok := all.ratio(s.name, peer)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.1f", ratio)
}
