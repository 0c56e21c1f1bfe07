package mlflow_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

var update = flag.Bool("update", false, "write the documentation anew")

const (
	conformance = "../../test/conformance/"
	document    = "../../docs/reference/mlflow-compatibility.md"
)

// calls is what a suite of ours noted: by endpoint, the tests in which it answered well.
type calls struct {
	MLflow    string              `json:"mlflow"`
	Endpoints map[string][]string `json:"endpoints"`
}

// upstreamRun is what a run of MLflow's own tests left.
type upstreamRun struct {
	MLflow    string                    `json:"mlflow"`
	Modules   map[string]map[string]int `json:"modules"`
	Excepted  map[string]int            `json:"excepted"`
	Endpoints []string                  `json:"endpoints"`
}

// TestCompatibilityIsDocumented makes the table of what is compatible from what the
// tests of the stock client called, from the results of MLflow's own tests, and from
// what a server answers, and holds the document against it.
func TestCompatibilityIsDocumented(t *testing.T) {
	suites, upstream := read[calls](t, "mlflow/calls/*.json"), read[upstreamRun](t, "upstream/results/*.json")
	var text strings.Builder
	text.WriteString(opening)
	writeEndpoints(&text, newHouse(t, sqldbtest.SQLite(t, clock.System{})), suites, upstream[len(upstream)-1])
	for _, run := range upstream {
		writeResults(&text, run)
	}
	if *update {
		if err := os.WriteFile(document, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != text.String() {
		t.Errorf("%s is stale. Run `go test ./internal/mlflow -run Compatibility -update`.", document)
	}
}

const opening = `# What of MLflow is compatible

Made from the tests, by ` + "`make gen`" + `. An endpoint that is served is followed by the number of our tests in which
the unmodified client called it, and was content.

`

// read returns the files of a pattern, in the order of their names.
func read[T any](t *testing.T, pattern string) []T {
	names, err := filepath.Glob(conformance + pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("there is nothing at %s: %v", pattern, err)
	}
	var all []T
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var one T
		if err := json.Unmarshal(raw, &one); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, one)
	}
	return all
}

var variable = regexp.MustCompile(`\{[^}]*\}`)

func writeEndpoints(text *strings.Builder, h house, suites []calls, newest upstreamRun) {
	text.WriteString("| endpoint | answer |")
	for _, suite := range suites {
		fmt.Fprintf(text, " mlflow %s |", suite.MLflow)
	}
	text.WriteString("\n| --- | --- |" + strings.Repeat(" ---: |", len(suites)) + "\n")
	unoffered := map[string]int{}
	for _, endpoint := range newest.Endpoints {
		answer := h.answers(endpoint)
		if answer != "served" {
			unoffered[answer+" | "+part(endpoint)]++
			continue
		}
		fmt.Fprintf(text, "| `%s` | served |", endpoint)
		for _, suite := range suites {
			tests := map[string]bool{}
			for called, by := range suite.Endpoints {
				if variable.ReplaceAllString(called, "{}") == variable.ReplaceAllString(endpoint, "{}") {
					for _, test := range by {
						tests[test] = true
					}
				}
			}
			fmt.Fprintf(text, " %d |", len(tests))
		}
		text.WriteString("\n")
	}
	fmt.Fprintf(text, "\n## What is not offered\n\nOf the endpoints of MLflow %s these are not served. Clients hear so at once.\n\n", newest.MLflow)
	text.WriteString("| answer | below | endpoints |\n| --- | --- | ---: |\n")
	for _, row := range slices.Sorted(maps.Keys(unoffered)) {
		fmt.Fprintf(text, "| %s | %d |\n", row, unoffered[row])
	}
}

// part is what an endpoint belongs to: the beginning of its path.
func part(endpoint string) string {
	_, path, _ := strings.Cut(endpoint, " ")
	pieces := strings.Split(path, "/")
	return "`" + strings.Join(pieces[:min(len(pieces), 5)], "/") + "`"
}

// answers tells how the server answers an endpoint: an empty request is refused in
// a way that shows whether anybody is there.
func (h house) answers(endpoint string) string {
	method, path, _ := strings.Cut(endpoint, " ")
	_, text := h.send(method, variable.ReplaceAllString(path, "x"), "{}")
	switch {
	case strings.Contains(text, `"ENDPOINT_NOT_FOUND"`), !json.Valid([]byte(text)): // a page answers what is no API
		return "no such endpoint"
	case strings.Contains(text, `"NOT_IMPLEMENTED"`):
		return "NOT_IMPLEMENTED"
	}
	return "served"
}

func writeResults(text *strings.Builder, run upstreamRun) {
	outcomes := []string{"passed", "excepted", "failed"}
	fmt.Fprintf(text, "\n## MLflow's own tests, of %s\n\n", run.MLflow)
	text.WriteString("`make conformance-mlflow MLFLOW_SRC=PATH` runs them from a checkout.\n\n")
	text.WriteString("| module | " + strings.Join(outcomes, " | ") + " |\n| --- |" + strings.Repeat(" ---: |", len(outcomes)) + "\n")
	for _, module := range slices.Sorted(maps.Keys(run.Modules)) {
		fmt.Fprintf(text, "| `%s` |", module)
		for _, outcome := range outcomes {
			fmt.Fprintf(text, " %d |", run.Modules[module][outcome])
		}
		text.WriteString("\n")
	}
	text.WriteString("\n| excepted | because |\n| ---: | --- |\n")
	reasons := slices.Sorted(maps.Keys(run.Excepted))
	slices.SortStableFunc(reasons, func(a, b string) int { return run.Excepted[b] - run.Excepted[a] })
	for _, reason := range reasons {
		fmt.Fprintf(text, "| %d | %s |\n", run.Excepted[reason], reason)
	}
}
