package mlflow

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

const (
	maxIntervalRows = 2500
	// maxSteps is how many different steps are told apart. A sample of so many is
	// as good, where there are more.
	maxSteps = 1 << 17
)

type intervalRequest struct {
	RunIDs     []string `json:"run_ids"`
	Key        string   `json:"metric_key"`
	StartStep  *integer `json:"start_step"`
	EndStep    *integer `json:"end_step"`
	MaxResults *integer `json:"max_results"`
}

func (r *intervalRequest) check() error {
	switch {
	case len(r.RunIDs) == 0:
		return missing("run_ids")
	case len(r.RunIDs) > maxBulkRuns:
		return atelier.Errorf(atelier.Invalid, "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %d run_ids.", maxBulkRuns, len(r.RunIDs)).At("run_ids")
	case r.Key == "":
		return missing("metric_key")
	case r.MaxResults != nil && (*r.MaxResults < 1 || *r.MaxResults > maxIntervalRows):
		return atelier.Errorf(atelier.Invalid, "max_results must be between 1 and %d.", maxIntervalRows).At("max_results")
	case (r.StartStep == nil) != (r.EndStep == nil):
		return atelier.Errorf(atelier.Invalid, "If either start step or end step are specified, both must be specified.").At("start_step")
	case r.StartStep != nil && *r.StartStep > *r.EndStep:
		return atelier.Errorf(atelier.Invalid, "end_step must be greater than start_step. Found start_step=%d and end_step=%d.", int64(*r.StartStep), int64(*r.EndStep)).At("end_step")
	}
	return nil
}

// historyInterval thins several runs out at the same steps, so that their lines
// can be compared: every n-th of all steps, and each run's first and last. It
// goes through the points twice and keeps few of them.
func (s *server) historyInterval(ctx context.Context, ws string, in *intervalRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	runs, limit := distinct(in.RunIDs), integer(maxIntervalRows)
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	all, ends := stepSample{}, map[int64]bool{}
	for _, id := range runs {
		first, last := int64(math.MaxInt64), int64(math.MinInt64)
		err := s.tracking.ScanHistory(ctx, ws, id, in.Key, in.steps(), func(points []series.Point) error {
			for _, p := range points {
				first, last = min(first, p.Step), max(last, p.Step)
				all.add(p.Step)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if first <= last {
			ends[first], ends[last] = true, true
		}
	}
	kept := all.choose(int(limit), ends)
	answer := historyAnswer{}
	for _, id := range runs {
		points, err := s.pointsAt(ctx, ws, id, in, kept)
		if err != nil {
			return nil, err
		}
		answer.Metrics = append(answer.Metrics, ofRun(in.Key, id, points)...)
	}
	return answer, nil
}

// pointsAt returns the points of a run at the kept steps, by step and time; of very
// many points at the same steps, the first.
func (s *server) pointsAt(ctx context.Context, ws, id string, in *intervalRequest, kept map[int64]bool) ([]series.Point, error) {
	var found []series.Point
	order := func() {
		slices.SortStableFunc(found, func(a, b series.Point) int {
			return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Timestamp, b.Timestamp))
		})
		found = found[:min(len(found), maxBulkResults)]
	}
	err := s.tracking.ScanHistory(ctx, ws, id, in.Key, in.steps(), func(points []series.Point) error {
		for _, p := range points {
			if kept[p.Step] {
				found = append(found, p)
			}
		}
		if len(found) > 2*maxBulkResults {
			order()
		}
		return nil
	})
	order()
	return found, err
}

func (r *intervalRequest) steps() series.Steps {
	if r.StartStep == nil {
		return series.Steps{First: math.MinInt64, Last: math.MaxInt64}
	}
	return series.Steps{First: int64(*r.StartStep), Last: int64(*r.EndStep)}
}

// stepSample is a set of steps. When they become too many, it keeps those whose
// hash ends in a zero more than before: the same of every run, evenly spread.
type stepSample struct {
	steps map[int64]bool
	mask  uint64
}

func (s *stepSample) add(step int64) {
	if hashOf(step)&s.mask != 0 {
		return
	}
	if s.steps == nil {
		s.steps = map[int64]bool{}
	}
	s.steps[step] = true
	for len(s.steps) > maxSteps {
		s.mask = s.mask<<1 | 1
		for step := range s.steps {
			if hashOf(step)&s.mask != 0 {
				delete(s.steps, step)
			}
		}
	}
}

// hashOf is the end of SplitMix64, which gives each number another one.
func hashOf(step int64) uint64 {
	h := uint64(step)
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// choose returns up to limit steps, evenly from all, with the last, and more.
func (s *stepSample) choose(limit int, more map[int64]bool) map[int64]bool {
	if len(s.steps) == 0 {
		return more
	}
	ordered := make([]int64, 0, len(s.steps))
	for step := range s.steps {
		ordered = append(ordered, step)
	}
	slices.Sort(ordered)
	more[ordered[len(ordered)-1]] = true
	for i := range min(limit, len(ordered)) {
		more[ordered[i*len(ordered)/min(limit, len(ordered))]] = true
	}
	return more
}
