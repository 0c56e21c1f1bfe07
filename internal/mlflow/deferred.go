package mlflow

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// Deferred is a write that somebody may answer in the server's place while the
// server is away, and bring to it later: it may be sent twice, and its client
// learns nothing from the answer that it did not say itself.
type Deferred struct {
	Run    string          // empty for an artifact, whose path says it
	What   string          // what it writes, for people
	Params []tracking.Pair // which may not change afterwards
	Answer []byte          // JSON
	batch  tracking.Batch
	update tracking.UpdateRun
}

var deferredRoute = regexp.MustCompile(`^(?:/workspaces/[^/]+)?/(?:ajax-)?api/2\.0/(?:mlflow/runs/(log-metric|log-parameter|log-batch|set-tag|update)|(mlflow-artifacts/artifacts)/(.+))$`)

// Deferrable reports whether Defer knows a request.
func Deferrable(req *http.Request) bool {
	match := deferredRoute.FindStringSubmatch(req.URL.EscapedPath())
	return match != nil && req.Method == map[bool]string{true: http.MethodPut, false: http.MethodPost}[match[2] != ""]
}

// Defer reads a deferrable request with all checks that need no server. raw is
// its body, which an artifact's may leave out. The error is for WriteError.
func Defer(req *http.Request, raw []byte) (Deferred, error) {
	match := deferredRoute.FindStringSubmatch(req.URL.EscapedPath())
	if match[2] != "" {
		return deferArtifact(match[3])
	}
	req = req.Clone(req.Context())
	req.Body = http.NoBody
	if len(raw) > 0 {
		req.Body = readCloser{bytes.NewReader(raw)}
		req.ContentLength = int64(len(raw))
	}
	switch match[1] {
	case "log-batch":
		return deferBatch(req)
	case "log-metric":
		return deferMetric(req)
	case "update":
		return deferUpdate(req)
	}
	return deferPair(req, match[1] == "log-parameter")
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

var nothing = []byte("{}")

func deferArtifact(escaped string) (Deferred, error) {
	p, err := url.PathUnescape(escaped)
	if err == nil {
		p, err = tracking.CheckArtifactPath(p)
	}
	if err != nil {
		return Deferred{}, atelier.Errorf(atelier.Invalid, "Invalid path %q.", atelier.Clip(escaped, 120)).At("path")
	}
	return Deferred{What: "the file " + p, Answer: nothing}, nil
}

func deferBatch(req *http.Request) (Deferred, error) {
	in := new(logBatchRequest)
	if err := decode(req, in); err != nil {
		return Deferred{}, err
	}
	batch, err := in.read()
	if err == nil {
		err = required("run_id", in.RunID)
	}
	return deferLog(in.RunID, batch, err)
}

func deferMetric(req *http.Request) (Deferred, error) {
	in := new(logMetricRequest)
	if err := decode(req, in); err != nil {
		return Deferred{}, err
	}
	m, err := in.read()
	id, missing := runID(in.RunID, in.RunUUID)
	if missing != nil {
		err = missing
	}
	return deferLog(id, tracking.Batch{Metrics: []tracking.Metric{m}}, err)
}

func deferPair(req *http.Request, param bool) (Deferred, error) {
	in := new(runRequest)
	if err := decode(req, in); err != nil {
		return Deferred{}, err
	}
	id, pair, err := in.pair()
	if param {
		return deferLog(id, tracking.Batch{Params: pair}, err)
	}
	return deferLog(id, tracking.Batch{Tags: pair}, err)
}

func deferLog(run string, b tracking.Batch, err error) (Deferred, error) {
	if err == nil {
		err = b.Check()
	}
	if err != nil {
		return Deferred{}, err
	}
	var names []string
	for _, m := range b.Metrics[:min(len(b.Metrics), 3)] {
		names = append(names, "metric "+m.Key)
	}
	for _, p := range b.Params {
		names = append(names, "param "+p.Key+" = "+atelier.Clip(p.Value, 60))
	}
	for _, tag := range b.Tags {
		names = append(names, "tag "+tag.Key+" = "+atelier.Clip(tag.Value, 60))
	}
	return Deferred{Run: run, What: atelier.Clip(strings.Join(names, ", "), 300), Params: b.Params, Answer: nothing, batch: b}, nil
}

// deferUpdate answers with what the client said of the run: nothing else is known
// here, and clients use nothing else.
func deferUpdate(req *http.Request) (Deferred, error) {
	in := new(runRequest)
	if err := decode(req, in); err != nil {
		return Deferred{}, err
	}
	id, update, err := in.update()
	if err != nil {
		return Deferred{}, err
	}
	info := runInfo{RunID: id, RunUUID: id, LifecycleStage: tracking.Active, EndTime: (*int64)(in.EndTime)}
	if update.Status != nil {
		info.Status = string(*update.Status)
	}
	if update.Name != nil {
		info.RunName = *update.Name
	}
	answer, err := json.Marshal(struct {
		Info runInfo `json:"run_info"`
	}{info})
	return Deferred{Run: id, What: "the run's status or name", Answer: answer, update: update}, err
}

// ParamChanged is the refusal of a param that was logged with the value before.
func ParamChanged(run, key, before, now string) error {
	return tracking.ParamChanged(run, tracking.Pair{Key: key, Value: now}, before)
}

// WriteError answers with err as the server would.
func WriteError(w http.ResponseWriter, err error) { writeRefusal(w, atelier.Public(err)) }

// CreatesRun reports whether a request makes a run, and so may carry RunIDHeader.
func CreatesRun(req *http.Request) bool {
	return req.Method == http.MethodPost && createRoute.MatchString(req.URL.EscapedPath())
}

var createRoute = regexp.MustCompile(`^(?:/workspaces/[^/]+)?/(?:ajax-)?api/2\.0/mlflow/runs/create$`)
