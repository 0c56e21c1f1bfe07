package job

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestWaitlist(t *testing.T) {
	l := newWaitlist()
	for _, w := range []waiting{queued("c", 1, 3), queued("a", 1, 1), queued("b", 1, 2), queued("large", 2, 0), queued("bob's", 1, 9).of("bob")} {
		l.put(w)
	}
	want := func(n int, words string) {
		t.Helper()
		var found []string
		for _, w := range l.first(n) {
			found = append(found, w.name)
		}
		slices.Sort(found)
		if got := strings.Join(found, " "); got != words {
			t.Errorf("the first %d of each class are %q, want %q", n, got, words)
		}
	}
	want(0, "")
	want(1, "a bob's large")
	want(2, "a b bob's large")
	l.remove(key{"w", "a"})
	l.remove(key{"w", "a"})
	l.put(queued("b", 1, 2)) // again
	want(1, "b bob's large")
	l.remove(key{"w", "c"})
	want(9, "b bob's large")
	l.put(queued("b", 2, 2)) // it asks for more now
	want(9, "b bob's large")
	if len(l.classes) != 2 || len(l.all()) != 3 {
		t.Errorf("%d classes of %d jobs", len(l.classes), len(l.all()))
	}
}

// Jobs come and go in any order, and the list keeps exactly those that are there.
func TestWaitlistAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	l, there := newWaitlist(), map[key]waiting{}
	for range 20_000 {
		w := queued(string(rune('a'+random.IntN(26))), 1+random.IntN(2), random.IntN(5))
		if random.IntN(2) == 0 {
			l.put(w)
			there[w.key] = w
		} else {
			l.remove(w.key)
			delete(there, w.key)
		}
		kept := 0
		for class, same := range l.classes {
			kept += len(same)
			if !slices.IsSortedFunc(same, byAge) || slices.ContainsFunc(same, func(w waiting) bool { return w.class() != class || there[w.key] != w }) {
				t.Fatalf("the class %+v has %+v", class, same)
			}
		}
		if kept != len(there) || len(l.jobs) != len(there) {
			t.Fatalf("%d jobs are kept of %d", kept, len(there))
		}
	}
}
