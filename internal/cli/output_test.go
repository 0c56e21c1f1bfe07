package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
)

// YAML that is read back must give what JSON would have given.
func TestYAMLMeansWhatJSONMeans(t *testing.T) {
	value := map[string]any{
		"numbers": []any{1.5, float64(3), 1e21},
		"texts": []any{"", "yes", "null", "1.10", "0x1f", "2026-11-23", "~", "- a", "a: b", "# no", "'", "\"", "trailing ", " leading",
			"two\nlines\n", "two\n\n  lines", "\ttab\nline", "tab\t\n", "bell\a", "한국어", "${{inputs.x}}", "=", "<<", "\r\n"},
		"empty": map[string]any{"map": map[string]any{}, "list": []any{}},
		"other": []any{true, nil},
	}
	var text strings.Builder
	if err := writeYAML(&text, value); err != nil {
		t.Fatal(err)
	}
	var read any
	if err := yaml.Unmarshal([]byte(text.String()), &read); err != nil {
		t.Fatalf("%v in\n%s", err, text.String())
	}
	got, err := json.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s\nthe YAML is\n%s", diff, text.String())
	}
}

func TestTimesAreExactForMachines(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	c := &command{st: &State{Clock: clock.NewFake(now)}}
	if got := c.at(now.Add(-2 * time.Minute)); got != "2026-11-23T11:58:00Z" {
		t.Errorf("for a machine: %s", got)
	}
	c.st.StdoutTerminal = true
	if got := c.at(now.Add(-2 * time.Minute)); got != "2 min ago" {
		t.Errorf("for a person: %s", got)
	}
}

func TestProgressIsForPeople(t *testing.T) {
	var out strings.Builder
	fake := clock.NewFake(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	c := &command{st: &State{Clock: fake, Stderr: &out}}
	line := c.progress("Uploading")
	line.update(1, 2)
	line.close()
	if out.Len() > 0 {
		t.Errorf("without a terminal it printed %q", out.String())
	}
	c.st.StderrTerminal = true
	line = c.progress("Uploading")
	line.update(1000, 4000)
	line.update(2000, 4000) // too soon after the one before
	fake.Advance(progressStep)
	line.update(3000, 4000)
	line.update(4000, 4000)
	line.close()
	want := "\r\x1b[KUploading 1.0 kB of 4.0 kB (25%)\r\x1b[KUploading 3.0 kB of 4.0 kB (75%)\r\x1b[KUploading 4.0 kB of 4.0 kB (100%)\r\x1b[K"
	if out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

// A file's name may hold what a terminal would take as a command.
func TestReportDoesNotMoveTheTerminal(t *testing.T) {
	var out bytes.Buffer
	st := &State{Stderr: &out}
	st.report(atelier.Errorf(atelier.Invalid, "The link a\x1b[2Jb\r leads nowhere.\n  1 | x"))
	if out.String() != "atelier: The link a\uFFFD[2Jb\uFFFD leads nowhere.\n  1 | x\n" {
		t.Errorf("got %q", out.String())
	}
}
