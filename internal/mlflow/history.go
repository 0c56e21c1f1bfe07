package mlflow

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

const (
	maxBulkRuns    = 100
	maxBulkResults = 25_000
	historyPiece   = 50_000 // points that are held at a time: their text is 4 MB
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
	if asked == 0 {
		return s.wholeHistory(ctx, ws, id, in.Key, window.Offset)
	}
	window.Limit++ // one more tells whether there is another page
	points, err := s.tracking.History(ctx, ws, id, in.Key, window)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(points) > asked {
		points = points[:asked]
		next = atelier.EncodePageToken(window.Offset + asked)
	}
	return written(func(text *writer) { text.history(in.Key, points, next) }), nil
}

// wholeHistory answers with all points from an offset, in pieces: no transaction
// waits for a slow reader, and no memory holds a long history.
func (s *server) wholeHistory(ctx context.Context, ws, run, key string, offset int) (any, error) {
	read := func() ([]series.Point, error) {
		points, err := s.tracking.History(ctx, ws, run, key, series.Window{Offset: offset, Limit: historyPiece})
		offset += len(points)
		return points, err
	}
	points, err := read()
	if err != nil {
		return nil, err
	}
	if len(points) < historyPiece {
		return written(func(text *writer) { text.history(key, points, "") }), nil
	}
	return streamed(func(w io.Writer) error {
		text := writers.Get().(*writer)
		defer text.release()
		text.raw(`{"metrics":[`)
		for first := true; len(points) > 0; first = false {
			text.points(key, points, first)
			if _, err := w.Write(text.text); err != nil {
				return err
			}
			text.text = text.text[:0]
			if points, err = read(); err != nil {
				return err
			}
		}
		_, err := io.WriteString(w, "]}")
		return err
	}), nil
}

type bulkRequest struct {
	RunIDs     []string `json:"run_id"`
	Key        *string  `json:"metric_key"`
	MaxResults *integer `json:"max_results"`
}

func (r *bulkRequest) check() error {
	switch {
	case len(r.RunIDs) == 0:
		return atelier.Errorf(atelier.Invalid, "GetMetricHistoryBulk request must specify at least one run_id.").At("run_id")
	case len(r.RunIDs) > maxBulkRuns:
		return atelier.Errorf(atelier.Invalid, "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %d run_ids.", maxBulkRuns, len(r.RunIDs)).At("run_id")
	case r.Key == nil:
		return atelier.Errorf(atelier.Invalid, "GetMetricHistoryBulk request must specify a metric_key.").At("metric_key")
	}
	return nil
}

// distinct returns ids in the order in which they came, each once.
func distinct(ids []string) []string {
	var once []string
	for _, id := range ids {
		if !slices.Contains(once, id) { // they are few
			once = append(once, id)
		}
	}
	return once
}

func (s *server) historyBulk(ctx context.Context, ws string, in *bulkRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	left := maxBulkResults
	if in.MaxResults != nil {
		left = min(left, int(*in.MaxResults))
	}
	answer := historyAnswer{}
	for _, id := range slices.Sorted(slices.Values(distinct(in.RunIDs))) {
		if left <= 0 {
			break
		}
		points, err := s.tracking.History(ctx, ws, id, *in.Key, series.Window{Limit: left})
		if err != nil {
			return nil, err
		}
		left -= len(points)
		answer.Metrics = append(answer.Metrics, ofRun(*in.Key, id, points)...)
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
