package job

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", 0, "seed of the plan's simulation; 0 makes one up")

// simulated is a machine on which random jobs come and go, minute by minute.
type simulated struct {
	t        *testing.T
	random   *rand.Rand
	snapshot // queue and placed are what the plan sees
	ends     map[key]int
	minute   int
	made     int
	started  int
	longest  time.Duration
}

// Jobs of several members, workspaces, computes and priorities come, run and
// end over 5,000 steps. Nothing is given twice, no limit is broken, nobody is
// passed by unjustly, nothing idles that somebody could use, all jobs run.
func TestPlanSimulation(t *testing.T) {
	from := *seed
	if from == 0 {
		from = rand.Uint64()
	}
	t.Logf("run again with -seed=%d", from)
	s := &simulated{t: t, random: rand.New(rand.NewPCG(from, 1)), ends: map[key]int{}, snapshot: snapshot{
		machine: share{8, 32 * gib, 4},
		pools:   map[key]poolState{{"w0", "pool"}: {slots: 2}, {"w1", "pool"}: {slots: 1}},
		limits:  map[string]WorkspaceLimits{"w1": {JobsPerMember: 3, CPUsPerMember: 12, GPUsPerMember: 3, JobsPerExperiment: 4}},
	}}
	for s.minute = range 6000 {
		s.now = at(60 * s.minute)
		if s.minute < 5000 {
			s.submit()
			s.toggle()
		}
		s.end()
		s.step()
	}
	if s.made < 800 || s.started != s.made {
		t.Errorf("%d of %d jobs started", s.started, s.made)
	}
	t.Logf("%d jobs; the longest wait was %s", s.made, s.longest)
}

func (s *simulated) submit() {
	if s.random.IntN(5) != 0 {
		return
	}
	w := waiting{key: key{fmt.Sprint("w", s.random.IntN(2)), fmt.Sprint("job", s.made)}, member: fmt.Sprint("m", s.random.IntN(4)),
		experiment: fmt.Sprint("e", s.random.IntN(3)), pool: LocalCompute, priority: s.random.IntN(3), since: s.now}
	w.asks = share{cpus: s.random.IntN(4), memory: int64(s.random.IntN(8)) * gib, gpus: max(s.random.IntN(6)-3, 0)}
	if s.random.IntN(12) == 0 {
		w.asks = share{cpus: 12, memory: 40 * gib} // all there is
	}
	if s.random.IntN(4) == 0 {
		w.pool = "pool"
	}
	s.queue = append(s.queue, w)
	s.made++
}

// toggle stops a compute for a while, and starts it again.
func (s *simulated) toggle() {
	pool := key{"w0", "pool"}
	s.pools[pool] = poolState{slots: 2, stopped: s.minute%500 < 50}
}

func (s *simulated) end() {
	s.placed = slices.DeleteFunc(s.placed, func(p placed) bool { return s.ends[p.key] <= s.minute })
}

func (s *simulated) step() {
	p := decide(s.snapshot)
	if len(p.start)+len(p.waits) != len(s.queue) {
		s.t.Fatalf("minute %d: of %d jobs %d start and %d wait", s.minute, len(s.queue), len(p.start), len(p.waits))
	}
	s.shortened(p)
	for _, place := range p.start {
		i := slices.IndexFunc(s.queue, func(w waiting) bool { return w.key == place.key })
		w := s.queue[i]
		s.justified(w, p)
		s.longest = max(s.longest, s.now.Sub(w.since))
		s.placed = append(s.placed, running(w, place.gpus...))
		s.ends[w.key] = s.minute + 1 + s.random.IntN(20)
		s.started++
	}
	s.queue = slices.DeleteFunc(s.queue, func(w waiting) bool { _, waits := p.waits[w.key]; return !waits })
	s.booked()
	s.conserved(p)
}

// shortened checks that a plan of the oldest jobs of each class starts the same
// ones, in the same order.
func (s *simulated) shortened(p plan) {
	list := newWaitlist()
	for _, i := range s.random.Perm(len(s.queue)) {
		list.put(s.queue[i])
	}
	short := s.snapshot
	short.queue = list.first(s.room())
	if got := decide(short); names(got.start) != names(p.start) {
		s.t.Fatalf("minute %d: of %d jobs %q start, and of all %d %q", s.minute, len(short.queue), names(got.start), len(s.queue), names(p.start))
	}
}

// justified checks that no job of a higher rank waits for what w got: whatever
// waits for room could not have had it before w either.
func (s *simulated) justified(w waiting, p plan) {
	for _, other := range s.queue {
		why, waits := p.waits[other.key]
		if !waits || why.cause != noRoom && why.cause != keptFor || other.rank(s.now) <= w.rank(s.now) {
			continue
		}
		need := other.asks.within(s.machine)
		free := s.machine
		for _, at := range s.placed {
			free = free.minus(at.asks.within(s.machine))
		}
		if free.holds(need) && w.asks.within(s.machine).holds(need) {
			// Only room that is kept for the first in line explains it, and w
			// would have taken more of that than other.
			s.t.Fatalf("minute %d: %s of rank %d starts and %s of rank %d, which is smaller, waits", s.minute,
				w.name, w.rank(s.now), other.name, other.rank(s.now))
		}
	}
}

// booked checks that nothing is given twice and that limits hold.
func (s *simulated) booked() {
	var used share
	gpus, slots := map[int]bool{}, map[key]int{}
	members, experiments := map[group]tally{}, map[group]int{}
	for _, p := range s.placed {
		need := p.asks.within(s.machine)
		used = used.plus(need)
		slots[key{p.workspace, p.pool}]++
		experiments[group{p.workspace, p.experiment}]++
		has := members[group{p.workspace, p.member}]
		members[group{p.workspace, p.member}] = tally{has.jobs + 1, has.share.plus(need)}
		if len(p.gpus) != p.asks.gpus {
			s.t.Fatalf("minute %d: %s got the GPUs %v, and asked for %d", s.minute, p.name, p.gpus, p.asks.gpus)
		}
		for _, gpu := range p.gpus {
			if gpus[gpu] || gpu >= s.machine.gpus {
				s.t.Fatalf("minute %d: the GPU %d is given twice, or is none", s.minute, gpu)
			}
			gpus[gpu] = true
		}
	}
	if !s.machine.holds(used) {
		s.t.Fatalf("minute %d: %+v of %+v are in use", s.minute, used, s.machine)
	}
	for pool, state := range s.pools {
		if slots[pool] > state.slots {
			s.t.Fatalf("minute %d: %d jobs on %d slots", s.minute, slots[pool], state.slots)
		}
	}
	limits := s.limits["w1"]
	for of, has := range members {
		if of.workspace == "w1" && (has.jobs > limits.JobsPerMember || has.cpus > limits.CPUsPerMember || has.gpus > limits.GPUsPerMember) {
			s.t.Fatalf("minute %d: %s has %+v", s.minute, of.name, has)
		}
	}
	for of, jobs := range experiments {
		if of.workspace == "w1" && jobs > limits.JobsPerExperiment {
			s.t.Fatalf("minute %d: the experiment %s has %d jobs", s.minute, of.name, jobs)
		}
	}
}

// conserved checks that whatever waits for room does not fit beside what is
// kept for the first in line, and that only that one keeps room.
func (s *simulated) conserved(p plan) {
	free := s.machine
	for _, at := range s.placed {
		free = free.minus(at.asks.within(s.machine))
	}
	var heads []share
	for _, key := range slices.SortedFunc(maps.Keys(p.waits), func(a, b key) int { return p.waits[a].ahead - p.waits[b].ahead }) {
		why := p.waits[key]
		if why.cause != noRoom && why.cause != keptFor {
			continue
		}
		if len(heads) == 0 {
			heads = append(heads, why.need)
			if free.holds(why.need) {
				s.t.Fatalf("minute %d: %s fits and waits", s.minute, key.name)
			}
		} else if free.minus(heads[0]).holds(why.need) {
			s.t.Fatalf("minute %d: %s fits beside what is kept, and waits", s.minute, key.name)
		}
	}
}
