// Package clock tells the time, so that tests can.
//
// Nothing below the command line calls time.Now: a service takes a Clock.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time and wakes sleepers.
type Clock interface {
	Now() time.Time
	// After returns a channel that receives the time once d has passed.
	After(d time.Duration) <-chan time.Time
}

// System is the machine's clock, in UTC, to the microsecond that the database keeps.
type System struct{}

func (System) Now() time.Time                         { return time.Now().UTC().Truncate(time.Microsecond) }
func (System) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Fake is a clock that stands still until it is told to advance.
type Fake struct {
	mu       sync.Mutex
	now      time.Time
	sleepers []sleeper
}

type sleeper struct {
	at   time.Time
	wake chan time.Time
}

// NewFake returns a clock that shows now.
func NewFake(now time.Time) *Fake { return &Fake{now: now.UTC()} }

func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *Fake) After(d time.Duration) <-chan time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	wake := make(chan time.Time, 1)
	if d <= 0 {
		wake <- f.now
		return wake
	}
	f.sleepers = append(f.sleepers, sleeper{f.now.Add(d), wake})
	return wake
}

// Advance moves the clock by d and wakes every sleeper whose time has come.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
	var waiting []sleeper
	for _, s := range f.sleepers {
		if s.at.After(f.now) {
			waiting = append(waiting, s)
		} else {
			s.wake <- f.now
		}
	}
	f.sleepers = waiting
}
