package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
)

// The forms in which every command can answer.
const (
	formTable = "table"
	formJSON  = "json"
	formYAML  = "yaml"
)

func checkForm(form string) error {
	if slices.Contains([]string{formTable, formJSON, formYAML}, form) {
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "There is no output form %q.", atelier.Clip(form, 40)).At("--output").
		WithHint("Use table, json or yaml.")
}

// emit prints value in the form that the user asked for. The table is made only
// when it is wanted.
func (c *command) emit(value any, asTable func() table) error {
	switch c.form {
	case formJSON:
		return writeJSON(c.st.Stdout, value)
	case formYAML:
		return writeYAML(c.st.Stdout, value)
	}
	t := asTable()
	if len(t.rows) == 0 && t.empty != "" {
		c.done("%s", t.empty)
		return nil
	}
	return t.write(c.st.Stdout)
}

// emitIf prints value, which has no table of its own, unless there is an error.
func (c *command) emitIf(err error, value any) error {
	if err != nil {
		return err
	}
	return c.emit(value, func() table { return table{} })
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// writeYAML prints value with the names and the order of its JSON, of which
// YAML is another spelling.
func writeYAML(w io.Writer, value any) error {
	var text bytes.Buffer
	if err := writeJSON(&text, value); err != nil {
		return err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text.Bytes(), &document); err != nil {
		return err
	}
	blockStyle(&document)
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return err
	}
	return encoder.Close()
}

// blockStyle drops JSON's braces and its quotes where YAML needs none.
func blockStyle(node *yaml.Node) {
	if node.Kind == yaml.MappingNode || node.Kind == yaml.SequenceNode {
		if len(node.Content) > 0 {
			node.Style = 0
		}
	}
	if node.Kind == yaml.ScalarNode && node.Tag == "!!str" {
		node.Style = 0
		if strings.Contains(node.Value, "\n") {
			node.Style = yaml.LiteralStyle
		}
	}
	for _, child := range node.Content {
		blockStyle(child)
	}
}

// done says what a command did, on the stream for people: standard output stays
// empty or machine-readable.
func (c *command) done(format string, args ...any) {
	if !c.quiet {
		fmt.Fprintf(c.st.Stderr, format+"\n", args...)
	}
}

// at shows a time: as people say it on a terminal, exactly elsewhere.
func (c *command) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if !c.st.StdoutTerminal {
		return t.UTC().Format(time.RFC3339)
	}
	return ago(c.st.Clock.Now().Sub(t))
}

func (c *command) atMaybe(t *time.Time) string {
	if t == nil {
		return ""
	}
	return c.at(*t)
}

// ago says how long ago something was. A time ahead of ours is as good as now.
func ago(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}

// lasted says how long something took: "850 ms", "42 s", "3 min 20 s", "2 h 5 min".
func lasted(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// bytesText shows a size in the units that people know.
func bytesText(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n), 0
	units := []string{"B", "kB", "MB", "GB", "TB"}
	for value >= 1000 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// readSize reads what bytesText shows, with or without the blank.
func readSize(flag, text string) (int64, error) {
	number, unit := strings.TrimSpace(text), int64(1)
	for i, name := range []string{"kB", "MB", "GB", "TB"} {
		if before, ok := strings.CutSuffix(number, name); ok {
			number, unit = strings.TrimSpace(before), int64(math.Pow10(3*(i+1)))
		}
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || value < 0 || value*float64(unit) > 1e18 {
		return 0, atelier.Errorf(atelier.Invalid, "%q is not a size.", atelier.Clip(text, 40)).At(flag).WithHint("Write it like 20GB or 500MB.")
	}
	return int64(value * float64(unit)), nil
}

// pairs shows a map as "a=1 b=2", in order of its keys.
func pairs[V any](m map[string]V) string {
	words := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		words = append(words, fmt.Sprintf("%s=%v", key, m[key]))
	}
	return strings.Join(words, " ")
}

// facts is a table of one thing: a name and a value on each line. Lines without
// a value are left out.
func facts(lines ...[2]string) table {
	t := table{}
	for _, line := range lines {
		if line[1] != "" {
			t.rows = append(t.rows, []string{line[0], line[1]})
		}
	}
	return t
}

// counted says "1 file" or "3 files".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
