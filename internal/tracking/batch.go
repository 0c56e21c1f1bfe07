package tracking

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// Log stores a batch of metrics, params and tags: all of it, or nothing. Sending
// the same batch again changes nothing.
func (s *Service) Log(ctx context.Context, ws, id string, b Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	points := b.series()
	due, err := s.logBatch(ctx, ws, id, b, points)
	if err == nil && len(b.Metrics) > 0 {
		s.compactor.touch(series.Key{Workspace: ws, Run: id}, due)
		s.publish(ws, event.Metrics, id)
	}
	return err
}

// logBatch returns the series that should be compacted. points are b's metrics.
func (s *Service) logBatch(ctx context.Context, ws, id string, b Batch, points series.Batch) (due []series.Key, err error) {
	if s.together != nil && b.onlyPoints() {
		return s.logTogether(ctx, ws, id, points)
	}
	err = s.writeRun(ctx, ws, id, event.Run, func(tx *sqldb.Tx, run Run) (err error) {
		if err := mustBeActive(run); err != nil {
			return err
		}
		if err := logParams(ctx, tx, ws, run, b.Params); err != nil {
			return err
		}
		if due, err = logMetrics(ctx, tx, ws, run, b.Metrics, points); err != nil {
			return err
		}
		return writeTags(ctx, tx, ws, run, b.Tags)
	})
	return due, err
}

// onlyPoints reports whether b changes nothing but the run's own metrics.
func (b *Batch) onlyPoints() bool {
	return len(b.Metrics) > 0 && len(b.Params) == 0 && len(b.Tags) == 0 &&
		!slices.ContainsFunc(b.Metrics, func(m Metric) bool { return m.ModelID != "" })
}

// Check validates b and cuts values that are too long.
func (b *Batch) Check() error {
	for _, limit := range []struct {
		what string
		got  int
		most int
	}{
		{"metrics", len(b.Metrics), maxBatchMetrics}, {"params", len(b.Params), maxBatchParams},
		{"tags", len(b.Tags), maxBatchTags}, {"metrics, params and tags", len(b.Metrics) + len(b.Params) + len(b.Tags), maxBatch},
	} {
		if limit.got > limit.most {
			return atelier.Errorf(atelier.Invalid, "A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again.",
				limit.most, limit.what, limit.got, limit.what, limit.what)
		}
	}
	names := map[string]bool{} // few, and each comes often
	for i := range b.Metrics {
		if err := checkMetric(&b.Metrics[i], names); err != nil {
			return within(err, "metrics", i)
		}
	}
	seen := map[string]string{}
	for i, param := range b.Params {
		checked, err := checkParam(param)
		if err != nil {
			return within(err, "params", i)
		}
		if before, twice := seen[checked.Key]; twice && before != checked.Value {
			return atelier.Errorf(atelier.Invalid, "Duplicate parameter keys have been submitted: [%s]. Please ensure the request contains only one param value per param key.", checked.Key).At("params")
		}
		seen[checked.Key] = checked.Value
		b.Params[i] = checked
	}
	for i, tag := range b.Tags {
		checked, err := checkTag(tag)
		if err != nil {
			return within(err, "tags", i)
		}
		b.Tags[i] = checked
	}
	return nil
}

// within names the element of a list in which a fault lies.
func within(err error, list string, i int) error {
	place, fault := fmt.Sprintf("%s[%d].", list, i), *atelier.Public(err)
	fault.Message = strings.Replace(fault.Message, "parameter '", "parameter '"+place, 1)
	return fault.At(place + fault.Field)
}

// logParams stores params, which are written once: the same value again is fine,
// another one is refused.
func logParams(ctx context.Context, tx *sqldb.Tx, ws string, run Run, params []Pair) error {
	if len(params) == 0 {
		return nil
	}
	stored, err := insertParams(ctx, tx, ws, run.ID, params)
	if err != nil {
		return err
	}
	var changed []string
	for _, param := range params {
		if old := stored[param.Key]; old != param.Value {
			if len(params) == 1 {
				return ParamChanged(run.ID, param, old)
			}
			changed = append(changed, fmt.Sprintf("{'key': '%s', 'old_value': '%s', 'new_value': '%s'}",
				param.Key, atelier.Clip(old, 200), atelier.Clip(param.Value, 200)))
		}
	}
	if len(changed) > 0 {
		return atelier.Errorf(atelier.Invalid, "Changing param values is not allowed. Params were already logged='[%s]' for run ID='%s'.",
			strings.Join(changed, ", "), run.ID).At("params")
	}
	return nil
}

// ParamChanged is the refusal of a param that was logged with the value old.
func ParamChanged(run string, param Pair, old string) error {
	return atelier.Errorf(atelier.Invalid, "Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for run ID='%s'. Attempted logging new value '%s'.",
		param.Key, atelier.Clip(old, 200), run, atelier.Clip(param.Value, 200)).At("value")
}

// series encodes the metrics, before any transaction waits for it.
func (b *Batch) series() series.Batch {
	return series.NewBatch(func(yield func(series.Sample) bool) {
		for i := range b.Metrics {
			if !yield(b.Metrics[i].Sample) {
				return
			}
		}
	})
}

// logMetrics returns the series that should be compacted. points are metrics.
func logMetrics(ctx context.Context, tx *sqldb.Tx, ws string, run Run, metrics []Metric, points series.Batch) ([]series.Key, error) {
	if len(metrics) == 0 {
		return nil, nil
	}
	runChanged(tx, ws, run.ID)
	due, err := series.Append(ctx, tx, series.Log{Owner: series.Owner{Workspace: ws, Experiment: run.ExperimentID, Run: run.ID}, Batch: points})
	if err != nil {
		return nil, err
	}
	return due, insertModelMetrics(ctx, tx, ws, run.ID, metrics)
}

// History returns the points of one metric in the window, by time, step and value.
func (s *Service) History(ctx context.Context, ws, id, key string, window series.Window) ([]series.Point, error) {
	var points []series.Point
	err := s.readSeries(ctx, ws, id, key, func(tx *sqldb.Tx, of series.Key) (err error) {
		points, err = series.History(ctx, tx, of, window)
		return err
	})
	return points, err
}

// ScanHistory calls visit with the points of one metric that have some steps, in
// pieces, by time, step and value.
func (s *Service) ScanHistory(ctx context.Context, ws, id, key string, steps series.Steps, visit func(points []series.Point) error) error {
	return s.readSeries(ctx, ws, id, key, func(tx *sqldb.Tx, of series.Key) error {
		return series.Scan(ctx, tx, of, steps, visit)
	})
}

// Chart returns one metric in at most limit points that keep its extremes.
func (s *Service) Chart(ctx context.Context, ws, id, key string, limit int) (MetricSeries, error) {
	if err := CheckText("key", key); err != nil {
		return MetricSeries{}, err
	}
	if limit < 0 || limit > maxResults {
		return MetricSeries{}, atelier.Errorf(atelier.Invalid, "Invalid value %d for parameter 'max_points' supplied: it must be at most %d.", limit, maxResults).At("max_points")
	}
	chart := MetricSeries{Key: key, Points: []series.Point{}}
	err := s.readSeries(ctx, ws, id, key, func(tx *sqldb.Tx, of series.Key) error {
		points, count, err := series.Chart(ctx, tx, of, atelier.PageSize(limit, 2000, maxResults))
		if count > 0 {
			chart.Points = points
		}
		chart.Count, chart.Sampled = count, len(points) < count
		return err
	})
	return chart, err
}

// Buckets sums up a part of one metric in at most n buckets of one width, without
// the empty ones.
func (s *Service) Buckets(ctx context.Context, ws, id, key string, r series.Range, n int) (MetricBuckets, error) {
	out := MetricBuckets{Key: key, Buckets: []MetricBucket{}}
	if err := CheckText("key", key); err != nil {
		return out, err
	}
	if n < 1 || n > maxResults {
		return out, atelier.Errorf(atelier.Invalid, "Invalid value %d for parameter 'buckets' supplied: it must be from 1 to %d.", n, maxResults).At("buckets")
	}
	err := s.readSeries(ctx, ws, id, key, func(tx *sqldb.Tx, of series.Key) error {
		buckets, err := series.Buckets(ctx, tx, of, r, n)
		for _, b := range buckets {
			out.Buckets = append(out.Buckets, bucketOf(b))
		}
		return err
	})
	return out, err
}

// readSeries reads one metric of a run that is there.
func (s *Service) readSeries(ctx context.Context, ws, id, key string, read func(tx *sqldb.Tx, of series.Key) error) error {
	return s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if _, err := selectRun(ctx, tx, ws, id); err != nil {
			return err
		}
		return read(tx, series.Key{Workspace: ws, Run: id, Name: key})
	})
}
