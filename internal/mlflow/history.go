package mlflow

import (
	"cmp"
	"context"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

const (
	maxBulkRuns    = 100
	maxBulkResults = 25_000
)

type historyRequest struct {
	RunID      string  `json:"run_id"`
	RunUUID    string  `json:"run_uuid"`
	Key        string  `json:"metric_key"`
	PageToken  string  `json:"page_token"`
	MaxResults integer `json:"max_results"`
}

type historyAnswer struct {
	Metrics []metric `json:"metrics,omitempty"`
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
	next := ""
	if asked > 0 && len(points) > asked {
		points = points[:asked]
		next = atelier.EncodePageToken(window.Offset + asked)
	}
	return written(func(text *writer) { text.history(in.Key, points, next) }), nil
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
