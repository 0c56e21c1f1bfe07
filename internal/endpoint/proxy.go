package endpoint

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/atelier-ml/atelier"
)

// message is what goes to a worker.
type message struct {
	path    string
	body    []byte
	request scoreRequest
}

// slack is what the worker gets beyond the timeout to say itself that the call
// timed out, which leaves it in a known state.
const slack = 250 * time.Millisecond

// forward sends a request to a replica of p and the answer to w. It returns the
// status that was sent. A request is never sent twice: nobody knows what a
// model does with it.
func (r *Router) forward(w http.ResponseWriter, req *http.Request, p *pool, m message) (status int, err error) {
	m = r.prepare(req, p, m)
	m.request.Stream = true
	if kept := p.collected(); kept.sampled(m) {
		copied := &copied{ResponseWriter: w}
		w = copied
		defer func() { r.record(kept, m, status, w.Header(), copied.body) }()
	}
	got, err := r.exchange(req.Context(), p, m)
	if err != nil {
		return 0, err
	}
	status = got.head(w.Header())
	if got.rest == nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(got.body)))
	}
	w.WriteHeader(status)
	w.Write(got.body)
	if got.rest != nil && !r.pour(req.Context(), w, p, got.rest) {
		panic(http.ErrAbortHandler) // the sender must not take a part for the whole
	}
	return status, nil
}

// answer is what a worker answered.
type answer struct {
	header scoreResponse
	body   []byte
	rest   *stream // of the body, when that comes in parts
}

// head writes the answer's headers and returns its status.
func (a answer) head(header http.Header) int {
	header.Set("Content-Security-Policy", "sandbox") // what a model sends is no page of this server
	for _, pair := range a.header.Headers {
		header.Del(pair[0]) // the model's own word counts, where the server has one too
	}
	for _, pair := range a.header.Headers {
		if !reserved[pair[0]] {
			header.Add(pair[0], pair[1])
		}
	}
	if a.header.Status < 200 || a.header.Status > 299 {
		header.Set(modelStatusHeader, strconv.Itoa(a.header.Status))
		header.Set(modelReasonHeader, "model_error")
	}
	if a.header.Status < 200 || a.header.Status > 599 {
		return http.StatusBadGateway
	}
	return a.header.Status
}

// reserved are headers that a model cannot set: those of the transport, and
// cookies, which would be the server's.
var reserved = map[string]bool{"connection": true, "content-length": true, "keep-alive": true, "set-cookie": true,
	"trailer": true, "transfer-encoding": true, "upgrade": true}

// stream is an answer whose parts still come. Its place is taken until the last.
type stream struct {
	backend *backend
	conn    *workerConn
	timeout time.Duration // for each part
}

// pour passes the parts on as they come, and reports whether all did. A sender
// that does not take them ends the call, so that it holds no place.
func (r *Router) pour(ctx context.Context, w http.ResponseWriter, p *pool, s *stream) bool {
	control := http.NewResponseController(w)
	defer control.SetWriteDeadline(time.Time{})
	control.Flush()
	watched := context.AfterFunc(ctx, s.conn.giveUp)
	defer watched()
	for {
		s.conn.SetDeadline(r.clock.Now().Add(s.timeout + slack))
		if ctx.Err() != nil { // it may have come before that deadline
			s.conn.giveUp()
		}
		header, part, err := s.conn.receive()
		if err == nil && header.End && watched() {
			p.release(s.backend, s.conn)
			return true
		}
		if err == nil {
			control.SetWriteDeadline(r.clock.Now().Add(bodyTime))
			if _, err = w.Write(part); err == nil {
				err = control.Flush()
			}
		}
		if err != nil {
			r.log.Warn("an answer in parts broke off", "replica", s.backend.id, "error", err)
			s.conn.Close()
			p.release(s.backend, nil)
			return false
		}
	}
}

func statusOf(err error) int {
	var f *refusal
	if errors.As(err, &f) {
		return f.status
	}
	return http.StatusInternalServerError
}

func (r *Router) prepare(req *http.Request, p *pool, m message) message {
	settings, _ := p.limits()
	query := req.URL.RawQuery
	m.request = scoreRequest{Method: req.Method, Path: m.path, Query: query, Headers: requestHeaders(req),
		TimeoutMS: settings.RequestTimeoutMS, RequestID: req.Header.Get(requestIDHeader)}
	return m
}

// exchange waits for a place, sends m and returns the answer.
func (r *Router) exchange(ctx context.Context, p *pool, m message) (answer, error) {
	b, conn, err := r.connect(ctx, p)
	if err != nil {
		return answer{}, queueRefusal(err)
	}
	timeout := time.Duration(m.request.TimeoutMS) * time.Millisecond
	conn.SetDeadline(r.clock.Now().Add(timeout + slack))
	watched := context.AfterFunc(ctx, conn.giveUp)
	if err = conn.send(m.request, m.body); err == nil {
		var got answer
		got.header, got.body, err = conn.receive()
		if !watched() {
			err = os.ErrDeadlineExceeded // the connection cannot be used for another request
		}
		if err == nil {
			if got.header.Stream {
				got.rest = &stream{b, conn, timeout}
				return got, nil
			}
			p.release(b, conn)
			if got.header.TimedOut {
				err = timedOut(timeout)
			}
			return got, err
		}
	}
	watched()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		conn.giveUp()
		go r.awaitLate(p, b, conn, timeout)
		if ctx.Err() != nil {
			return answer{}, queueRefusal(ctx.Err())
		}
		return answer{}, timedOut(timeout)
	}
	conn.Close()
	p.release(b, nil)
	return answer{}, r.workerGone(b, err)
}

// connect waits for a place and connects to its worker. A worker that is not
// there, because it is being restarted, gives way to another: nothing has been
// sent yet.
func (r *Router) connect(ctx context.Context, p *pool) (*backend, *workerConn, error) {
	for {
		b, err := p.acquire(ctx)
		if err != nil {
			return nil, nil, err
		}
		conn, err := p.connection(ctx, b)
		if err == nil {
			return b, conn, nil
		}
		if ctx.Err() != nil { // the sender left, and the worker may be well
			p.release(b, nil)
			return nil, nil, ctx.Err()
		}
		r.log.Warn("a scoring worker is away", "replica", b.id, "error", err)
		p.remove(b.id)
		p.release(b, nil)
		b.lost()
	}
}

// awaitLate waits for a call that nobody waits for any more, because its place is
// not free before it ends. A worker that never comes back is reported as hung.
func (r *Router) awaitLate(p *pool, b *backend, conn *workerConn, timeout time.Duration) {
	_, patience := p.limits()
	conn.SetDeadline(r.clock.Now().Add(timeout + patience))
	var one [1]byte
	_, err := conn.Read(one[:])
	conn.Close()
	p.release(b, nil)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		r.log.Warn("a scoring worker hangs", "replica", b.id)
		b.hung()
	}
}

func timedOut(timeout time.Duration) error {
	return &refusal{status: http.StatusRequestTimeout, code: atelier.Unavailable,
		message: fmt.Sprintf("The model did not answer within %d ms (request_settings.request_timeout_ms).", timeout.Milliseconds())}
}

func (r *Router) workerGone(b *backend, err error) error {
	r.log.Warn("a scoring worker did not answer", "replica", b.id, "error", err)
	b.lost()
	return &refusal{status: http.StatusBadGateway, code: atelier.Unavailable, retry: time.Second,
		message: "The scoring worker ended before it answered. It is being restarted; the deployment's log says why."}
}

func queueRefusal(err error) error {
	switch {
	case errors.Is(err, errNoReplica):
		return &refusal{status: http.StatusServiceUnavailable, code: atelier.Unavailable, retry: time.Second,
			message: "No replica of the deployment is ready."}
	case errors.Is(err, errQueueFull), errors.Is(err, errQueueSlow):
		return &refusal{status: http.StatusTooManyRequests, code: atelier.Exhausted, retry: time.Second,
			message: "The deployment is busy: " + err.Error() + ". Try again, or raise instance_count or request_settings."}
	}
	return &refusal{status: 499, code: atelier.Unavailable, message: "The sender left."}
}

// mirror sends a copy of the request to the deployment that gets copies, when
// chance wants it. Nobody waits for the answer, and it is dropped.
func (r *Router) mirror(req *http.Request, c call, body []byte) {
	name, ok := c.target.mirror.pick(rand.IntN(100))
	if !ok {
		return
	}
	p, ok := r.findPool(deploymentKey{c.key.workspace, c.key.name, name})
	if !ok {
		return
	}
	m := r.prepare(req, p, message{path: c.path, body: body})
	started := r.clock.Now()
	go func() {
		got, err := r.exchange(context.WithoutCancel(req.Context()), p, m)
		status := got.header.Status
		if err != nil {
			status = statusOf(err)
		}
		p.record(status, started)
		if kept := p.collected(); kept.sampled(m) {
			header := http.Header{}
			if status = 0; err == nil {
				status = got.head(header)
			}
			r.record(kept, m, status, header, got.body)
		}
	}()
}
