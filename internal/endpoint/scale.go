package endpoint

import (
	"math"
	"time"

	"github.com/atelier-ml/atelier"
)

// ScaleType says who chooses the number of replicas.
type ScaleType string

const (
	// ManualScale keeps instance_count replicas.
	ManualScale ScaleType = "default"
	// UtilizationScale keeps as many as the requests need.
	UtilizationScale ScaleType = "target_utilization"
)

// ScaleSettings say how many replicas a deployment has. The first five fields
// are Azure Machine Learning's. Its smallest MinInstances is 1; here it may be 0,
// and the first request then waits for the replica that it starts.
type ScaleSettings struct {
	Type ScaleType `json:"type,omitempty" enum:"default,target_utilization"`
	// MinInstances and MaxInstances bound the number of replicas; 1 when nil or 0.
	MinInstances *int `json:"min_instances,omitempty"`
	MaxInstances int  `json:"max_instances,omitempty"`
	// TargetUtilization is how many percent of the places for requests should be
	// in use; 70 when 0. Fewer leave more room for a burst.
	TargetUtilization int `json:"target_utilization_percentage,omitempty"`
	// PollingInterval is how often the use is looked at, in seconds; 1 when 0.
	PollingInterval int `json:"polling_interval,omitempty"`
	// TargetLatencyMS also adds a replica while the slowest twentieth of the
	// requests take longer, the wait for a place included; 0 looks at use alone.
	TargetLatencyMS int `json:"target_latency_ms,omitempty"`
	// ScaleDownDelay is for how long fewer replicas must have been enough before
	// one is ended, in seconds; 60 when 0.
	ScaleDownDelay int `json:"scale_down_delay,omitempty"`
}

// complete fills in the defaults that Azure documents, and our own.
func (s *ScaleSettings) complete() {
	if s == nil {
		return
	}
	if s.Type == "" {
		s.Type = ManualScale
	}
	if s.Type != UtilizationScale {
		return
	}
	if s.MinInstances == nil {
		one := 1
		s.MinInstances = &one
	}
	orDefault(&s.MaxInstances, max(1, *s.MinInstances))
	orDefault(&s.TargetUtilization, 70)
	orDefault(&s.PollingInterval, 1)
	orDefault(&s.ScaleDownDelay, 60)
}

// check returns an Invalid error for settings that are out of range. They are
// complete.
func (s *ScaleSettings) check() error {
	switch {
	case s == nil:
		return nil
	case s.Type == ManualScale:
		return nil
	case s.Type != UtilizationScale:
		return atelier.Errorf(atelier.Invalid, "There is no way of scaling called %q.", atelier.Clip(string(s.Type), 40)).
			At("scale_settings.type").WithHint("Use default, with an instance_count, or target_utilization.")
	case *s.MinInstances > s.MaxInstances:
		return atelier.Errorf(atelier.Invalid, "At least %d replicas and at most %d cannot both be.", *s.MinInstances, s.MaxInstances).
			At("scale_settings.min_instances").WithHint("Give a min_instances that is not above max_instances.")
	}
	return checkBounds([]bound{
		{"scale_settings.min_instances", *s.MinInstances, 0, maxInstances},
		{"scale_settings.max_instances", s.MaxInstances, 1, maxInstances},
		{"scale_settings.target_utilization_percentage", s.TargetUtilization, 1, 100},
		{"scale_settings.polling_interval", s.PollingInterval, 1, 3600},
		{"scale_settings.target_latency_ms", s.TargetLatencyMS, 0, maxRequestTimeoutMS},
		{"scale_settings.scale_down_delay", s.ScaleDownDelay, 1, 86_400},
	})
}

// scales reports whether the requests decide how many replicas there are.
func (s Settings) scales() bool {
	return s.ScaleSettings != nil && s.ScaleSettings.Type == UtilizationScale
}

// fewest returns how few replicas a deployment that scales may have. A script that
// has not been seen to work, or does not, is no reason to have none.
func (d *Deployment) fewest() int {
	if d.State == Creating || d.State == Updating || d.State == Failed {
		return max(1, *d.ScaleSettings.MinInstances)
	}
	return *d.ScaleSettings.MinInstances
}

// sleeps reports whether the deployment may be without any replica.
func (s Settings) sleeps() bool { return s.scales() && *s.ScaleSettings.MinInstances == 0 }

// mostPlaces is how many requests are answered at once when all replicas run.
func (s Settings) mostPlaces() int {
	replicas := s.InstanceCount
	if s.scales() {
		replicas = s.ScaleSettings.MaxInstances
	}
	return replicas * s.RequestSettings.MaxConcurrentRequests
}

// demand is what a deployment's requests needed since it was last asked.
type demand struct {
	present     int     // requests that are served or wait now
	concurrency float64 // the same, on average
	refused     int64   // requests that found no place
	latency     float64 // what 19 of 20 requests stayed below, in milliseconds; 0 without enough of them
}

// burst is the time over which concurrency is averaged: long enough that one
// request more does not start a replica, short against the time that people wait.
const burst = 6 * time.Second

// scaler decides how many replicas a deployment that scales should have. It adds
// at once what is missing, and takes away what has not been needed for a while.
type scaler struct {
	wanted int
	last   time.Time // when it decided last
	looks  []look
}

// look is one moment of the past: what was seen, and what it asked for.
type look struct {
	at          time.Time
	span        time.Duration // since the look before
	concurrency float64
	needed      int
}

// newScaler returns a scaler for d, which has that many replicas now.
func newScaler(now time.Time, d *Deployment, replicas int) *scaler {
	wanted := min(max(replicas, d.fewest()), d.ScaleSettings.MaxInstances)
	return &scaler{wanted: wanted, last: now, looks: []look{{at: now, needed: wanted}}}
}

// due reports whether it is time to look again.
func (s *scaler) due(now time.Time, d *Deployment) bool {
	return now.Sub(s.last) >= time.Duration(d.ScaleSettings.PollingInterval)*time.Second ||
		s.wanted == 0 // somebody may wait
}

// decide takes over what was seen since the last decision, and returns how many
// replicas there should be. ready is how many there are.
func (s *scaler) decide(now time.Time, d *Deployment, ready int, seen demand) int {
	rules, fewest := d.ScaleSettings, d.fewest()
	if s.wanted == 0 {
		seen.concurrency = float64(seen.present) // nobody waits longer than need be
	}
	s.looks = append(s.looks, look{at: now, span: now.Sub(s.last), concurrency: seen.concurrency})
	s.last = now
	newest := &s.looks[len(s.looks)-1]
	newest.needed = int(math.Ceil(s.average(now) / (float64(d.RequestSettings.MaxConcurrentRequests) * float64(rules.TargetUtilization) / 100)))
	// A replica that is only just starting has not helped yet: one more at a time.
	late := rules.TargetLatencyMS > 0 && seen.latency > float64(rules.TargetLatencyMS)
	if (late || seen.refused > 0) && ready >= s.wanted {
		newest.needed = max(newest.needed, s.wanted+1)
	}
	newest.needed = min(max(newest.needed, fewest), rules.MaxInstances)
	s.forget(now.Add(-time.Duration(rules.ScaleDownDelay) * time.Second))
	s.wanted = 0
	for _, past := range s.looks {
		s.wanted = max(s.wanted, past.needed)
	}
	s.wanted = min(max(s.wanted, fewest), rules.MaxInstances)
	return s.wanted
}

// average returns the concurrency of the last moments.
func (s *scaler) average(now time.Time) float64 {
	newest := s.looks[len(s.looks)-1]
	if s.wanted == 0 {
		return newest.concurrency
	}
	var area float64
	var time time.Duration
	for i := len(s.looks) - 1; i >= 0 && (time == 0 || now.Sub(s.looks[i].at) < burst); i-- {
		area += s.looks[i].concurrency * s.looks[i].span.Seconds()
		time += s.looks[i].span
	}
	if time <= 0 {
		return newest.concurrency
	}
	return area / time.Seconds()
}

// forget drops the looks before since.
func (s *scaler) forget(since time.Time) {
	kept := 0
	for kept < len(s.looks)-1 && s.looks[kept].at.Before(since) {
		kept++
	}
	s.looks = append(s.looks[:0], s.looks[kept:]...)
}
