package endpoint

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/trace"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// Headers of scoring requests and their answers, as Azure Machine Learning names them.
const (
	deploymentHeader  = "azureml-model-deployment"
	modelStatusHeader = "ms-azureml-model-error-statuscode"
	modelReasonHeader = "ms-azureml-model-error-reason"
)

// scorePermission is what a member needs to score without a key.
const scorePermission atelier.Permission = "endpoints/online/score/action"

// Router answers scoring requests. It knows the endpoints by heart; the Service
// and the Reconciler tell it what changes.
type Router struct {
	access *access.Service
	clock  clock.Clock
	log    *slog.Logger
	tracer *trace.Tracer
	// recorder keeps requests and answers, where a deployment wants it.
	recorder *collect.Recorder
	maxBody  int64 // where an endpoint has no bound of its own
	verbose  bool  // every request goes into the log

	mu      sync.RWMutex
	targets map[endpointKey]target
	pools   map[deploymentKey]*pool
}

type endpointKey struct{ workspace, name string }

type deploymentKey struct{ workspace, endpoint, name string }

// target is an endpoint as the router needs it.
type target struct {
	limits
	meters          *meters
	auth            AuthMode
	keys            [][sha256.Size]byte // hashes of the keys
	traffic, mirror Traffic
}

func newRouter(parts Parts) *Router {
	return &Router{recorder: collect.NewRecorder(parts.Collected, parts.Log), access: parts.Access, clock: parts.Clock, log: parts.Log, tracer: parts.Tracer, maxBody: parts.MaxRequestBytes,
		verbose: parts.AccessLog, targets: map[endpointKey]target{}, pools: map[deploymentKey]*pool{}}
}

// setTarget makes the endpoint reachable, or changes how it is.
func (r *Router) setTarget(key endpointKey, t target) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.meters = r.targets[key].meters; t.meters == nil || t.meters.rate != t.rate {
		t.meters = newMeters(t.rate)
	}
	r.targets[key] = t
}

// removeTarget makes the endpoint unknown.
func (r *Router) removeTarget(key endpointKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.targets, key)
}

// pool returns the deployment's pool, making it if it is new.
func (r *Router) pool(key deploymentKey) *pool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.pools[key]
	if !ok {
		p = newPool(r.clock)
		r.pools[key] = p
	}
	return p
}

func (r *Router) removePool(key deploymentKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pools, key)
}

func (r *Router) find(key endpointKey) (target, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t, ok := r.targets[key]
	return t, ok
}

func (r *Router) findPool(key deploymentKey) (*pool, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p, ok := r.pools[key]
	return p, ok
}

// refusal is an answer that the router gives by itself.
type refusal struct {
	status  int
	code    atelier.Code
	message string
	retry   time.Duration // when to come again, where that is known
}

func (f *refusal) Error() string { return f.message }

// Handler answers all requests for an endpoint; what follows the endpoint's
// name in the address is for the worker. secret returns the credential that a
// request carries.
func (r *Router) Handler(secret func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		key := endpointKey{workspace.From(req.Context()).ID, req.PathValue("endpoint")}
		if isPreflight(req) && r.preflight(w, req, key) {
			return
		}
		t, err := r.admit(req.Context(), key, secret(req))
		if err != nil {
			refuse(w, req, err)
			return
		}
		r.serve(w, req, call{key: key, target: t, path: "/" + req.PathValue("rest"), deployment: req.Header.Get(deploymentHeader)})
	})
}

// Invoke is Handler's "/score" for a caller whose permission has been checked.
func (r *Router) Invoke(w http.ResponseWriter, req *http.Request) {
	key := endpointKey{workspace.From(req.Context()).ID, req.PathValue("endpoint")}
	t, ok := r.find(key)
	if !ok {
		refuse(w, req, unknownEndpoint(key.name))
		return
	}
	deployment := req.URL.Query().Get("deployment")
	if deployment == "" {
		deployment = req.Header.Get(deploymentHeader)
	}
	r.serve(w, req, call{key: key, target: t, path: "/score", deployment: deployment})
}

func unknownEndpoint(name string) error {
	return &refusal{status: 404, code: atelier.NotFound, message: "There is no endpoint \"" + atelier.Clip(name, 60) + "\"."}
}

// admit checks that secret is one of the endpoint's keys, or a member's own token.
func (r *Router) admit(ctx context.Context, key endpointKey, secret string) (target, error) {
	if secret == "" {
		return target{}, &refusal{status: 401, code: atelier.Unauthenticated,
			message: "The request carries no key. Send it as `Authorization: Bearer KEY`."}
	}
	t, known := r.find(key)
	sum := sha256.Sum256([]byte(secret))
	if known && t.auth == KeyAuth && t.accepts(sum) {
		return t, t.meters.take(sum, r.clock.Now())
	}
	actor, err := r.access.Authenticate(ctx, secret)
	if atelier.CodeOf(err) == atelier.Unauthenticated {
		return target{}, &refusal{status: 401, code: atelier.Unauthenticated, message: "The key is not one of the endpoint's."}
	}
	if err == nil {
		err = r.access.Authorize(ctx, actor, key.workspace, scorePermission)
	}
	if err == nil && !known {
		err = unknownEndpoint(key.name)
	}
	if err == nil {
		err = t.meters.take(sum, r.clock.Now())
	}
	return t, err
}

// accepts compares in a time that does not depend on where the texts differ.
func (t target) accepts(sum [sha256.Size]byte) bool {
	found := 0
	for _, key := range t.keys {
		found |= subtle.ConstantTimeCompare(sum[:], key[:])
	}
	return found == 1
}

// call is a request that has been let in.
type call struct {
	key        endpointKey
	target     target
	path       string
	deployment string // as the sender named it, or empty
}

// serve answers a request that was let in, and tells whoever wants to know.
func (r *Router) serve(w http.ResponseWriter, req *http.Request, c call) {
	started := r.clock.Now()
	span := r.tracer.Start(req.Context(), req.Header, "score")
	status, deployment, err := r.score(w, req, c)
	if err != nil {
		refuse(w, req, err)
		status = statusOf(err)
	}
	span.Set("atelier.endpoint", c.key.name)
	span.Set("atelier.deployment", deployment)
	span.End(status)
	if r.verbose {
		r.log.LogAttrs(req.Context(), slog.LevelInfo, "scored", slog.String("workspace", workspace.From(req.Context()).Name),
			slog.String("endpoint", c.key.name), slog.String("deployment", deployment), slog.String("method", req.Method),
			slog.String("path", c.path), slog.Int("status", status), slog.Duration("took", r.clock.Now().Sub(started)),
			slog.String("request_id", req.Header.Get(requestIDHeader)))
	}
}

// score sends the request to a deployment and the answer to w, and returns the
// answer's status. Where it returns an error, nothing has been answered.
func (r *Router) score(w http.ResponseWriter, req *http.Request, c call) (status int, deployment string, err error) {
	body, err := r.readBody(w, req, c.target.body)
	if err != nil {
		return 0, "", err
	}
	name, p, err := r.choose(c)
	if err != nil {
		return 0, "", err
	}
	if asksModel(c.path) && c.deployment == "" {
		r.mirror(req, c, body)
	}
	p.origins().answer(w.Header(), req)
	w.Header().Set(deploymentHeader, name)
	started := r.clock.Now()
	if asksModel(c.path) {
		defer func() {
			if err != nil {
				status = statusOf(err)
			}
			p.record(status, started)
		}()
	}
	status, err = r.forward(w, req, p, message{path: c.path, body: body})
	return status, name, err
}

// asksModel reports whether a request of this path is the model's business. Others
// ask for health or a description, and count for nothing.
func asksModel(path string) bool {
	switch path {
	case "/", "/swagger.json", "/ping", "/health", "/version", "/v2":
		return false
	}
	return !strings.HasPrefix(path, "/v2/") || strings.HasSuffix(path, "/infer")
}

// choose picks the deployment: the one that the sender names, or by traffic.
func (r *Router) choose(c call) (string, *pool, error) {
	name := c.deployment
	if name == "" {
		var ok bool
		if name, ok = c.target.traffic.pick(rand.IntN(100)); !ok {
			return "", nil, &refusal{status: 404, code: atelier.NotFound,
				message: "The endpoint sends no traffic to any deployment. Update its traffic, or name a deployment in the header " + deploymentHeader + "."}
		}
	}
	p, ok := r.findPool(deploymentKey{c.key.workspace, c.key.name, name})
	if !ok {
		return "", nil, &refusal{status: 404, code: atelier.NotFound,
			message: "The endpoint has no deployment \"" + atelier.Clip(name, 60) + "\"."}
	}
	return name, p, nil
}

// refuse answers with err in the form of the native API.
func refuse(w http.ResponseWriter, req *http.Request, err error) {
	var f *refusal
	if !errors.As(err, &f) {
		public := atelier.Public(err)
		f = &refusal{status: http.StatusInternalServerError, code: public.Code, message: public.Message}
		switch public.Code {
		case atelier.Forbidden:
			f.status = http.StatusForbidden
		case atelier.NotFound:
			f.status = http.StatusNotFound
		}
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="atelier"`)
	}
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.retry.Seconds()))))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": f.code, "message": f.message, "request_id": req.Header.Get(requestIDHeader)}})
}

// requestIDHeader names a request on its whole way.
const requestIDHeader = "X-Request-Id"

// requestHeaders returns what the worker is told: everything but the
// credentials, which are none of the script's business, and the transport's own.
// As in the official server, what comes twice is joined, and a name with an
// underscore, which WSGI cannot tell from one with a hyphen, is left out.
func requestHeaders(req *http.Request) map[string]string {
	headers := make(map[string]string, len(req.Header)+1)
	for name, values := range req.Header {
		switch name = strings.ToLower(name); name {
		case "authorization", "cookie", "connection", "transfer-encoding", "keep-alive", "upgrade":
		default:
			if !strings.Contains(name, "_") {
				headers[name] = strings.Join(values, ",")
			}
		}
	}
	headers["host"] = req.Host
	return headers
}
