package endpoint

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/atelier-ml/atelier/internal/clock"
)

// Why a request gets no place in a pool.
var (
	errNoReplica = errors.New("no replica is ready")
	errQueueFull = errors.New("too many requests wait already")
	errQueueSlow = errors.New("no replica became free in time")
)

// pool is a deployment as the router sees it: its ready replicas, how many
// requests each may have at once, and the requests that wait for one.
type pool struct {
	clock clock.Clock
	stats stats

	mu       sync.Mutex
	settings RequestSettings
	allowed  origins
	patience time.Duration // how long after its timeout a call may go on before its replica counts as hung
	backends []*backend
	waiting  []chan *backend
}

// backend is one ready replica.
type backend struct {
	id   string
	dial func(ctx context.Context) (net.Conn, error)
	// lost is called when the worker broke a call off, and hung when a call did
	// not end long after its timeout.
	lost, hung func()

	// The pool's mutex guards the rest.
	busy    int
	removed bool
	drained chan struct{} // closed when it is removed and nothing is under way
	idle    []*workerConn
}

func newPool(clk clock.Clock) *pool { return &pool{clock: clk} }

// configure takes over a deployment's settings.
func (p *pool) configure(s Settings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings = s.RequestSettings
	p.allowed, _ = parseOrigins(s.EnvironmentVariables[originsVariable]) // checked when it was set
	if s.LivenessProbe != nil {
		p.patience = time.Duration(s.LivenessProbe.Period*s.LivenessProbe.FailureThreshold) * time.Second
	}
	p.handOver()
}

// add makes b available, and gives it to requests that wait.
func (p *pool) add(b *backend) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.drained = make(chan struct{})
	p.backends = append(p.backends, b)
	p.handOver()
}

// has reports whether the replica is in the pool.
func (p *pool) has(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.backends, func(b *backend) bool { return b.id == id })
}

// remove takes the replica out: it gets no new request. The channel closes when
// its last one has ended; it is closed already for a replica that is not there.
func (p *pool) remove(id string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.IndexFunc(p.backends, func(b *backend) bool { return b.id == id })
	if at < 0 {
		gone := make(chan struct{})
		close(gone)
		return gone
	}
	b := p.backends[at]
	p.backends = slices.Delete(p.backends, at, at+1)
	b.removed = true
	for _, conn := range b.idle {
		conn.Close()
	}
	b.idle = nil
	if b.busy == 0 {
		close(b.drained)
	}
	return b.drained
}

// acquire waits for a place in one of the replicas. Every place must be given
// back with release. At most as many requests wait as are served, so that twice
// the capacity is in the deployment at any time: Azure's own rule.
func (p *pool) acquire(ctx context.Context) (*backend, error) {
	p.mu.Lock()
	if len(p.backends) == 0 {
		p.mu.Unlock()
		return nil, errNoReplica
	}
	if b := p.free(); b != nil && len(p.waiting) == 0 {
		b.busy++
		p.mu.Unlock()
		return b, nil
	}
	if len(p.waiting) >= len(p.backends)*p.settings.MaxConcurrentRequests {
		p.mu.Unlock()
		return nil, errQueueFull
	}
	turn := make(chan *backend, 1)
	p.waiting = append(p.waiting, turn)
	patience := time.Duration(p.settings.MaxQueueWaitMS) * time.Millisecond
	p.mu.Unlock()

	var reason error
	select {
	case b := <-turn:
		return b, nil
	case <-p.clock.After(patience):
		reason = errQueueSlow
	case <-ctx.Done():
		reason = ctx.Err()
	}
	return p.leave(turn, reason)
}

// leave takes a request out of the queue, unless its turn came just now.
func (p *pool) leave(turn chan *backend, reason error) (*backend, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := slices.Index(p.waiting, turn); at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
		return nil, reason
	}
	return <-turn, nil
}

// free returns the least busy replica that has a place. The mutex is held.
func (p *pool) free() *backend {
	var best *backend
	for _, b := range p.backends {
		if b.busy < p.settings.MaxConcurrentRequests && (best == nil || b.busy < best.busy) {
			best = b
		}
	}
	return best
}

// handOver gives free places to those who wait, first come first served. The
// mutex is held.
func (p *pool) handOver() {
	for len(p.waiting) > 0 {
		b := p.free()
		if b == nil {
			return
		}
		b.busy++
		p.waiting[0] <- b
		p.waiting = slices.Delete(p.waiting, 0, 1)
	}
}

// release gives a place back, with the connection it used if that can be used
// again.
func (p *pool) release(b *backend, conn *workerConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.busy--
	switch {
	case conn == nil:
	case b.removed:
		conn.Close()
	default:
		b.idle = append(b.idle, conn)
	}
	if b.removed && b.busy == 0 {
		close(b.drained)
	}
	p.handOver()
}

// connection returns an idle connection to b, or a new one.
func (p *pool) connection(ctx context.Context, b *backend) (*workerConn, error) {
	for {
		p.mu.Lock()
		last := len(b.idle) - 1
		if last < 0 {
			p.mu.Unlock()
			break
		}
		conn := b.idle[last]
		b.idle = b.idle[:last]
		p.mu.Unlock()
		if !conn.stale() {
			return conn, nil
		}
		conn.Close()
	}
	raw, err := b.dial(ctx)
	if err != nil {
		return nil, err
	}
	return newWorkerConn(raw), nil
}

// load tells how many requests are served and how many wait.
func (p *pool) load() (busy, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.backends {
		busy += b.busy
	}
	return busy, len(p.waiting)
}

// origins are the sites whose pages may call the deployment.
func (p *pool) origins() origins {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.allowed
}

func (p *pool) limits() (RequestSettings, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settings, p.patience
}
