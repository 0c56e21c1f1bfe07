package job

import (
	"slices"
)

// class is all of a waiting job that a plan turns on, but its age.
type class struct {
	workspace, member, experiment, pool string
	asks                                share
	priority                            int
}

func (w waiting) class() class {
	return class{w.workspace, w.member, w.experiment, w.pool, w.asks, w.priority}
}

// waitlist holds the jobs that wait, so that a plan need not look at all of them.
type waitlist struct {
	jobs    map[key]waiting
	classes map[class][]waiting // the oldest first
}

func newWaitlist() *waitlist {
	return &waitlist{jobs: map[key]waiting{}, classes: map[class][]waiting{}}
}

// put adds a job, or what it has become.
func (l *waitlist) put(w waiting) {
	l.remove(w.key)
	l.jobs[w.key] = w
	same := l.classes[w.class()]
	at, _ := slices.BinarySearchFunc(same, w, byAge)
	l.classes[w.class()] = slices.Insert(same, at, w)
}

func (l *waitlist) remove(k key) {
	w, known := l.jobs[k]
	if !known {
		return
	}
	delete(l.jobs, k)
	same := l.classes[w.class()]
	at, _ := slices.BinarySearchFunc(same, w, byAge)
	switch {
	case len(same) == 1:
		delete(l.classes, w.class())
	case at == 0:
		l.classes[w.class()] = same[1:] // the usual: the oldest starts
	default:
		l.classes[w.class()] = slices.Delete(same, at, at+1)
	}
}

// all returns every job.
func (l *waitlist) all() []waiting {
	jobs := make([]waiting, 0, len(l.jobs))
	for _, w := range l.jobs {
		jobs = append(jobs, w)
	}
	return jobs
}

// first returns the oldest n jobs of each class. When no more than n jobs can
// start, a plan of these starts the same ones as a plan of all: of a class it comes
// to the older ones first, and what keeps one of them from starting keeps all that
// are younger.
func (l *waitlist) first(n int) []waiting {
	var jobs []waiting
	for _, same := range l.classes {
		jobs = append(jobs, same[:min(n, len(same))]...)
	}
	return jobs
}
