package endpoint

import (
	"crypto/sha256"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/atelier-ml/atelier"
)

// Properties of an endpoint by which it bounds its callers. Azure has no keys
// of its own for this in the files, so these are properties.
const (
	rateProperty = "atelier.requests_per_second"
	bodyProperty = "atelier.max_request_bytes"
)

const (
	maxRate = 1_000_000
	// maxBodyBytes is what the memory of one request may be at most.
	maxBodyBytes = 256 << 20
)

// limits bound each caller of an endpoint. The zero value bounds nothing beyond
// what the server does.
type limits struct {
	rate float64 // requests in a second, for each key; 0 is any number
	body int64   // bytes of a request's body; 0 is the server's own bound
}

func limitsOf(properties map[string]string) (l limits, err error) {
	if text, ok := properties[rateProperty]; ok {
		l.rate, err = strconv.ParseFloat(text, 64)
		if err != nil || !(l.rate > 0 && l.rate <= maxRate) {
			return limits{}, atelier.Errorf(atelier.Invalid, "%q is not a number of requests in a second.", atelier.Clip(text, 40)).
				At("properties."+rateProperty).WithHint("Give a number above 0 and up to %d.", maxRate)
		}
	}
	if text, ok := properties[bodyProperty]; ok {
		l.body, err = strconv.ParseInt(text, 10, 64)
		if err != nil || l.body < 1 || l.body > maxBodyBytes {
			return limits{}, atelier.Errorf(atelier.Invalid, "%q is not a number of bytes.", atelier.Clip(text, 40)).
				At("properties."+bodyProperty).WithHint("Give a whole number from 1 to %d.", maxBodyBytes)
		}
	}
	return l, nil
}

// meters count the requests of each key of one endpoint.
type meters struct {
	rate float64

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*rate.Limiter
}

func newMeters(perSecond float64) *meters {
	return &meters{rate: perSecond, byKey: map[[sha256.Size]byte]*rate.Limiter{}}
}

// take lets a request of the key pass, or refuses it and says when to come
// again. A second's worth may come at once.
func (m *meters) take(key [sha256.Size]byte, now time.Time) error {
	if m == nil || m.rate == 0 {
		return nil
	}
	m.mu.Lock()
	limiter, ok := m.byKey[key]
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(m.rate), max(1, int(math.Ceil(m.rate))))
		m.byKey[key] = limiter
	}
	m.mu.Unlock()
	place := limiter.ReserveN(now, 1)
	wait := place.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	place.CancelAt(now)
	return &refusal{status: http.StatusTooManyRequests, code: atelier.Exhausted, retry: wait,
		message: fmt.Sprintf("The key has used its %v requests in a second (%s).", m.rate, rateProperty)}
}
