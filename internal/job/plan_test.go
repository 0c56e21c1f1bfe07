package job

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func at(second int) time.Time { return time.Unix(int64(second), 0) }

func queued(name string, cpus, second int) waiting {
	return waiting{key: key{"w", name}, asks: share{cpus: cpus}, member: "ada", experiment: "e", pool: LocalCompute,
		priority: mediumPriority, since: at(second)}
}

func (w waiting) of(member string) waiting   { w.member = member; return w }
func (w waiting) urgent(p int) waiting       { w.priority = p; return w }
func (w waiting) on(pool string) waiting     { w.pool = pool; return w }
func (w waiting) memory(bytes int64) waiting { w.asks.memory = bytes; return w }
func (w waiting) gpus(n int) waiting         { w.asks.gpus = n; return w }

// running is w where it was placed.
func running(w waiting, gpus ...int) placed {
	return placed{key: w.key, asks: w.asks, member: w.member, experiment: w.experiment, pool: w.pool, gpus: gpus}
}

func names(all []placement) string {
	var words []string
	for _, p := range all {
		word := p.name
		if len(p.gpus) > 0 {
			word += fmt.Sprint(p.gpus)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

const gib = 1 << 30

func TestPlan(t *testing.T) {
	pools := map[key]poolState{{"w", "two"}: {slots: 2}, {"w", "off"}: {slots: 2, stopped: true}}
	limit := func(l WorkspaceLimits) map[string]WorkspaceLimits { return map[string]WorkspaceLimits{"w": l} }
	tests := map[string]struct {
		snapshot
		want   string
		causes map[string]cause
	}{
		"nothing waits": {snapshot{machine: share{cpus: 4}}, "", nil},
		"all fit": {snapshot{machine: share{cpus: 4}, placed: []placed{running(queued("x", 1, 0))},
			queue: []waiting{queued("a", 1, 1), queued("b", 2, 2)}}, "a b", nil},
		"oldest first": {snapshot{machine: share{cpus: 1}, queue: []waiting{queued("young", 1, 9), queued("old", 1, 1)}},
			"old", map[string]cause{"young": noRoom}},
		"ties are broken the same way": {snapshot{machine: share{cpus: 1}, queue: []waiting{queued("b", 1, 1), queued("a", 1, 1)}}, "a", nil},
		"a large one is not overtaken": {snapshot{machine: share{cpus: 4}, placed: []placed{running(queued("x", 2, 0))},
			queue: []waiting{queued("large", 4, 1), queued("small", 1, 2)}}, "", map[string]cause{"large": noRoom, "small": keptFor}},
		"what the large one leaves is used": {snapshot{machine: share{cpus: 4, gpus: 1}, placed: []placed{running(queued("x", 1, 0).gpus(1), 0)},
			queue: []waiting{queued("large", 2, 1).gpus(1), queued("small", 1, 2), queued("next", 1, 3)}},
			"small", map[string]cause{"large": noRoom, "next": keptFor}},
		"more than the machine has":            {snapshot{machine: share{cpus: 2}, queue: []waiting{queued("huge", 64, 1), queued("next", 1, 2)}}, "huge", nil},
		"more than the machine has, not alone": {snapshot{machine: share{cpus: 2}, placed: []placed{running(queued("x", 1, 0))}, queue: []waiting{queued("huge", 64, 1)}}, "", nil},
		"nothing asked counts as one":          {snapshot{machine: share{cpus: 2}, queue: []waiting{queued("a", 0, 1), queued("b", 0, 2), queued("c", 0, 3)}}, "a b", nil},
		"overfull":                             {snapshot{machine: share{cpus: 2}, placed: []placed{running(queued("x", 5, 0))}, queue: []waiting{queued("a", 1, 1)}}, "", nil},
		"by memory": {snapshot{machine: share{cpus: 4, memory: 8 * gib},
			queue: []waiting{queued("a", 1, 1).memory(6 * gib), queued("b", 1, 2).memory(3 * gib)}}, "a", map[string]cause{"b": noRoom}},
		"beside replicas of endpoints": {snapshot{machine: share{cpus: 4, memory: 8 * gib}, replicas: 6,
			queue: []waiting{queued("a", 1, 1), queued("b", 1, 2), queued("c", 1, 3)}}, "a b", map[string]cause{"c": noRoom}},
		"beside more replicas than there is room for": {snapshot{machine: share{cpus: 4, memory: 8 * gib}, replicas: 100,
			queue: []waiting{queued("a", 1, 1).memory(2 * gib), queued("b", 1, 2)}}, "a", map[string]cause{"b": noRoom}},
		"all the memory that endpoints leave": {snapshot{machine: share{cpus: 4, memory: 8 * gib}, replicas: 1,
			queue: []waiting{queued("a", 1, 1).memory(8 * gib), queued("b", 1, 2)}}, "a", map[string]cause{"b": noRoom}},
		"GPUs by index": {snapshot{machine: share{cpus: 8, gpus: 4}, placed: []placed{running(queued("x", 1, 0).gpus(2), 0, 2)},
			queue: []waiting{queued("a", 1, 1).gpus(1), queued("b", 1, 2).gpus(1)}}, "a[1] b[3]", nil},
		"more GPUs than there are block nobody": {snapshot{machine: share{cpus: 8, gpus: 1},
			queue: []waiting{queued("a", 1, 1).gpus(2), queued("b", 1, 2)}}, "b", map[string]cause{"a": impossible}},
		"urgent first": {snapshot{machine: share{cpus: 1},
			queue: []waiting{queued("a", 1, 1), queued("low", 1, 0).urgent(lowPriority), queued("high", 1, 2).urgent(highPriority)}}, "high", nil},
		"whoever has less is next": {snapshot{machine: share{cpus: 4}, placed: []placed{running(queued("x", 1, 0))},
			queue: []waiting{queued("a", 1, 1), queued("a2", 1, 2), queued("b", 1, 3).of("bob"), queued("b2", 1, 4).of("bob")}},
			"b a b2", map[string]cause{"a2": noRoom}},
		"one that waits long comes first": {snapshot{now: at(4 * 3600), machine: share{cpus: 1},
			queue: []waiting{queued("low", 1, 1).urgent(lowPriority), queued("high", 1, 14000).urgent(highPriority)}}, "low", nil},
		"slots": {snapshot{machine: share{cpus: 8}, pools: pools, placed: []placed{running(queued("x", 1, 0).on("two"))},
			queue: []waiting{queued("a", 1, 1).on("two"), queued("b", 1, 2).on("two"), queued("c", 1, 3), queued("d", 1, 4).on("off"), queued("e", 1, 5).on("gone")}},
			"a c", map[string]cause{"b": poolFull, "d": poolStopped, "e": poolGone}},
		"jobs of a member": {snapshot{machine: share{cpus: 8}, limits: limit(WorkspaceLimits{JobsPerMember: 1}),
			queue: []waiting{queued("a", 1, 1), queued("b", 1, 2), queued("c", 1, 3).of("bob")}}, "a c", map[string]cause{"b": limited}},
		"processors of a member": {snapshot{machine: share{cpus: 8}, limits: limit(WorkspaceLimits{CPUsPerMember: 3}),
			queue: []waiting{queued("a", 2, 1), queued("b", 2, 2), queued("c", 1, 3)}}, "a c", map[string]cause{"b": limited}},
		"jobs of an experiment": {snapshot{machine: share{cpus: 8}, limits: limit(WorkspaceLimits{JobsPerExperiment: 1}),
			queue: []waiting{queued("a", 1, 1), queued("b", 1, 2).of("bob")}}, "a", map[string]cause{"b": limited}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.now.IsZero() {
				test.now = at(10)
			}
			got := decide(test.snapshot)
			if names(got.start) != test.want {
				t.Errorf("starts %q, want %q", names(got.start), test.want)
			}
			for _, w := range test.queue {
				starts := slices.ContainsFunc(got.start, func(p placement) bool { return p.key == w.key })
				if _, explained := got.waits[w.key]; explained == starts {
					t.Errorf("%s: started and explained, or neither", w.name)
				}
				if want := test.causes[w.name]; want != "" && got.waits[w.key].cause != want {
					t.Errorf("%s waits for %q, want %q", w.name, got.waits[w.key].cause, want)
				}
			}
		})
	}
}

func TestAnExplanationNamesNoJobOfAnotherWorkspace(t *testing.T) {
	head, mine := queued("secret", 4, 1), queued("mine", 1, 2)
	mine.workspace = "other"
	p := decide(snapshot{now: at(10), machine: share{cpus: 4}, placed: []placed{running(queued("x", 2, 0))}, queue: []waiting{head, mine}})
	own := p.waits[mine.key].explain(Explanation{}, "w")
	if own.Behind != "secret" || !strings.Contains(own.Reason, "secret") {
		t.Errorf("a member of the same workspace reads %+v", own)
	}
	foreign := p.waits[mine.key].explain(Explanation{}, "other")
	if foreign.Behind != "" || strings.Contains(foreign.Reason, "secret") || !strings.Contains(foreign.Reason, "another workspace") {
		t.Errorf("a member of another workspace reads %+v", foreign)
	}
}

func TestReplicasAreInTheQueueAndInWhatAJobIsTold(t *testing.T) {
	s := snapshot{now: at(10), machine: share{cpus: 4, memory: 8 * gib}, replicas: 3, queue: []waiting{queued("a", 1, 1).memory(5 * gib), queued("b", 1, 2)}}
	if q := s.queueOf("w"); q.Replicas != 3 || q.Taken != (Amounts{MemoryBytes: 3 * gib}) {
		t.Errorf("queue %+v", q)
	}
	w := decide(s).waits[key{"w", "b"}]
	if got, want := w.sentence(""), "It needs 1 processor and 1Gi of memory; of 4 processors and 8Gi of memory, 3 processors are free. Endpoints have 3Gi of the memory."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// 10,000 jobs of 40 members wait.
func BenchmarkPlan(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	s := snapshot{now: at(20000), machine: share{64, 256 * gib, 8}, limits: map[string]WorkspaceLimits{"w": {JobsPerMember: 3}}}
	for i := range 10_000 {
		w := queued(fmt.Sprint("job-", i), 1+random.IntN(8), random.IntN(20000)).of(fmt.Sprint("member-", random.IntN(40)))
		s.queue = append(s.queue, w.urgent(random.IntN(3)).memory(int64(1+random.IntN(16))*gib).gpus(random.IntN(2)))
	}
	for b.Loop() {
		decide(s)
	}
}
