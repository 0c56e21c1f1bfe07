package endpoint

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

const (
	// unsettled is how often an endpoint is looked at while something changes.
	unsettled = 250 * time.Millisecond
	// watchful is how often it is looked at while its traffic moves by steps.
	watchful = time.Second
	// settled is how often it is looked at otherwise, beside every notice.
	settled = 5 * time.Second
	// longestPause bounds the wait before a lost replica is replaced again.
	longestPause = time.Minute
)

// Run makes deployments what they should be until ctx ends, and leaves them
// running then. Every endpoint has a goroutine of its own, so that one that
// answers slowly holds no other up.
func (s *Service) Run(ctx context.Context) error {
	// A training logs thousands of metrics in a second; none of that wakes this.
	news := s.Bus.Subscribe(event.Endpoint, event.Deployment)
	defer news.Close()
	keepers := map[endpointKey]*keeper{}
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { s.tellActivity(ctx) })
	for {
		known, err := s.endpoints(ctx)
		if err != nil {
			return err
		}
		for _, key := range known {
			if k := keepers[key]; k == nil || k.idle.Load() {
				k = newKeeper(s, key)
				keepers[key] = k
				group.Go(func() { k.run(ctx) })
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.Clock.After(settled):
		case <-news.Ready():
		}
		for _, notice := range news.Take() {
			if k := keepers[keyOf(notice)]; k != nil {
				k.hurry()
			}
		}
	}
}

func keyOf(n event.Notice) endpointKey {
	name, _, _ := strings.Cut(n.ID, "/")
	return endpointKey{n.Workspace, name}
}

// endpoints returns every endpoint that exists or still has replicas.
func (s *Service) endpoints(ctx context.Context) (keys []endpointKey, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		keys, err = selectEndpointKeys(ctx, tx)
		return err
	})
	return keys, err
}

// keeper looks after one endpoint.
type keeper struct {
	*Service
	key  endpointKey
	wake chan struct{}
	idle atomic.Bool // it has ended, because nothing is left of the endpoint

	mu   sync.Mutex
	seen map[string]*watched // by replica
	// pause grows each time a replica is lost, and startAfter is its end, by
	// deployment.
	pause      map[string]time.Duration
	startAfter map[string]time.Time
	// expireAfter is when old collected rows are looked for again, by deployment.
	expireAfter map[string]time.Time
	scalers     map[string]*scaler // by deployment
	counted     counted            // of the running rollout
}

// watched is what the keeper remembers of a replica between two looks.
type watched struct {
	failures int         // health questions without an answer, in a row
	draining atomic.Bool // it is being ended
	doomed   atomic.Bool // its worker hangs: it must be replaced
}

func newKeeper(s *Service, key endpointKey) *keeper {
	return &keeper{Service: s, key: key, wake: make(chan struct{}, 1), seen: map[string]*watched{},
		pause: map[string]time.Duration{}, startAfter: map[string]time.Time{},
		expireAfter: map[string]time.Time{}, scalers: map[string]*scaler{}}
}

func (k *keeper) hurry() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) run(ctx context.Context) {
	var draining sync.WaitGroup
	defer draining.Wait()
	for ctx.Err() == nil {
		again, err := k.look(ctx, &draining)
		if errors.Is(err, errNothingLeft) {
			// Told after the mark is set, so that an endpoint of the same name that
			// was made at this moment gets a keeper of its own.
			k.idle.Store(true)
			k.publish(k.key.workspace, k.key.name, "")
			return
		}
		if err != nil && ctx.Err() == nil {
			k.Log.Error("look after an endpoint", "endpoint", k.key.name, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-k.wake:
		case <-k.Clock.After(again):
		}
	}
}

// errNothingLeft says that the endpoint is deleted and its last replica gone.
var errNothingLeft = errors.New("nothing is left of the endpoint")

// situation is what the database holds of an endpoint.
type situation struct {
	endpoint    *Endpoint
	deployments map[string]*Deployment
	replicas    map[string][]Replica // by deployment
}

func (k *keeper) load(ctx context.Context) (situation, error) {
	now := situation{deployments: map[string]*Deployment{}, replicas: map[string][]Replica{}}
	err := k.DB.Read(ctx, func(tx *sqldb.Tx) error {
		e, err := selectEndpoint(ctx, tx, k.key.workspace, k.key.name)
		if err == nil {
			now.endpoint = &e
		} else if atelier.CodeOf(err) != atelier.NotFound {
			return err
		}
		deployments, err := selectDeployments(ctx, tx, k.key.workspace, k.key.name)
		if err != nil {
			return err
		}
		for i, d := range deployments {
			now.deployments[d.Name] = &deployments[i]
		}
		replicas, err := selectReplicas(ctx, tx, k.key.workspace, k.key.name)
		for _, r := range replicas {
			now.replicas[r.deployment] = append(now.replicas[r.deployment], r)
		}
		return err
	})
	return now, err
}

// look compares what is wanted with what runs and does what is missing. It
// returns when to look again.
func (k *keeper) look(ctx context.Context, draining *sync.WaitGroup) (again time.Duration, err error) {
	now, err := k.load(ctx)
	if err != nil {
		return unsettled, err
	}
	if now.endpoint == nil {
		k.router.removeTarget(k.key)
		k.rolling.forget(k.key)
		if len(now.replicas) == 0 {
			return settled, errNothingLeft
		}
	} else if *now.endpoint, err = k.roll(ctx, *now.endpoint); err != nil {
		return unsettled, err
	} else if err := k.route(*now.endpoint); err != nil {
		return unsettled, err
	}
	again = settled
	if now.endpoint != nil && now.endpoint.Rollout.running() {
		again = watchful
	}
	for name, d := range now.deployments {
		k.router.pool(k.deployment(name)).configure(d.Settings, k.waker(d))
		if err := k.collect(ctx, d); err != nil {
			return unsettled, err
		}
		if d.scales() {
			again = min(again, time.Duration(d.ScaleSettings.PollingInterval)*time.Second)
		}
	}
	names := map[string]bool{}
	for name := range now.deployments {
		names[name] = true
	}
	for name := range now.replicas {
		names[name] = true
	}
	for name := range names {
		quiet, err := k.tend(ctx, now, name, draining)
		if err != nil {
			return unsettled, err
		}
		if !quiet {
			again = unsettled
		}
	}
	return again, nil
}

// waker returns what a request does that finds no replica of d, or nil where it
// can only be told so.
func (k *keeper) waker(d *Deployment) func() {
	if d.sleeps() && d.State != Failed {
		return k.hurry
	}
	return nil
}

// wanted returns how many replicas d should have now.
func (k *keeper) wanted(d *Deployment, replicas []Replica) int {
	if d == nil {
		return 0
	}
	p := k.router.pool(k.deployment(d.Name))
	wanted := d.InstanceCount
	if d.scales() {
		wanted = k.scale(d, p, replicas)
	} else {
		delete(k.scalers, d.Name)
	}
	p.want(wanted)
	return wanted
}

// scale asks the deployment's scaler, and makes one where there is none.
func (k *keeper) scale(d *Deployment, p *pool, replicas []Replica) int {
	now := k.Clock.Now()
	s := k.scalers[d.Name]
	if s == nil {
		live := 0
		for _, r := range replicas {
			if r.live() && !r.stopping && r.revision == d.revision {
				live++
			}
		}
		s = newScaler(now, d, live)
		k.scalers[d.Name] = s
	}
	if !s.due(now, d) {
		return max(s.wanted, d.fewest())
	}
	before, seen := s.wanted, p.demand()
	if wanted := s.decide(now, d, countReady(replicas), seen); wanted != before {
		k.Log.Info("scale a deployment", "endpoint", d.Endpoint, "deployment", d.Name, "from", before, "to", wanted,
			"concurrency", seen.concurrency, "refused", seen.refused, "latency_ms", seen.latency)
		k.publish(d.Workspace, d.Endpoint, d.Name)
	}
	return s.wanted
}

func (k *keeper) deployment(name string) deploymentKey {
	return deploymentKey{k.key.workspace, k.key.name, name}
}

// tend looks after one deployment.
func (k *keeper) tend(ctx context.Context, now situation, name string, draining *sync.WaitGroup) (quiet bool, err error) {
	d, replicas := now.deployments[name], now.replicas[name]
	k.observe(ctx, d, replicas)
	wanted := k.wanted(d, replicas)
	next := plan(d, wanted, replicas)
	for _, r := range next.forget {
		if err := k.forget(ctx, d, r); err != nil {
			return false, err
		}
	}
	for range next.start {
		if err := k.start(ctx, d); err != nil {
			return false, err
		}
	}
	for _, r := range replicas {
		if r.live() && (r.stopping || contains(next.stop, r)) {
			k.retire(ctx, r, draining)
		}
	}
	if d == nil {
		k.dropPool(name, replicas, next)
		return len(replicas) == 0, nil
	}
	if next.state != d.State || next.err != d.Error {
		if err := k.settleState(ctx, d, next); err != nil {
			return false, err
		}
	}
	return next.state == Failed || next.state == Succeeded && countReady(replicas) == len(replicas) && len(replicas) == wanted, nil
}

func contains(replicas []Replica, wanted Replica) bool {
	for _, r := range replicas {
		if r.ID == wanted.ID {
			return true
		}
	}
	return false
}

// dropPool makes the router forget a deleted deployment: new requests find it
// no more, and its logs go with its last replica.
func (k *keeper) dropPool(name string, replicas []Replica, next decision) {
	k.router.removePool(k.deployment(name))
	delete(k.scalers, name)
	if len(replicas) == len(next.forget) {
		for _, r := range replicas {
			k.removeLogs(r)
		}
	}
}

// settleState stores what became of the deployment, unless its user has changed
// it meanwhile.
func (k *keeper) settleState(ctx context.Context, d *Deployment, next decision) error {
	err := k.change(ctx, func(tx *sqldb.Tx) error {
		present, err := selectDeployment(ctx, tx, d.Workspace, d.Endpoint, d.Name)
		if err != nil || present.revision != d.revision || present.InstanceCount != d.InstanceCount {
			return err
		}
		present.State, present.Error = next.state, next.err
		return updateDeployment(ctx, tx, present)
	})
	if atelier.CodeOf(err) == atelier.NotFound {
		return nil
	}
	k.publish(d.Workspace, d.Endpoint, d.Name)
	return err
}

// observe finds out how the replicas are, and gives the router those that are
// well. What it finds is written into replicas.
func (k *keeper) observe(ctx context.Context, d *Deployment, replicas []Replica) {
	var group sync.WaitGroup
	for i := range replicas {
		r := &replicas[i]
		if !r.live() {
			k.router.pool(k.deployment(r.deployment)).remove(r.ID)
			continue
		}
		group.Go(func() {
			before := *r
			k.inspect(ctx, d, r)
			if r.State != before.State || r.PID != before.PID {
				k.keep(ctx, *r)
			}
		})
	}
	group.Wait()
}

// keep stores a replica's observed state.
func (k *keeper) keep(ctx context.Context, r Replica) {
	err := k.change(ctx, func(tx *sqldb.Tx) error {
		present, err := selectReplica(ctx, tx, r.workspace, r.ID)
		if err != nil || !present.live() {
			return err
		}
		present.State, present.PID = r.State, r.PID
		if present.Error == nil {
			present.Error = r.Error
		}
		return updateReplica(ctx, tx, present)
	})
	if err != nil && atelier.CodeOf(err) != atelier.NotFound {
		k.Log.Error("store a replica's state", "replica", r.ID, "error", err)
	}
	k.publish(r.workspace, r.endpoint, r.deployment)
}

// inspect asks the driver and the worker how a replica is.
func (k *keeper) inspect(ctx context.Context, d *Deployment, r *Replica) {
	state := compute.Ended
	var err error
	if r.handle != "" {
		state, err = k.Driver.Recover(ctx, r.handle)
	}
	switch {
	case err != nil && atelier.CodeOf(err) != atelier.NotFound:
		k.Log.Error("ask for a replica", "replica", r.ID, "error", err)
		return
	case err != nil || state == compute.Ended:
		k.lost(r)
		return
	case state == compute.Prepared:
		if err := k.Driver.Start(ctx, r.handle); err != nil {
			r.State, r.Error = Terminated, &compute.Failure{Code: "ResourceNotReady", Message: err.Error()}
		}
		return
	}
	if r.stopping || k.watch(r.ID).draining.Load() {
		return
	}
	k.probe(ctx, d, r)
}

// lost notes that a replica's runner has ended. What it said before counts more.
func (k *keeper) lost(r *Replica) {
	r.State, r.PID = Terminated, 0
	if r.Error == nil && !r.stopping {
		r.Error = &compute.Failure{Code: compute.RunnerLost, Message: "The process that watched the worker died."}
	}
	k.router.pool(k.deployment(r.deployment)).remove(r.ID)
}

// probe asks the worker for its health.
func (k *keeper) probe(ctx context.Context, d *Deployment, r *Replica) {
	w := k.watch(r.ID)
	p := k.router.pool(k.deployment(r.deployment))
	patience, within := 30, 2*time.Second
	if d != nil {
		patience, within = d.LivenessProbe.FailureThreshold, time.Duration(d.LivenessProbe.Timeout)*time.Second
	}
	conn, err := k.Driver.Dial(ctx, r.handle)
	refused := err != nil
	pid := 0
	if err == nil {
		pid, err = Healthy(conn, k.Clock.Now().Add(within))
	}
	switch {
	case err == nil:
		w.failures, r.State, r.PID = 0, Ready, pid
		if !p.has(r.ID) {
			p.add(k.backend(*r))
		}
	case r.State == Starting:
	case refused:
		r.State = Unhealthy
		p.remove(r.ID)
	default:
		w.failures++
		if w.failures >= patience {
			w.doomed.Store(true)
		}
	}
	if w.doomed.Load() {
		r.State = Unhealthy
		p.remove(r.ID)
		k.Log.Warn("a worker does not answer and is replaced", "replica", r.ID)
		if err := k.Driver.Signal(ctx, r.handle, compute.Kill); err != nil {
			k.Log.Error("end a replica", "replica", r.ID, "error", err)
		}
	}
}

func (k *keeper) watch(id string) *watched {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen[id] == nil {
		k.seen[id] = &watched{}
	}
	return k.seen[id]
}
