package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"

	"github.com/coder/websocket"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/route"
)

// SideServices lists the services of a running job.
func (c *Client) SideServices(ctx context.Context, job string) ([]compute.ServiceState, error) {
	return get[[]compute.ServiceState](ctx, c, c.path("jobs", job, "services"), nil)
}

// Shell is what somebody wants of a shell in a job.
type Shell struct {
	Command  string // "" for one to talk to
	Terminal string // its kind, as in TERM
	Size     compute.ShellSize
}

// OpenShell opens a shell beside a job's command. The messages are compute's.
func (c *Client) OpenShell(ctx context.Context, job string, ask Shell) (*websocket.Conn, error) {
	query := url.Values{"term": {ask.Terminal}, "rows": {strconv.Itoa(int(ask.Size.Rows))}, "columns": {strconv.Itoa(int(ask.Size.Columns))}}
	if ask.Command != "" {
		query.Set("command", ask.Command)
	}
	conn, response, err := websocket.Dial(ctx, c.server+c.path("jobs", job, "shell")+"?"+query.Encode(),
		&websocket.DialOptions{HTTPClient: c.http, HTTPHeader: c.credentials(), CompressionMode: websocket.CompressionDisabled})
	if err == nil {
		conn.SetReadLimit(1 << 20)
		return conn, nil
	}
	if response != nil && response.StatusCode >= 400 {
		return nil, readError(c.server, response)
	}
	return nil, c.broken(ctx, err)
}

// credentials are the headers by which the server knows who asks.
func (c *Client) credentials() http.Header {
	return http.Header{"Authorization": {"Bearer " + c.config.Token}, "User-Agent": {c.config.UserAgent}}
}

// ServiceProxy passes requests to a service of a running job. What it answers is the
// service's own: it is to be shown at an address of its own.
func (c *Client) ServiceProxy(job, service string) http.Handler {
	base, _ := url.Parse(c.server) // New parsed it
	return &httputil.ReverseProxy{
		Rewrite: func(out *httputil.ProxyRequest) {
			path := c.path("jobs", job, "services", service)
			out.Out.URL = &url.URL{Scheme: base.Scheme, Host: base.Host, Path: path + out.In.URL.Path, RawQuery: out.In.URL.RawQuery}
			out.Out.Host = base.Host
			out.Out.Header.Del("Cookie")
			for _, cookie := range out.In.Cookies() {
				if cookie.Name != route.SessionCookie { // of a Studio at this machine
					out.Out.AddCookie(cookie)
				}
			}
			for name, values := range c.credentials() {
				out.Out.Header[name] = values
			}
		},
		Transport:     c.config.Transport,
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) {
			if errors.Is(err, context.Canceled) {
				return
			}
			http.Error(w, atelier.Public(c.broken(req.Context(), err)).Message, http.StatusBadGateway)
		},
	}
}
