package job

import "slices"

// group is a set of jobs that a limit counts together.
type group struct {
	workspace string
	name      string
}

// tally is what the jobs of a group have.
type tally struct {
	jobs int
	share
}

// ledger is how far a plan has come: what is taken, and what is left.
type ledger struct {
	snapshot
	plan plan
	free share // of the machine
	open share // free, without what is kept for head
	gpus []int // the free ones, in order
	head *waiting

	pools       map[key]int // jobs on each compute
	members     map[group]tally
	experiments map[group]int
	part        map[string]float64 // of the machine, by member
	seen        int                // jobs that were considered and wait
}

func newLedger(s snapshot) *ledger {
	l := &ledger{snapshot: s, plan: plan{waits: make(map[key]wait, len(s.queue))}, pools: map[key]int{},
		members: map[group]tally{}, experiments: map[group]int{}, part: map[string]float64{}}
	taken := map[int]bool{}
	l.free = s.machine.beside(s.replicas)
	for _, p := range s.placed {
		need := s.need(p.asks)
		l.free = l.free.minus(need)
		l.count(waiting{key: p.key, member: p.member, experiment: p.experiment, pool: p.pool}, need)
		l.part[p.member] += need.dominant(s.machine)
		for _, gpu := range p.gpus {
			taken[gpu] = true
		}
	}
	for gpu := range s.machine.gpus {
		if !taken[gpu] {
			l.gpus = append(l.gpus, gpu)
		}
	}
	l.free.gpus = min(l.free.gpus, len(l.gpus))
	l.open = l.free
	return l
}

// count adds a job to what its compute and its limits count.
func (l *ledger) count(w waiting, need share) {
	l.pools[key{w.workspace, w.pool}]++
	l.experiments[group{w.workspace, w.experiment}]++
	member := group{w.workspace, w.member}
	has := l.members[member]
	l.members[member] = tally{has.jobs + 1, has.share.plus(need)}
}

// consider starts w or notes what it waits for.
func (l *ledger) consider(w waiting) {
	need := l.need(w.asks)
	why := l.obstacle(w, need)
	if why.cause == "" {
		l.free, l.open = l.free.minus(need), l.open.minus(need)
		l.count(w, need)
		l.part[w.member] += need.dominant(l.machine)
		l.plan.start = append(l.plan.start, placement{w.key, slices.Clone(l.gpus[:need.gpus])})
		l.gpus = l.gpus[need.gpus:]
		return
	}
	why.need, why.free, why.machine, why.replicas, why.ahead = need, l.free, l.machine, l.replicas, l.seen
	l.seen++
	if why.cause == noRoom && l.head == nil {
		head := w // not w itself, which would have every job allocated
		l.head = &head
		l.open = l.open.minus(need)
		l.count(w, need) // its place on its compute and under its limits is kept, too
	} else if l.head != nil && (why.cause == noRoom || why.cause == keptFor) {
		why.behind = l.head.key
	}
	l.plan.waits[w.key] = why
}

// obstacle is what keeps w from starting; its cause is empty when nothing does.
func (l *ledger) obstacle(w waiting, need share) wait {
	pool, named := l.snapshot.pools[key{w.workspace, w.pool}]
	limits := l.limits[w.workspace]
	has := l.members[group{w.workspace, w.member}]
	switch {
	case need.gpus > l.machine.gpus:
		return wait{cause: impossible}
	case w.pool != LocalCompute && !named:
		return wait{cause: poolGone, where: w.pool}
	case named && pool.stopped:
		return wait{cause: poolStopped, where: w.pool}
	case named && l.pools[key{w.workspace, w.pool}] >= pool.slots:
		return wait{cause: poolFull, where: w.pool, limit: pool.slots}
	case over(has.jobs+1, limits.JobsPerMember):
		return wait{cause: limited, where: "max_jobs_per_member", limit: limits.JobsPerMember, has: has.jobs}
	case over(has.cpus+need.cpus, limits.CPUsPerMember):
		return wait{cause: limited, where: "max_cpus_per_member", limit: limits.CPUsPerMember, has: has.cpus}
	case over(has.gpus+need.gpus, limits.GPUsPerMember) && need.gpus > 0:
		return wait{cause: limited, where: "max_gpus_per_member", limit: limits.GPUsPerMember, has: has.gpus}
	case over(l.experiments[group{w.workspace, w.experiment}]+1, limits.JobsPerExperiment):
		return wait{cause: limited, where: "max_jobs_per_experiment", limit: limits.JobsPerExperiment,
			has: l.experiments[group{w.workspace, w.experiment}]}
	case l.open.holds(need):
		return wait{}
	case l.head != nil && l.free.holds(need):
		return wait{cause: keptFor}
	}
	return wait{cause: noRoom}
}

// over reports whether n is more than limit allows; a limit of 0 is none.
func over(n, limit int) bool { return limit > 0 && n > limit }
