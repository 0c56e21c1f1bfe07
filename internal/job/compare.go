package job

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// Compare asks whether two jobs came to the same metrics.
type Compare struct {
	With     string // the other job; the one that this job repeats when it is empty
	Relative float64
	Absolute float64
	Ignore   []string // metrics that do not count; "time/*" is all that begin with "time/"
}

// Comparison says whether a job's metrics agree with another's: every point, not
// only the last ones. A value agrees when it is no further from the other's than
// absolute + relative × |the other's|; times are not compared.
type Comparison struct {
	Job        string             `json:"job"`
	With       string             `json:"with"`
	Agree      bool               `json:"agree" doc:"Both ended alike, there is a metric to compare, and all that count agree."`
	Status     Status             `json:"status"`
	WithStatus Status             `json:"with_status"`
	Relative   float64            `json:"rtol"`
	Absolute   float64            `json:"atol"`
	Metrics    []MetricComparison `json:"metrics"`
}

// MetricComparison is one metric of both.
type MetricComparison struct {
	Key        string        `json:"key"`
	Agrees     bool          `json:"agrees"`
	Ignored    bool          `json:"ignored" doc:"It does not count: what the machine was doing, or what was asked to be left out."`
	Points     int           `json:"points"`
	WithPoints int           `json:"with_points"`
	Last       *series.Value `json:"last,omitempty"`
	WithLast   *series.Value `json:"with_last,omitempty"`
	// Largest is the largest difference of two values, FirstStep the first step
	// where they do not agree.
	Largest   series.Value `json:"largest_difference"`
	FirstStep *int64       `json:"first_step,omitempty"`
}

// Compare compares the metrics of a job that has ended with those of another.
func (s *Service) Compare(ctx context.Context, ws, name string, ask Compare) (Comparison, error) {
	if !(ask.Relative >= 0 && ask.Absolute >= 0) || math.IsInf(ask.Relative+ask.Absolute, 0) {
		return Comparison{}, atelier.Errorf(atelier.Invalid, "A tolerance is a number from 0.").At("rtol")
	}
	j, err := s.ended(ctx, ws, name)
	if err != nil {
		return Comparison{}, err
	}
	if ask.With = cmp.Or(ask.With, j.Properties[RerunOf]); ask.With == "" {
		return Comparison{}, atelier.Errorf(atelier.Invalid, "The job %q repeats no other.", name).At("with").WithHint("Name the job to compare it with.")
	}
	other, err := s.ended(ctx, ws, ask.With)
	if err != nil {
		return Comparison{}, err
	}
	result := Comparison{Job: j.Name, With: other.Name, Status: j.Status, WithStatus: other.Status,
		Relative: ask.Relative, Absolute: ask.Absolute, Metrics: []MetricComparison{}}
	run, err := s.Tracking.Run(ctx, ws, j.Name)
	if err != nil {
		return result, err
	}
	otherRun, err := s.Tracking.Run(ctx, ws, other.Name)
	if err != nil {
		return result, err
	}
	keys := maps.Clone(otherRun.Metrics)
	maps.Copy(keys, run.Metrics)
	counted := 0
	result.Agree = j.Status == other.Status
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		one, err := s.compareMetric(ctx, ws, key, [2]string{j.Name, other.Name}, ask)
		if err != nil {
			return result, err
		}
		if !one.Ignored {
			counted++
			result.Agree = result.Agree && one.Agrees
		}
		result.Metrics = append(result.Metrics, one)
	}
	result.Agree = result.Agree && counted > 0
	return result, nil
}

func (s *Service) ended(ctx context.Context, ws, name string) (Job, error) {
	j, err := s.Get(ctx, ws, name)
	if err == nil && !j.Status.Ended() {
		err = atelier.Errorf(atelier.Precondition, "The job %q has not ended: it is %s.", name, j.Status)
	}
	return j, err
}

// compareMetric compares one metric of two runs, ours first.
func (s *Service) compareMetric(ctx context.Context, ws, key string, runs [2]string, ask Compare) (MetricComparison, error) {
	var values [2][]series.Point
	for i, run := range runs {
		points, err := s.Tracking.History(ctx, ws, run, key, series.Window{})
		if err != nil {
			return MetricComparison{}, err
		}
		values[i] = points
	}
	one := ask.points(values[0], values[1])
	one.Key, one.Ignored = key, ask.ignores(key)
	return one, nil
}

// ignores reports whether a metric does not count. What MLflow measures of the
// machine never does.
func (ask Compare) ignores(key string) bool {
	for _, pattern := range append([]string{"system/*"}, ask.Ignore...) {
		if start, open := strings.CutSuffix(pattern, "*"); key == pattern || open && strings.HasPrefix(key, start) {
			return true
		}
	}
	return false
}

// points compares two histories. Points of one step are compared in the order of
// their values: which was logged first is a matter of time, if not of one
// millisecond.
func (ask Compare) points(ours, theirs []series.Point) MetricComparison {
	one := MetricComparison{Points: len(ours), WithPoints: len(theirs), Agrees: len(ours) == len(theirs),
		Last: lastValue(ours), WithLast: lastValue(theirs)}
	for _, points := range [][]series.Point{ours, theirs} {
		slices.SortFunc(points, func(a, b series.Point) int { return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Value, b.Value)) })
	}
	if one.Last != nil && one.WithLast != nil && !ask.close(*one.Last, *one.WithLast) {
		one.Agrees = false
	}
	for i := range min(len(ours), len(theirs)) {
		a, b := ours[i], theirs[i]
		same := a.Step == b.Step && ask.close(a.Value, b.Value)
		if a.Step == b.Step {
			one.Largest = max(one.Largest, distance(a.Value, b.Value))
		}
		if !same && one.FirstStep == nil {
			step := min(a.Step, b.Step)
			one.Agrees, one.FirstStep = false, &step
		}
	}
	return one
}

func lastValue(points []series.Point) *series.Value {
	if len(points) == 0 {
		return nil
	}
	last := points[0]
	for _, p := range points[1:] {
		if p.After(last) {
			last = p
		}
	}
	return &last.Value
}

func (ask Compare) close(a, b series.Value) bool {
	return a == b || a.IsNaN() && b.IsNaN() || float64(distance(a, b)) <= ask.Absolute+ask.Relative*math.Abs(float64(b)) && !math.IsInf(float64(b), 0)
}

// distance is how far two values are apart: nothing for two that are not numbers,
// and infinitely far for one that is not.
func distance(a, b series.Value) series.Value {
	switch {
	case a == b || a.IsNaN() && b.IsNaN():
		return 0
	case a.IsNaN() || b.IsNaN():
		return series.Value(math.Inf(1))
	}
	return series.Value(math.Abs(float64(a - b)))
}
