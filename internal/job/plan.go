package job

import (
	"cmp"
	"container/heap"
	"maps"
	"slices"
	"time"
)

// key names a job, or a compute, in the whole server.
type key struct {
	workspace string
	name      string
}

// share is a part of a machine: what a job needs, or what is free.
type share struct {
	cpus   int
	memory int64
	gpus   int
}

func (s share) plus(o share) share {
	return share{s.cpus + o.cpus, s.memory + o.memory, s.gpus + o.gpus}
}

// minus never goes below nothing: a machine that shrank may be overfull.
func (s share) minus(o share) share {
	return share{max(s.cpus-o.cpus, 0), max(s.memory-o.memory, 0), max(s.gpus-o.gpus, 0)}
}

func (s share) holds(o share) bool {
	return o.cpus <= s.cpus && o.memory <= s.memory && o.gpus <= s.gpus
}

// within is what a job that asks for s counts for on machine. One that asks for
// more processors or memory than there are runs when it can have all of them.
// One that says nothing of memory counts for a gigabyte, or for what one
// processor of the machine has, if that is less.
func (s share) within(machine share) share {
	if s.memory == 0 {
		s.memory = min(1<<30, machine.memory/int64(max(machine.cpus, 1)))
	}
	return share{min(max(s.cpus, 1), max(machine.cpus, 1)), min(s.memory, machine.memory), s.gpus}
}

// beside is what jobs can have of the machine s beside so many replicas of
// endpoints. Replicas count as jobs that say nothing of memory do. They wait for
// nobody, and so may come to more than there is: jobs keep one processor's part of
// the memory, so that one of them at a time goes on.
func (s share) beside(replicas int) share {
	part := s.memory / int64(max(s.cpus, 1))
	return share{s.cpus, max(s.memory-int64(replicas)*share{}.within(s).memory, part), s.gpus}
}

// dominant is the largest part of the machine that s is of any of its kinds.
func (s share) dominant(machine share) float64 {
	part := func(of, all float64) float64 { return of / max(all, 1) }
	return max(part(float64(s.cpus), float64(machine.cpus)), part(float64(s.memory), float64(machine.memory)),
		part(float64(s.gpus), float64(machine.gpus)))
}

// waiting is a queued job, as the plan sees it.
type waiting struct {
	key
	asks       share
	member     string // the id of the user who submitted it
	experiment string
	pool       string // the compute, LocalCompute for the machine as a whole
	priority   int    // from lowPriority to highPriority
	since      time.Time
}

// placed is a job that has its part of the machine.
type placed struct {
	key
	asks       share
	member     string
	experiment string
	pool       string
	gpus       []int
}

// poolState is what the plan must know of a compute.
type poolState struct {
	slots   int
	stopped bool
}

// snapshot is all that a plan depends on.
type snapshot struct {
	now      time.Time
	machine  share
	replicas int // of endpoints, beside which jobs run
	pools    map[key]poolState
	limits   map[string]WorkspaceLimits
	placed   []placed
	queue    []waiting
}

// need is what a job that asks for so much counts for: no more than all that jobs
// can have.
func (s snapshot) need(asks share) share {
	need := asks.within(s.machine)
	need.memory = min(need.memory, s.machine.beside(s.replicas).memory)
	return need
}

// room is how many jobs can start at most: each takes a processor.
func (s snapshot) room() int { return newLedger(s).free.cpus }

// placement is a job that starts now, with the GPUs that it gets.
type placement struct {
	key
	gpus []int
}

// plan is what to do now, and what each job that does not start waits for.
type plan struct {
	start []placement
	waits map[key]wait
}

const (
	lowPriority = iota
	mediumPriority
	highPriority
	overdue // above all priorities: see rank
)

// agesEvery is how long a job waits before it counts as one priority higher.
const agesEvery = time.Hour

// rank is a job's priority, which grows with the time that it waits, so that no
// job waits for ever. The overdue ones come before all others, oldest first.
func (w waiting) rank(now time.Time) int {
	aged := min(max(now.Sub(w.since), 0)/agesEvery, overdue)
	return min(w.priority+int(aged), overdue)
}

func byAge(a, b waiting) int {
	return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.workspace, b.workspace), cmp.Compare(a.name, b.name))
}

// decide chooses the queued jobs that start now, higher ranks first. Within a
// rank it is always the turn of the member who has the smallest part of the
// machine, and then of the member's oldest job.
//
// What the first job lacks that does not fit is kept for it: others start
// beside it only if they leave it that. So a large job is not overtaken for
// ever by small ones, and what it has no use for is not idle meanwhile. A job
// that waits for its compute or for a limit keeps nothing from others.
func decide(s snapshot) plan {
	l := newLedger(s)
	queue := slices.Clone(s.queue)
	slices.SortFunc(queue, byAge)
	var ranks [overdue + 1][]waiting
	for _, w := range queue {
		rank := w.rank(s.now)
		ranks[rank] = append(ranks[rank], w)
	}
	for _, w := range ranks[overdue] {
		l.consider(w)
	}
	for rank := highPriority; rank >= lowPriority; rank-- {
		for turns := newTurns(ranks[rank], l.part); turns.Len() > 0; {
			t := &turns[0]
			l.consider(t.jobs[0])
			t.part, t.jobs = l.part[t.member], t.jobs[1:]
			if len(t.jobs) == 0 {
				heap.Pop(&turns)
			} else {
				heap.Fix(&turns, 0)
			}
		}
	}
	return l.plan
}

// turn is a member's place among those whose jobs have the same rank.
type turn struct {
	member string
	part   float64
	jobs   []waiting // oldest first
}

// turns is a heap: the member with the smallest part of the machine is first.
type turns []turn

func newTurns(jobs []waiting, part map[string]float64) turns {
	of := map[string][]waiting{}
	for _, w := range jobs {
		of[w.member] = append(of[w.member], w)
	}
	var all turns
	for _, member := range slices.Sorted(maps.Keys(of)) {
		all = append(all, turn{member, part[member], of[member]})
	}
	heap.Init(&all)
	return all
}

func (t turns) Len() int      { return len(t) }
func (t turns) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t turns) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(t[i].part, t[j].part), byAge(t[i].jobs[0], t[j].jobs[0])) < 0
}
func (t *turns) Push(x any) { *t = append(*t, x.(turn)) }
func (t *turns) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}
