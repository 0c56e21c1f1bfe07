// Package event carries news upwards: a capability announces what happened and
// knows nothing of who listens.
//
// News is a hint to look again, not a record. A notice names what changed; the
// truth is in the database, and whoever needs certainty also looks at intervals
// of its own. A slow listener therefore never holds anybody up: notices about
// the same thing merge while it is busy.
package event

import (
	"context"
	"slices"
	"sync"
)

// Topics of notices. ID is the name of what changed: the job's, the run's, the
// endpoint's ("E") or the deployment's ("E/D"), whose logs also go by that name.
// Activity says that an endpoint has answered requests.
const (
	Job        = "job"
	Run        = "run"
	Metrics    = "metrics"
	Logs       = "logs"
	Experiment = "experiment"
	Model      = "model"
	Data       = "data"
	Datastore  = "datastore"
	Endpoint   = "endpoint"
	Deployment = "deployment"
	// Batch endpoints and their deployments are called as the others.
	BatchEndpoint   = "batch-endpoint"
	BatchDeployment = "batch-deployment"
	Activity        = "activity"
	Workspace       = "workspace"
)

// Notice says that something changed.
type Notice struct {
	Workspace string `json:"-"` // the workspace's id
	Topic     string `json:"topic"`
	ID        string `json:"id"`
}

// Bus delivers notices inside this process.
type Bus struct {
	mu          sync.Mutex
	subscribers map[*Subscription]struct{}
}

// NewBus returns a bus with no subscribers.
func NewBus() *Bus { return &Bus{subscribers: map[*Subscription]struct{}{}} }

// Publish tells every subscriber. It never blocks. Call it after the commit.
func (b *Bus) Publish(n Notice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subscribers {
		s.add(n)
	}
}

// Subscribe returns a subscription to what is published from now on about the
// topics; with none, to everything.
func (b *Bus) Subscribe(topics ...string) *Subscription {
	s := &Subscription{bus: b, topics: topics, known: map[Notice]bool{}, ready: make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribers[s] = struct{}{}
	return s
}

// Subscription collects notices until they are asked for.
type Subscription struct {
	bus    *Bus
	topics []string // empty for all
	ready  chan struct{}

	mu      sync.Mutex
	pending []Notice
	known   map[Notice]bool
}

func (s *Subscription) add(n Notice) {
	if len(s.topics) > 0 && !slices.Contains(s.topics, n.Topic) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[n] {
		return
	}
	s.known[n] = true
	s.pending = append(s.pending, n)
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Ready returns a channel that receives when there is something for Take.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Take returns the notices since the last call, each once, oldest first.
func (s *Subscription) Take() []Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.pending
	s.pending = nil
	clear(s.known)
	return taken
}

// Next waits for notices and returns them.
func (s *Subscription) Next(ctx context.Context) ([]Notice, error) {
	for {
		if taken := s.Take(); len(taken) > 0 {
			return taken, nil
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	delete(s.bus.subscribers, s)
}
