package endpoint

import (
	"context"
	"reflect"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/vault"
)

// CreateDeployment puts a deployment behind the endpoint. Its replicas start
// from now on; with allTraffic, all of the endpoint's traffic goes to it.
func (s *Service) CreateDeployment(ctx context.Context, ws, endpoint string, c CreateDeployment, allTraffic bool) (Deployment, error) {
	if err := atelier.CheckEndpointName("deployment", c.Name); err != nil {
		return Deployment{}, err
	}
	if c.Endpoint != "" && c.Endpoint != endpoint {
		return Deployment{}, atelier.Errorf(atelier.Invalid, "The deployment is for the endpoint %q, but was sent to %q.",
			atelier.Clip(c.Endpoint, 60), endpoint).At("endpoint_name")
	}
	settings := c.settings()
	settings.complete()
	from, err := s.settle(ctx, ws, &settings)
	if err != nil {
		return Deployment{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	d := Deployment{Workspace: ws, Name: c.Name, Endpoint: endpoint, Settings: settings, source: from, State: Creating, Notices: from.Notices,
		Replicas: []Replica{}, CreatedBy: actor.Name, revision: 1, userID: actor.ID}
	var e Endpoint
	err = s.change(ctx, func(tx *sqldb.Tx) (err error) {
		if e, err = selectEndpoint(ctx, tx, ws, endpoint); err != nil {
			return err
		}
		if err := checkRoom(ctx, tx, ws, endpoint); err != nil {
			return err
		}
		d.CreatedAt, d.UpdatedAt = tx.Now(), tx.Now()
		if err := s.Environments.Keep(ctx, tx, ws, d.source.Environment); err != nil {
			return err
		}
		if err := keepAssets(ctx, tx, d); err != nil {
			return err
		}
		if err := insertDeployment(ctx, tx, d); err != nil || !allTraffic {
			return err
		}
		e.Traffic, e.UpdatedAt = Traffic{d.Name: 100}, tx.Now()
		e.MirrorTraffic = e.MirrorTraffic.without(d.Name)
		return updateEndpoint(ctx, tx, e)
	})
	if err != nil {
		return Deployment{}, err
	}
	if allTraffic {
		if _, err := s.announce(ctx, e); err != nil {
			return Deployment{}, err
		}
	}
	s.announceAssets(ctx, d)
	s.publish(ws, endpoint, d.Name)
	return d, nil
}

func checkRoom(ctx context.Context, tx *sqldb.Tx, ws, endpoint string) error {
	others, err := selectDeployments(ctx, tx, ws, endpoint)
	if err == nil && len(others) >= maxDeployments {
		return atelier.Errorf(atelier.Exhausted, "The endpoint %q has %d deployments, which is the most it can have.", endpoint, len(others)).
			WithHint("Delete one that is no longer used.")
	}
	return err
}

// settle checks settings, pins their references to versions and returns what
// those stand for.
func (s *Service) settle(ctx context.Context, ws string, settings *Settings) (Source, error) {
	if err := settings.check(); err != nil {
		return Source{}, err
	}
	from, pinned, err := s.finder().Find(ctx, ws, Wanted{settings.Model, settings.CodeConfiguration, settings.Environment})
	if err != nil {
		return Source{}, err
	}
	settings.Model, settings.EnvironmentVariables = pinned, vault.Plain(settings.EnvironmentVariables)
	if _, err = s.Secrets.Check(ctx, ws, settings.EnvironmentVariables); err != nil {
		return Source{}, err
	}
	return from, s.noteMachine(ctx, &from)
}

func (s *Service) finder() Finder {
	return Finder{Models: s.Models, Blobs: s.Blobs, Environments: s.Environments}
}

// Deployment returns one deployment of an endpoint, with its replicas.
func (s *Service) Deployment(ctx context.Context, ws, endpoint, name string) (d Deployment, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		if d, err = selectDeployment(ctx, tx, ws, endpoint, name); err != nil {
			return err
		}
		replicas, err := selectReplicas(ctx, tx, ws, endpoint)
		d.Replicas = append(d.Replicas, replicasOf(replicas, name)...)
		return err
	})
	d.WantedInstances = s.instances(d)
	return d, err
}

// instances returns how many replicas d should have now.
func (s *Service) instances(d Deployment) int {
	if p, ok := s.router.findPool(deploymentKey{d.Workspace, d.Endpoint, d.Name}); ok && d.scales() {
		return p.instances()
	}
	return d.InstanceCount
}

func replicasOf(replicas []Replica, deployment string) []Replica {
	return slices.DeleteFunc(slices.Clone(replicas), func(r Replica) bool { return r.deployment != deployment })
}

// Deployments returns all deployments of an endpoint in the order of their names.
func (s *Service) Deployments(ctx context.Context, ws, endpoint string) (found []Deployment, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		if _, err = selectEndpoint(ctx, tx, ws, endpoint); err != nil {
			return err
		}
		replicas, err := selectReplicas(ctx, tx, ws, endpoint)
		if err != nil {
			return err
		}
		found, err = selectDeployments(ctx, tx, ws, endpoint)
		for i := range found {
			found[i].Replicas = append(found[i].Replicas, replicasOf(replicas, found[i].Name)...)
			found[i].WantedInstances = s.instances(found[i])
		}
		return err
	})
	return found, err
}

// UpdateDeployment changes a deployment. Where that needs other replicas, new
// ones take over one for one, and no request is dropped. Updating one that has
// failed tries again.
func (s *Service) UpdateDeployment(ctx context.Context, ws, endpoint, name string, u UpdateDeployment) (Deployment, error) {
	before, err := s.Deployment(ctx, ws, endpoint, name)
	if err != nil {
		return Deployment{}, err
	}
	settings := u.apply(before.Settings)
	settings.complete()
	from, err := s.settle(ctx, ws, &settings)
	if err != nil {
		return Deployment{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	var d Deployment
	err = s.change(ctx, func(tx *sqldb.Tx) (err error) {
		if d, err = selectDeployment(ctx, tx, ws, endpoint, name); err != nil {
			return err
		}
		switch {
		case d.State == Failed || !d.sameReplicas(settings):
			d.revision++
			d.State, d.Error = Updating, nil
		case d.InstanceCount != settings.InstanceCount, !reflect.DeepEqual(d.ScaleSettings, settings.ScaleSettings):
			d.State = Scaling
		}
		d.Settings, d.source, d.userID, d.UpdatedAt = settings, from, actor.ID, tx.Now()
		if err := s.Environments.Keep(ctx, tx, ws, from.Environment); err != nil {
			return err
		}
		if err := keepAssets(ctx, tx, d); err != nil {
			return err
		}
		return updateDeployment(ctx, tx, d)
	})
	if err != nil {
		return Deployment{}, err
	}
	s.announceAssets(ctx, d)
	s.publish(ws, endpoint, name)
	return s.Deployment(ctx, ws, endpoint, name)
}

// DeleteDeployment removes a deployment that gets no traffic. Its workers end
// after their last requests.
func (s *Service) DeleteDeployment(ctx context.Context, ws, endpoint, name string) error {
	var e Endpoint
	err := s.change(ctx, func(tx *sqldb.Tx) (err error) {
		if e, err = selectEndpoint(ctx, tx, ws, endpoint); err != nil {
			return err
		}
		if _, err := selectDeployment(ctx, tx, ws, endpoint, name); err != nil {
			return err
		}
		if e.Traffic[name] > 0 {
			return atelier.Errorf(atelier.Precondition, "The deployment %q gets %d percent of the traffic.", name, e.Traffic[name]).
				WithHint("Update the endpoint's traffic first, or delete the endpoint.")
		}
		if e.Rollout.running() && e.Rollout.Before[name] > 0 {
			return atelier.Errorf(atelier.Precondition, "The endpoint is moving its traffic from %q to %q, and may have to go back.", name, e.Rollout.Deployment).
				WithHint("Wait for the end of the rollout, or stop it.")
		}
		if err := stopReplicas(ctx, tx, ws, endpoint, name); err != nil {
			return err
		}
		if err := deleteDeployment(ctx, tx, ws, endpoint, name); err != nil {
			return err
		}
		e.Traffic, e.MirrorTraffic, e.UpdatedAt = e.Traffic.without(name), e.MirrorTraffic.without(name), tx.Now()
		return updateEndpoint(ctx, tx, e)
	})
	if err != nil {
		return err
	}
	if _, err := s.announce(ctx, e); err != nil {
		return err
	}
	s.publish(ws, endpoint, name)
	return nil
}

// Metrics returns what a deployment has answered since the server started.
func (s *Service) Metrics(ctx context.Context, ws, endpoint, name string) (Metrics, error) {
	if _, err := s.Deployment(ctx, ws, endpoint, name); err != nil {
		return Metrics{}, err
	}
	p := s.router.pool(deploymentKey{ws, endpoint, name})
	m := p.stats.metrics()
	m.InFlight, m.Waiting = p.load()
	return m, nil
}
