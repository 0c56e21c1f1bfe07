// Package mlflow speaks MLflow's REST API, so that the unmodified mlflow client,
// and every library that logs through it, works against this server.
//
// It translates and decides nothing: requests become calls of tracking and model,
// and answers take MLflow's shapes, which exist only here. Every route is served
// for the default workspace, for the one that the header X-MLFLOW-WORKSPACE names,
// and below /workspaces/{workspace}; each also as MLflow's own pages call it,
// under /ajax-api.
package mlflow

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/upload"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// compatible is the MLflow release whose API this is.
const compatible = "3.11.1"

// Parts are what the routes need.
type Parts struct {
	Tracking   *tracking.Service
	Models     *model.Service
	Uploads    *upload.Service
	Workspaces *workspace.Service
	Access     *access.Service
	Contents   []workspace.Guard // refuse to delete a workspace in which something is kept
	Blobs      blob.Store
	Log        *slog.Logger
}

type server struct {
	tracking   *tracking.Service
	models     *model.Service
	uploads    *upload.Service
	workspaces *workspace.Service
	access     *access.Service
	contents   []workspace.Guard
	blobs      blob.Store
	log        *slog.Logger
}

// What an actor needs to be allowed, by kind of thing.
const (
	readExperiments  atelier.Permission = "experiments/read"
	writeExperiments atelier.Permission = "experiments/write"
	readRuns         atelier.Permission = "experiments/runs/read"
	writeRuns        atelier.Permission = "experiments/runs/write"
	deleteRuns       atelier.Permission = "experiments/runs/delete"
	readArtifacts    atelier.Permission = "metadata/artifacts/read"
	writeArtifacts   atelier.Permission = "metadata/artifacts/write"
	readModels       atelier.Permission = "models/read"
	writeModels      atelier.Permission = "models/write"
	deleteModels     atelier.Permission = "models/delete"
)

// endpoint is one route: a method and a path below a prefix such as /api/2.0.
type endpoint struct {
	route      string
	permission atelier.Permission
	handler    http.HandlerFunc
	maxBody    int64
}

// Register adds the routes to t.
func Register(t *route.Table, p Parts) {
	s := &server{tracking: p.Tracking, models: p.Models, uploads: p.Uploads, workspaces: p.Workspaces, access: p.Access, contents: p.Contents, blobs: p.Blobs, log: p.Log}
	version2 := slices.Concat(s.experimentRoutes(), s.runRoutes(), s.loggedModelRoutes(), s.registryRoutes(), s.artifactRoutes(), s.pageRoutes(),
		s.laterRoutes("2.0"))
	for _, place := range []string{"", "/workspaces/{workspace}"} {
		for _, api := range []string{"/api", "/ajax-api"} {
			s.add(t, place+api+"/2.0", version2)
			s.add(t, place+api+"/3.0", s.laterRoutes("3.0"))
		}
		s.add(t, place, slices.Concat(s.rootRoutes(), s.laterRootRoutes()))
	}
	s.registerParts(t)
	s.registerWorkspaces(t)
	s.registerProbes(t)
}

// add adds endpoints below a prefix.
func (s *server) add(t *route.Table, prefix string, endpoints []endpoint) {
	for _, e := range endpoints {
		method, path, _ := strings.Cut(e.route, " ")
		t.Handle(route.Route{Method: method, Path: prefix + path, Permission: e.permission, Summary: "MLflow", Tag: "mlflow",
			Errors: s.writeError, WorkspaceHeader: "X-MLFLOW-WORKSPACE", MaxBody: e.maxBody, Hidden: true}, e.handler)
	}
}

// registerProbes adds what clients ask before they are anybody, and the answer to
// routes that are not there: a client that meets a missing newer route goes on.
func (s *server) registerProbes(t *route.Table) {
	public := func(method, path string, handler http.HandlerFunc) {
		t.HandleFunc(route.Route{Method: method, Path: path, Access: route.Public, Summary: "MLflow", Tag: "mlflow", Hidden: true, Errors: s.writeError}, handler)
	}
	for _, prefix := range []string{"", "/workspaces/{workspace}"} {
		public("GET", prefix+"/health", text("OK"))
		public("GET", prefix+"/version", text(compatible))
		for _, api := range []string{"/api", "/ajax-api"} {
			public("GET", prefix+api+"/3.0/mlflow/server-info", func(w http.ResponseWriter, _ *http.Request) {
				writeJSON(w, http.StatusOK, map[string]any{"store_type": "SqlStore", "workspaces_enabled": true})
			})
			public("", prefix+api+"/{version}/mlflow/{rest...}", notThere)
			public("", prefix+api+"/{version}/mlflow-artifacts/{rest...}", notThere)
		}
	}
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte(body))
	}
}

func notThere(w http.ResponseWriter, req *http.Request) {
	writeJSON(w, http.StatusNotFound, failure{"ENDPOINT_NOT_FOUND",
		"There is no endpoint " + req.Method + " " + atelier.Clip(req.URL.Path, 200) + " on this server."})
}

// handle makes a handler of fn: In is the request's shape, from its query for a
// GET and from its body otherwise.
func handle[In any](s *server, fn func(ctx context.Context, ws string, in *In) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		in := new(In)
		if err := decode(req, in); err != nil {
			s.writeError(w, req, err)
			return
		}
		answer, err := fn(req.Context(), workspace.From(req.Context()).ID, in)
		if err != nil {
			s.writeError(w, req, err)
			return
		}
		if answer == nil {
			answer = struct{}{}
		}
		if stream, ok := answer.(streamed); ok {
			s.stream(w, req, stream)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	}
}

// stream sends an answer in pieces. When it cannot be ended, the connection is cut:
// that tells the client that it has not got all.
func (s *server) stream(w http.ResponseWriter, req *http.Request, stream streamed) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := stream(w); err != nil {
		if req.Context().Err() == nil {
			s.log.ErrorContext(req.Context(), "an answer was cut short", "request_id", req.Header.Get("X-Request-Id"), "path", req.URL.Path, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
}
