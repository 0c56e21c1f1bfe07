package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// measured makes the results of one scenario, by server.
func measured(scenario string, found map[string]result) *results {
	return &results{found: map[string]map[string]result{scenario: found}}
}

func rated(items int, took time.Duration) result {
	return result{items: items, took: took, times: timing.Times{took}}
}

func TestRatio(t *testing.T) {
	for _, c := range []struct {
		name, scenario string
		mine, theirs   result
		want           float64
		known          bool
	}{
		{"rates", "log-batch", rated(800, time.Second), rated(100, time.Second), 8, true},
		{"rates over other times", "log-batch", rated(800, 2*time.Second), rated(100, time.Second), 4, true},
		{"bytes, of which fewer are better", "disk", result{perPoint: 4}, result{perPoint: 200}, 50, true},
		{"a reader that paces itself", "train-reader", rated(10, time.Millisecond), rated(10, 3*time.Millisecond), 3, true},
		{"a peer that failed", "log-batch", rated(1, 1), result{err: errors.New("no")}, 0, false},
	} {
		all := measured(c.scenario, map[string]result{ours: c.mine, fastTrackML: c.theirs})
		if got, known := all.ratio(c.scenario, fastTrackML); got != c.want || known != c.known {
			t.Errorf("%s: %v, %v, want %v, %v", c.name, got, known, c.want, c.known)
		}
		if _, known := all.ratio(c.scenario, mlflow); known {
			t.Errorf("%s: a ratio to who was not measured", c.name)
		}
	}
}

func TestGates(t *testing.T) {
	for _, c := range []struct {
		name, scenario string
		found          map[string]result
		want           string
	}{
		{"just enough", "log-batch", map[string]result{ours: rated(800, 1), fastTrackML: rated(100, 1)}, "pass"},
		{"not enough", "log-batch", map[string]result{ours: rated(799, 1), fastTrackML: rated(100, 1)}, "MISS"},
		{"no peer", "log-batch", map[string]result{ours: rated(800, 1)}, "?"},
		{"failed", "log-batch", map[string]result{ours: {err: errors.New("no")}, fastTrackML: rated(100, 1)}, "MISS"},
		{"bytes", "disk", map[string]result{ours: {perPoint: 4}}, "pass"},
		{"more bytes", "disk", map[string]result{ours: {perPoint: 4.01}}, "MISS"},
		{"quick", "history", map[string]result{ours: rated(1, 60*time.Millisecond)}, "pass"},
		{"slow", "history", map[string]result{ours: rated(1, 61*time.Millisecond)}, "MISS"},
		{"light", "large-seed", map[string]result{ours: {peak: 299e6}}, "pass"},
		{"heavy", "large-seed", map[string]result{ours: {peak: 300e6}}, "MISS"},
		{"not asked for", "history", map[string]result{fastTrackML: rated(1, 1)}, ""},
	} {
		var out strings.Builder
		measured(c.scenario, c.found).printGates(&out)
		if verdict, _, _ := strings.Cut(out.String(), " "); verdict != c.want {
			t.Errorf("%s: %q, want %q", c.name, out.String(), c.want)
		}
	}
}

func TestGatesAreOfScenarios(t *testing.T) {
	names := map[string]bool{}
	for _, group := range groups(target{large: true}) {
		for _, s := range group {
			if names[s.name] {
				t.Errorf("two scenarios are called %s", s.name)
			}
			names[s.name] = true
		}
	}
	for _, g := range gates() {
		if !names[g.scenario] {
			t.Errorf("%q is promised of %s, which is no scenario", g.text, g.scenario)
		}
	}
}

func TestExpect(t *testing.T) {
	waited, gaveUp := &caller{}, &caller{dropped: true}
	for _, c := range []struct {
		found, acknowledged int
		caller              *caller
		ok                  bool
	}{
		{5, 5, waited, true}, {4, 5, waited, false}, {6, 5, waited, false},
		{5, 5, gaveUp, true}, {4, 5, gaveUp, false}, {6, 5, gaveUp, true},
	} {
		if err := expect("runs", c.found, c.acknowledged, c.caller); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestNumbersAsPeopleReadThem(t *testing.T) {
	for n, want := range map[float64]string{0: "0.0", 9.94: "9.9", 999: "999", 1000: "1,000", 1234567.8: "1,234,568"} {
		if got := count(n); got != want {
			t.Errorf("%v is written %q, want %q", n, got, want)
		}
	}
	for ms, want := range map[float64]string{1.234: "1.23", 12.34: "12.3", 123.4: "123"} {
		if got := milliseconds(ms); got != want {
			t.Errorf("%v is written %q, want %q", ms, got, want)
		}
	}
}

// What is sent is what MLflow's client would send.
func TestBodiesAreWhole(t *testing.T) {
	c := newCurves(1)
	type body struct {
		RunID   string           `json:"run_id"`
		Metrics []map[string]any `json:"metrics"`
		Params  []map[string]any `json:"params"`
		Tags    []map[string]any `json:"tags"`
	}
	long := newTraining("r", c, 1)
	long.batch(batchSteps, len(keys))
	for _, test := range []struct {
		name                  string
		text                  []byte
		metrics, params, tags int
	}{
		{"batch", long.batch(batchSteps, len(keys)), batchPoints, 0, 0},
		{"mixed", mixed(newTraining("r", c, 1), 3), mixedSteps * len(keys), mixedParams, mixedTags},
		{"seed", seedBody("r", rand.New(rand.NewPCG(1, 1)), 2), 2 * len(seedKeys), seedParams, 0},
		{"names", names(newTraining("r", c, 1), 7), wideKeys, 0, 0},
	} {
		var b body
		if err := json.Unmarshal(test.text, &b); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if b.RunID != "r" || len(b.Metrics) != test.metrics || len(b.Params) != test.params || len(b.Tags) != test.tags {
			t.Errorf("%s: run %q, %d metrics, %d params, %d tags", test.name, b.RunID, len(b.Metrics), len(b.Params), len(b.Tags))
		}
	}
	if long.step != 2*batchSteps || long.last(0) == 0 {
		t.Errorf("after two batches: step %d, last value %v", long.step, long.last(0))
	}
}

func TestFilesDiffer(t *testing.T) {
	read := func(number, size int64) []byte {
		text, err := io.ReadAll(file(number, size))
		if err != nil || int64(len(text)) != size {
			t.Fatalf("%d bytes instead of %d, %v", len(text), size, err)
		}
		return text
	}
	if bytes.Equal(read(1, 100), read(2, 100)) {
		t.Error("two files have the same bytes")
	}
	if !bytes.Equal(read(1, 9*mebibyte), read(1, 9*mebibyte)) {
		t.Error("a file is not the same twice")
	}
	sent := sha256.New()
	if n, err := io.Copy(sent, file(1, 9*mebibyte)); n != 9*mebibyte || err != nil || !bytes.Equal(sent.Sum(nil), hashOf(read(1, 9*mebibyte))) {
		t.Errorf("a file that is copied has %d other bytes, %v", n, err)
	}
}

func hashOf(text []byte) []byte {
	sum := sha256.Sum256(text)
	return sum[:]
}

func TestNamesAreChosenByTheirBeginnings(t *testing.T) {
	for _, c := range []struct {
		name, prefixes string
		want           bool
	}{
		{"log-batch-16", "log-batch", true}, {"log-batch", "log-batch-16", false},
		{"history", "search,hist", true}, {"history", "search,get", false}, {"history", "", true},
	} {
		if got := beginsWithAny(c.name, c.prefixes); got != c.want {
			t.Errorf("%q of %q: %v", c.name, c.prefixes, got)
		}
	}
}
