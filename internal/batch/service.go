package batch

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// Parts are what the service is made of.
type Parts struct {
	DB           *sqldb.DB
	Bus          *event.Bus
	Finder       endpoint.Finder
	Environments *environment.Service
	Secrets      *vault.Service
	Jobs         *job.Service
	// URL is where users reach the server, without a slash at the end.
	URL func() string
}

// Service keeps batch endpoints and deployments, and makes jobs of invocations.
type Service struct {
	Parts
}

// New returns the service.
func New(parts Parts) *Service { return &Service{parts} }

// Create makes an endpoint, or replaces what is written about the one of that name.
func (s *Service) Create(ctx context.Context, ws string, c CreateEndpoint) (Endpoint, error) {
	if err := c.check(); err != nil {
		return Endpoint{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	e := Endpoint{Workspace: ws, Name: c.Name, Description: c.Description, Tags: notNil(c.Tags), Properties: notNil(c.Properties),
		Defaults: c.Defaults, CreatedBy: actor.Name}
	err := s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		e.CreatedAt, e.UpdatedAt = tx.Now(), tx.Now()
		old, err := selectEndpoint(ctx, tx, ws, c.Name)
		switch {
		case atelier.CodeOf(err) == atelier.NotFound:
			err = insertEndpoint(ctx, tx, e)
		case err == nil:
			e.CreatedBy, e.CreatedAt = old.CreatedBy, old.CreatedAt
			if e.Defaults.Deployment == "" {
				e.Defaults = old.Defaults
			}
			err = updateEndpoint(ctx, tx, e)
		}
		if err != nil {
			return err
		}
		return checkDefault(ctx, tx, e)
	})
	return s.announced(ctx, e, err)
}

// checkDefault refuses a default deployment that there is not.
func checkDefault(ctx context.Context, tx *sqldb.Tx, e Endpoint) error {
	if e.Defaults.Deployment == "" {
		return nil
	}
	_, err := selectDeployment(ctx, tx, e.Workspace, e.Name, e.Defaults.Deployment)
	if atelier.CodeOf(err) == atelier.NotFound {
		return atelier.Public(err).At("defaults.deployment_name")
	}
	return err
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

// Update changes the endpoint called name.
func (s *Service) Update(ctx context.Context, ws, name string, u UpdateEndpoint) (e Endpoint, err error) {
	err = s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		if e, err = selectEndpoint(ctx, tx, ws, name); err != nil {
			return err
		}
		u.apply(&e)
		e.UpdatedAt = tx.Now()
		if err := checkDefault(ctx, tx, e); err != nil {
			return err
		}
		return updateEndpoint(ctx, tx, e)
	})
	return s.announced(ctx, e, err)
}

// Delete removes the endpoint with all its deployments. Their jobs stay.
func (s *Service) Delete(ctx context.Context, ws, name string) error {
	err := s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := selectEndpoint(ctx, tx, ws, name); err != nil {
			return err
		}
		return deleteEndpoint(ctx, tx, ws, name)
	})
	if err == nil {
		s.publish(ws, name, "")
	}
	return err
}

func (s *Service) announced(ctx context.Context, e Endpoint, err error) (Endpoint, error) {
	if err != nil {
		return Endpoint{}, err
	}
	s.publish(e.Workspace, e.Name, "")
	return s.addressed(ctx, e), nil
}

// publish tells that the endpoint, or one of its deployments, has changed.
func (s *Service) publish(ws, name, deployment string) {
	if deployment == "" {
		s.Bus.Publish(event.Notice{Workspace: ws, Topic: event.BatchEndpoint, ID: name})
		return
	}
	s.Bus.Publish(event.Notice{Workspace: ws, Topic: event.BatchDeployment, ID: name + "/" + deployment})
}

// addressed fills in what follows from the endpoint's name.
func (s *Service) addressed(ctx context.Context, e Endpoint) Endpoint {
	if e.Name != "" {
		e.AuthMode, e.State = AuthMode, Succeeded
		e.ScoringURI = s.URL() + "/api/v1/workspaces/" + workspace.From(ctx).Name + "/batch-endpoints/" + e.Name + "/invoke"
	}
	return e
}
