package runner

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// mask stands in a log for a secret, or for several that overlap.
const mask = "***"

// shortestForm is how long an encoded form of a secret must be to be looked for:
// a shorter one turns up by chance.
const shortestForm = 6

// patterns finds many texts at once: the secrets of a task in all the forms in
// which they may turn up. It is the automaton of Aho and Corasick.
type patterns struct {
	nodes []patternNode
	first [256]int32 // the node for each byte at the beginning
}

type patternNode struct {
	edges []patternEdge
	fail  int32 // the longest end of this node's text that another pattern begins with
	depth int32
	found int32 // the length of the longest pattern that ends here, or 0
	open  int32 // how long an end of this node's text may yet become a pattern
}

type patternEdge struct {
	with byte
	to   int32
}

// newPatterns returns what finds the values in all their forms, and nil when there
// are none.
func newPatterns(values []string) *patterns {
	if len(values) == 0 {
		return nil
	}
	p := &patterns{nodes: make([]patternNode, 1)}
	for _, value := range values {
		for _, form := range formsOf(value) {
			p.add(form)
		}
	}
	p.link()
	return p
}

func (p *patterns) add(text string) {
	at := int32(0)
	for i := range len(text) {
		next := p.edge(at, text[i])
		if next == 0 {
			next = int32(len(p.nodes))
			p.nodes = append(p.nodes, patternNode{depth: p.nodes[at].depth + 1})
			p.nodes[at].edges = append(p.nodes[at].edges, patternEdge{text[i], next})
		}
		at = next
	}
	p.nodes[at].found = p.nodes[at].depth
}

func (p *patterns) edge(at int32, b byte) int32 {
	for _, e := range p.nodes[at].edges {
		if e.with == b {
			return e.to
		}
	}
	return 0
}

// link sets where each node goes on when no edge fits, level by level.
func (p *patterns) link() {
	var queue []int32
	for _, e := range p.nodes[0].edges {
		p.first[e.with] = e.to
		queue = append(queue, e.to)
	}
	for ; len(queue) > 0; queue = queue[1:] {
		node := &p.nodes[queue[0]]
		node.found = max(node.found, p.nodes[node.fail].found)
		if node.open = p.nodes[node.fail].open; len(node.edges) > 0 {
			node.open = node.depth
		}
		for _, e := range node.edges {
			p.nodes[e.to].fail = p.step(node.fail, e.with)
			queue = append(queue, e.to)
		}
	}
}

// step is the node after one more byte.
func (p *patterns) step(at int32, b byte) int32 {
	for at != 0 {
		if next := p.edge(at, b); next != 0 {
			return next
		}
		at = p.nodes[at].fail
	}
	return p.first[b]
}

// formsOf are the forms in which a value may turn up: itself, and as base64 (also
// in the middle of a longer text), URL, JSON and hexadecimal writing have it. Of a
// value with several lines, each line that is long enough counts too.
func formsOf(value string) []string {
	forms := []string{value}
	add := func(form string) {
		if len(form) >= shortestForm {
			forms = append(forms, form)
		}
	}
	for line := range strings.SplitSeq(value, "\n") {
		add(strings.TrimSpace(line))
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			add(insideBase64(encoding, value, shift))
		}
	}
	for _, escaped := range []string{url.QueryEscape(value), url.PathEscape(value)} {
		add(escaped)
		add(lowerEscapes(escaped))
	}
	for _, html := range []bool{true, false} {
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(html)
		if encoder.Encode(value) == nil {
			add(strings.Trim(strings.TrimSpace(text.String()), `"`))
		}
	}
	add(hex.EncodeToString([]byte(value)))
	add(strings.ToUpper(hex.EncodeToString([]byte(value))))
	slices.Sort(forms)
	return slices.Compact(forms)
}

// insideBase64 is what a text's base64 has of value when value begins shift bytes
// after a multiple of three: all but the digits that its neighbours have a part in.
func insideBase64(encoding *base64.Encoding, value string, shift int) string {
	digits := encoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + value))
	from := []int{0, 2, 3}[shift]
	to := (shift + len(value)) * 8 / 6
	return digits[from:max(from, to)]
}

// lowerEscapes writes %2F as %2f.
func lowerEscapes(text string) string {
	out := []byte(text)
	for i := 0; i+2 < len(out); i++ {
		if out[i] == '%' {
			copy(out[i+1:i+3], strings.ToLower(string(out[i+1:i+3])))
		}
	}
	return string(out)
}

// redactor masks the patterns in a text that comes in pieces. It keeps back what
// may be the beginning of a pattern until it knows.
type redactor struct {
	patterns *patterns
	at       int32
	held     []byte
	marks    []span
	inMask   bool // the byte written last was masked
}

// span is a part of held.
type span struct{ from, to int }

// push takes a piece and returns what may be written.
func (r *redactor) push(piece []byte) []byte {
	for _, b := range piece {
		r.held = append(r.held, b)
		r.at = r.patterns.step(r.at, b)
		if n := int(r.patterns.nodes[r.at].found); n > 0 {
			r.mark(span{len(r.held) - n, len(r.held)})
		}
	}
	return r.release(max(0, len(r.held)-int(r.patterns.nodes[r.at].open)))
}

// pause returns what is held, for nothing more comes for now. The rest of a pattern
// that comes later is masked.
func (r *redactor) pause() []byte { return r.release(len(r.held)) }

// mark notes a pattern, together with those that it touches.
func (r *redactor) mark(s span) {
	s.from = max(s.from, 0)
	for len(r.marks) > 0 && r.marks[len(r.marks)-1].to >= s.from {
		s.from = min(s.from, r.marks[len(r.marks)-1].from)
		r.marks = r.marks[:len(r.marks)-1]
	}
	r.marks = append(r.marks, s)
}

// rest returns what is still held: nothing more will come.
func (r *redactor) rest() []byte {
	r.at = 0
	return r.release(len(r.held))
}

// release returns the first n bytes of what is held, masked.
func (r *redactor) release(n int) []byte {
	var out []byte
	from := 0
	for from < n {
		if len(r.marks) == 0 || r.marks[0].from >= n {
			out, from, r.inMask = append(out, r.held[from:n]...), n, false
			break
		}
		next := r.marks[0]
		if next.from > from {
			out, r.inMask = append(out, r.held[from:next.from]...), false
		}
		if !r.inMask {
			out, r.inMask = append(out, mask...), true
		}
		from = min(next.to, n)
		if next.to > n {
			break
		}
		r.marks = r.marks[1:]
	}
	r.held = append(r.held[:0], r.held[n:]...)
	for i := range r.marks {
		r.marks[i] = span{max(0, r.marks[i].from-n), r.marks[i].to - n}
	}
	return out
}

// text masks the patterns in a whole text.
func (p *patterns) text(text string) string {
	if p == nil {
		return text
	}
	r := redactor{patterns: p}
	return string(r.push([]byte(text))) + string(r.rest())
}
