package mlflow

import "testing"

func TestStepsAreChosenEvenly(t *testing.T) {
	for _, n := range []int{1, 3, 10, 2500, 100_000, 1_000_000} {
		var all stepSample
		for range 2 { // a second run has the same
			for step := range n {
				all.add(int64(step) * 10)
			}
		}
		if len(all.steps) > maxSteps || n <= maxSteps && len(all.steps) != n {
			t.Errorf("%d steps are kept of %d", len(all.steps), n)
		}
		kept := all.choose(100, map[int64]bool{0: true})
		if len(kept) < min(n, 100) || len(kept) > 102 {
			t.Errorf("%d steps are chosen of %d", len(kept), n)
		}
		tenths := map[int64]int{}
		for step := range kept {
			tenths[step/int64(n)]++
		}
		for tenth, count := range tenths {
			if n > 1000 && tenth < 10 && (count < 9 || count > 13) {
				t.Errorf("%d steps are chosen of tenth %d of %d", count, tenth, n)
			}
		}
	}
	if kept := new(stepSample).choose(5, map[int64]bool{7: true}); len(kept) != 1 {
		t.Errorf("of nothing: %v", kept)
	}
}
