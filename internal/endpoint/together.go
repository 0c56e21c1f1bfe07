package endpoint

import (
	"strconv"

	"github.com/atelier-ml/atelier"
)

// Properties of a deployment by which one call of its model may answer several
// requests. A small model needs about as long for sixty rows as for one.
const (
	togetherProperty = "atelier.max_batch_size"
	delayProperty    = "atelier.max_batch_delay_ms"
)

const (
	maxTogether = 1000
	// maxDelayMS is how long a request may be held up for others at most.
	maxDelayMS     = 1000
	defaultDelayMS = 2
)

// together says how many requests one call may answer, and for how many
// milliseconds it may wait for them.
type together struct {
	size    int
	delayMS float64
}

func (s Settings) together() (t together, err error) {
	t = together{size: 1}
	text, ok := s.Properties[togetherProperty]
	if ok {
		t.size, err = strconv.Atoi(text)
		if err != nil || t.size < 1 || t.size > maxTogether {
			return t, atelier.Errorf(atelier.Invalid, "%q is not a number of requests.", atelier.Clip(text, 40)).
				At("properties."+togetherProperty).WithHint("Give a whole number from 1 to %d.", maxTogether)
		}
		t.delayMS = defaultDelayMS
	}
	if text, given := s.Properties[delayProperty]; given {
		t.delayMS, err = strconv.ParseFloat(text, 64)
		if err != nil || !(t.delayMS >= 0 && t.delayMS <= maxDelayMS) {
			return t, atelier.Errorf(atelier.Invalid, "%q is not a number of milliseconds.", atelier.Clip(text, 40)).
				At("properties."+delayProperty).WithHint("Give a number from 0 to %d.", maxDelayMS)
		}
	}
	return t, nil
}

// checkTogether refuses what would answer no two requests by one call.
func (s Settings) checkTogether() error {
	t, err := s.together()
	if err != nil || t.size == 1 {
		return err
	}
	if most := s.RequestSettings.MaxConcurrentRequests; t.size > most {
		return atelier.Errorf(atelier.Invalid, "A call cannot answer %d requests, because an instance gets %d at once.", t.size, most).
			At("properties." + togetherProperty).WithHint("Raise request_settings.max_concurrent_requests_per_instance.")
	}
	if s.threads() > 1 {
		return atelier.Errorf(atelier.Invalid, "A worker that makes several calls at once cannot answer several requests by one.").
			At("properties."+togetherProperty).WithHint("Leave out %s.", threadsVariable)
	}
	return nil
}
