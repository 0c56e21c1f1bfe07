package blob

import (
	"strconv"
	"sync"
)

// Claims keeps those who use objects apart from the one who sweeps unused ones
// away: between looking at an object's age and removing it, nobody may begin to
// rely on it. One server works on a store, so that this may be in memory. The
// zero Claims is ready.
type Claims struct {
	stripes [256]sync.RWMutex
}

// Use says that h is being stored or asked for, until release is called.
func (c *Claims) Use(h Hash) (release func()) {
	stripe := c.stripe(h)
	stripe.RLock()
	return stripe.RUnlock
}

// Free asks for h, to remove it, until release is called. It is not ok while h
// is in use; a sweep then leaves it for another time, rather than make a long
// upload and all who come after it wait.
func (c *Claims) Free(h Hash) (release func(), ok bool) {
	stripe := c.stripe(h)
	return stripe.Unlock, stripe.TryLock()
}

// stripe is shared by the objects with the same first byte.
func (c *Claims) stripe(h Hash) *sync.RWMutex {
	first, err := strconv.ParseUint(string(h[:2]), 16, 8)
	if err != nil {
		panic("blob: a claim on something that is no hash: " + err.Error())
	}
	return &c.stripes[first]
}
