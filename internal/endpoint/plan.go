package endpoint

import (
	"github.com/atelier-ml/atelier/internal/compute"
)

// decision is what has to happen so that a deployment becomes what its user
// asked for.
type decision struct {
	start  int       // how many replicas of the present revision to start
	stop   []Replica // to be drained and ended
	forget []Replica // their runners are gone: release what they left
	state  State
	err    *compute.Failure
}

// plan compares a deployment, which should have wanted replicas, with those it
// has, as they were just observed. d is nil when the deployment has been deleted. Replicas of an older revision serve
// until enough of the present one are ready, so an update drops no request, and
// an update that fails leaves them serving.
func plan(d *Deployment, wanted int, replicas []Replica) decision {
	var next decision
	var current, old []Replica
	for _, r := range replicas {
		switch {
		case !r.live():
			next.forget = append(next.forget, r)
		case r.stopping:
		case d == nil:
			next.stop = append(next.stop, r)
		case r.revision == d.revision:
			current = append(current, r)
		default:
			old = append(old, r)
		}
	}
	if d == nil {
		return next
	}
	next.state, next.err = d.State, d.Error
	if failure := firstFailure(d, next.forget); failure != nil {
		next.state, next.err = Failed, failure
	}
	if next.state != Failed {
		next.start = max(0, wanted-len(current))
	}
	if len(current) > wanted {
		next.stop = append(next.stop, surplus(current, len(current)-wanted)...)
	}
	if countReady(current) >= wanted {
		next.stop = append(next.stop, old...)
		next.state, next.err = Succeeded, nil
	}
	return next
}

// firstFailure returns why the deployment cannot run, when a replica of its
// present revision ended for a reason of its own. A lost runner is none: another
// replica may well work.
func firstFailure(d *Deployment, ended []Replica) *compute.Failure {
	for _, r := range ended {
		if r.revision == d.revision && !r.stopping && r.Error != nil && r.Error.Code != compute.RunnerLost {
			return r.Error
		}
	}
	return nil
}

func countReady(replicas []Replica) int {
	ready := 0
	for _, r := range replicas {
		if r.State == Ready {
			ready++
		}
	}
	return ready
}

// surplus returns n of the replicas to end: those that are not ready before
// those that are, the newest first.
func surplus(replicas []Replica, n int) []Replica {
	var chosen []Replica
	for _, wantReady := range []bool{false, true} {
		for i := len(replicas) - 1; i >= 0 && len(chosen) < n; i-- {
			if (replicas[i].State == Ready) == wantReady {
				chosen = append(chosen, replicas[i])
			}
		}
	}
	return chosen
}
