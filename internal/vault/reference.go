package vault

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A variable of a job or deployment is given a secret by ${{secrets.NAME}} in its
// value. Only the runner puts the secret in its place: what is stored and shown
// has the name alone.
var referenceForm = regexp.MustCompile(`\$\{\{\s*secrets\.([^{}]*?)\s*\}\}`)

// ReferenceTo is how a variable refers to the secret called name.
func ReferenceTo(name string) string { return "${{secrets." + name + "}}" }

// Named returns the names of the secrets that variables refer to, in order.
func Named(variables map[string]string) []string {
	var names []string
	for _, value := range variables {
		for _, found := range referenceForm.FindAllStringSubmatch(value, -1) {
			names = append(names, found[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Plain returns variables with every reference in its one form.
func Plain(variables map[string]string) map[string]string {
	plain := maps.Clone(variables)
	for name, value := range plain {
		if strings.Contains(value, "${{") {
			plain[name] = referenceForm.ReplaceAllString(value, "$${{secrets.$1}}")
		}
	}
	return plain
}
