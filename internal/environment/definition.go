package environment

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// Definition is what an environment holds, ready to be built. The zero
// Definition stands for the machine's own Python, with nothing to build.
type Definition struct {
	// Name and Version are how the user knows it; an environment written inside
	// a job has the name Anonymous and a version made of its hash.
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	// Source is the file that the packages were read from, for messages.
	Source string `json:"source,omitempty"`
	// Python is a version ("3.11", "3.11.7") or a range (">=3.10,<3.14").
	// Empty means any version that the product supports.
	Python string `json:"python,omitempty"`
	// Requirements are PEP 508 lines, normalised, in order, each once.
	Requirements []string `json:"requirements,omitempty"`
	// Options are the resolver's options that requirements may carry, such as
	// "--extra-index-url=https://...", in the order in which they were given.
	Options []string `json:"options,omitempty"`
}

// IsZero reports whether there is nothing to build.
func (d Definition) IsZero() bool {
	return d.Python == "" && len(d.Requirements) == 0 && len(d.Options) == 0 && d.Name == ""
}

// Hash is the content address of d: it depends on the Python version, the
// packages and the options, and on nothing else.
func (d Definition) Hash() string {
	text, err := json.Marshal(struct {
		Format       string   `json:"format"`
		Python       string   `json:"python"`
		Requirements []string `json:"requirements"`
		Options      []string `json:"options"`
	}{"atelier-environment-1", d.Python, normaliseAll(d.Requirements), slices.Clip(append([]string{}, d.Options...))})
	if err != nil {
		panic("environment: a definition is plain data: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// normaliseAll puts requirements in their one form and order.
func normaliseAll(requirements []string) []string {
	all := make([]string, 0, len(requirements))
	for _, requirement := range requirements {
		if text := normalise(requirement); text != "" {
			all = append(all, text)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// normalise returns a requirement without comment and needless space, its name
// in the form of PEP 503: "Scikit_Learn == 1.5  # x" is "scikit-learn==1.5".
func normalise(requirement string) string {
	text := strings.TrimSpace(requirement)
	if at := strings.Index(text, " #"); at >= 0 {
		text = strings.TrimSpace(text[:at])
	}
	if text == "" || strings.HasPrefix(text, "#") {
		return ""
	}
	end := strings.IndexFunc(text, func(r rune) bool { return !isNameRune(r) })
	if end == 0 || isPathOrURL(text) {
		return text // a URL or a local file: its text is its name
	}
	if end < 0 {
		return normaliseName(text)
	}
	body, hashes, hashed := strings.Cut(text[end:], " --")
	rest, marker, marked := strings.Cut(body, ";")
	rest = strings.TrimSpace(rest)
	if !strings.HasPrefix(rest, "@") {
		rest = strings.Join(strings.Fields(rest), "")
	}
	text = normaliseName(text[:end]) + rest
	if strings.HasPrefix(rest, "@") {
		text = normaliseName(text[:end]) + " " + rest
	}
	if marked {
		text += "; " + strings.Join(strings.Fields(marker), " ")
	}
	if hashed {
		text += " --" + strings.Join(strings.Fields(hashes), " ")
	}
	return text
}

func isNameRune(r rune) bool {
	return r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// isPathOrURL reports whether a requirement names a file or an address instead
// of a package.
func isPathOrURL(text string) bool {
	first, _, _ := strings.Cut(text, " ")
	return strings.HasPrefix(first, ".") || strings.Contains(first, "/") && !strings.Contains(first, "@") && !strings.Contains(first, "[") ||
		strings.Contains(first, "://") && !strings.Contains(first, "@")
}

// normaliseName is PEP 503: lower case, runs of "-", "_" and "." become "-".
func normaliseName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.Join(words, "-")
}
