package atelier

import "strings"

// Permission names one thing that an actor may do, in the form of Azure
// Machine Learning's action names without their common prefix: "jobs/write",
// "endpoints/online/listKeys/action". A role holds patterns of them.
type Permission string

// Matches reports whether pattern covers p. In a pattern "*" stands for any
// run of characters, slashes included; case does not matter.
func (p Permission) Matches(pattern string) bool {
	return matchWildcard(strings.ToLower(pattern), strings.ToLower(string(p)))
}

func matchWildcard(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	for _, middle := range parts[1 : len(parts)-1] {
		at := strings.Index(text, middle)
		if at < 0 {
			return false
		}
		text = text[at+len(middle):]
	}
	return strings.HasSuffix(text, last)
}
