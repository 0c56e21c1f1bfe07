package job

import (
	"github.com/atelier-ml/atelier/internal/compute"
)

// eventKind says what happened to a job.
type eventKind string

const (
	claimed     eventKind = "claimed"      // the scheduler gives it to a driver
	unclaimed   eventKind = "unclaimed"    // a server died before it knew that the task was prepared
	handedOver  eventKind = "handed over"  // the driver has all that a runner needs
	reported    eventKind = "reported"     // the runner says what it does now
	cancelAsked eventKind = "cancel asked" // a user wants it to end
	exited      eventKind = "exited"       // the runner says how the command ended
	startFailed eventKind = "start failed" // no runner could be started
	runnerGone  eventKind = "runner gone"  // the runner died and said nothing
	silent      eventKind = "silent"       // nothing was heard for too long
	heard       eventKind = "heard"        // something was heard
)

// happening is one thing that happened to a job.
type happening struct {
	kind     eventKind
	status   Status           // of reported
	failure  *compute.Failure // of exited, startFailed and runnerGone
	exitCode *int             // of exited
	canceled bool             // of exited: it ended because it was told to
}

// state is the part of a job that its life turns on. phase is what the runner
// last said; it lies under CancelRequested and NotResponding.
type state struct {
	status  Status
	phase   Status
	failure *compute.Failure
}

// next says what a job becomes. It is a pure function, and total: what makes no
// sense in a state changes nothing, because news may come late or twice.
func (s state) next(h happening) state {
	if s.status.Ended() {
		return s
	}
	switch h.kind {
	case claimed:
		if s.status == Queued {
			return state{status: Preparing, phase: Queued}
		}
	case unclaimed:
		if s.phase == Queued && s.status == Preparing {
			return state{status: Queued}
		}
		if s.phase == Queued && s.status == CancelRequested {
			return state{status: Canceled}
		}
	case handedOver:
		return s.advance(Preparing)
	case reported:
		return s.advance(h.status)
	case cancelAsked:
		if s.status == Queued || s.status == NotStarted {
			return state{status: Canceled}
		}
		s.status = CancelRequested
	case exited:
		return s.end(h)
	case startFailed, runnerGone:
		if s.status == CancelRequested {
			return state{status: Canceled, phase: s.phase}
		}
		return state{status: Failed, phase: s.phase, failure: h.failure}
	case silent:
		if s.status != Queued && s.status != NotStarted && s.status != CancelRequested {
			s.status = NotResponding
		}
	case heard:
		if s.status == NotResponding {
			s.status = s.shown()
		}
	}
	return s
}

// advance moves the phase forward, never back.
func (s state) advance(to Status) state {
	order := map[Status]int{Queued: 1, Preparing: 2, Running: 3, Finalizing: 4}
	if order[to] == 0 || order[to] < order[s.phase] || s.status == Queued || s.status == NotStarted {
		return s
	}
	s.phase = to
	if s.status != CancelRequested {
		s.status = s.shown()
	}
	return s
}

// shown is the phase as a status: a task that was claimed but has not yet said
// anything is being prepared.
func (s state) shown() Status {
	if s.phase == Queued || s.phase == "" {
		return Preparing
	}
	return s.phase
}

// end decides between the three ends. A job that runs out of time is canceled,
// as in Azure Machine Learning, and says so in its error.
func (s state) end(h happening) state {
	over := state{phase: s.phase, failure: h.failure}
	switch {
	case h.failure == nil && !h.canceled && h.exitCode != nil && *h.exitCode == 0:
		over.status = Completed
	case s.status == CancelRequested:
		over.status, over.failure = Canceled, nil
	case h.failure != nil && h.failure.Code == compute.Timeout:
		over.status = Canceled
	case h.failure != nil:
		over.status = Failed
	case h.canceled:
		over.status, over.failure = Failed, &compute.Failure{Code: compute.RunnerLost,
			Message: "The job was told to end from outside the workspace, as when its machine shuts down."}
	default:
		over.status, over.failure = Failed, &compute.Failure{Code: compute.RunnerLost,
			Message: "The job ended without telling how."}
	}
	return over
}
