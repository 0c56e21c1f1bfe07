package mlflow

import (
	"io"
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// written is an answer that writes itself to the end of text, as encoding/json
// would write the shapes. Runs are answered by the thousand, and reflection took
// longer than to find them.
type written func(text *writer)

// streamed is an answer that is too large to be held: it writes itself in pieces.
type streamed func(w io.Writer) error

// writer is JSON being written. keys is for sorting the keys of a map.
type writer struct {
	text []byte
	keys []string
}

// writers keeps the memory of answers for others.
var writers = sync.Pool{New: func() any { return new(writer) }}

// maxKept bounds the memory of one writer that is kept.
const maxKept = 4 << 20

func (w *writer) release() {
	if cap(w.text) > maxKept {
		return
	}
	w.text = w.text[:0]
	clear(w.keys[:cap(w.keys)])
	writers.Put(w)
}

// raw writes text that is JSON.
func (w *writer) raw(text string) { w.text = append(w.text, text...) }

// value writes anything the slow way.
func (w *writer) value(value any) { w.text = append(w.text, toJSON(value)...) }

func (w *writer) string(text string) {
	if !isPlain(text) {
		w.value(text)
		return
	}
	w.text = append(w.text, '"')
	w.text = append(w.text, text...)
	w.text = append(w.text, '"')
}

// isPlain reports whether text is in JSON as it is.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

func (w *writer) integer(value int64) { w.text = strconv.AppendInt(w.text, value, 10) }

func (w *writer) number(value series.Value) {
	f := float64(value)
	if size := math.Abs(f); size != 0 && !(size >= 1e-6 && size < 1e21) { // also NaN
		w.value(value)
		return
	}
	w.text = strconv.AppendFloat(w.text, f, 'f', -1, 64)
}

// sorted returns the keys of m, in order, until it is called again.
func sorted[V any](w *writer, m map[string]V) []string {
	w.keys = w.keys[:0]
	for key := range m {
		w.keys = append(w.keys, key)
	}
	slices.Sort(w.keys)
	return w.keys
}

// pairs writes a field with a map as a list, and reports whether it was not empty.
func (w *writer) pairs(before, name string, m map[string]string) bool {
	for i, key := range sorted(w, m) {
		if i == 0 {
			w.raw(before)
			w.raw(name)
			w.raw(`:[{"key":`)
		} else {
			w.raw(`,{"key":`)
		}
		w.string(key)
		w.raw(`,"value":`)
		w.string(m[key])
		w.raw("}")
	}
	if len(m) > 0 {
		w.raw("]")
	}
	return len(m) > 0
}

func (w *writer) metrics(m map[string]series.Point) bool {
	for i, key := range sorted(w, m) {
		if i == 0 {
			w.raw(`"metrics":[{"key":`)
		} else {
			w.raw(`,{"key":`)
		}
		w.string(key)
		w.point(m[key])
	}
	if len(m) > 0 {
		w.raw("]")
	}
	return len(m) > 0
}

// point writes the fields of a metric behind its key, and ends it.
func (w *writer) point(p series.Point) {
	w.raw(`,"value":`)
	w.number(p.Value)
	w.raw(`,"timestamp":`)
	w.integer(int64(p.Timestamp))
	w.raw(`,"step":`)
	w.integer(p.Step)
	w.raw("}")
}

// history writes a page of one metric's points.
func (w *writer) history(key string, points []series.Point, next string) {
	w.raw("{")
	if len(points) > 0 {
		w.raw(`"metrics":[`)
		w.points(key, points, true)
		w.raw("]")
	}
	w.next(len(points) > 0, next)
	w.raw("}")
}

// points writes some of one metric's points, of which the first may be the first of all.
func (w *writer) points(key string, points []series.Point, first bool) {
	begin := len(w.text)
	w.raw(`,{"key":`)
	w.string(key)
	head := string(w.text[begin:])
	w.text = slices.Grow(w.text[:begin], len(points)*(len(head)+perPoint))
	for _, p := range points {
		if first {
			w.raw(head[1:])
			first = false
		} else {
			w.raw(head)
		}
		w.point(p)
	}
}

// perPoint is about how long the text of a point is, without its key.
const perPoint = 80

func (w *writer) info(r *tracking.Run) {
	w.raw(`{"run_id":`)
	w.string(r.ID)
	w.raw(`,"run_uuid":`)
	w.string(r.ID)
	w.raw(`,"run_name":`)
	w.string(r.Name)
	w.raw(`,"experiment_id":`)
	w.string(r.ExperimentID)
	w.raw(`,"user_id":`)
	w.string(r.ClaimedUser)
	w.raw(`,"status":`)
	w.string(string(r.Status))
	w.raw(`,"start_time":`)
	w.integer(r.StartedAt.UnixMilli())
	if r.EndedAt != nil {
		w.raw(`,"end_time":`)
		w.integer(r.EndedAt.UnixMilli())
	}
	w.raw(`,"artifact_uri":`)
	w.string(r.ArtifactURI)
	w.raw(`,"lifecycle_stage":`)
	w.string(r.LifecycleStage)
	w.raw("}")
}

// run writes what runOf returns.
func (w *writer) run(r *tracking.Run) {
	w.raw(`{"info":`)
	w.info(r)
	w.raw(`,"data":{`)
	comma := ""
	if w.metrics(r.Metrics) {
		comma = ","
	}
	if w.pairs(comma, `"params"`, r.Params) {
		comma = ","
	}
	w.pairs(comma, `"tags"`, r.Tags)
	w.raw(`},"inputs":`)
	if len(r.Inputs)+len(r.ModelInputs) == 0 {
		w.raw("{}")
	} else {
		w.value(inputsOf(*r))
	}
	w.raw(`,"outputs":`)
	if len(r.Outputs) == 0 {
		w.raw("{}")
	} else {
		w.value(outputsOf(*r))
	}
	w.raw("}")
}

// runs writes the answer to a search.
func (w *writer) runs(runs []tracking.Run, next string) {
	w.raw("{")
	for i := range runs {
		if i == 0 {
			w.raw(`"runs":[`)
		} else {
			w.raw(",")
		}
		w.run(&runs[i])
	}
	if len(runs) > 0 {
		w.raw("]")
	}
	w.next(len(runs) > 0, next)
	w.raw("}")
}

// next writes where the next page begins, if there is one.
func (w *writer) next(behindOther bool, token string) {
	if token == "" {
		return
	}
	if behindOther {
		w.raw(",")
	}
	w.raw(`"next_page_token":`)
	w.string(token)
}
