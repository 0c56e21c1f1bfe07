package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// keepAlive is how often a silent stream says that it is still there.
const keepAlive = 20 * time.Second

// RegisterEvents adds the stream of news: one for each browser tab, in the form
// of server-sent events (html.spec.whatwg.org, section 9.2).
func RegisterEvents(t *route.Table, bus *event.Bus) {
	t.HandleFunc(route.Route{Method: "GET", Path: inWorkspace + "/events", Permission: "jobs/read", Live: true,
		Summary: "What changes, as server-sent events", Tag: "events"}, func(w http.ResponseWriter, req *http.Request) {
		subscription := bus.Subscribe()
		defer subscription.Close()
		stream := newStream(w)
		ws := workspace.From(req.Context()).ID
		for {
			select {
			case <-req.Context().Done():
				return
			case <-time.After(keepAlive):
				stream.comment()
			case <-subscription.Ready():
				for _, notice := range subscription.Take() {
					if notice.Workspace == ws {
						stream.send(notice.Topic, notice)
					}
				}
			}
		}
	})
}

// stream writes server-sent events.
type stream struct {
	w     http.ResponseWriter
	flush func() error
}

func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	s := &stream{w: w, flush: http.NewResponseController(w).Flush}
	s.comment() // the headers leave at once, so that the client knows that it is connected
	return s
}

func (s *stream) comment() {
	fmt.Fprint(s.w, ":\n\n")
	s.flush()
}

// send writes one event. JSON has no line breaks of its own, so one data line is enough.
func (s *stream) send(name string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", name, text); err != nil {
		return err
	}
	return s.flush()
}
