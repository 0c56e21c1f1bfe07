package route

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
)

// requestID is the header that names a request in answers and in the log.
const requestID = "X-Request-Id"

// ServeHTTP passes a request to its route. A panic becomes an answer and a line
// in the log, never the end of the server.
func (t *Table) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	started := time.Now()
	id := req.Header.Get(requestID)
	if id == "" || len(id) > 100 || strings.ContainsFunc(id, func(r rune) bool { return r < '!' || r > '~' }) {
		id = atelier.NewID(started)
		req.Header.Set(requestID, id)
	}
	w.Header().Set(requestID, id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	recorder := &exchange{ResponseWriter: w, id: id}
	req = req.WithContext(context.WithValue(req.Context(), exchangeKey{}, recorder))
	defer func() {
		if cause := recover(); cause != nil {
			if cause == http.ErrAbortHandler {
				panic(cause)
			}
			t.log.Error("panic in a handler", "request_id", id, "path", req.URL.Path, "cause", cause, "stack", string(debug.Stack()))
			if recorder.status == 0 {
				WriteError(recorder, req, &atelier.Error{Code: atelier.Internal, Message: "Something went wrong on the server."})
			}
		}
		t.logRequest(req, recorder, time.Since(started))
	}()
	if !t.knowsHost(req.Host) {
		WriteError(recorder, req, atelier.Errorf(atelier.Forbidden, "The server does not answer to the name %q.", atelier.Clip(req.Host, 80)).
			WithHint("Add it with --allowed-hosts."))
		return
	}
	if clean := path.Clean(req.URL.Path); req.URL.Path != clean && req.URL.Path != clean+"/" {
		WriteError(recorder, req, atelier.Errorf(atelier.Invalid, "Invalid path: %q.", atelier.Clip(req.URL.Path, 120)).At("path").
			WithHint("Leave out empty parts, '.' and '..'."))
		return
	}
	t.mux.ServeHTTP(recorder, req)
}

// checkText refuses an address with text in it that no database takes.
func checkText(target *url.URL) error {
	text := target.Path + target.RawQuery
	if query, err := url.QueryUnescape(target.RawQuery); err == nil {
		text = target.Path + query
	}
	if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
		return atelier.Errorf(atelier.Invalid, "The address is not valid UTF-8 text without NUL.").At("path")
	}
	return nil
}

func (t *Table) logRequest(req *http.Request, done *exchange, took time.Duration) {
	level := slog.LevelDebug
	if done.status >= 500 {
		level = slog.LevelWarn
	}
	if !t.log.Enabled(req.Context(), level) {
		return
	}
	fields := []any{"method", req.Method, "path", req.URL.Path, "status", done.status,
		"duration_ms", took.Milliseconds(), "request_id", done.id}
	if done.cause != nil {
		fields = append(fields, "error", done.cause)
	}
	t.log.Log(req.Context(), level, "request", fields...)
}

// knowsHost keeps pages of other sites from reaching a server on this machine
// under a name of their own (DNS rebinding).
func (t *Table) knowsHost(hostPort string) bool {
	if len(t.hosts) == 0 {
		return true
	}
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	host = strings.Trim(host, "[]")
	return slices.ContainsFunc(t.hosts, func(known string) bool { return strings.EqualFold(known, host) })
}

// exchange is a request's answer under way: what the log will say of it.
// Unwrap lets streams flush.
type exchange struct {
	http.ResponseWriter
	id     string
	status int
	cause  error         // of a refusal that is our fault, for the log
	actor  atelier.Actor // who has signed in by this request
}

type exchangeKey struct{}

// exchangeOf returns the exchange that ctx belongs to, an empty one outside the
// table.
func exchangeOf(ctx context.Context) *exchange {
	if known, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return known
	}
	return &exchange{}
}

func (e *exchange) WriteHeader(status int) {
	if e.status == 0 {
		e.status = status
	}
	e.ResponseWriter.WriteHeader(status)
}

func (e *exchange) Write(p []byte) (int, error) {
	if e.status == 0 {
		e.status = http.StatusOK
	}
	return e.ResponseWriter.Write(p)
}

func (e *exchange) Flush() {
	if flusher, ok := e.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}

func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }
