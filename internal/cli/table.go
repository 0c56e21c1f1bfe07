package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// table is rows of text under a header. A table without a header is a list of
// names and values.
type table struct {
	header []string
	rows   [][]string
	// empty tells people what to do when there are no rows.
	empty string
}

const (
	columnGap = 3
	maxCell   = 60
)

// write prints the table with aligned columns: a header in capitals, no rules,
// no trailing blanks.
func (t table) write(w io.Writer) error {
	rows := t.rows
	if t.header != nil {
		head := make([]string, len(t.header))
		for i, title := range t.header {
			head[i] = strings.ToUpper(title)
		}
		rows = append([][]string{head}, rows...)
	}
	clean := make([][]string, len(rows))
	var widths []int
	for i, row := range rows {
		clean[i] = make([]string, len(row))
		for j, cell := range row {
			cell = plain(cell)
			if t.header != nil {
				cell = clip(cell, maxCell)
			}
			clean[i][j] = cell
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], columns(cell))
		}
	}
	for _, row := range clean {
		var line strings.Builder
		for j, cell := range row {
			line.WriteString(cell)
			if j < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[j]-columns(cell)+columnGap))
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// plain drops what could move a terminal's cursor or change its colours, and
// puts a text of several lines on one.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)
}

// columns is how many columns of a terminal text takes: two for each wide
// character, as in Korean.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if unicode.Is(unicode.Mn, r) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// clip cuts text to at most limit columns.
func clip(text string, limit int) string {
	if columns(text) <= limit {
		return text
	}
	n := 0
	for i, r := range text {
		if n += runeColumns(r); n > limit-1 {
			return text[:i] + "…"
		}
	}
	return text
}
