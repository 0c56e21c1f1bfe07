package endpoint

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Metrics count what a deployment has answered since the server started.
type Metrics struct {
	Requests int64 `json:"requests"`
	// Errors are the requests whose answer was 500 or above.
	Errors   int64            `json:"errors"`
	Statuses map[string]int64 `json:"statuses"`
	InFlight int              `json:"in_flight"`
	Waiting  int              `json:"waiting"`
	Latency  Latency          `json:"latency_ms"`
}

// Latency is a histogram of how long requests took in the router and the worker.
type Latency struct {
	Count   int64    `json:"count"`
	Sum     float64  `json:"sum"`
	Buckets []Bucket `json:"buckets"`
}

// Bucket counts the requests that took at most UpTo milliseconds and longer
// than the bucket before. UpTo is 0 in the last bucket, which has no bound.
type Bucket struct {
	UpTo  float64 `json:"up_to"`
	Count int64   `json:"count"`
}

// stats gathers Metrics.
type stats struct {
	mu       sync.Mutex
	statuses map[int]int64
	buckets  [len(latencyBounds) + 1]int64
	sum      time.Duration
}

var latencyBounds = [...]float64{1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 60000}

func (s *stats) record(status int, took time.Duration) {
	ms := float64(took) / float64(time.Millisecond)
	at := 0
	for at < len(latencyBounds) && ms > latencyBounds[at] {
		at++
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.statuses == nil {
		s.statuses = map[int]int64{}
	}
	s.statuses[status]++
	s.buckets[at]++
	s.sum += took
}

// histogram returns the same as metrics does, as Prometheus wants it: seconds,
// and buckets that each hold those below.
func (s *stats) histogram() (statuses map[int]int64, count uint64, seconds float64, buckets map[float64]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	buckets = map[float64]uint64{}
	for i, n := range s.buckets {
		count += uint64(n)
		if i < len(latencyBounds) {
			buckets[latencyBounds[i]/1000] = count
		}
	}
	return maps.Clone(s.statuses), count, s.sum.Seconds(), buckets
}

func (s *stats) metrics() Metrics {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := Metrics{Statuses: map[string]int64{}}
	for status, count := range s.statuses {
		m.Statuses[strconv.Itoa(status)] = count
		m.Requests += count
		if status >= 500 {
			m.Errors += count
		}
	}
	m.Latency = Latency{Count: m.Requests, Sum: float64(s.sum) / float64(time.Millisecond)}
	for i, count := range s.buckets {
		bucket := Bucket{Count: count}
		if i < len(latencyBounds) {
			bucket.UpTo = latencyBounds[i]
		}
		m.Latency.Buckets = append(m.Latency.Buckets, bucket)
	}
	return m
}

// sample counts the requests of some time.
type sample struct {
	requests int64
	// failures are the requests that the deployment did not answer: 500 and above,
	// 408 (too slow) and 429 (no place).
	failures  int64
	sum       time.Duration
	latencies [len(latencyBounds) + 1]int64 // by bucket
}

// sample returns the requests since the server started.
func (s *stats) sample() sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := sample{sum: s.sum, latencies: s.buckets}
	for status, count := range s.statuses {
		all.requests += count
		if isFailure(status) {
			all.failures += count
		}
	}
	return all
}

// isFailure reports whether a deployment has not answered a request: as its own
// fault, too slowly, or because it had no place for it.
func isFailure(status int) bool {
	return status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests
}

// plus returns the requests of both.
func (s sample) plus(other sample) sample {
	s.requests += other.requests
	s.failures += other.failures
	s.sum += other.sum
	for i := range s.latencies {
		s.latencies[i] += other.latencies[i]
	}
	return s
}

// since returns the requests of s that are not yet in earlier.
func (s sample) since(earlier sample) sample {
	s.requests -= earlier.requests
	s.failures -= earlier.failures
	s.sum -= earlier.sum
	for i := range s.latencies {
		s.latencies[i] -= earlier.latencies[i]
	}
	return s
}

// failing returns how many percent of the requests failed.
func (s sample) failing() float64 { return 100 * float64(s.failures) / float64(s.requests) }

// mean returns the mean latency in milliseconds.
func (s sample) mean() float64 {
	return float64(s.sum) / float64(time.Millisecond) / float64(s.requests)
}

// fewRequests is the number of requests below which a percentile says nothing.
const fewRequests = 5

// percentile95 returns what 19 of 20 of the requests stayed below, in
// milliseconds: a bucket's bound. It is 0 for very few of them.
func (s sample) percentile95() float64 {
	if s.requests < fewRequests {
		return 0
	}
	var below int64
	for i, bound := range latencyBounds {
		if below += s.latencies[i]; below*20 >= s.requests*19 {
			return bound
		}
	}
	return latencyBounds[len(latencyBounds)-1]
}
