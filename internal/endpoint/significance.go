package endpoint

import "math"

// chance is how likely a difference may be by accident before it counts. It is
// small because a rollout is judged many times.
const chance = 0.001

// moreFailures returns how likely it is to see at least as many failures among
// the new requests when both deployments fail equally often: Fisher's exact test,
// one-sided. It is right for the few failures of a short step, too.
func moreFailures(old, new sample) float64 {
	total, failed := old.requests+new.requests, old.failures+new.failures
	log := logChoose(new.requests, new.failures) + logChoose(old.requests, old.failures) - logChoose(total, failed)
	sum, term := 0.0, math.Exp(log)
	for k := new.failures; k <= min(new.requests, failed); k++ {
		sum += term
		left := failed - k
		if term *= float64(new.requests-k) * float64(left) / (float64(k+1) * float64(old.requests-left+1)); term < 1e-15 {
			break
		}
	}
	return min(1, sum)
}

func logChoose(n, k int64) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	chosen, _ := math.Lgamma(float64(k + 1))
	rest, _ := math.Lgamma(float64(n - k + 1))
	return all - chosen - rest
}

// slower returns how likely it is to see latencies at least that much longer
// when both deployments are equally quick: the rank-sum test of Mann and Whitney,
// one-sided, by its normal approximation with the correction for ties, because
// latencies are known by their buckets.
func slower(old, new sample) float64 {
	m, n := float64(new.requests), float64(old.requests)
	if m == 0 || n == 0 {
		return 1
	}
	var below, wins, ties float64 // below: old requests in quicker buckets
	for i := range new.latencies {
		a, b := float64(new.latencies[i]), float64(old.latencies[i])
		wins += a * (below + b/2)
		below += b
		ties += math.Pow(a+b, 3) - (a + b)
	}
	all := m + n
	variance := m * n / 12 * (all + 1 - ties/(all*(all-1)))
	if variance <= 0 {
		return 1 // all are in one bucket
	}
	z := (wins - m*n/2 - 0.5) / math.Sqrt(variance)
	return math.Erfc(z/math.Sqrt2) / 2
}
