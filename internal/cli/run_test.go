package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

func TestMetricColumns(t *testing.T) {
	run := func(keys ...string) tracking.Run {
		metrics := map[string]series.Point{}
		for _, key := range keys {
			metrics[key] = series.Point{}
		}
		return tracking.Run{Metrics: metrics}
	}
	runs := []tracking.Run{run("mae", "rmse", "r2"), run("mae", "rmse", "a", "b", "c"), run("mae")}
	for asked, want := range map[string][]string{
		"":                       {"mae", "rmse", "a", "b", "c"},
		"metrics.rmse ASC":       {"rmse", "mae", "a", "b", "c"},
		"metrics.r2 DESC  a = 1": {"r2", "mae", "rmse", "a", "b"},
	} {
		if diff := cmp.Diff(want, metricColumns(runs, asked)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", asked, diff)
		}
	}
}
