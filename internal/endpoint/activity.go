package endpoint

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/atelier-ml/atelier/internal/event"
)

// Activity is what an endpoint's deployments answered in the last minutes, in
// steps of equal length. It is kept in memory: a server that was started anew
// knows nothing of what was before.
type Activity struct {
	// Since is when the first step of each deployment began.
	Since       time.Time            `json:"since"`
	StepSeconds int                  `json:"step_seconds"`
	Deployments []DeploymentActivity `json:"deployments"`
	// Rollout is what the running rollout has counted in its present step.
	Rollout *RolloutCounts `json:"rollout,omitempty"`
}

// DeploymentActivity is the part of one deployment.
type DeploymentActivity struct {
	Name string `json:"name"`
	// InFlight and Waiting are the requests of this moment.
	InFlight int `json:"in_flight"`
	Waiting  int `json:"waiting"`
	// Steps are those that are over, the oldest first.
	Steps []ActivityStep `json:"steps"`
}

// ActivityStep is what was answered in one step. The latencies are in
// milliseconds, 0 where there was no request.
type ActivityStep struct {
	Requests int `json:"requests"`
	// Failures are the requests that the deployment did not answer: 500 and above,
	// 408 (too slow) and 429 (no place).
	Failures int     `json:"failures"`
	P50      float64 `json:"p50"`
	P95      float64 `json:"p95"`
	P99      float64 `json:"p99"`
	// Replicas is how many were ready at the end of the step.
	Replicas int `json:"replicas"`
}

const (
	stepLength = 5 * time.Second
	keptSteps  = 180
)

// recent remembers what a deployment answered in the last keptSteps steps.
type recent struct {
	mu      sync.Mutex
	moments []moment // only those in which something happened, oldest first
	before  int      // replicas before the first moment
	told    int64    // the number of the last moment that was told of
}

// moment is one step: number counts them since 1970.
type moment struct {
	number             int64
	requests, failures int
	replicas           int
	latencies          *[latencyClasses]uint32 // nil without a request
}

// Latencies are counted in classes, each a fifth wider than the one below it, so
// that a percentile is off by no more than that.
const (
	latencyClasses  = 84 // up to three minutes
	classesPerTwice = 4
	leastLatency    = 0.1 // milliseconds
)

func latencyClass(took time.Duration) int {
	ms := float64(took) / float64(time.Millisecond)
	if ms <= leastLatency {
		return 0
	}
	return min(latencyClasses-1, int(math.Ceil(classesPerTwice*math.Log2(ms/leastLatency))))
}

// classBound returns the upper bound of a class, in milliseconds.
func classBound(class int) float64 {
	if class < 0 {
		return 0
	}
	return leastLatency * math.Exp2(float64(class)/classesPerTwice)
}

func stepNumber(at time.Time) int64 { return at.UnixNano() / int64(stepLength) }

// at returns the moment of now, and forgets those that are too old. The mutex is held.
func (r *recent) at(now time.Time) *moment {
	number, replicas := stepNumber(now), r.before
	if last := len(r.moments) - 1; last >= 0 {
		if r.moments[last].number >= number {
			return &r.moments[last]
		}
		replicas = r.moments[last].replicas
	}
	old := 0
	for old < len(r.moments) && r.moments[old].number < number-keptSteps {
		r.before = r.moments[old].replicas
		old++
	}
	r.moments = append(slices.Delete(r.moments, 0, old), moment{number: number, replicas: replicas})
	return &r.moments[len(r.moments)-1]
}

// record counts a request that was answered now.
func (r *recent) record(now time.Time, status int, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.at(now)
	m.requests++
	if isFailure(status) {
		m.failures++
	}
	if m.latencies == nil {
		m.latencies = new([latencyClasses]uint32)
	}
	m.latencies[latencyClass(took)]++
}

// ready notes how many replicas are ready from now on.
func (r *recent) ready(now time.Time, replicas int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at(now).replicas = replicas
}

// steps returns the last keptSteps steps that are over.
func (r *recent) steps(now time.Time) []ActivityStep {
	r.mu.Lock()
	defer r.mu.Unlock()
	steps := make([]ActivityStep, keptSteps)
	first, replicas, next := stepNumber(now)-keptSteps, r.before, 0
	for i := range steps {
		var m moment
		for next < len(r.moments) && r.moments[next].number <= first+int64(i) {
			m = r.moments[next]
			replicas = m.replicas
			next++
		}
		steps[i].Replicas = replicas
		if m.number == first+int64(i) {
			steps[i].Requests, steps[i].Failures = m.requests, m.failures
			steps[i].P50, steps[i].P95, steps[i].P99 = m.percentile(0.5), m.percentile(0.95), m.percentile(0.99)
		}
	}
	return steps
}

// percentile returns what that share of the requests stayed below, in milliseconds.
func (m moment) percentile(share float64) float64 {
	if m.latencies == nil {
		return 0
	}
	wanted, below := share*float64(m.requests), 0.0
	for class, n := range m.latencies {
		count := float64(n)
		if count > 0 && below+count >= wanted {
			from, to := classBound(class-1), classBound(class)
			return from + (to-from)*(wanted-below)/count
		}
		below += count
	}
	return classBound(latencyClasses - 1)
}

// news reports whether a step with requests has ended since it was last asked.
func (r *recent) news(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	over, told := stepNumber(now)-1, r.told
	r.told = over
	return slices.ContainsFunc(r.moments, func(m moment) bool { return m.number > told && m.number <= over && m.requests > 0 })
}

// Activity returns what the endpoint's deployments answered lately.
func (s *Service) Activity(ctx context.Context, ws, name string) (Activity, error) {
	deployments, err := s.Deployments(ctx, ws, name)
	if err != nil {
		return Activity{}, err
	}
	now := s.Clock.Now()
	a := Activity{Since: time.Unix(0, (stepNumber(now)-keptSteps)*int64(stepLength)).UTC(), StepSeconds: int(stepLength / time.Second),
		Deployments: []DeploymentActivity{}, Rollout: s.rolling.counts(endpointKey{ws, name})}
	for _, d := range deployments {
		p, ok := s.router.findPool(deploymentKey{ws, name, d.Name})
		if !ok {
			p = newPool(s.Clock) // nothing has run yet
		}
		one := DeploymentActivity{Name: d.Name, Steps: p.recent.steps(now)}
		one.InFlight, one.Waiting = p.load()
		a.Deployments = append(a.Deployments, one)
	}
	return a, nil
}

// tellActivity says at the end of each step which endpoints have answered in it.
func (s *Service) tellActivity(ctx context.Context) {
	for {
		now := s.Clock.Now()
		select {
		case <-ctx.Done():
			return
		case <-s.Clock.After(stepLength - time.Duration(now.UnixNano()%int64(stepLength))):
		}
		for _, key := range s.router.active(s.Clock.Now()) {
			s.Bus.Publish(event.Notice{Workspace: key.workspace, Topic: event.Activity, ID: key.name})
		}
	}
}

// active returns the endpoints that answered in a step of which nobody was told yet.
func (r *Router) active(now time.Time) []endpointKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var keys []endpointKey
	for key, p := range r.pools {
		if p.recent.news(now) {
			keys = append(keys, endpointKey{key.workspace, key.endpoint})
		}
	}
	return keys
}
