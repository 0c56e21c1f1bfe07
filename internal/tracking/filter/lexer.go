package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
)

type tokenKind int

const (
	endToken    tokenKind = iota
	wordToken             // a bare name, keyword or number: metrics.rmse, AND, 0.5
	textToken             // 'single quotes'
	quotedToken           // "double quotes" or `backticks`: a name or a text
	symbolToken           // an operator, a bracket, a comma or a dot
)

type token struct {
	kind tokenKind
	text string // without quotes
	at   int    // byte offset, for messages
}

// is reports whether t is the given keyword or symbol, in any case.
func (t token) is(word string) bool {
	return (t.kind == wordToken || t.kind == symbolToken) && strings.EqualFold(t.text, word)
}

// lex cuts text into tokens; the last one is an endToken.
func lex(text string) ([]token, error) {
	var tokens []token
	for at := 0; at < len(text); {
		next, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case unicode.IsSpace(next):
			at += size
			continue
		case next == '\'' || next == '"' || next == '`':
			quoted, length, err := lexQuoted(text[at:], byte(next))
			if err != nil {
				return nil, err
			}
			kind := quotedToken
			if next == '\'' {
				kind = textToken
			}
			tokens = append(tokens, token{kind, quoted, at})
			at += length
			continue
		}
		found, err := lexPlain(text, at)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, found)
		at += len(found.text)
	}
	return append(tokens, token{endToken, "", len(text)}), nil
}

// lexQuoted reads a quoted piece at the start of text and returns its content
// and how many bytes it took. A doubled quote inside stands for one.
func lexQuoted(text string, quote byte) (string, int, error) {
	var content strings.Builder
	for at := 1; at < len(text); at++ {
		if text[at] != quote {
			content.WriteByte(text[at])
			continue
		}
		if at+1 < len(text) && text[at+1] == quote {
			content.WriteByte(quote)
			at++
			continue
		}
		return content.String(), at + 1, nil
	}
	return "", 0, invalid("The quote %c is not closed in %q.", quote, atelier.Clip(text, 60))
}

// lexPlain reads an operator or a bare word.
func lexPlain(text string, at int) (token, error) {
	for _, symbol := range []string{"!=", ">=", "<=", "=", ">", "<", "(", ")", ",", "."} {
		if strings.HasPrefix(text[at:], symbol) {
			return token{symbolToken, symbol, at}, nil
		}
	}
	end := at
	for end < len(text) {
		next, size := utf8.DecodeRuneInString(text[end:])
		if !isWordRune(next) && !(next == '.' && end > at) {
			break
		}
		end += size
	}
	if end == at {
		return token{}, invalid("Invalid clause(s) in filter string: unexpected %q.", atelier.Clip(text[at:], 20))
	}
	// A dot at the end separates an entity from a quoted key: tags."my key".
	return token{wordToken, strings.TrimRight(text[at:end], "."), at}, nil
}

func isWordRune(r rune) bool {
	return r == '_' || r == '-' || r == '+' || r == '/' || r == ':' || r == '@' ||
		unicode.IsLetter(r) || unicode.IsDigit(r)
}

func invalid(format string, args ...any) *atelier.Error {
	return atelier.Errorf(atelier.Invalid, format, args...).At("filter").
		WithHint("Write conditions like metrics.rmse < 60 AND params.model = 'ridge', joined by AND.")
}
