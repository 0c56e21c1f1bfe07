package endpoint

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/atelier-ml/atelier"
)

// RolloutState says how far a rollout is.
type RolloutState string

const (
	RolloutRunning    RolloutState = "Running"
	RolloutCompleted  RolloutState = "Completed"
	RolloutRolledBack RolloutState = "RolledBack" // by itself: the new deployment did worse
	RolloutStopped    RolloutState = "Stopped"    // by somebody
)

// StartRollout is what a user gives to move an endpoint's traffic to a deployment
// step by step.
type StartRollout struct {
	// Deployment is the one that the traffic moves to.
	Deployment string `json:"deployment"`
	// Steps are the shares in percent that it gets one after another, rising;
	// 10, 25, 50 and 100 when empty.
	Steps []int `json:"steps,omitempty"`
	// StepSeconds is how long each step lasts at least; 300 when 0.
	StepSeconds int `json:"step_seconds,omitempty"`
	// MinRequests is how many requests the deployment must have answered in a step
	// before the next; 50 when nil.
	MinRequests *int `json:"min_requests,omitempty"`
	// MaxErrorIncrease is by how many percent points more of the requests may fail
	// than those of the other deployments; 1 when nil.
	MaxErrorIncrease *float64 `json:"max_error_increase,omitempty"`
	// MaxLatencyIncrease is by how many percent the mean latency may be above that
	// of the other deployments; 25 when nil.
	MaxLatencyIncrease *float64 `json:"max_latency_increase,omitempty"`
}

// Rollout is a move of an endpoint's traffic that watches over itself.
type Rollout struct {
	Deployment         string  `json:"deployment"`
	Steps              []int   `json:"steps"`
	StepSeconds        int     `json:"step_seconds"`
	MinRequests        int     `json:"min_requests"`
	MaxErrorIncrease   float64 `json:"max_error_increase"`
	MaxLatencyIncrease float64 `json:"max_latency_increase"`

	State RolloutState `json:"state"`
	// Step is the index of the present one in Steps.
	Step int `json:"step"`
	// Reason says why it waits, or why it ended.
	Reason string `json:"reason"`
	// Before is the traffic that it began with, and goes back to.
	Before        Traffic    `json:"before"`
	StartedBy     string     `json:"started_by"`
	StartedAt     time.Time  `json:"started_at"`
	StepStartedAt time.Time  `json:"step_started_at"`
	EndedAt       *time.Time `json:"ended_at,omitempty"`
	// Passed are the steps that are over, with what was seen in each.
	Passed []RolloutStep `json:"passed,omitempty"`
}

// RolloutStep is a step that is over.
type RolloutStep struct {
	Share     int       `json:"share"` // in percent
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	RolloutCounts
}

// RolloutCounts are what a rollout compares: the requests to the new deployment
// in one step, and to the others since the rollout began.
type RolloutCounts struct {
	New RequestCounts `json:"new"`
	Old RequestCounts `json:"old"`
}

// RequestCounts are some requests and how they went.
type RequestCounts struct {
	Requests int64 `json:"requests"`
	// FailingPercent is how many percent of them failed, and MeanMS how many
	// milliseconds they took in the mean; both are 0 without requests.
	FailingPercent float64 `json:"failing_percent"`
	MeanMS         float64 `json:"mean_ms"`
}

// Bounds of a rollout.
const (
	maxSteps       = 20
	maxStepSeconds = 7 * 24 * 3600
)

// rollout returns the rollout that the user asked for, of an endpoint that has
// the traffic before.
func (s StartRollout) rollout(before Traffic) (Rollout, error) {
	r := Rollout{Deployment: s.Deployment, Steps: s.Steps, StepSeconds: s.StepSeconds, MinRequests: 50,
		MaxErrorIncrease: 1, MaxLatencyIncrease: 25, State: RolloutRunning, Before: maps.Clone(before)}
	if len(r.Steps) == 0 {
		r.Steps = []int{10, 25, 50, 100}
	}
	orDefault(&r.StepSeconds, 300)
	set(&r.MinRequests, s.MinRequests)
	set(&r.MaxErrorIncrease, s.MaxErrorIncrease)
	set(&r.MaxLatencyIncrease, s.MaxLatencyIncrease)
	return r, r.check()
}

func (r Rollout) check() error {
	if len(r.Steps) > maxSteps || !slices.IsSorted(r.Steps) || len(slices.Compact(slices.Clone(r.Steps))) < len(r.Steps) ||
		r.Steps[0] <= r.Before[r.Deployment] || r.Steps[len(r.Steps)-1] > 100 {
		return atelier.Errorf(atelier.Invalid, "The steps %v do not lead upwards from the %d percent that the deployment %q has.",
			r.Steps, r.Before[r.Deployment], r.Deployment).At("steps").
			WithHint("Give at most %d rising percentages above that share and up to 100, such as 10 25 50 100.", maxSteps)
	}
	if r.Before.without(r.Deployment).total() == 0 {
		return atelier.Errorf(atelier.Precondition, "No other deployment gets traffic, so there is nothing to move or to compare with.").
			At("deployment").WithHint("Update the endpoint's traffic by itself.")
	}
	if !(r.MaxErrorIncrease >= 0 && r.MaxErrorIncrease <= 100) {
		return atelier.Errorf(atelier.Invalid, "%v is not a number of percent points.", r.MaxErrorIncrease).At("max_error_increase").WithHint("Give 0 to 100.")
	}
	if !(r.MaxLatencyIncrease >= 0 && r.MaxLatencyIncrease <= 100_000) {
		return atelier.Errorf(atelier.Invalid, "%v is not an increase in percent.", r.MaxLatencyIncrease).At("max_latency_increase").WithHint("Give 0 to 100000.")
	}
	return checkBounds([]bound{{"step_seconds", r.StepSeconds, 1, maxStepSeconds}, {"min_requests", r.MinRequests, 0, 1_000_000}})
}

// traffic returns the split at the present step: the deployment has its share,
// and the others divide the rest in the ratio they had, in whole percent.
func (r Rollout) traffic() Traffic {
	others := r.Before.without(r.Deployment)
	total, rest := others.total(), 100-r.Steps[r.Step]
	split := Traffic{r.Deployment: r.Steps[r.Step]}
	names := slices.Sorted(maps.Keys(others))
	given := 0
	for _, name := range names {
		split[name] = others[name] * rest / total
		given += split[name]
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return others[b]*rest%total - others[a]*rest%total
	})
	for _, name := range names[:rest-given] {
		split[name]++
	}
	return split
}

// watch is what a running rollout has seen. old counts from its beginning, new
// from the beginning of its step.
type watch struct {
	now      time.Time
	old, new sample
}

func (w watch) counts() RolloutCounts {
	return RolloutCounts{New: w.new.counts(), Old: w.old.counts()}
}

func (s sample) counts() RequestCounts {
	if s.requests == 0 {
		return RequestCounts{}
	}
	return RequestCounts{Requests: s.requests, FailingPercent: s.failing(), MeanMS: s.mean()}
}

// judge decides what becomes of a running rollout. It changes the step, or the
// state, or only the reason.
func (r Rollout) judge(w watch) Rollout {
	if why := r.worse(w); why != "" {
		return r.passed(w).ended(w.now, RolloutRolledBack, why)
	}
	left := r.StepStartedAt.Add(time.Duration(r.StepSeconds) * time.Second).Sub(w.now)
	switch missing := int64(r.MinRequests) - w.new.requests; {
	case left > 0:
		r.Reason = ""
	case missing > 0:
		r.Reason = fmt.Sprintf("Waits for %d more requests to %q.", missing, r.Deployment)
	case r.Step == len(r.Steps)-1:
		return r.passed(w).ended(w.now, RolloutCompleted, fmt.Sprintf("%q gets %d percent of the traffic.", r.Deployment, r.Steps[r.Step]))
	default:
		r = r.passed(w)
		r.Step, r.StepStartedAt, r.Reason = r.Step+1, w.now, ""
	}
	return r
}

// worse says in what the new deployment does significantly worse, by more than
// the rollout allows. It returns "" for nothing.
func (r Rollout) worse(w watch) string {
	if w.old.requests == 0 || w.new.requests == 0 {
		return ""
	}
	if before, after := w.old.failing(), w.new.failing(); after-before > r.MaxErrorIncrease && moreFailures(w.old, w.new) < chance {
		return fmt.Sprintf("%.3g percent of %d requests to %q failed, against %.3g percent of %d to the others.",
			after, w.new.requests, r.Deployment, before, w.old.requests)
	}
	if before, after := w.old.mean(), w.new.mean(); after > before*(1+r.MaxLatencyIncrease/100) && slower(w.old, w.new) < chance {
		return fmt.Sprintf("%d requests to %q took %.3g ms in the mean, against %.3g ms of %d to the others.",
			w.new.requests, r.Deployment, after, before, w.old.requests)
	}
	return ""
}

// passed notes what was seen in the present step.
func (r Rollout) passed(w watch) Rollout {
	r.Passed = append(slices.Clone(r.Passed), RolloutStep{Share: r.Steps[r.Step], StartedAt: r.StepStartedAt, EndedAt: w.now, RolloutCounts: w.counts()})
	return r
}

func (r Rollout) ended(now time.Time, state RolloutState, why string) Rollout {
	r.State, r.Reason, r.EndedAt = state, why, &now
	return r
}
