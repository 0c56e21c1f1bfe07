package endpoint

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"sync"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/logs"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/trace"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// Parts are what the service is made of.
type Parts struct {
	DB           *sqldb.DB
	Bus          *event.Bus
	Clock        clock.Clock
	Log          *slog.Logger
	Blobs        blob.Store
	Logs         *logs.Store
	Vault        *vault.Vault
	Secrets      *vault.Service
	Access       *access.Service
	Workspaces   *workspace.Service
	Models       *model.Service
	Environments *environment.Service
	Data         *data.Service
	Collected    *collect.Service
	Driver       compute.Driver

	// URL is where users reach the server, without a slash at the end.
	URL func() string
	// ServerFile, EnvironmentsDir and ToolsDir go into every task.
	ServerFile, EnvironmentsDir, ToolsDir string
	// MaxRequestBytes bounds the body of a scoring request where its endpoint does
	// not; 0 means 10 MB.
	MaxRequestBytes int64
	// AccessLog has every scoring request written into the log.
	AccessLog bool
	// Tracer is told of every scoring request; nil for nobody.
	Tracer *trace.Tracer
}

// defaultMaxRequest is Azure's documented bound of a scoring request.
const defaultMaxRequest = 10 << 20

// maxDeployments is how many deployments one endpoint can have.
const maxDeployments = 20

// Service keeps endpoints and deployments, and makes them so (Run).
type Service struct {
	Parts
	router  *Router
	rolling rolling
	// mu makes changes of endpoints one after another, so that a report of a
	// runner and a decision of the reconciler never overwrite each other. There
	// is one server per database.
	mu sync.Mutex
}

// New returns the service. Nothing is served before Run.
func New(parts Parts) *Service {
	if parts.MaxRequestBytes == 0 {
		parts.MaxRequestBytes = defaultMaxRequest
	}
	return &Service{Parts: parts, router: newRouter(parts)}
}

// Router returns what answers scoring requests.
func (s *Service) Router() *Router { return s.router }

func (s *Service) change(ctx context.Context, fn func(tx *sqldb.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.DB.Write(ctx, fn)
}

// Create makes an endpoint and its keys.
func (s *Service) Create(ctx context.Context, ws string, c CreateEndpoint) (Endpoint, error) {
	if err := c.check(); err != nil {
		return Endpoint{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	e := Endpoint{Workspace: ws, Name: c.Name, Description: c.Description, Tags: notNil(c.Tags), Properties: notNil(c.Properties),
		AuthMode: c.AuthMode, Traffic: Traffic{}, MirrorTraffic: Traffic{}, State: Succeeded, CreatedBy: actor.Name,
		keys: s.seal(Credentials{newKey(), newKey()})}
	err := s.change(ctx, func(tx *sqldb.Tx) error {
		e.CreatedAt, e.UpdatedAt = tx.Now(), tx.Now()
		return insertEndpoint(ctx, tx, e)
	})
	if err != nil {
		return Endpoint{}, err
	}
	return s.announce(ctx, e)
}

// Get returns the endpoint called name.
func (s *Service) Get(ctx context.Context, ws, name string) (e Endpoint, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		e, err = selectEndpoint(ctx, tx, ws, name)
		return err
	})
	return s.addressed(ctx, e), err
}

// List returns the workspace's endpoints in the order of their names.
func (s *Service) List(ctx context.Context, ws string, maxResults int, pageToken string) (atelier.Page[Endpoint], error) {
	page := atelier.Page[Endpoint]{Items: []Endpoint{}}
	var after string
	if pageToken != "" {
		if err := atelier.DecodePageToken(pageToken, &after); err != nil {
			return page, err
		}
	}
	size := atelier.PageSize(maxResults, 100, 1000)
	err := s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		found, err := selectEndpoints(ctx, tx, ws, after, size+1)
		if len(found) > size {
			found = found[:size]
			page.NextPageToken = atelier.EncodePageToken(found[size-1].Name)
		}
		for _, e := range found {
			page.Items = append(page.Items, s.addressed(ctx, e))
		}
		return err
	})
	return page, err
}

// Update changes the endpoint called name: most of all its traffic.
func (s *Service) Update(ctx context.Context, ws, name string, u UpdateEndpoint) (e Endpoint, err error) {
	actor, _ := atelier.ActorFrom(ctx)
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		if e, err = selectEndpoint(ctx, tx, ws, name); err != nil {
			return err
		}
		if err := u.apply(&e); err != nil {
			return err
		}
		if u.Traffic != nil && e.Rollout.running() {
			ended := e.Rollout.ended(tx.Now(), RolloutStopped, actor.Name+" changed the traffic.")
			e.Rollout = &ended
		}
		deployments, err := selectDeployments(ctx, tx, ws, name)
		if err != nil {
			return err
		}
		var names []string
		for _, d := range deployments {
			names = append(names, d.Name)
		}
		if err := e.Traffic.check(names); err != nil {
			return err
		}
		if err := e.MirrorTraffic.checkMirror(names, e.Traffic); err != nil {
			return err
		}
		e.UpdatedAt = tx.Now()
		return updateEndpoint(ctx, tx, e)
	})
	if err != nil {
		return Endpoint{}, err
	}
	return s.announce(ctx, e)
}

// Delete removes the endpoint with all its deployments. It answers no more from
// this moment; its workers end after their last requests.
func (s *Service) Delete(ctx context.Context, ws, name string) error {
	err := s.change(ctx, func(tx *sqldb.Tx) error {
		if _, err := selectEndpoint(ctx, tx, ws, name); err != nil {
			return err
		}
		if err := stopReplicas(ctx, tx, ws, name, ""); err != nil {
			return err
		}
		return deleteEndpoint(ctx, tx, ws, name)
	})
	if err != nil {
		return err
	}
	s.router.removeTarget(endpointKey{ws, name})
	s.publish(ws, name, "")
	return nil
}

// Credentials returns the endpoint's keys.
func (s *Service) Credentials(ctx context.Context, ws, name string) (Credentials, error) {
	e, err := s.Get(ctx, ws, name)
	if err != nil {
		return Credentials{}, err
	}
	if e.AuthMode != KeyAuth {
		return Credentials{}, atelier.Errorf(atelier.Precondition, "The endpoint %q is used with tokens, not with keys.", name).
			WithHint("Call it with your own token: `atelier token create` makes one.")
	}
	return s.unseal(e.keys)
}

// RegenerateKey replaces one of the endpoint's keys. The old one is refused
// from this moment.
func (s *Service) RegenerateKey(ctx context.Context, ws, name string, which KeyType) (keys Credentials, err error) {
	if which != PrimaryKey && which != SecondaryKey {
		return Credentials{}, atelier.Errorf(atelier.Invalid, "There is no key %q.", atelier.Clip(string(which), 40)).
			At("key_type").WithHint("Use primary or secondary.")
	}
	var e Endpoint
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		if e, err = selectEndpoint(ctx, tx, ws, name); err != nil {
			return err
		}
		if keys, err = s.unseal(e.keys); err != nil {
			return err
		}
		if which == PrimaryKey {
			keys.PrimaryKey = newKey()
		} else {
			keys.SecondaryKey = newKey()
		}
		e.keys, e.UpdatedAt = s.seal(keys), tx.Now()
		return updateEndpoint(ctx, tx, e)
	})
	if err != nil {
		return Credentials{}, err
	}
	_, err = s.announce(ctx, e)
	return keys, err
}

func newKey() string { return atelier.NewSecret("atlk_") }

func (s *Service) seal(keys Credentials) string {
	text, err := json.Marshal(keys)
	if err != nil {
		panic("endpoint: keys are plain data: " + err.Error())
	}
	return s.Vault.Seal(text)
}

func (s *Service) unseal(sealed string) (Credentials, error) {
	var keys Credentials
	text, err := s.Vault.Unseal(sealed)
	if err != nil {
		return keys, err
	}
	return keys, json.Unmarshal(text, &keys)
}

// announce tells the router and the listeners of a changed endpoint.
func (s *Service) announce(ctx context.Context, e Endpoint) (Endpoint, error) {
	if err := s.route(e); err != nil {
		return Endpoint{}, err
	}
	s.publish(e.Workspace, e.Name, "")
	return s.addressed(ctx, e), nil
}

// route makes the router know the endpoint as it is now.
func (s *Service) route(e Endpoint) error {
	keys, err := s.unseal(e.keys)
	if err != nil {
		return err
	}
	bounds, _ := limitsOf(e.Properties) // checked when they were set
	s.router.setTarget(endpointKey{e.Workspace, e.Name}, target{
		limits: bounds, auth: e.AuthMode, traffic: e.Traffic, mirror: e.MirrorTraffic,
		keys: [][sha256.Size]byte{sha256.Sum256([]byte(keys.PrimaryKey)), sha256.Sum256([]byte(keys.SecondaryKey))}})
	return nil
}

// publish tells that the endpoint, or one of its deployments, has changed.
func (s *Service) publish(ws, endpoint, deployment string) {
	if deployment == "" {
		s.Bus.Publish(event.Notice{Workspace: ws, Topic: event.Endpoint, ID: endpoint})
		return
	}
	s.Bus.Publish(event.Notice{Workspace: ws, Topic: event.Deployment, ID: endpoint + "/" + deployment})
}

// addressed fills in the addresses under which the endpoint answers.
func (s *Service) addressed(ctx context.Context, e Endpoint) Endpoint {
	if e.Name != "" {
		base := s.URL() + "/workspaces/" + workspace.From(ctx).Name + "/endpoints/" + e.Name
		e.ScoringURI, e.OpenAPIURI = base+"/score", base+"/swagger.json"
	}
	return e
}

func notNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
