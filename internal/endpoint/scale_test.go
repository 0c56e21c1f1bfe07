package endpoint

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/atelier-ml/atelier/internal/clock"
)

// elastic returns settings of a deployment whose replicas have two places each.
func elastic(least, most int) Settings {
	s := Settings{InstanceCount: 1, RequestSettings: RequestSettings{MaxConcurrentRequests: 2},
		ScaleSettings: &ScaleSettings{Type: UtilizationScale, MinInstances: &least, MaxInstances: most, TargetUtilization: 50, ScaleDownDelay: 20}}
	s.complete()
	return s
}

// With two places each, half of which should be in use, a request at a time needs
// a replica.
func TestScalerFollowsTheRequests(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := &Deployment{State: Succeeded, Settings: elastic(1, 6)}
	s := newScaler(now, d, 1)
	step := func(concurrency float64) int {
		now = now.Add(time.Second)
		return s.decide(now, d, s.wanted, demand{present: int(concurrency), concurrency: concurrency})
	}
	for range 30 {
		if got := step(0.9); got != 1 {
			t.Fatalf("%d replicas for less than one request at a time", got)
		}
	}
	if got := step(3); got > 2 {
		t.Errorf("one busy second started %d replicas", got)
	}
	for range 6 {
		step(3)
	}
	if s.wanted != 3 {
		t.Errorf("%d replicas for three requests at a time, want 3", s.wanted)
	}
	for range 20 {
		step(100)
	}
	if s.wanted != 6 {
		t.Errorf("%d replicas for a hundred requests at a time, want the most there may be, 6", s.wanted)
	}
	for range 18 {
		step(0)
	}
	if s.wanted != 6 {
		t.Errorf("%d replicas are left before the delay is over", s.wanted)
	}
	for range 10 {
		step(0)
	}
	if s.wanted != 1 {
		t.Errorf("%d replicas are left after the delay, want the fewest there may be, 1", s.wanted)
	}
}

func TestScalerAddsOneAtATimeForLatencyAndRefusals(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, seen := range map[string]demand{"latency": {latency: 250, concurrency: 0.5}, "refusals": {refused: 1, concurrency: 0.5}} {
		d := &Deployment{State: Succeeded, Settings: elastic(1, 3)}
		d.ScaleSettings.TargetLatencyMS = 200
		s := newScaler(now, d, 1)
		if got := s.decide(now.Add(time.Second), d, 1, seen); got != 2 {
			t.Errorf("%s: %d replicas, want one more", name, got)
		}
		if got := s.decide(now.Add(2*time.Second), d, 1, seen); got != 2 {
			t.Errorf("%s: %d replicas while the second is still starting, want 2", name, got)
		}
		if got := s.decide(now.Add(3*time.Second), d, 2, seen); got != 3 {
			t.Errorf("%s: %d replicas when the second did not help, want 3", name, got)
		}
		if got := s.decide(now.Add(4*time.Second), d, 3, seen); got != 3 {
			t.Errorf("%s: %d replicas, more than there may be", name, got)
		}
	}
}

func TestScalerSleepsAndWakes(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := &Deployment{State: Succeeded, Settings: elastic(0, 4)}
	s := newScaler(now, d, 1)
	for range 25 {
		now = now.Add(time.Second)
		s.decide(now, d, s.wanted, demand{})
	}
	if s.wanted != 0 {
		t.Fatalf("%d replicas after nothing was asked for longer than the delay, want none", s.wanted)
	}
	now = now.Add(time.Millisecond)
	if !s.due(now, d) {
		t.Fatal("a request that wakes a deployment waits for the polling interval")
	}
	if got := s.decide(now, d, 0, demand{present: 1}); got != 1 {
		t.Errorf("%d replicas for the first request, want 1", got)
	}
}

// A deployment whose script has not been seen to work is not left without a
// replica, and is not put to sleep the moment after.
func TestAnUnprovenDeploymentStaysAwake(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := &Deployment{Settings: elastic(0, 4)}
	for _, state := range []State{Creating, Updating, Failed} {
		d.State = state
		s := newScaler(now, d, 0)
		for i := range 40 {
			if got := s.decide(now.Add(time.Duration(i)*time.Second), d, 0, demand{}); got != 1 {
				t.Fatalf("%s: %d replicas, want 1", state, got)
			}
		}
		d.State = Succeeded
		if got := s.decide(now.Add(45*time.Second), d, 1, demand{}); got != 1 {
			t.Errorf("%d replicas five seconds after the script was seen to work, want 1", got)
		}
	}
}

func TestPoolTellsDemand(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	p := newPool(clk)
	p.configure(elastic(1, 2), nil)
	p.add(&backend{id: "a"})
	p.demand()
	b, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clk.Advance(time.Second)
	p.release(b, nil)
	clk.Advance(3 * time.Second)
	for range 19 {
		p.stats.record(200, 20*time.Millisecond)
	}
	p.stats.record(200, time.Second)
	if seen := p.demand(); seen != (demand{concurrency: 0.25, latency: 25}) {
		t.Errorf("%+v, want a quarter of a request at a time, 19 of 20 within 25 ms", seen)
	}
	if seen := p.demand(); seen.latency != 0 || seen.refused != 0 {
		t.Errorf("%+v, want nothing since it was last asked", seen)
	}
}

// The first request waits for the replica that it wakes; a second one behind it too.
func TestRequestsWaitForTheFirstReplica(t *testing.T) {
	p := newPool(clock.System{})
	woken := make(chan struct{}, 8)
	p.configure(elastic(0, 1), func() { woken <- struct{}{} })
	served := make(chan error, 2)
	for range 2 {
		go func() {
			b, err := p.acquire(t.Context())
			if err == nil {
				p.release(b, nil)
			}
			served <- err
		}()
	}
	<-woken
	<-woken
	if seen := p.demand(); seen.present != 2 {
		t.Errorf("%d requests wait, want 2", seen.present)
	}
	p.add(&backend{id: "a"})
	for range 2 {
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
	if seen := p.demand(); seen.present != 0 {
		t.Errorf("%d requests are still counted", seen.present)
	}
}

// Whoever waits for a replica that will not come is told so, and a crowd is not
// let in: only as many as all replicas could serve twice over.
func TestRequestsForAReplicaThatCannotStart(t *testing.T) {
	p := newPool(clock.System{})
	woken := make(chan struct{}, 8)
	p.configure(elastic(0, 1), func() { woken <- struct{}{} })
	served := make(chan error, 4)
	for range 4 {
		go func() {
			_, err := p.acquire(t.Context())
			served <- err
		}()
		<-woken
	}
	if _, err := p.acquire(t.Context()); !errors.Is(err, errQueueFull) {
		t.Errorf("the fifth request got %v, want %v", err, errQueueFull)
	}
	p.configure(elastic(0, 1), nil)
	for range 4 {
		if err := <-served; !errors.Is(err, errNoReplica) {
			t.Errorf("got %v, want %v", err, errNoReplica)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.configure(elastic(0, 1), func() {})
	if _, err := p.acquire(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a sender that left got %v", err)
	}
	if seen := p.demand(); seen.present != 0 {
		t.Errorf("%d requests are still counted", seen.present)
	}
}
