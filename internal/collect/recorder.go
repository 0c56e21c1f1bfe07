package collect

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
)

// Bounds of what waits in memory to be written.
const (
	maxWaiting      = 1500
	maxWaitingBytes = 64 << 20
	flushEvery      = time.Second
	// flushAt is how many bytes of one collection are written at once.
	flushAt = 1 << 20
)

// Recorder writes what the router saw. Recording costs a request no more than a
// place in a queue: where that is full, the event is dropped and counted.
type Recorder struct {
	service *Service
	clock   clock.Clock
	log     *slog.Logger
	writer  string

	mu      sync.Mutex
	waiting []Payload
	bytes   int
	dropped map[destination]int64
	wake    chan struct{}
	batches int
}

// destination is a collection of one workspace, and where its lines go.
type destination struct {
	workspace string
	Place
}

// Payload is a request's body, or an answer's, as it is to be kept.
type Payload struct {
	Workspace string
	To        Place
	Source    string // of the event, as in /workspaces/W/onlineEndpoints/E/deployments/D
	Model     string // its version
	RequestID string
	Type      string // of the content, as the header says
	Headers   map[string]string
	Status    int // of an answer
	Body      []byte
	Without   Fields
	at        time.Time
}

// NewRecorder returns a recorder for one server's life.
func NewRecorder(s *Service, log *slog.Logger) *Recorder {
	var name [6]byte
	rand.Read(name[:])
	return &Recorder{service: s, clock: s.clock, log: log, writer: fmt.Sprintf("router-%x", name),
		dropped: map[destination]int64{}, wake: make(chan struct{}, 1)}
}

// Record takes a payload over. It never waits.
func (r *Recorder) Record(p Payload) {
	p.at = r.clock.Now().UTC()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) >= maxWaiting || r.bytes+len(p.Body) > maxWaitingBytes {
		r.dropped[destination{p.Workspace, p.To}]++
		return
	}
	r.waiting = append(r.waiting, p)
	r.bytes += len(p.Body)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run writes what was recorded until ctx ends, and then what is left.
func (r *Recorder) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			r.flush(context.WithoutCancel(ctx))
			return nil
		case <-r.wake:
		}
		select { // others come at the same time, and go into the same file
		case <-ctx.Done():
		case <-r.clock.After(flushEvery):
		}
		r.flush(context.WithoutCancel(ctx))
	}
}

func (r *Recorder) flush(ctx context.Context) {
	r.mu.Lock()
	waiting, dropped := r.waiting, r.dropped
	r.waiting, r.bytes, r.dropped = nil, 0, map[destination]int64{}
	r.mu.Unlock()
	type batch struct {
		lines bytes.Buffer
		n     int64
	}
	open := map[destination]*batch{}
	write := func(to destination, b *batch) {
		r.batches++
		lost := dropped[to]
		delete(dropped, to)
		err := r.service.Append(ctx, to.workspace, to.Place, Batch{Writer: r.writer, Name: fmt.Sprint(r.batches), At: r.clock.Now(),
			Lines: b.lines.Bytes(), Dropped: lost})
		if err != nil {
			r.log.Error("keep collected requests", "collection", to.String(), "rows", b.n, "error", err)
			r.service.Drop(to.workspace, to.Key, b.n+lost)
		}
		if lost > 0 {
			r.log.Warn("more requests came than could be collected", "collection", to.String(), "dropped", lost)
		}
	}
	for _, p := range waiting {
		to := destination{p.Workspace, p.To}
		if open[to] == nil {
			open[to] = &batch{}
		}
		b := open[to]
		b.lines.Write(p.line())
		if b.n++; b.lines.Len() > flushAt {
			write(to, b)
			delete(open, to)
		}
	}
	for to, b := range open {
		write(to, b)
	}
	for to, n := range dropped {
		r.service.Drop(to.workspace, to.Key, n)
	}
}

// line is the payload as a CloudEvent.
func (p Payload) line() []byte {
	var id [16]byte
	rand.Read(id[:])
	event := Event{SpecVersion: "1.0", ID: fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]), Source: p.Source,
		Type: "azureml.inference." + p.To.Collection, DataContentType: p.Type, Time: p.at, CorrelationID: p.RequestID,
		XRequestID: p.RequestID, ModelVersion: p.Model, StatusCode: p.Status, Headers: p.Headers, Agent: "atelier-router"}
	p.fill(&event)
	text, err := json.Marshal(event)
	if err != nil {
		panic("collect: an event is plain data: " + err.Error())
	}
	return append(text, '\n')
}

// fill writes the body into the event: as JSON where it is some, else as text or,
// where it is neither, in base 64. Where fields are to be dropped, only what is
// understood is kept at all.
func (p Payload) fill(event *Event) {
	body := p.Body
	if len(p.Without) > 0 {
		var ok bool
		if body, ok = p.Without.Drop(body); !ok {
			return
		}
	}
	var compact bytes.Buffer
	switch {
	case len(body) == 0:
		return
	case utf8.Valid(body) && json.Compact(&compact, body) == nil:
		event.Data = compact.Bytes()
	case utf8.Valid(body):
		event.Data, _ = json.Marshal(string(body))
	default:
		event.DataBase64 = base64.StdEncoding.EncodeToString(body)
	}
	event.ContentRange = fmt.Sprintf("bytes 0-%d/%d", len(body)-1, len(body))
}

// Fields are names of columns that are dropped before anything is written.
type Fields map[string]bool

// ParseFields reads names that are separated by commas.
func ParseFields(text string) (Fields, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	fields := Fields{}
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name == "" {
			return nil, atelier.Errorf(atelier.Invalid, "%q is no list of columns.", atelier.Clip(text, 80)).
				WithHint("Write their names with commas between them, as in name, email.")
		}
		fields[name] = true
	}
	return fields, nil
}

// Drop returns a document of JSON without the fields, wherever they are: keys of
// objects, columns of a table in the form {"columns": …, "data": …}, and tensors
// that are named. It is not ok where the text is no JSON.
func (f Fields) Drop(text []byte) (out []byte, ok bool) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, true
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || decoder.More() {
		return nil, false
	}
	out, err := json.Marshal(f.without(value))
	return out, err == nil
}

func (f Fields) without(value any) any {
	switch value := value.(type) {
	case []any:
		kept := make([]any, 0, len(value))
		for _, item := range value {
			if !f.named(item) {
				kept = append(kept, f.without(item))
			}
		}
		return kept
	case map[string]any:
		f.table(value)
		for key, item := range value {
			if f[key] {
				delete(value, key)
			} else {
				value[key] = f.without(item)
			}
		}
	case string:
		// JSON inside of a text, as some senders wrap it.
		if inner := strings.TrimSpace(value); strings.HasPrefix(inner, "{") || strings.HasPrefix(inner, "[") {
			if out, ok := f.Drop([]byte(inner)); ok {
				return string(out)
			}
		}
	}
	return value
}

// named reports whether the item is a tensor that is called like a field.
func (f Fields) named(item any) bool {
	tensor, ok := item.(map[string]any)
	if !ok {
		return false
	}
	name, _ := tensor["name"].(string)
	_, data := tensor["data"]
	return data && f[name]
}

// table takes the columns out of a table in MLflow's or pandas' split form.
func (f Fields) table(value map[string]any) {
	columns, ok := value["columns"].([]any)
	rows, isTable := value["data"].([]any)
	if !ok || !isTable {
		return
	}
	keep := func(list []any) []any {
		kept := make([]any, 0, len(list))
		for i, item := range list {
			if name, ok := nameAt(columns, i); !ok || !f[name] {
				kept = append(kept, item)
			}
		}
		return kept
	}
	for i, row := range rows {
		if cells, ok := row.([]any); ok {
			rows[i] = keep(cells)
		}
	}
	value["columns"] = keep(columns)
}

func nameAt(columns []any, i int) (string, bool) {
	if i >= len(columns) {
		return "", false
	}
	name, ok := columns[i].(string)
	return name, ok
}
