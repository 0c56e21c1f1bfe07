package spec

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
)

// maxFaults is how many faults of one file are shown.
const maxFaults = 20

// fault is one thing that is wrong, and where.
type fault struct {
	place        string // file:line:column
	line, column int
	message      string // full sentences
	excerpt      string // the line, and a caret below the place
}

// add notes a fault at node.
func (d *Document) add(node *yaml.Node, format string, args ...any) {
	d.addAt(node.Line, node.Column, fmt.Sprintf(format, args...))
}

func (d *Document) addAt(line, column int, message string) {
	f := fault{line: line, column: column, message: message}
	if line < 0 {
		f.place = "--set " + atelier.Clip(d.sets[-line-1], 80)
	} else {
		f.place = place(d.file, line, column)
		f.excerpt = excerpt(d.lines, line, column)
	}
	d.faults = append(d.faults, f)
}

// addForeign notes a fault that another reader found, in text: a file that
// this one names, or a part of this one.
func (d *Document) addForeign(err error, text string) {
	known := (*atelier.Error)(nil)
	if !errors.As(err, &known) {
		d.faults = append(d.faults, fault{place: d.file, message: err.Error()})
		return
	}
	f := fault{place: cmp.Or(known.Field, d.file), message: known.Message}
	if known.Hint != "" {
		f.message += " " + known.Hint
	}
	if parts := placeForm.FindStringSubmatch(known.Field); parts != nil {
		f.line, _ = strconv.Atoi(parts[1])
		f.column, _ = strconv.Atoi(parts[2])
		f.excerpt = excerpt(strings.Split(text, "\n"), f.line, f.column)
	}
	d.faults = append(d.faults, f)
}

var placeForm = regexp.MustCompile(`:(\d+)(?::(\d+))?$`)

func place(file string, line, column int) string {
	text := file
	if line > 0 {
		text += ":" + strconv.Itoa(line)
	}
	if line > 0 && column > 0 {
		text += ":" + strconv.Itoa(column)
	}
	return text
}

// visible puts a blank for what a terminal would not print but do.
func visible(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
		return ' '
	}
	return r
}

// excerpt shows a line of a file, with a caret below a column.
func excerpt(lines []string, line, column int) string {
	if line < 1 || line > len(lines) {
		return ""
	}
	source := strings.TrimRight(strings.Map(visible, lines[line-1]), " ")
	if source == "" || len(source) > 200 {
		return ""
	}
	shown := fmt.Sprintf("%4d | %s", line, source)
	if column > 0 {
		shown += "\n     | " + strings.Repeat(" ", column-1) + "^"
	}
	return shown
}

// sorted returns the faults in the order of their lines, each once.
func (d *Document) sorted() []fault {
	faults := slices.Clone(d.faults)
	slices.SortStableFunc(faults, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	return slices.Compact(faults)
}

// failure returns all faults as one error, or nil.
func (d *Document) failure() error {
	faults := d.sorted()
	switch {
	case len(faults) == 0:
		return nil
	case len(faults) == 1:
		return atelier.Errorf(atelier.Invalid, "%s", below(faults[0].message, faults[0].excerpt)).At(faults[0].place)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s has %d faults.", d.file, len(faults))
	for _, f := range faults[:min(len(faults), maxFaults)] {
		text.WriteString("\n" + below(f.place+": "+f.message, f.excerpt))
	}
	if more := len(faults) - maxFaults; more > 0 {
		fmt.Fprintf(&text, "\nand %d more.", more)
	}
	return atelier.Errorf(atelier.Invalid, "%s", text.String())
}

func below(message, excerpt string) string {
	if excerpt == "" {
		return message
	}
	return message + "\n" + excerpt
}

// nearest returns the word that was probably meant, or "".
func nearest(word string, known []string) string {
	for _, candidate := range known {
		if len(word) > 3 && strings.HasPrefix(candidate, strings.ToLower(word)) {
			return candidate
		}
	}
	best, fewest := "", max(2, len(word)/3)+1
	for _, candidate := range known {
		if n := edits(strings.ToLower(word), candidate); n < fewest {
			best, fewest = candidate, n
		}
	}
	return best
}

// edits counts the letters to change, add or remove to make b of a.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}

// Locate gives an error of the server, which names a value by its keys
// ("environment_variables.TOKEN"), the place of that value in the file. There may be
// no file.
func (d *Document) Locate(err error) error {
	known := (*atelier.Error)(nil)
	if d == nil || !errors.As(err, &known) || known.Field == "" {
		return err
	}
	node := real(d.root)
	for part := range strings.SplitSeq(known.Field, ".") {
		if node == nil || node.Kind != yaml.MappingNode {
			return err
		}
		if node = child(node, part); node == nil {
			return err
		}
	}
	if node.Line < 1 {
		return err
	}
	return known.At(place(d.file, node.Line, node.Column))
}
