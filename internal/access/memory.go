package access

import (
	"sync"
	"time"
)

// rememberFor is how long this server goes on after another one on the same
// database took something away. What changes here is forgotten at once.
const rememberFor = 5 * time.Second

// maxRemembered bounds how much is remembered.
const maxRemembered = 100_000

// memory keeps what was read of the database for every request: requests come
// in thousands, with few secrets and few members.
type memory[K comparable, V any] struct {
	mu      sync.RWMutex
	known   map[K]remembered[V]
	changes int // how often everything was forgotten
}

type remembered[V any] struct {
	value V
	until time.Time
}

// get returns what is remembered of key at the time now. When that is nothing,
// the caller reads it, and keeps it with the number that came back.
func (m *memory[K, V]) get(key K, now time.Time) (value V, changes int, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	found, ok := m.known[key]
	return found.value, m.changes, ok && now.Before(found.until)
}

// keep remembers what was read since get returned changes, unless something was
// forgotten meanwhile: then it may have been read before that.
func (m *memory[K, V]) keep(key K, value V, until time.Time, changes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changes != changes {
		return
	}
	if m.known == nil || len(m.known) >= maxRemembered {
		m.known = map[K]remembered[V]{}
	}
	m.known[key] = remembered[V]{value, until}
}

func (m *memory[K, V]) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = nil
	m.changes++
}

// news tells those who want to know that something changed. Word that nobody has taken
// yet is not told twice.
type news struct {
	mu        sync.Mutex
	listeners map[chan struct{}]bool
}

func (n *news) subscribe() (<-chan struct{}, func()) {
	listener := make(chan struct{}, 1)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = map[chan struct{}]bool{}
	}
	n.listeners[listener] = true
	return listener, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.listeners, listener)
	}
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for listener := range n.listeners {
		select {
		case listener <- struct{}{}:
		default:
		}
	}
}
