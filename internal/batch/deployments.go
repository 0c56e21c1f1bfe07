package batch

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/vault"
)

// maxDeployments is how many deployments one endpoint can have.
const maxDeployments = 20

// CreateDeployment puts a deployment behind the endpoint, or replaces the one of
// that name. With makeDefault, it is the one that is asked when none is named.
func (s *Service) CreateDeployment(ctx context.Context, ws, of string, c CreateDeployment, makeDefault bool) (Deployment, error) {
	if err := atelier.CheckEndpointName("deployment", c.Name); err != nil {
		return Deployment{}, err
	}
	if c.Endpoint != "" && c.Endpoint != of {
		return Deployment{}, atelier.Errorf(atelier.Invalid, "The deployment is for the endpoint %q, but was sent to %q.",
			atelier.Clip(c.Endpoint, 60), of).At("endpoint_name")
	}
	definition := c.complete()
	from, err := s.settle(ctx, ws, &definition)
	if err != nil {
		return Deployment{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	d := Deployment{Workspace: ws, Name: c.Name, Endpoint: of, Definition: definition, source: from, CreatedBy: actor.Name}
	err = s.DB.Write(ctx, func(tx *sqldb.Tx) error { return s.put(ctx, tx, &d, makeDefault) })
	if err != nil {
		return Deployment{}, err
	}
	s.publish(ws, of, d.Name)
	return d.described(), nil
}

// put stores a deployment, new or in place of another.
func (s *Service) put(ctx context.Context, tx *sqldb.Tx, d *Deployment, makeDefault bool) error {
	e, err := selectEndpoint(ctx, tx, d.Workspace, d.Endpoint)
	if err != nil {
		return err
	}
	if err := s.Environments.Keep(ctx, tx, d.Workspace, d.source.Environment); err != nil {
		return err
	}
	d.CreatedAt, d.UpdatedAt = tx.Now(), tx.Now()
	old, err := selectDeployment(ctx, tx, d.Workspace, d.Endpoint, d.Name)
	switch {
	case err == nil:
		d.CreatedBy, d.CreatedAt = old.CreatedBy, old.CreatedAt
		err = updateDeployment(ctx, tx, *d)
	case atelier.CodeOf(err) == atelier.NotFound:
		if err = checkRoom(ctx, tx, d.Workspace, d.Endpoint); err == nil {
			err = insertDeployment(ctx, tx, *d)
		}
	}
	if err != nil || !makeDefault {
		return err
	}
	e.Defaults.Deployment, e.UpdatedAt = d.Name, tx.Now()
	return updateEndpoint(ctx, tx, e)
}

func checkRoom(ctx context.Context, tx *sqldb.Tx, ws, of string) error {
	others, err := selectDeployments(ctx, tx, ws, of)
	if err == nil && len(others) >= maxDeployments {
		return atelier.Errorf(atelier.Exhausted, "The endpoint %q has %d deployments, which is the most it can have.", of, len(others)).
			WithHint("Delete one that is no longer used.")
	}
	return err
}

// settle checks a definition, pins its references to versions and returns what
// those stand for.
func (s *Service) settle(ctx context.Context, ws string, d *Definition) (endpoint.Source, error) {
	if err := d.check(); err != nil {
		return endpoint.Source{}, err
	}
	from, pinned, err := s.Finder.Find(ctx, ws, endpoint.Wanted{Model: d.Model, CodeConfiguration: d.CodeConfiguration, Environment: d.Environment})
	if err != nil {
		return endpoint.Source{}, err
	}
	d.Model, d.Settings.EnvironmentVariables = pinned, vault.Plain(d.Settings.EnvironmentVariables)
	_, err = s.Secrets.Check(ctx, ws, d.Settings.EnvironmentVariables)
	return from, err
}

// described fills in what follows from what is stored.
func (d Deployment) described() Deployment {
	d.Definition, d.State, d.Notices = d.complete(), Succeeded, d.source.Notices
	return d
}

// Deployment returns one deployment of an endpoint.
func (s *Service) Deployment(ctx context.Context, ws, of, name string) (d Deployment, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		d, err = selectDeployment(ctx, tx, ws, of, name)
		return err
	})
	return d.described(), err
}

// Deployments returns all deployments of an endpoint in the order of their names.
func (s *Service) Deployments(ctx context.Context, ws, of string) (found []Deployment, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		if _, err = selectEndpoint(ctx, tx, ws, of); err == nil {
			found, err = selectDeployments(ctx, tx, ws, of)
		}
		return err
	})
	for i := range found {
		found[i] = found[i].described()
	}
	return found, err
}

// UpdateDeployment changes what change gives. Jobs that were begun go on as they
// were.
func (s *Service) UpdateDeployment(ctx context.Context, ws, of, name string, change Definition) (Deployment, error) {
	before, err := s.Deployment(ctx, ws, of, name)
	if err != nil {
		return Deployment{}, err
	}
	d := before
	d.Definition = change.over(before.Definition)
	if d.source, err = s.settle(ctx, ws, &d.Definition); err != nil {
		return Deployment{}, err
	}
	err = s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := selectDeployment(ctx, tx, ws, of, name); err != nil {
			return err
		}
		return s.put(ctx, tx, &d, false)
	})
	if err != nil {
		return Deployment{}, err
	}
	s.publish(ws, of, name)
	return d.described(), nil
}

// DeleteDeployment removes a deployment that is not its endpoint's default.
func (s *Service) DeleteDeployment(ctx context.Context, ws, of, name string) error {
	err := s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		e, err := selectEndpoint(ctx, tx, ws, of)
		if err != nil {
			return err
		}
		if _, err := selectDeployment(ctx, tx, ws, of, name); err != nil {
			return err
		}
		if e.Defaults.Deployment == name {
			return atelier.Errorf(atelier.Precondition, "The deployment %q is the default of the endpoint %q.", name, of).
				WithHint("Make another one the default with `atelier batch-endpoint update --name %s --set defaults.deployment_name=NAME`, or delete the endpoint.", of)
		}
		return deleteDeployment(ctx, tx, ws, of, name)
	})
	if err == nil {
		s.publish(ws, of, name)
	}
	return err
}
