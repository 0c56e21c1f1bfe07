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
	clock  clock.Clock
	stats  stats
	recent recent

	mu       sync.Mutex
	settings RequestSettings
	allowed  origins
	payloads *payloads     // what is kept of requests and answers; nil for nothing
	patience time.Duration // how long after its timeout a call may go on before its replica counts as hung
	backends []*backend
	waiting  []chan *backend
	// asleep is called by a request that finds no replica where that is no fault:
	// one is started for it. It is nil where there should always be one.
	asleep func()
	places int // requests that all replicas the deployment may have can serve at once
	wanted int // replicas that the deployment should have now
	use    use
}

// use adds up what a scaler wants to know.
type use struct {
	inside  int       // requests that are served or wait
	changed time.Time // when inside last changed
	area    float64   // inside over time, in request seconds, since it was last asked
	since   time.Time // when it was last asked
	refused int64     // requests that found no place, since then
	before  sample    // the requests until then
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

// configure takes over a deployment's settings. wake, which may be nil, starts a
// replica when there is none and a request wants one.
func (p *pool) configure(s Settings, wake func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings, p.places, p.asleep = s.RequestSettings, s.mostPlaces(), wake
	p.allowed, _ = parseOrigins(s.EnvironmentVariables[originsVariable]) // checked when it was set
	if s.LivenessProbe != nil {
		p.patience = time.Duration(s.LivenessProbe.Period*s.LivenessProbe.FailureThreshold) * time.Second
	}
	if p.asleep == nil && len(p.backends) == 0 {
		for _, turn := range p.waiting {
			close(turn)
		}
		p.waiting = nil
	}
	p.handOver()
}

// record counts a request that was begun at started and answered now.
func (p *pool) record(status int, started time.Time) {
	now := p.clock.Now()
	p.stats.record(status, now.Sub(started))
	p.recent.record(now, status, now.Sub(started))
}

// collect notes what is kept of requests and answers.
func (p *pool) collect(kept *payloads) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.payloads = kept
}

// collected returns what is kept of requests and answers, nil for nothing.
func (p *pool) collected() *payloads {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.payloads
}

// want notes how many replicas the deployment should have now.
func (p *pool) want(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = n
}

// moved counts a request that came in (1) or left (-1). The mutex is held.
func (p *pool) moved(by int) {
	now := p.clock.Now()
	p.use.area += float64(p.use.inside) * now.Sub(p.use.changed).Seconds()
	p.use.changed = now
	p.use.inside += by
}

// demand tells what requests needed since it was last asked.
func (p *pool) demand() demand {
	all := p.stats.sample()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved(0)
	seen := demand{present: p.use.inside, concurrency: float64(p.use.inside), refused: p.use.refused}
	if span := p.use.changed.Sub(p.use.since).Seconds(); span > 0 && !p.use.since.IsZero() {
		seen.concurrency = p.use.area / span
	}
	seen.latency = all.since(p.use.before).percentile95()
	p.use.area, p.use.since, p.use.refused, p.use.before = 0, p.use.changed, 0, all
	return seen
}

// add makes b available, and gives it to requests that wait.
func (p *pool) add(b *backend) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.drained = make(chan struct{})
	p.backends = append(p.backends, b)
	p.recent.ready(p.clock.Now(), len(p.backends))
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
	p.recent.ready(p.clock.Now(), len(p.backends))
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
	b, turn, patience, err := p.enter()
	if err != nil || b != nil {
		return b, err
	}
	var reason error
	select {
	case b := <-turn:
		return p.taken(b)
	case <-p.clock.After(patience):
		reason = errQueueSlow
	case <-ctx.Done():
		reason = ctx.Err()
	}
	return p.leave(turn, reason)
}

// coldPatience is how long a request waits for the replica that is started for it.
const coldPatience = time.Minute

// enter takes a free place, or else one in the queue: turn receives the place,
// or is closed when there will be none.
func (p *pool) enter() (b *backend, turn chan *backend, patience time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	room := len(p.backends) * p.settings.MaxConcurrentRequests
	patience = time.Duration(p.settings.MaxQueueWaitMS) * time.Millisecond
	switch b := p.free(); {
	case b != nil && len(p.waiting) == 0:
		b.busy++
		p.moved(1)
		return b, nil, 0, nil
	case len(p.backends) > 0:
	case p.asleep == nil:
		return nil, nil, 0, errNoReplica
	default:
		room, patience = 2*p.places, coldPatience
		p.asleep()
	}
	if len(p.waiting) >= room {
		p.use.refused++
		return nil, nil, 0, errQueueFull
	}
	turn = make(chan *backend, 1)
	p.waiting = append(p.waiting, turn)
	p.moved(1)
	return nil, turn, patience, nil
}

// taken returns what a request in the queue was given.
func (p *pool) taken(b *backend) (*backend, error) {
	if b != nil {
		return b, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved(-1)
	return nil, errNoReplica
}

// leave takes a request out of the queue, unless its turn came just now.
func (p *pool) leave(turn chan *backend, reason error) (*backend, error) {
	p.mu.Lock()
	at := slices.Index(p.waiting, turn)
	if at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
		p.moved(-1)
		if errors.Is(reason, errQueueSlow) {
			p.use.refused++
		}
	}
	p.mu.Unlock()
	if at >= 0 {
		return nil, reason
	}
	return p.taken(<-turn)
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
	p.moved(-1)
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

// instances tells how many replicas the deployment should have now.
func (p *pool) instances() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted
}

// size is how many replicas are ready.
func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.backends)
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
