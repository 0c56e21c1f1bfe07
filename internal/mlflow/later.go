package mlflow

import (
	"io"
	"net/http"
	"slices"

	"github.com/atelier-ml/atelier"
)

// family is a part of MLflow that this server does not offer, by the paths where
// its calls begin. Clients must hear that in a way that they understand at once: a
// 404 sends them looking for older routes, and any other 5xx is tried for minutes.
type family struct {
	noun  string
	paths []string
}

// later are the families, below the version of the API that they belong to.
func later() map[string][]family {
	return map[string][]family{
		"2.0": {
			{"Tracing", []string{"traces", "unified-traces", "get-online-trace-details", "get-trace-artifact"}},
			{"MLflow's gateway", []string{"gateway-proxy"}},
			{"The prompt lab", []string{"runs/create-promptlab-run"}},
			{"Webhooks", []string{"webhooks"}},
		},
		"3.0": {
			{"Tracing", []string{"traces", "get-trace-artifact"}},
			{"Evaluation datasets", []string{"datasets"}},
			{"Scorers", []string{"scorers", "scorer"}},
			{"Issues", []string{"issues"}},
			{"Prompt optimization", []string{"prompt-optimization"}},
			{"MLflow's gateway", []string{"gateway"}},
			{"MLflow's background jobs", []string{"jobs"}},
		},
	}
}

// laterRoutes are the families' routes below a version of the API, for all methods.
// Who may read runs may hear that there are no traces.
func (s *server) laterRoutes(version string) []endpoint {
	var routes []endpoint
	for _, f := range later()[version] {
		for _, path := range f.paths {
			routes = append(routes, s.notOffered(f.noun, "/mlflow/"+path)...)
		}
	}
	return routes
}

// laterRootRoutes are those outside of the API. Clients that trace send spans to
// /v1/traces first, and stop for good when they find these words in the answer.
func (s *server) laterRootRoutes() []endpoint {
	jobs := slices.Concat(s.notOffered("MLflow's background jobs", "/api/3.0/jobs"), s.notOffered("MLflow's background jobs", "/ajax-api/3.0/jobs"))
	return append(jobs, endpoint{"POST /v1/traces", writeRuns, s.decline("REST OTLP span logging is not supported by this server, which keeps no traces."), 0})
}

func (s *server) notOffered(noun, path string) []endpoint {
	answer := s.decline(noun + " is not offered by this server. Tracking, artifacts, the registry and prompts are.")
	return []endpoint{{" " + path, readRuns, answer, 0}, {" " + path + "/{rest...}", readRuns, answer, 0}}
}

// decline answers NOT_IMPLEMENTED, after reading what was sent: a client whose
// connection closes while it sends tries again.
func (s *server) decline(message string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			s.writeError(w, req, err)
			return
		}
		s.writeError(w, req, atelier.Errorf(atelier.NotImplemented, "%s", message))
	}
}
