package endpoint

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

// seen makes a sample of n requests, of which failed failed, with latencies drawn
// from a log-normal distribution of that median in milliseconds.
func seen(random *rand.Rand, n, failed int, median float64) sample {
	var s stats
	for i := range n {
		status := 200
		if i < failed {
			status = 500
		}
		s.record(status, time.Duration(median*math.Exp(random.NormFloat64()/3)*float64(time.Millisecond)))
	}
	return s.sample()
}

func TestTrafficOfARollout(t *testing.T) {
	for _, test := range []struct {
		before Traffic
		share  int
		want   Traffic
	}{
		{Traffic{"blue": 100}, 10, Traffic{"green": 10, "blue": 90}},
		{Traffic{"blue": 100, "green": 0}, 100, Traffic{"green": 100, "blue": 0}},
		{Traffic{"blue": 60, "red": 30, "green": 10}, 25, Traffic{"green": 25, "blue": 50, "red": 25}},
		{Traffic{"a": 33, "b": 33, "c": 34}, 50, Traffic{"green": 50, "a": 16, "b": 17, "c": 17}},
		{Traffic{"a": 1, "b": 99}, 99, Traffic{"green": 99, "a": 0, "b": 1}},
	} {
		r := Rollout{Deployment: "green", Before: test.before, Steps: []int{test.share}}
		got := r.traffic()
		if got.total() != 100 {
			t.Errorf("%v at %d: %v adds up to %d", test.before, test.share, got, got.total())
		}
		if test.before["a"] != 33 && cmp.Diff(test.want, got) != "" {
			t.Errorf("%v at %d: %v, want %v", test.before, test.share, got, test.want)
		}
	}
}

func TestRolloutTakesItsSteps(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	random := rand.New(rand.NewPCG(1, 2))
	r := Rollout{Deployment: "green", Steps: []int{10, 100}, StepSeconds: 60, MinRequests: 50, MaxErrorIncrease: 1, MaxLatencyIncrease: 25,
		State: RolloutRunning, Before: Traffic{"blue": 100}, StepStartedAt: now}
	if r = r.judge(watch{now: now.Add(59 * time.Second), new: seen(random, 80, 0, 5), old: seen(random, 800, 0, 5)}); r.Step != 0 {
		t.Fatal("a step was taken before its time")
	}
	if r = r.judge(watch{now: now.Add(60 * time.Second), new: seen(random, 20, 0, 5), old: seen(random, 800, 0, 5)}); r.Step != 0 || !strings.Contains(r.Reason, "30 more requests") {
		t.Fatalf("step %d, reason %q after 20 of 50 requests", r.Step, r.Reason)
	}
	if r = r.judge(watch{now: now.Add(61 * time.Second), new: seen(random, 50, 0, 5), old: seen(random, 800, 0, 5)}); r.Step != 1 || r.Reason != "" {
		t.Fatalf("step %d, reason %q when all is well", r.Step, r.Reason)
	}
	if r = r.judge(watch{now: now.Add(200 * time.Second), new: seen(random, 500, 0, 5)}); r.State != RolloutCompleted || r.EndedAt == nil {
		t.Fatalf("%s at the end", r.State)
	}
}

func TestRolloutGoesBack(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, test := range []struct {
		name     string
		old, new sample
		back     string // part of the reason, or "" when it goes on
	}{
		{"errors", seen(random, 2000, 2, 5), seen(random, 200, 20, 5), "failed"},
		{"errors in a few requests", seen(random, 500, 0, 5), seen(random, 20, 6, 5), "failed"},
		{"one error of a few", seen(random, 500, 0, 5), seen(random, 20, 1, 5), ""},
		{"both fail alike", seen(random, 2000, 200, 5), seen(random, 200, 22, 5), ""},
		{"fewer errors", seen(random, 2000, 400, 5), seen(random, 200, 0, 5), ""},
		{"significantly more, but fewer than allowed", seen(random, 1_000_000, 100, 5), seen(random, 100_000, 500, 5), ""},
		{"slower", seen(random, 2000, 0, 5), seen(random, 200, 0, 20), "ms in the mean"},
		{"slower, but less than allowed", seen(random, 20_000, 0, 10), seen(random, 20_000, 0, 11), ""},
		{"quicker", seen(random, 2000, 0, 20), seen(random, 200, 0, 5), ""},
		{"nothing to compare with", sample{}, seen(random, 200, 200, 5), ""},
		{"nothing seen yet", seen(random, 200, 0, 5), sample{}, ""},
	} {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		r := Rollout{Deployment: "green", Steps: []int{10, 100}, StepSeconds: 60, MaxErrorIncrease: 1, MaxLatencyIncrease: 25,
			State: RolloutRunning, Before: Traffic{"blue": 100}, StepStartedAt: now}
		got := r.judge(watch{now: now, old: test.old, new: test.new})
		if want := test.back != ""; (got.State == RolloutRolledBack) != want || !strings.Contains(got.Reason, test.back) {
			t.Errorf("%s: %s, %q", test.name, got.State, got.Reason)
		}
	}
}

// Two deployments that do equally well are seldom told apart by accident.
func TestRolloutsOfEqualsComplete(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	wrong := 0
	for range 2000 {
		old, new := seen(random, 400, random.IntN(5), 8), seen(random, 60, 0, 8)
		r := Rollout{Deployment: "green", Steps: []int{10}, MaxErrorIncrease: 0, MaxLatencyIncrease: 0}
		if r.worse(watch{old: old, new: new}) != "" {
			wrong++
		}
	}
	if wrong > 10 {
		t.Errorf("%d of 2000 equal deployments were found worse, with a chance of %v", wrong, chance)
	}
}

// The values are those of R's fisher.test and, for the ranks, of the exact sum.
func TestSignificance(t *testing.T) {
	for _, test := range []struct {
		old, new sample
		want     float64
	}{
		{sample{requests: 10, failures: 1}, sample{requests: 10, failures: 5}, 0.0704},
		{sample{requests: 100, failures: 0}, sample{requests: 10, failures: 2}, 0.00751},
		{sample{requests: 10, failures: 10}, sample{requests: 10, failures: 10}, 1},
		{sample{requests: 10, failures: 5}, sample{requests: 10, failures: 0}, 1},
	} {
		if got := moreFailures(test.old, test.new); math.Abs(got-test.want) > 0.0002 {
			t.Errorf("%d of %d against %d of %d: %v, want %v", test.new.failures, test.new.requests, test.old.failures, test.old.requests, got, test.want)
		}
	}
	one := sample{requests: 5}
	one.latencies[2] = 5
	if got := slower(one, one); got != 1 {
		t.Errorf("all in one bucket: %v, want 1", got)
	}
}

// ready makes a deployment that can get traffic.
func (f *fixture) ready(t *testing.T, name string, allTraffic bool) {
	t.Helper()
	if _, err := f.CreateDeployment(f.ctx, f.ws, "doubler", f.scored(t, name), allTraffic); err != nil {
		t.Fatal(err)
	}
	err := f.change(f.ctx, func(tx *sqldb.Tx) error {
		d, err := selectDeployment(f.ctx, tx, f.ws, "doubler", name)
		d.State = Succeeded
		if err != nil {
			return err
		}
		return updateDeployment(f.ctx, tx, d)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRolloutsAreKept(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		f := newFixture(t, db)
		if _, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "doubler"}); err != nil {
			t.Fatal(err)
		}
		f.ready(t, "blue", true)
		f.ready(t, "green", false)
		begin := func() Endpoint {
			e, err := f.StartRollout(f.ctx, f.ws, "doubler", StartRollout{Deployment: "green", Steps: []int{20, 100}, MinRequests: new(int), StepSeconds: 1})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		e := begin()
		if diff := cmp.Diff(Traffic{"blue": 80, "green": 20}, e.Traffic); diff != "" || e.Rollout.StartedBy != "ada" {
			t.Error(diff, e.Rollout.StartedBy)
		}
		f.refuses(t, atelier.Conflict, StartRollout{Deployment: "green"})
		if err := f.DeleteDeployment(f.ctx, f.ws, "doubler", "blue"); atelier.CodeOf(err) != atelier.Precondition {
			t.Errorf("deleting what the traffic may go back to: %v", err)
		}
		if e, err := f.StopRollout(f.ctx, f.ws, "doubler", false); err != nil || e.Traffic["blue"] != 100 || e.Rollout.State != RolloutStopped {
			t.Errorf("stopped: %v %v", e.Traffic, err)
		}
		if _, err := f.StopRollout(f.ctx, f.ws, "doubler", false); atelier.CodeOf(err) != atelier.Precondition {
			t.Errorf("stopped twice: %v", err)
		}

		begin()
		if e, err := f.Update(f.ctx, f.ws, "doubler", UpdateEndpoint{Traffic: &Traffic{"blue": 50, "green": 50}}); err != nil || e.Rollout.State != RolloutStopped ||
			e.Rollout.Reason != "ada changed the traffic." || e.Traffic["green"] != 50 {
			t.Errorf("somebody changed the traffic: %+v %v", e.Rollout, err)
		}
		for _, ask := range []StartRollout{{Deployment: "green", Steps: []int{50, 100}}, {Deployment: "green", Steps: []int{60, 60}}, {Deployment: "green", Steps: []int{80, 101}},
			{Deployment: "green", StepSeconds: -1}, {Deployment: "green", MaxErrorIncrease: ptr(math.NaN())}, {Deployment: "green", MaxLatencyIncrease: ptr(-1.0)}} {
			f.refuses(t, atelier.Invalid, ask)
		}
		f.refuses(t, atelier.NotFound, StartRollout{Deployment: "red"})
	})
}

func (f *fixture) refuses(t *testing.T, code atelier.Code, ask StartRollout) {
	t.Helper()
	if _, err := f.StartRollout(f.ctx, f.ws, "doubler", ask); atelier.CodeOf(err) != code {
		t.Errorf("%+v: %v, want %s", ask, err, code)
	}
}

// The keeper counts from the beginning of the rollout and of each step, takes the
// steps, and goes back when the new deployment fails.
func TestKeeperRollsOut(t *testing.T) {
	f := newFixture(t, sqldbtest.SQLite(t, clock.System{}))
	if _, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "doubler"}); err != nil {
		t.Fatal(err)
	}
	f.ready(t, "blue", true)
	f.ready(t, "green", false)
	k := newKeeper(f.Service, endpointKey{f.ws, "doubler"})
	answers := func(name string, status, n int) {
		for range n {
			k.router.pool(k.deployment(name)).stats.record(status, 3*time.Millisecond)
		}
	}
	answers("green", 500, 1000) // before the rollout: they do not count
	e, err := f.StartRollout(f.ctx, f.ws, "doubler", StartRollout{Deployment: "green", Steps: []int{20, 100}, MinRequests: ptr(10), StepSeconds: 1})
	if err != nil {
		t.Fatal(err)
	}
	roll := func() string {
		t.Helper()
		if e, err = k.roll(f.ctx, e); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s %d %d", e.Rollout.State, e.Rollout.Step, e.Traffic["green"])
	}
	if got := roll(); got != "Running 0 20" {
		t.Fatal(got)
	}
	answers("blue", 200, 100)
	answers("green", 200, 20)
	e.Rollout.StepStartedAt = e.Rollout.StepStartedAt.Add(-time.Second)
	if got := roll(); got != "Running 1 100" {
		t.Fatal(got)
	}
	answers("green", 500, 30)
	if seen := k.rolling.counts(k.key); seen == nil || seen.New.Requests != 20 {
		t.Errorf("the rollout has counted %+v", seen)
	}
	if got := roll(); got != "RolledBack 1 0" || e.Traffic["blue"] != 100 {
		t.Fatal(got, e.Traffic, e.Rollout.Reason)
	}
	if stored, err := f.Get(f.ctx, f.ws, "doubler"); err != nil || !strings.Contains(stored.Rollout.Reason, "failed") {
		t.Error(stored.Rollout, err)
	}
	if passed := e.Rollout.Passed; len(passed) != 2 || passed[0].Share != 20 || passed[0].New.Requests != 20 || passed[0].Old.Requests != 100 ||
		passed[1].Share != 100 || passed[1].New.FailingPercent != 100 || passed[1].Old.MeanMS != 3 {
		t.Errorf("the steps that are over are %+v", passed)
	}
}
