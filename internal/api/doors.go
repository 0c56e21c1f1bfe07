package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// registerDoors adds the routes by which people come to a job while it runs.
//
// What a service answers is made by the user's code, and must never be a page of this
// server: it could act as whoever looks at it. So these routes take a token in the
// header and no cookie, and no password either: no browser opens them by itself. The
// command line does, and shows the service at an address of its own.
func registerDoors(t *route.Table, jobs *job.Service) {
	d := &doorRoutes{jobs: jobs}
	one := inWorkspace + "/jobs/{job}"
	route.Native(t, route.Route{Method: "GET", Path: one + "/services", Permission: "jobs/read",
		Summary: "List the services of a running job", Tag: "jobs"}, d.list)
	t.HandleFunc(route.Route{Method: "GET", Path: one + "/shell", Permission: "jobs/shell/action", Live: true,
		Summary: "Open a shell beside a job's command, as a WebSocket", Tag: "jobs"}, d.shell)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		t.HandleFunc(route.Route{Method: method, Path: one + "/services/{service}/{path...}", Permission: "jobs/services/read", MaxBody: -1, Live: true,
			Summary: "Pass a request to a service of a running job", Tag: "jobs", Hidden: method != "GET"}, d.pass)
	}
}

type doorRoutes struct{ jobs *job.Service }

func (d *doorRoutes) list(ctx context.Context, in *JobPath) (*Body[[]compute.ServiceState], error) {
	return answer(d.jobs.SideServices(ctx, workspace.From(ctx).ID, in.Job))
}

func (d *doorRoutes) shell(w http.ResponseWriter, req *http.Request) {
	err := onlyToken(req)
	if err == nil {
		err = d.jobs.MayEnter(req.Context(), workspace.From(req.Context()).ID, req.PathValue("job"))
	}
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	d.forward(w, req, "/shell", req.URL.RawQuery)
}

func (d *doorRoutes) pass(w http.ResponseWriter, req *http.Request) {
	ctx, service := req.Context(), req.PathValue("service")
	ws, name := workspace.From(ctx).ID, req.PathValue("job")
	err := onlyToken(req)
	var kind string
	if err == nil {
		kind, err = d.jobs.SideServiceType(ctx, ws, name, service)
	}
	if err == nil && kind != compute.TensorBoard { // in the others one can run anything
		err = d.jobs.MayEnter(ctx, ws, name)
	}
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	d.forward(w, req, "/services/"+service+"/"+req.PathValue("path"), req.URL.RawQuery)
}

// onlyToken refuses what a browser could send without being told to.
func onlyToken(req *http.Request) error {
	if scheme, _, _ := strings.Cut(req.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return atelier.Errorf(atelier.Forbidden, "What runs in a job is not shown at the server's own address.").
		WithHint("Open it with `atelier job open NAME`, or a shell with `atelier job shell NAME`.")
}

// forward passes a request to the runner of its job.
func (d *doorRoutes) forward(w http.ResponseWriter, req *http.Request, path, query string) {
	ws, name := workspace.From(req.Context()).ID, req.PathValue("job")
	proxy := &httputil.ReverseProxy{
		Rewrite: func(out *httputil.ProxyRequest) {
			out.Out.URL = &url.URL{Scheme: "http", Host: "runner", Path: path, RawQuery: query}
			for _, own := range []string{"Authorization", "Cookie", route.IntentHeader} {
				out.Out.Header.Del(own) // the service must not learn who asks
			}
			for _, cookie := range req.Cookies() {
				if cookie.Name != route.SessionCookie {
					out.Out.AddCookie(cookie)
				}
			}
		},
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.jobs.Dial(ctx, ws, name) }},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) {
			if known := (*atelier.Error)(nil); !errors.As(err, &known) {
				err = atelier.Errorf(atelier.Unavailable, "The job's runner broke off.").WithHint("Try again.")
			}
			route.WriteError(w, req, err)
		},
	}
	proxy.ServeHTTP(w, req)
}
