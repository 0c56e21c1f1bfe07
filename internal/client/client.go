// Package client speaks Atelier's own API from the other side of the wire.
//
// It has one file per noun and no types of its own where the server has some:
// what a method takes and returns is the noun's own struct. Failures come back
// as *atelier.Error, with the code, message and hint that the server gave, so a
// caller cannot tell a rule that broke here from one that broke there.
//
// A Client is safe for use by several goroutines.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
)

// Config says which server to speak to, and as whom.
type Config struct {
	Server    string // "http://127.0.0.1:8700"
	Token     string
	Workspace string // the workspace of every call below /workspaces
	Transport http.RoundTripper
	Clock     clock.Clock
	UserAgent string
}

// Client calls one workspace of one server.
type Client struct {
	config Config
	server string // no closing slash
	http   *http.Client
}

// DefaultServer is where `atelier up` listens when nobody says otherwise.
const DefaultServer = "http://127.0.0.1:8700"

// requestTime bounds a call that carries one JSON document each way. Streams,
// uploads and downloads are bounded by their context only.
const requestTime = 2 * time.Minute

// New returns a client for config. It connects to nothing yet.
func New(config Config) (*Client, error) {
	server, err := url.Parse(config.Server)
	if err != nil || server.Host == "" || server.Scheme != "http" && server.Scheme != "https" {
		return nil, atelier.Errorf(atelier.Invalid, "%q is not the address of a server.", atelier.Clip(config.Server, 100)).
			WithHint("Write it as %s.", DefaultServer)
	}
	if config.Transport == nil {
		config.Transport = http.DefaultTransport
	}
	if config.Clock == nil {
		config.Clock = clock.System{}
	}
	return &Client{
		config: config,
		server: strings.TrimRight(server.Scheme+"://"+server.Host+server.Path, "/"),
		http:   &http.Client{Transport: config.Transport, CheckRedirect: keepRedirect},
	}, nil
}

// keepRedirect follows nothing: the API never redirects, and a token must not
// travel to wherever some proxy points.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Server returns the address that the client calls.
func (c *Client) Server() string { return c.server }

// Workspace returns the name of the workspace that the client calls.
func (c *Client) Workspace() string { return c.config.Workspace }

// call is one request: JSON in, JSON out, unless body or raw say otherwise.
type call struct {
	method string
	path   string
	query  url.Values
	in     any                           // marshalled as JSON when it is not nil
	body   func() (io.ReadCloser, error) // or sent as it is; called again for a retry
	size   int64                         // of body
	header http.Header
}

// server returns the path of a resource that belongs to no workspace.
func serverPath(parts ...string) string { return joinPath("/api/v1", parts) }

// path returns the path of a resource of the client's workspace.
func (c *Client) path(parts ...string) string {
	return joinPath("/api/v1/workspaces/"+url.PathEscape(c.config.Workspace), parts)
}

// joinPath escapes each part, so that a name from a user stays one segment.
func joinPath(path string, parts []string) string {
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	var out T
	err := c.exchange(ctx, call{method: http.MethodGet, path: path, query: query}, &out)
	return out, err
}

func post[T any](ctx context.Context, c *Client, path string, in any) (T, error) {
	var out T
	err := c.exchange(ctx, call{method: http.MethodPost, path: path, in: in}, &out)
	return out, err
}

func patch[T any](ctx context.Context, c *Client, path string, in any) (T, error) {
	var out T
	err := c.exchange(ctx, call{method: http.MethodPatch, path: path, in: in}, &out)
	return out, err
}

func put[T any](ctx context.Context, c *Client, path string, in any) (T, error) {
	var out T
	err := c.exchange(ctx, call{method: http.MethodPut, path: path, in: in}, &out)
	return out, err
}

func (c *Client) delete(ctx context.Context, path string) error {
	return c.exchange(ctx, call{method: http.MethodDelete, path: path}, nil)
}

// exchange sends one call within requestTime and reads its answer into out.
func (c *Client) exchange(ctx context.Context, request call, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	response, err := c.send(ctx, request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if out == nil || response.StatusCode == http.StatusNoContent {
		_, err := io.Copy(io.Discard, response.Body)
		return c.broken(ctx, err)
	}
	if err := json.NewDecoder(response.Body).Decode(out); err != nil {
		return c.undecodable(ctx, response, err)
	}
	return nil
}

// send returns the answer to request, whose status is one of success and whose
// body is the caller's to close. It tries again where that cannot do harm.
func (c *Client) send(ctx context.Context, request call) (*http.Response, error) {
	if request.in != nil {
		text, err := json.Marshal(request.in)
		if err != nil {
			return nil, err
		}
		request.size = int64(len(text))
		request.body = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	}
	for attempt := 0; ; attempt++ {
		response, err := c.once(ctx, request)
		if err != nil {
			if c.pause(ctx, request, attempt, err) {
				continue
			}
			return nil, c.broken(ctx, err)
		}
		if response.StatusCode >= 200 && response.StatusCode < 300 {
			return response, nil
		}
		failure := readError(c.server, response)
		if response.StatusCode == http.StatusServiceUnavailable && c.pause(ctx, request, attempt, failure) {
			continue
		}
		return nil, failure
	}
}

func (c *Client) once(ctx context.Context, request call) (*http.Response, error) {
	address := c.server + request.path
	if len(request.query) > 0 {
		address += "?" + request.query.Encode()
	}
	var body io.Reader
	if request.body != nil {
		opened, err := request.body()
		if err != nil {
			return nil, err
		}
		body = opened // the transport closes it
	}
	r, err := http.NewRequestWithContext(ctx, request.method, address, body)
	if err != nil {
		return nil, err
	}
	for name, values := range request.header {
		r.Header[name] = values
	}
	if body != nil {
		r.ContentLength = request.size
		if request.size == 0 {
			r.Body = http.NoBody
		}
		if r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", contentType(request))
		}
	}
	if c.config.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.config.Token)
	}
	if c.config.UserAgent != "" {
		r.Header.Set("User-Agent", c.config.UserAgent)
	}
	return c.http.Do(r)
}

func contentType(request call) string {
	if request.in != nil {
		return "application/json"
	}
	return "application/octet-stream"
}

// attempts is how often an idempotent call is tried: a server that restarts is
// back well within the pauses between them, and one that is not there at all is
// reported before anybody wonders.
const attempts = 4

// pause waits before the next attempt, and reports false when there must be none.
func (c *Client) pause(ctx context.Context, request call, attempt int, err error) bool {
	idempotent := request.method == http.MethodGet || request.method == http.MethodPut || request.method == http.MethodDelete
	if attempt+1 >= attempts || ctx.Err() != nil || !idempotent && !refused(err) || !away(err) {
		return false
	}
	select {
	case <-c.config.Clock.After(100 * time.Millisecond << attempt):
		return true
	case <-ctx.Done():
		return false
	}
}

// broken turns a failure of the connection into words. It passes on an Error
// as it is.
func (c *Client) broken(ctx context.Context, err error) error {
	var known *atelier.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return atelier.Errorf(atelier.Unavailable, "The server at %s did not answer in time: %w.", c.server, err).WithHint("Try again.")
	case refused(err):
		return c.absent(err)
	default:
		return atelier.Errorf(atelier.Unavailable, "The connection to %s failed: %w.", c.server, rootCause(err)).WithHint("Try again.")
	}
}

// absent is the error of a server that is not there. It is the first error that
// a newcomer meets.
func (c *Client) absent(err error) error {
	failure := atelier.Errorf(atelier.Unavailable, "There is no Atelier server at %s.", c.server)
	failure.Err = err
	if c.server == DefaultServer {
		return failure.WithHint("Start one with `atelier up`.")
	}
	return failure.WithHint("Start one with `atelier up`, or give another address with --server.")
}
