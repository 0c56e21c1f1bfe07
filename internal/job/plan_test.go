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
	return waiting{key: key{"w", name}, cpus: cpus, since: at(second)}
}

func names(keys []key) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.name)
	}
	return strings.Join(all, " ")
}

func TestPlan(t *testing.T) {
	tests := map[string]struct {
		capacity, used int
		queue          []waiting
		want           string
	}{
		"nothing waits":                        {4, 0, nil, ""},
		"all fit":                              {4, 1, []waiting{queued("a", 1, 1), queued("b", 2, 2)}, "a b"},
		"oldest first":                         {1, 0, []waiting{queued("young", 1, 9), queued("old", 1, 1)}, "old"},
		"ties are broken the same way":         {1, 0, []waiting{queued("b", 1, 1), queued("a", 1, 1)}, "a"},
		"a large one is not overtaken":         {4, 2, []waiting{queued("large", 4, 1), queued("small", 1, 2)}, ""},
		"more than the machine has":            {2, 0, []waiting{queued("huge", 64, 1), queued("next", 1, 2)}, "huge"},
		"more than the machine has, not alone": {2, 1, []waiting{queued("huge", 64, 1)}, ""},
		"nothing asked counts as one":          {2, 0, []waiting{queued("a", 0, 1), queued("b", 0, 2), queued("c", 0, 3)}, "a b"},
		"overfull":                             {2, 5, []waiting{queued("a", 1, 1)}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := decide(snapshot{capacity: test.capacity, used: test.used, queue: test.queue})
			if names(got.start) != test.want {
				t.Errorf("starts %q, want %q", names(got.start), test.want)
			}
			for _, w := range test.queue {
				if _, explained := got.why[w.key]; explained == slices.Contains(got.start, w.key) {
					t.Errorf("%s: started and explained, or neither", w.name)
				}
			}
		})
	}
}

// Thousands of jobs come, run and end. The machine is never overbooked, nobody
// is passed by for ever, and a machine with work that fits is never idle.
func TestPlanSimulation(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const capacity = 8
	type placed struct{ cpus, end int }
	var queue []waiting
	running := map[key]placed{}
	started, submitted := 0, 0
	var lastStarted time.Time
	for now := range 5000 {
		for k, p := range running {
			if p.end <= now {
				delete(running, k)
			}
		}
		if now < 4000 && random.IntN(3) == 0 {
			queue = append(queue, queued(fmt.Sprint(now), 1+random.IntN(12), now))
			submitted++
		}
		used := 0
		for _, p := range running {
			used += p.cpus
		}
		todo := decide(snapshot{capacity: capacity, used: used, queue: queue})
		for _, k := range todo.start {
			i := slices.IndexFunc(queue, func(w waiting) bool { return w.key == k })
			w := queue[i]
			if w.since.Before(lastStarted) {
				t.Fatalf("%s was overtaken", w.name)
			}
			lastStarted = w.since
			need := min(w.cpus, capacity)
			running[k] = placed{need, now + 1 + random.IntN(4)}
			if used += need; used > capacity {
				t.Fatalf("%d processors of %d are in use", used, capacity)
			}
			queue = slices.Delete(queue, i, i+1)
			started++
		}
		if len(running) == 0 && len(queue) > 0 {
			t.Fatal("the machine is idle and jobs wait")
		}
	}
	if started != submitted || submitted < 1000 {
		t.Errorf("%d of %d jobs started", started, submitted)
	}
}
