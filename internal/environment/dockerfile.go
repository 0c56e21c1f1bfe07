package environment

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
)

// A Dockerfile is read from whoever may submit a job, so its size is bounded.
const (
	maxDockerfileBytes = 256 << 10
	maxInstructions    = 1000
)

// instruction is one of a Dockerfile, its continued lines joined.
type instruction struct {
	name string // in upper case
	rest string
	line int
}

var escapeDirective = regexp.MustCompile("(?i)^#\\s*escape\\s*=\\s*`")

// instructions splits a Dockerfile. Lines that end in a backslash go on; comments
// and empty lines between them do not end the instruction.
func (t *translator) instructions(text string) ([]instruction, error) {
	if len(text) > maxDockerfileBytes {
		return nil, t.bad(atLine(1), "The Dockerfile is larger than %d bytes.", maxDockerfileBytes)
	}
	var all []instruction
	var joined strings.Builder
	start, number := 0, 0
	finish := func() {
		name, rest, _ := strings.Cut(strings.Replace(strings.TrimSpace(joined.String()), "\t", " ", 1), " ")
		if name != "" {
			all = append(all, instruction{strings.ToUpper(name), strings.TrimSpace(rest), start})
		}
		joined.Reset()
		start = 0
	}
	for line := range strings.SplitSeq(text, "\n") {
		number++
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.ContainsFunc(trimmed, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
			return nil, t.bad(atLine(number), "A Dockerfile is printable text.")
		case escapeDirective.MatchString(trimmed):
			return nil, t.badHint(atLine(number), "Continue lines with a backslash.", "Another escape character is not offered.")
		case strings.HasPrefix(trimmed, "#"), trimmed == "":
			continue
		}
		if start == 0 {
			start = number
		}
		before, more := strings.CutSuffix(trimmed, `\`)
		joined.WriteString(before + " ")
		if more {
			continue
		}
		if finish(); len(all) > maxInstructions {
			return nil, t.bad(atLine(number), "The Dockerfile has more than %d instructions.", maxInstructions)
		}
	}
	finish()
	return all, nil
}

func atLine(number int) *yaml.Node { return &yaml.Node{Line: number} }

// shell splits a line into commands that are joined by "&&" or ";", and each
// into words, as a shell would. What only a whole shell understands is an error
// that says what it is.
func shell(line string, value func(name string) (string, bool)) ([][]string, error) {
	s := &shellReader{value: value}
	rest := line
	for rest != "" {
		var err error
		if rest, err = s.next(rest); err != nil {
			return nil, err
		}
	}
	if s.quote != 0 {
		return nil, fmt.Errorf("a quotation mark without its other half")
	}
	s.endCommand()
	return s.commands, nil
}

type shellReader struct {
	value    func(name string) (string, bool)
	commands [][]string
	words    []string
	word     strings.Builder
	inWord   bool
	quote    byte // the open quotation mark, or 0
}

func (s *shellReader) endWord() {
	if s.inWord {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.inWord = false
}

func (s *shellReader) endCommand() {
	s.endWord()
	if len(s.words) > 0 {
		s.commands = append(s.commands, s.words)
	}
	s.words = nil
}

func (s *shellReader) add(text string) {
	s.word.WriteString(text)
	s.inWord = true
}

// next reads one character, or a few that belong together, and returns what is
// left.
func (s *shellReader) next(rest string) (string, error) {
	first := rest[0]
	switch {
	case s.quote != 0 && first == s.quote:
		s.quote = 0
	case s.quote == '\'':
		s.add(rest[:1])
	case first == '\\' && len(rest) > 1:
		if s.quote == '"' && !strings.ContainsRune("$`\"\\", rune(rest[1])) {
			s.add(`\`)
		}
		s.add(rest[1:2])
		return rest[2:], nil
	case first == '$':
		return s.variable(rest)
	case first == '`':
		return "", fmt.Errorf("a command inside backticks")
	case s.quote == '"':
		s.add(rest[:1])
	case first == '"' || first == '\'':
		s.quote = first
		s.add("")
	case first == ' ' || first == '\t':
		s.endWord()
	case strings.HasPrefix(rest, "&&"):
		s.endCommand()
		return rest[2:], nil
	case first == ';':
		s.endCommand()
	case strings.IndexByte("|&<>(){}", first) >= 0:
		return "", fmt.Errorf("the shell's %q, which is not read; a version such as \"numpy>=2\" belongs in quotation marks", string(first))
	default:
		s.add(rest[:1])
	}
	return rest[1:], nil
}

var shellVariable = regexp.MustCompile(`^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}$]*))?\})`)

func (s *shellReader) variable(rest string) (string, error) {
	parts := shellVariable.FindStringSubmatch(rest)
	if parts == nil {
		return "", fmt.Errorf("an expression of the shell that begins with %q", atelier.Clip(rest, 20))
	}
	value, known := s.value(parts[1] + parts[2])
	if !known && strings.Contains(parts[0], ":-") {
		value, known = parts[3], true
	}
	if !known {
		return "", fmt.Errorf("the variable %s, which no ARG or ENV above gives a plain value", parts[1]+parts[2])
	}
	if s.word.Len()+len(value) > maxDockerfileBytes {
		return "", fmt.Errorf("a value that is too long")
	}
	s.add(value)
	return rest[len(parts[0]):], nil
}
