package series

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestValuesInJSON(t *testing.T) {
	for text, want := range map[string]float64{"1.5": 1.5, `"Infinity"`: math.Inf(1), `"-Infinity"`: math.Inf(-1), "5e-324": 5e-324, "-0.25": -0.25} {
		var v Value
		if err := json.Unmarshal([]byte(text), &v); err != nil || float64(v) != want {
			t.Errorf("%s: %v, %v", text, v, err)
		}
		back, err := json.Marshal(v)
		if err != nil || string(back) != text {
			t.Errorf("%s comes back as %s, %v", text, back, err)
		}
	}
	var v Value
	if err := json.Unmarshal([]byte(`"NaN"`), &v); err != nil || !v.IsNaN() {
		t.Errorf("NaN: %v, %v", v, err)
	}
	for _, text := range []string{"true", "null", `"1"`, `"nan"`, "{}", "[]", `""`} {
		if err := json.Unmarshal([]byte(text), &v); err == nil {
			t.Errorf("%s was read as a value", text)
		}
	}
}

func TestTimestampsInJSON(t *testing.T) {
	text, err := json.Marshal(Timestamp(1700000000123))
	if err != nil || string(text) != `"2023-11-14T22:13:20.123Z"` {
		t.Errorf("%s, %v", text, err)
	}
	var back Timestamp
	if err := json.Unmarshal(text, &back); err != nil || back != 1700000000123 {
		t.Errorf("%d, %v", back, err)
	}
	if text, err := MaxTimestamp.MarshalText(); err != nil || string(text) != "9999-12-31T23:59:59.999Z" {
		t.Errorf("%s, %v", text, err)
	}
}

func line(values ...float64) []Point {
	points := make([]Point, len(values))
	for i, value := range values {
		points[i] = Point{Step: int64(i), Timestamp: Timestamp(i), Value: Value(value)}
	}
	return points
}

func TestDownsampleLeavesShortSeriesAlone(t *testing.T) {
	points, sampled := Downsample(line(3, 1, 2), 3)
	if diff := cmp.Diff(line(3, 1, 2), points); diff != "" || sampled {
		t.Error(diff, sampled)
	}
}

func TestDownsampleOrdersBySteps(t *testing.T) {
	points := []Point{{Step: 2, Timestamp: 1}, {Step: 1, Timestamp: 2}, {Step: 1, Timestamp: 1}}
	got, _ := Downsample(points, 10)
	if diff := cmp.Diff([]Point{{Step: 1, Timestamp: 1}, {Step: 1, Timestamp: 2}, {Step: 2, Timestamp: 1}}, got); diff != "" {
		t.Error(diff)
	}
}

// A chart keeps the first and last point and both extremes, whatever the series.
func TestDownsampleKeepsExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0}))
		points := line(rapid.SliceOfN(number, 1, 400).Draw(t, "values")...)
		limit := rapid.IntRange(4, 100).Draw(t, "limit")
		got, sampled := Downsample(points, limit)
		if len(got) > limit || sampled != (len(points) > limit) {
			t.Fatalf("%d points of %d for limit %d, sampled %v", len(got), len(points), limit, sampled)
		}
		if got[0].Step != 0 || got[len(got)-1].Step != int64(len(points)-1) {
			t.Fatalf("the ends are missing: %v", got)
		}
		for i := 1; i < len(got); i++ {
			if got[i].Step <= got[i-1].Step {
				t.Fatalf("out of order: %v", got)
			}
		}
		lowAll, highAll := extremes(points)
		low, high := extremes(got)
		if lowAll != low || highAll != high {
			t.Fatalf("extremes %v..%v, want %v..%v", low, high, lowAll, highAll)
		}
	})
}

func extremes(points []Point) (low, high Value) {
	low, high = Value(math.Inf(1)), Value(math.Inf(-1))
	for _, p := range points {
		if !p.Value.IsNaN() {
			low, high = min(low, p.Value), max(high, p.Value)
		}
	}
	return low, high
}
