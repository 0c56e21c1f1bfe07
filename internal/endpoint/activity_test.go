package endpoint

import (
	"testing"
	"time"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestRecentCountsInSteps(t *testing.T) {
	var r recent
	r.ready(epoch, 2)
	for i := range 100 {
		r.record(epoch.Add(time.Second), 200, time.Duration(i+1)*time.Millisecond)
	}
	r.record(epoch.Add(6*time.Second), 503, time.Hour) // longer than any class
	r.ready(epoch.Add(7*time.Second), 1)
	steps := r.steps(epoch.Add(15 * time.Second))
	if len(steps) != keptSteps {
		t.Fatalf("%d steps, want %d", len(steps), keptSteps)
	}
	first, second, third := steps[keptSteps-3], steps[keptSteps-2], steps[keptSteps-1]
	if first.Requests != 100 || first.Failures != 0 || first.Replicas != 2 {
		t.Errorf("the first step is %+v", first)
	}
	for _, one := range []struct{ got, want float64 }{{first.P50, 50}, {first.P95, 95}, {first.P99, 99}} {
		if one.got < one.want*0.9 || one.got > one.want*1.2 {
			t.Errorf("a percentile is %.3g ms, want about %.3g", one.got, one.want)
		}
	}
	if second.Requests != 1 || second.Failures != 1 || second.Replicas != 1 || second.P50 <= 60_000 {
		t.Errorf("the second step is %+v", second)
	}
	if third != (ActivityStep{Replicas: 1}) {
		t.Errorf("a step without requests is %+v", third)
	}
	if before := steps[keptSteps-4]; before != (ActivityStep{}) {
		t.Errorf("the step before everything is %+v", before)
	}
}

// What is older than the window is forgotten, but not how many replicas there are.
func TestRecentIsBounded(t *testing.T) {
	var r recent
	r.ready(epoch, 3)
	for i := range 10 * keptSteps {
		r.record(epoch.Add(time.Duration(i)*stepLength), 200, time.Millisecond)
	}
	if len(r.moments) > keptSteps+1 {
		t.Errorf("%d moments are kept of %d", len(r.moments), keptSteps)
	}
	for i, step := range r.steps(epoch.Add(10 * keptSteps * stepLength)) {
		if step.Requests != 1 || step.Replicas != 3 {
			t.Fatalf("step %d is %+v", i, step)
		}
	}
	steps := r.steps(epoch.Add(100 * keptSteps * stepLength))
	if last := steps[keptSteps-1]; last != (ActivityStep{Replicas: 3}) {
		t.Errorf("long after the last request: %+v", last)
	}
}

func TestRecentTellsOfEachStepOnce(t *testing.T) {
	var r recent
	r.record(epoch, 200, time.Millisecond)
	if r.news(epoch.Add(time.Second)) {
		t.Error("a step that goes on was told of")
	}
	r.record(epoch.Add(2*time.Second), 200, time.Millisecond)
	if !r.news(epoch.Add(stepLength)) {
		t.Error("a step that has ended was not told of")
	}
	if r.news(epoch.Add(stepLength)) || r.news(epoch.Add(3*stepLength)) {
		t.Error("a step was told of twice")
	}
}

func TestActivityOfAnEndpoint(t *testing.T) {
	f := newFixture(t, sqldbtest.SQLite(t, clock.System{}))
	if _, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "doubler"}); err != nil {
		t.Fatal(err)
	}
	f.ready(t, "blue", true)
	f.ready(t, "green", false)
	clk := clock.NewFake(epoch)
	f.Clock = clk
	key := deploymentKey{f.ws, "doubler", "blue"}
	f.router.clock = clk
	f.router.removePool(key)
	f.router.pool(key).record(500, epoch)
	clk.Advance(stepLength)
	if keys := f.router.active(clk.Now()); len(keys) != 1 || keys[0] != (endpointKey{f.ws, "doubler"}) {
		t.Errorf("%v are told of, want the endpoint", keys)
	}
	got, err := f.Activity(f.ctx, f.ws, "doubler")
	if err != nil || len(got.Deployments) != 2 {
		t.Fatal(got, err)
	}
	if last := got.Deployments[0].Steps[keptSteps-1]; got.Deployments[0].Name != "blue" || last.Requests != 1 || last.Failures != 1 {
		t.Errorf("blue answered %+v", last)
	}
	if last := got.Deployments[1].Steps[keptSteps-1]; last.Requests != 0 {
		t.Errorf("green answered %+v", last)
	}
	if want := clk.Now().Add(-keptSteps * stepLength); !got.Since.Equal(want) || got.StepSeconds != 5 || got.Rollout != nil {
		t.Errorf("since %s by %d seconds, rollout %v", got.Since, got.StepSeconds, got.Rollout)
	}
}
