package mlflow

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

const (
	maxBulkRuns     = 100
	maxBulkResults  = 25_000
	maxIntervalRows = 2500
)

type historyRequest struct {
	RunID      string  `json:"run_id"`
	RunUUID    string  `json:"run_uuid"`
	Key        string  `json:"metric_key"`
	PageToken  string  `json:"page_token"`
	MaxResults integer `json:"max_results"`
}

type historyAnswer struct {
	Metrics       []metric `json:"metrics,omitempty"`
	NextPageToken string   `json:"next_page_token,omitempty"`
}

// history returns a metric's points; all of them when no page size was asked for.
func (s *server) history(ctx context.Context, ws string, in *historyRequest) (any, error) {
	id, err := runID(in.RunID, in.RunUUID)
	if err := cmp.Or(err, required("metric_key", in.Key)); err != nil {
		return nil, err
	}
	if in.MaxResults < 0 {
		return nil, atelier.Errorf(atelier.Invalid, "Invalid value %d for parameter 'max_results' supplied.", int64(in.MaxResults)).At("max_results")
	}
	window := series.Window{Limit: int(in.MaxResults)}
	if in.PageToken != "" {
		if err := atelier.DecodePageToken(in.PageToken, &window.Offset); err != nil {
			return nil, err
		}
	}
	asked := window.Limit
	if asked > 0 {
		window.Limit++ // one more tells whether there is another page
	}
	points, err := s.tracking.History(ctx, ws, id, in.Key, window)
	if err != nil {
		return nil, err
	}
	answer := historyAnswer{}
	if asked > 0 && len(points) > asked {
		points = points[:asked]
		answer.NextPageToken = atelier.EncodePageToken(window.Offset + asked)
	}
	answer.Metrics = each(points, func(p series.Point) metric { return metricOf(in.Key, p) })
	return answer, nil
}

type bulkRequest struct {
	RunID      []string `json:"run_id"`
	RunIDs     []string `json:"run_ids"`
	Key        string   `json:"metric_key"`
	StartStep  *integer `json:"start_step"`
	EndStep    *integer `json:"end_step"`
	MaxResults integer  `json:"max_results"`
}

func (r *bulkRequest) runs() ([]string, error) {
	ids := append(r.RunIDs, r.RunID...)
	switch {
	case len(ids) == 0:
		return nil, atelier.Errorf(atelier.Invalid, "GetMetricHistoryBulk request must specify at least one run_id.").At("run_id")
	case len(ids) > maxBulkRuns:
		return nil, atelier.Errorf(atelier.Invalid, "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %d run_ids.", maxBulkRuns, len(ids)).At("run_id")
	}
	slices.Sort(ids)
	return slices.Compact(ids), required("metric_key", r.Key)
}

func (s *server) historyBulk(ctx context.Context, ws string, in *bulkRequest) (any, error) {
	runs, err := in.runs()
	if err != nil {
		return nil, err
	}
	left := maxBulkResults
	if in.MaxResults > 0 {
		left = min(left, int(in.MaxResults))
	}
	answer := historyAnswer{}
	for _, id := range runs {
		if left <= 0 {
			break
		}
		points, err := s.tracking.History(ctx, ws, id, in.Key, series.Window{Limit: left})
		if err != nil {
			return nil, err
		}
		left -= len(points)
		answer.Metrics = append(answer.Metrics, ofRun(in.Key, id, points)...)
	}
	return answer, nil
}

func ofRun(key, id string, points []series.Point) []metric {
	return each(points, func(p series.Point) metric {
		m := metricOf(key, p)
		m.RunID = id
		return m
	})
}

// historyInterval thins several runs out at the same steps, so that their lines
// can be compared: every n-th of all steps, and each run's first and last.
func (s *server) historyInterval(ctx context.Context, ws string, in *bulkRequest) (any, error) {
	runs, err := in.runs()
	if err != nil {
		return nil, err
	}
	if err := in.checkInterval(); err != nil {
		return nil, err
	}
	limit := cmp.Or(int(in.MaxResults), maxIntervalRows)
	steps := map[int64]bool{}
	ends := map[int64]bool{}
	byRun := map[string][]series.Point{}
	for _, id := range runs {
		points, err := s.tracking.History(ctx, ws, id, in.Key, series.Window{})
		if err != nil {
			return nil, err
		}
		points = slices.DeleteFunc(points, func(p series.Point) bool {
			return in.StartStep != nil && (p.Step < int64(*in.StartStep) || p.Step > int64(*in.EndStep))
		})
		if len(points) == 0 {
			continue
		}
		byRun[id] = points
		for _, p := range points {
			steps[p.Step] = true
		}
		byStep := func(a, b series.Point) int { return cmp.Compare(a.Step, b.Step) }
		ends[slices.MinFunc(points, byStep).Step] = true
		ends[slices.MaxFunc(points, byStep).Step] = true
	}
	kept := sampleSteps(steps, limit)
	maps.Copy(kept, ends)
	answer := historyAnswer{}
	for _, id := range runs {
		points := slices.DeleteFunc(byRun[id], func(p series.Point) bool { return !kept[p.Step] })
		slices.SortStableFunc(points, func(a, b series.Point) int {
			return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Timestamp, b.Timestamp))
		})
		answer.Metrics = append(answer.Metrics, ofRun(in.Key, id, points)...)
	}
	return answer, nil
}

func (r *bulkRequest) checkInterval() error {
	switch {
	case r.MaxResults < 0 || r.MaxResults > maxIntervalRows:
		return atelier.Errorf(atelier.Invalid, "Invalid value %d for parameter 'max_results' supplied: it must be from 1 to %d.", int64(r.MaxResults), maxIntervalRows).At("max_results")
	case (r.StartStep == nil) != (r.EndStep == nil):
		return atelier.Errorf(atelier.Invalid, "If either start step or end step are specified, both must be specified.").At("start_step")
	case r.StartStep != nil && *r.StartStep > *r.EndStep:
		return atelier.Errorf(atelier.Invalid, "end_step must be greater than start_step. Found start_step=%d and end_step=%d.", int64(*r.StartStep), int64(*r.EndStep)).At("end_step")
	}
	return nil
}

func sampleSteps(steps map[int64]bool, limit int) map[int64]bool {
	if len(steps) <= limit {
		return steps
	}
	ordered := slices.Sorted(maps.Keys(steps))
	kept := map[int64]bool{ordered[len(ordered)-1]: true}
	for i := range limit {
		kept[ordered[i*len(ordered)/limit]] = true
	}
	return kept
}
