package cli

import (
	"fmt"
	"sync"
	"time"
)

// progressLine is one line on a person's terminal that shows how far a long
// transfer has come. Elsewhere it shows nothing.
type progressLine struct {
	c     *command
	verb  string
	mu    sync.Mutex
	last  time.Time
	begun bool
}

const progressStep = 100 * time.Millisecond

func (c *command) progress(verb string) *progressLine {
	return &progressLine{c: c, verb: verb}
}

// update is a client.Progress.
func (p *progressLine) update(done, total int64) {
	percent := int64(100)
	if total > 0 {
		percent = done * 100 / total
	}
	p.say(done >= total, "%s %s of %s (%d%%)", p.verb, bytesText(done), bytesText(total), percent)
}

// say replaces the line, if the last change is old enough for anybody to have
// read it, or this is the last one.
func (p *progressLine) say(last bool, format string, args ...any) {
	if !p.c.st.StderrTerminal || p.c.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.c.st.Clock.Now()
	if p.begun && !last && now.Sub(p.last) < progressStep {
		return
	}
	p.begun, p.last = true, now
	fmt.Fprintf(p.c.st.Stderr, "\r\x1b[K"+format, args...)
}

// close removes the line.
func (p *progressLine) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun {
		fmt.Fprint(p.c.st.Stderr, "\r\x1b[K")
	}
}
