package job

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// key names a job in the whole server.
type key struct {
	workspace string
	name      string
}

// waiting is a queued job, as the plan sees it.
type waiting struct {
	key
	cpus  int
	since time.Time
}

// snapshot is all that a plan depends on.
type snapshot struct {
	capacity int // processors of the machine
	used     int // processors of the jobs that are placed
	queue    []waiting
}

// plan is what to do now.
type plan struct {
	start []key
	// why says in a sentence what each job that does not start waits for.
	why map[key]string
}

// decide chooses the queued jobs that start now: oldest first, as many as fit.
// A job that does not fit holds back all that came after it, so that a large
// job is not overtaken for ever by small ones. A job that asks for more than
// the machine has runs when it can have all of it.
func decide(s snapshot) plan {
	queue := slices.Clone(s.queue)
	slices.SortFunc(queue, func(a, b waiting) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.workspace, b.workspace), cmp.Compare(a.name, b.name))
	})
	p := plan{why: map[key]string{}}
	free := s.capacity - s.used
	var head *waiting
	for i, job := range queue {
		need := min(max(job.cpus, 1), max(s.capacity, 1))
		switch {
		case head != nil:
			p.why[job.key] = fmt.Sprintf("It waits behind %s, which came first.", head.name)
		case need <= free:
			free -= need
			p.start = append(p.start, job.key)
		default:
			head = &queue[i]
			p.why[job.key] = fmt.Sprintf("It needs %d of %d processors, and %d are free.", need, s.capacity, max(free, 0))
		}
	}
	return p
}
