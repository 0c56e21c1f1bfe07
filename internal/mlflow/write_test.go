package mlflow

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// expectSame compares what is written by hand with encoding/json's text of the
// shapes.
func expectSame(t *testing.T, runs []tracking.Run, next string) {
	t.Helper()
	want, err := json.Marshal(struct {
		Runs          []run  `json:"runs,omitempty"`
		NextPageToken string `json:"next_page_token,omitempty"`
	}{each(runs, runOf), next})
	if err != nil {
		t.Fatal(err)
	}
	got := new(writer)
	got.runs(runs, next)
	if diff := cmp.Diff(string(want), string(got.text)); diff != "" {
		t.Error(diff)
	}
}

func TestRunsAreWrittenAsTheirShapes(t *testing.T) {
	end := time.UnixMilli(1_700_000_000_123)
	full := tracking.Run{ID: "r", Name: "a \"name\" <&> 이름 \u2028 \xff", ExperimentID: "1", ClaimedUser: "ada", Status: tracking.Finished,
		LifecycleStage: tracking.Active, StartedAt: time.UnixMilli(-1), EndedAt: &end, ArtifactURI: "mlflow-artifacts:/1/r/artifacts",
		Params:      map[string]string{"b": "2", "a": "1\n", "": "\x00\x7f\\"},
		Tags:        map[string]string{"t": "<script>"},
		Metrics:     map[string]series.Point{"nan": {Value: series.Value(math.NaN())}, "inf": {Value: series.Value(math.Inf(-1))}, "x": {Step: -3, Timestamp: 5, Value: 0.1}},
		Inputs:      []tracking.Input{{Name: "d", Digest: "1", SourceType: "http", Source: "{}", Tags: map[string]string{"k": "v"}}},
		ModelInputs: []tracking.ModelLink{{ModelID: "m-1"}}, Outputs: []tracking.ModelLink{{ModelID: "m-2", Step: 4}}}
	var numbers []tracking.Run
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1, 1e-6, 9.99e-7, 1e21, 9.99e20, 1e-7, 1e300, 5e-324, math.MaxFloat64, 1.0 / 3, 123456789.125} {
		numbers = append(numbers, tracking.Run{Metrics: map[string]series.Point{"m": {Value: series.Value(f)}}})
	}
	for _, runs := range [][]tracking.Run{nil, {}, {{}}, {full}, {{}, full, {}}, {{Params: map[string]string{"a": "b"}}}, {{Tags: full.Tags}}, numbers} {
		for _, next := range []string{"", "token<"} {
			expectSame(t, runs, next)
		}
	}
}

func TestHistoryIsWrittenAsItsShape(t *testing.T) {
	points := []series.Point{{Step: -1, Timestamp: 5, Value: 0.1}, {Value: series.Value(math.NaN())}, {Step: 1 << 62, Timestamp: -1, Value: 1e300}}
	for _, key := range []string{"loss", "<\"이름\">"} {
		for n := range len(points) + 1 {
			for _, next := range []string{"", "token<"} {
				want, err := json.Marshal(struct {
					Metrics       []metric `json:"metrics,omitempty"`
					NextPageToken string   `json:"next_page_token,omitempty"`
				}{each(points[:n], func(p series.Point) metric { return metricOf(key, p) }), next})
				if err != nil {
					t.Fatal(err)
				}
				got := new(writer)
				got.history(key, points[:n], next)
				if diff := cmp.Diff(string(want), string(got.text)); diff != "" {
					t.Error(diff)
				}
			}
		}
	}
}

func FuzzRunsAreWrittenAsTheirShapes(f *testing.F) {
	f.Add("id", "name", "key", "value", 0.5, int64(1), "token", true)
	f.Add("", "<>&\u2029", "\xff", "\\\"", 1e-7, int64(-1), "", false)
	f.Fuzz(func(t *testing.T, id, name, key, value string, number float64, integer int64, next string, ended bool) {
		run := tracking.Run{ID: id, Name: name, Status: tracking.RunStatus(value), StartedAt: time.UnixMilli(integer % 1e12),
			Params: map[string]string{key: value, value: key}, Tags: map[string]string{name: value},
			Metrics: map[string]series.Point{key: {Step: integer, Timestamp: series.Timestamp(integer), Value: series.Value(number)}, name: {}}}
		if ended {
			run.EndedAt = &run.StartedAt
			run.Outputs = []tracking.ModelLink{{ModelID: id, Step: integer}}
			run.Inputs = []tracking.Input{{Name: name, Source: value, Tags: map[string]string{key: name}}}
		}
		expectSame(t, []tracking.Run{run, {}, run}, next)
	})
}
