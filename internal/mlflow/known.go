package mlflow

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"

	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// KnownRun is what somebody who answers in the server's place knows of a run: what
// the server said last, and what was written since.
type KnownRun struct {
	run     run // without its data
	metrics map[string]series.Point
	params  map[string]string
	tags    map[string]string
}

var getRunRoute = regexp.MustCompile(`^(?:/workspaces/[^/]+)?/(?:ajax-)?api/2\.0/mlflow/runs/get$`)

// ReadsRun returns the id of the run that a request asks for, "" for any other.
func ReadsRun(req *http.Request) string {
	if req.Method != http.MethodGet || !getRunRoute.MatchString(req.URL.EscapedPath()) {
		return ""
	}
	query := req.URL.Query()
	return cmp.Or(query.Get("run_id"), query.Get("run_uuid"))
}

// KnowRun reads what the server answered of a run that was asked for, or made.
func KnowRun(answer []byte) (*KnownRun, bool) {
	var read struct {
		Run run `json:"run"`
	}
	if json.Unmarshal(answer, &read) != nil || read.Run.Info.RunID == "" {
		return nil, false
	}
	data := read.Run.Data
	read.Run.Data = runData{}
	k := &KnownRun{read.Run, map[string]series.Point{}, tagMap(data.Params), tagMap(data.Tags)}
	for _, m := range data.Metrics {
		k.metrics[m.Key] = series.Point{Step: m.Step, Timestamp: series.Timestamp(m.Timestamp), Value: m.Value}
	}
	return k, true
}

// ID is the run's id.
func (k *KnownRun) ID() string { return k.run.Info.RunID }

// Add applies a write to the run.
func (k *KnownRun) Add(d Deferred) {
	for _, m := range d.batch.Metrics {
		if known, ok := k.metrics[m.Key]; !ok || m.After(known) {
			k.metrics[m.Key] = m.Point
		}
	}
	for _, param := range d.batch.Params {
		k.params[param.Key] = param.Value
	}
	for _, tag := range d.batch.Tags {
		k.tags[tag.Key] = tag.Value
	}
	if d.update.Name != nil {
		k.tags[tracking.TagRunName] = *d.update.Name
	}
	if name := k.tags[tracking.TagRunName]; name != "" {
		k.run.Info.RunName = name
	}
	if d.update.Status != nil {
		k.run.Info.Status = string(*d.update.Status)
	}
	if d.update.EndedAt != nil {
		end := d.update.EndedAt.UnixMilli()
		k.run.Info.EndTime = &end
	}
}

// Answer is what runs/get is answered.
func (k *KnownRun) Answer() []byte {
	shown := k.run
	shown.Data = runData{Params: pairs(k.params), Tags: pairs(k.tags)}
	for _, key := range slices.Sorted(maps.Keys(k.metrics)) {
		shown.Data.Metrics = append(shown.Data.Metrics, metricOf(key, k.metrics[key]))
	}
	return []byte(toJSON(struct {
		Run run `json:"run"`
	}{shown}))
}
