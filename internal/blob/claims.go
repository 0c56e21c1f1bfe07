package blob

import "sync"

// Claims keeps those who use objects apart from the one who sweeps unused ones
// away: between looking at an object's age and removing it, nobody may begin to
// rely on it. One server works on a store, so that this may be in memory. The
// zero Claims is ready.
type Claims struct {
	mu    sync.Mutex
	users map[Hash]int
	freed map[Hash]chan struct{} // closed once the sweep is done with the object
}

// Use says that h is being stored or asked for, until release is called. It
// waits while h is being removed.
func (c *Claims) Use(h Hash) (release func()) {
	c.mu.Lock()
	for c.freed[h] != nil {
		done := c.freed[h]
		c.mu.Unlock()
		<-done
		c.mu.Lock()
	}
	if c.users == nil {
		c.users = map[Hash]int{}
	}
	c.users[h]++
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.users[h]--; c.users[h] == 0 {
			delete(c.users, h)
		}
	}
}

// Free asks for h, to remove it, until release is called. It is not ok while h
// is in use: a sweep then leaves it for another time, rather than make a long
// upload and all who come after it wait.
func (c *Claims) Free(h Hash) (release func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users[h] > 0 || c.freed[h] != nil {
		return nil, false
	}
	if c.freed == nil {
		c.freed = map[Hash]chan struct{}{}
	}
	done := make(chan struct{})
	c.freed[h] = done
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.freed, h)
		close(done)
	}, true
}
