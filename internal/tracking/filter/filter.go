// Package filter reads the conditions by which runs, experiments and models are
// searched. The language is MLflow's: comparisons joined by AND,
//
//	metrics.rmse < 60 AND params.model = 'ridge' AND tags."my key" IS NOT NULL
//
// Parse turns text into Conditions and checks them against a Language, which
// says what can be asked of one kind of thing. A Statement turns conditions into
// SQL with parameters. Nothing of what a user wrote becomes SQL text, and the
// number of conditions is bounded.
package filter

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
)

// Entity is what a name in a condition belongs to.
type Entity string

const (
	Attribute Entity = "attribute"
	Metric    Entity = "metric"
	Param     Entity = "param"
	Tag       Entity = "tag"
	Dataset   Entity = "dataset"
)

// Kind says which operators and values a name takes.
type Kind int

const (
	Text   Kind = iota // = != LIKE ILIKE
	ID                 // as Text, and IN, NOT IN
	Number             // = != > >= < <=
	Time               // as Number, in milliseconds since 1970
)

// Field is an attribute: the name that SQL knows it by, and its kind.
type Field struct {
	Name string
	Kind Kind
	// Words are what stands in the database for what users may write instead.
	Words map[string]string
}

// Language says what can be asked of one kind of thing.
type Language struct {
	// Entities that may stand before a dot. Attribute is always among them.
	Entities []Entity
	// Attributes by the names that users write, in lower case.
	Attributes map[string]Field
	// Lists says that IN and NOT IN compare params and tags, too.
	Lists bool
}

// Operator compares, in upper case: "=", "NOT IN", "IS NULL".
type Operator string

// Condition is one comparison.
type Condition struct {
	Entity   Entity
	Key      string // for Attribute: the Field's name
	Kind     Kind
	Operator Operator
	Text     string
	Number   float64
	List     []string
}

// Limits of a filter, which bound what a search can cost.
const (
	maxText       = 100_000
	maxConditions = 40
	maxList       = 10_000
	maxPattern    = 1000 // characters after LIKE: matching costs its length times the value's
)

// Parse reads text, which may be empty, in the given language.
func Parse(text string, language Language) ([]Condition, error) {
	if len(text) > maxText {
		return nil, invalid("The filter has %d characters; at most %d are read.", len(text), maxText)
	}
	if strings.Contains(text, "\x00") {
		return nil, invalid("The filter contains a NUL character.")
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, language: language}
	if p.peek().kind == endToken {
		return nil, nil
	}
	var conditions []Condition
	for {
		condition, err := p.condition()
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, condition)
		if len(conditions) > maxConditions {
			return nil, invalid("The filter has more than %d conditions.", maxConditions)
		}
		switch next := p.next(); {
		case next.kind == endToken:
			return conditions, nil
		case !next.is("AND"):
			return nil, invalid("Invalid clause(s) in filter string: %q; only AND may join conditions.", atelier.Clip(next.text, 40))
		}
	}
}

type parser struct {
	tokens   []token
	at       int
	language Language
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != endToken {
		p.at++
	}
	return t
}

func (p *parser) accept(word string) bool {
	if p.peek().is(word) {
		p.at++
		return true
	}
	return false
}

func (p *parser) condition() (Condition, error) {
	c, err := p.name()
	if err != nil {
		return c, err
	}
	if err := p.operator(&c); err != nil {
		return c, err
	}
	switch c.Operator {
	case "IS NULL", "IS NOT NULL":
		return c, nil
	case "IN", "NOT IN":
		err = p.list(&c)
	default:
		err = p.value(&c)
	}
	p.language.translate(&c)
	return c, err
}

// translate puts the database's words for the user's.
func (l Language) translate(c *Condition) {
	if c.Entity != Attribute {
		return
	}
	words := l.Attributes[c.Key].Words
	if word, ok := words[c.Text]; ok {
		c.Text = word
	}
	for i, text := range c.List {
		if word, ok := words[text]; ok {
			c.List[i] = word
		}
	}
}

// name reads [entity "."] key.
func (p *parser) name() (Condition, error) {
	first := p.next()
	if first.kind != wordToken && first.kind != quotedToken {
		return Condition{}, invalid("Invalid clause(s) in filter string: a name is missing before %q.", atelier.Clip(first.text, 40))
	}
	if first.kind == quotedToken {
		return p.language.resolve(Attribute, first.text)
	}
	if p.accept(".") { // an entity, then a quoted key
		key := p.next()
		if key.kind != quotedToken {
			return Condition{}, invalid("A name is missing after %q.", first.text+".")
		}
		return p.resolveIn(first.text, key.text)
	}
	entity, key, dotted := strings.Cut(first.text, ".")
	if !dotted {
		return p.language.resolve(Attribute, first.text)
	}
	return p.resolveIn(entity, key)
}

func (p *parser) resolveIn(entity, key string) (Condition, error) {
	known, ok := entityOf(entity)
	if !ok || known != Attribute && !slices.Contains(p.language.Entities, known) {
		return Condition{}, invalid("Invalid entity type %q in the filter: expected one of %s.", atelier.Clip(entity, 40), p.language.entityNames())
	}
	return p.language.resolve(known, key)
}

func (l Language) resolve(entity Entity, key string) (Condition, error) {
	c := Condition{Entity: entity, Key: key}
	switch entity {
	case Metric:
		c.Kind = Number
	case Param, Tag:
		if l.Lists {
			c.Kind = ID
		}
	case Dataset:
		c.Kind = ID
		if !slices.Contains([]string{"name", "digest", "context"}, key) {
			return c, invalid("Invalid dataset attribute %q: expected name, digest or context.", atelier.Clip(key, 40))
		}
	case Attribute:
		field, ok := l.Attributes[strings.ToLower(key)]
		if !ok {
			return c, invalid("Invalid attribute key %q: expected one of %s.", atelier.Clip(key, 40), l.attributeNames())
		}
		c.Key, c.Kind = field.Name, field.Kind
	}
	if c.Key == "" {
		return c, invalid("A %s in the filter has no name.", entity)
	}
	return c, nil
}

func entityOf(word string) (Entity, bool) {
	switch strings.ToLower(word) {
	case "metric", "metrics":
		return Metric, true
	case "param", "params", "parameter", "parameters":
		return Param, true
	case "tag", "tags":
		return Tag, true
	case "dataset", "datasets":
		return Dataset, true
	case "attribute", "attributes", "attr", "run":
		return Attribute, true
	}
	return "", false
}

func (l Language) entityNames() string {
	names := []string{string(Attribute)}
	for _, entity := range l.Entities {
		names = append(names, string(entity))
	}
	return strings.Join(names, ", ")
}

func (l Language) attributeNames() string {
	var names []string
	for _, field := range l.Attributes {
		names = append(names, field.Name)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

func (p *parser) operator(c *Condition) error {
	word := p.next()
	switch {
	case word.kind == symbolToken && strings.ContainsAny(word.text, "=<>"):
		c.Operator = Operator(word.text)
	case word.is("LIKE"), word.is("ILIKE"), word.is("IN"):
		c.Operator = Operator(strings.ToUpper(word.text))
	case word.is("NOT") && p.accept("IN"):
		c.Operator = "NOT IN"
	case word.is("IS"):
		c.Operator = "IS NULL"
		if p.accept("NOT") {
			c.Operator = "IS NOT NULL"
		}
		if !p.accept("NULL") {
			return invalid("NULL is missing after IS in the filter.")
		}
	default:
		return invalid("Invalid clause(s) in filter string: %q is not an operator.", atelier.Clip(word.text, 40))
	}
	if allowed := c.operators(); !slices.Contains(allowed, c.Operator) {
		return invalid("Invalid comparison operator %q for %s %q: expected one of %v.", c.Operator, c.Entity, atelier.Clip(c.Key, 60), allowed)
	}
	return nil
}

func (c Condition) operators() []Operator {
	if c.Kind == Number || c.Kind == Time {
		return []Operator{"=", "!=", ">", ">=", "<", "<="}
	}
	operators := []Operator{"=", "!=", "LIKE", "ILIKE"}
	if c.Kind == ID {
		operators = append(operators, "IN", "NOT IN")
	}
	if c.Entity == Param || c.Entity == Tag {
		operators = append(operators, "IS NULL", "IS NOT NULL")
	}
	return operators
}

func (p *parser) value(c *Condition) error {
	word := p.next()
	if c.Kind == Text || c.Kind == ID {
		if word.kind != textToken && word.kind != quotedToken {
			return invalid("Expected a quoted string value for %s %q, got %q.", c.Entity, atelier.Clip(c.Key, 60), atelier.Clip(word.text, 40))
		}
		if c.Text = word.text; strings.HasSuffix(string(c.Operator), "LIKE") && len(c.Text) > maxPattern {
			return invalid("The pattern for %s %q has %d characters; at most %d are read.", c.Entity, atelier.Clip(c.Key, 60), len(c.Text), maxPattern)
		}
		return nil
	}
	number, err := strconv.ParseFloat(word.text, 64)
	if word.kind != wordToken || err != nil || math.IsNaN(number) || strings.ContainsAny(word.text, "_xXpP") {
		return invalid("Expected a number as value of %s %q, got %q.", c.Entity, atelier.Clip(c.Key, 60), atelier.Clip(word.text, 40))
	}
	if c.Kind == Time && (number != math.Trunc(number) || math.Abs(number) > 1<<52/1000) {
		return invalid("Expected a time in whole milliseconds since 1970 for %q, got %q.", c.Key, atelier.Clip(word.text, 40))
	}
	c.Number = number
	return nil
}

// list reads ( 'a', 'b' ).
func (p *parser) list(c *Condition) error {
	if !p.accept("(") {
		return invalid("A list in brackets is missing after %s.", c.Operator)
	}
	for {
		word := p.next()
		if word.kind != textToken && word.kind != quotedToken {
			return invalid("While parsing a list in the query, expected string value, punctuation, or whitespace, but got %q.", atelier.Clip(word.text, 40))
		}
		if c.List = append(c.List, word.text); len(c.List) > maxList {
			return invalid("A list in the filter has more than %d values.", maxList)
		}
		if p.accept(")") {
			return nil
		}
		if !p.accept(",") {
			return invalid("A list in the filter is not closed.")
		}
	}
}
