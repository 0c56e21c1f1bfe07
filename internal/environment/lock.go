package environment

import (
	"regexp"
	"strings"

	"github.com/atelier-ml/atelier"
)

// Installed is what a job found in its environment.
type Installed struct {
	Python   string    // 3.11.7
	Packages []Package // by name
	// Lock has one requirement for each package, with the address of those that no
	// index has. Environments made before there were locks have none.
	Lock []string
}

// lockedLine is a requirement that means one thing only.
var lockedLine = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(==[A-Za-z0-9][A-Za-z0-9.!+_-]*| @ [a-z+]+://\S+)$`)

// Locked is the definition that installs again what d once installed, whatever
// has been published since. from names its origin in messages.
func (d Definition) Locked(found Installed, from string) (Definition, error) {
	lines := found.Lock
	if len(lines) == 0 {
		for _, r := range d.Requirements {
			if strings.Contains(r, "://") {
				return Definition{}, atelier.Errorf(atelier.Precondition,
					"%s was made before environments were locked, and %q may have changed since.", from, atelier.Clip(r, 120)).
					WithHint("Submit the job again instead.")
			}
		}
		for _, p := range found.Packages {
			lines = append(lines, p.Name+"=="+p.Version)
		}
	}
	for _, line := range lines {
		if !lockedLine.MatchString(line) {
			return Definition{}, atelier.Errorf(atelier.Precondition, "%s holds %q, which cannot be installed again elsewhere.", from, atelier.Clip(line, 120)).
				WithHint("Take editable and local packages out of the environment, and submit the job again.")
		}
	}
	return anonymous(Definition{Source: from, Python: found.Python, Requirements: normaliseAll(lines), Options: d.Options}), nil
}
