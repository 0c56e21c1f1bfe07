package spec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
)

// object reads one mapping. Asking for a key allows it; finish reports every
// key that was never asked for.
type object struct {
	d       *Document
	node    *yaml.Node
	path    string // "inputs.data", or "" at the root
	fields  map[string]field
	allowed []string
	broken  bool // not a mapping at all: nothing below is worth reporting
}

type field struct{ key, value *yaml.Node }

// object starts to read node, which should be a mapping.
func (d *Document) object(node *yaml.Node, path string) *object {
	o := &object{d: d, node: node, path: path, fields: map[string]field{}}
	if node.Kind != yaml.MappingNode {
		o.broken = true
		name := "The file"
		if path != "" {
			name = strconv.Quote(path)
		}
		d.add(node, "%s must be a mapping with keys, and is %s.", name, kindOf(node))
		return o
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := real(node.Content[i]), real(node.Content[i+1])
		switch _, twice := o.fields[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			d.add(key, "A key must be plain text, and is %s.", kindOf(key))
		case key.Value == "<<":
			d.add(key, "What \"<<\" merges must be a mapping, or a list of mappings.")
		case twice:
			d.add(key, "The key %q is given twice.", key.Value)
		default:
			o.fields[key.Value] = field{key, value}
		}
	}
	return o
}

// kindOf describes a node to a person.
func kindOf(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(node):
		return "empty"
	}
	return "the text " + strconv.Quote(atelier.Clip(node.Value, 60))
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

// value returns what stands at key; nil when it is absent or empty.
func (o *object) value(key string) *yaml.Node {
	if !slices.Contains(o.allowed, key) {
		o.allowed = append(o.allowed, key)
	}
	found, ok := o.fields[key]
	if !ok || isNull(found.value) {
		return nil
	}
	return found.value
}

// name is the full name of key, for messages.
func (o *object) name(key string) string {
	if o.path == "" {
		return key
	}
	return o.path + "." + key
}

// need reports key as missing unless it is there. What says what it is for.
func (o *object) need(key, what string) {
	if o.value(key) == nil && !o.broken {
		o.d.add(o.node, "The key %q is missing: %s.", o.name(key), what)
	}
}

// text reads a scalar as the user wrote it.
func (o *object) text(key string) string {
	node := o.value(key)
	if node == nil || key != "description" && key != "display_name" && o.d.placeholder(node, o.name(key)) {
		return ""
	}
	return o.d.text(node, o.name(key))
}

// placeholderForm is how templates mark what their reader should fill in.
var placeholderForm = regexp.MustCompile(`^(<[^<>]+>|\{\{[^{}]+\}\})$`)

// placeholder reports a value that nobody has filled in. Without quotes, {{NAME}}
// is a mapping to YAML.
func (d *Document) placeholder(node *yaml.Node, name string) bool {
	written := node.Value
	if node.Kind == yaml.MappingNode && len(node.Content) == 2 && real(node.Content[0]).Kind == yaml.MappingNode && isNull(real(node.Content[1])) {
		if inner := real(node.Content[0]); len(inner.Content) == 2 {
			written = "{{" + strings.TrimSpace(real(inner.Content[0]).Value) + "}}"
		}
	}
	if !placeholderForm.MatchString(written) {
		return false
	}
	d.add(node, "%q still holds the placeholder %q. Fill it in, here or with --set.", name, atelier.Clip(written, 60))
	return true
}

func (d *Document) text(node *yaml.Node, name string) string {
	if node.Kind != yaml.ScalarNode {
		d.add(node, "%q must be text, and is %s.", name, kindOf(node))
		return ""
	}
	if strings.ContainsRune(node.Value, 0) {
		d.add(node, "%q holds a NUL character.", name)
		return ""
	}
	return node.Value
}

// choice reads a scalar that must be one of options.
func (o *object) choice(key string, options ...string) string {
	text := o.text(key)
	if text == "" || slices.Contains(options, text) {
		return text
	}
	meant := ""
	if near := nearest(text, options); near != "" {
		meant = " Did you mean " + strconv.Quote(near) + "?"
	}
	o.d.add(o.value(key), "%q cannot be %q.%s Allowed: %s.", o.name(key), atelier.Clip(text, 60), meant, strings.Join(options, ", "))
	return ""
}

// word is choice for words whose case does not matter.
func (o *object) word(key string, options ...string) string {
	if node := o.value(key); node != nil && node.Kind == yaml.ScalarNode {
		for _, option := range options {
			if strings.EqualFold(node.Value, option) {
				return option
			}
		}
	}
	return o.choice(key, options...)
}

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// integer reads a whole number from low to high; zero when there is none.
func (o *object) integer(key string, low, high int) int {
	node := o.value(key)
	if node == nil {
		return 0
	}
	return o.d.integer(node, o.name(key), low, high)
}

func (d *Document) integer(node *yaml.Node, name string, low, high int) int {
	number, err := strconv.Atoi(node.Value)
	if node.Kind != yaml.ScalarNode || !wholeNumber.MatchString(node.Value) || err != nil {
		d.add(node, "%q must be a whole number, and is %s.", name, kindOf(node))
		return 0
	}
	if number < low || number > high {
		d.add(node, "%q must be from %d to %d, and is %d.", name, low, high, number)
		return 0
	}
	return number
}

// boolean reads true or false.
func (o *object) boolean(key string) bool {
	switch text := o.text(key); text {
	case "", "false", "False", "FALSE":
		return false
	case "true", "True", "TRUE":
		return true
	default:
		o.d.add(o.value(key), "%q must be true or false, and is %q.", o.name(key), atelier.Clip(text, 60))
		return false
	}
}

// texts reads a mapping from names to scalars, whose text is kept as written.
func (o *object) texts(key string) map[string]string {
	var all map[string]string
	o.each(key, func(name string, inner field) {
		if all == nil {
			all = map[string]string{}
		}
		if isNull(inner.value) {
			all[name] = ""
			return
		}
		all[name] = o.d.text(inner.value, o.name(key)+"."+name)
	})
	return all
}

// integers reads a mapping from names to whole numbers.
func (o *object) integers(key string, low, high int) map[string]int {
	var all map[string]int
	o.each(key, func(name string, inner field) {
		if all == nil {
			all = map[string]int{}
		}
		all[name] = o.d.integer(inner.value, o.name(key)+"."+name, low, high)
	})
	return all
}

// each calls do for every entry of the mapping at key, in the order of names.
func (o *object) each(key string, do func(name string, inner field)) {
	node := o.value(key)
	if node == nil {
		return
	}
	inner := o.d.object(node, o.name(key))
	for _, name := range slices.Sorted(maps.Keys(inner.fields)) {
		do(name, inner.fields[name])
	}
}

// inner reads the mapping at key, nil when there is none.
func (o *object) inner(key string) *object {
	node := o.value(key)
	if node == nil {
		return nil
	}
	return o.d.object(node, o.name(key))
}

// refuse reports key, which Azure has and we do not, with the reason.
func (o *object) refuse(key, why string) {
	if found, ok := o.fields[key]; ok {
		o.d.add(found.key, "The key %q is not offered. %s", o.name(key), why)
		delete(o.fields, key)
	}
}

// ignore accepts key, which changes nothing here, and notes why.
func (o *object) ignore(key, why string) {
	if node := o.value(key); node != nil {
		o.d.notes = append(o.d.notes, fmt.Sprintf("%s: %q is not used. %s", place(o.d.file, node.Line, 0), o.name(key), why))
	}
}

// finish reports the keys that nobody asked for. Refused are keys that Azure
// has and we do not, with the reason.
func (o *object) finish(refused map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(o.fields)) {
		if slices.Contains(o.allowed, key) {
			continue
		}
		if why, known := refused[key]; known {
			o.refuse(key, why)
			continue
		}
		meant := "."
		if near := nearest(key, o.allowed); near != "" {
			meant = "; did you mean " + strconv.Quote(near) + "?"
		}
		shown := slices.DeleteFunc(slices.Clone(o.allowed), func(name string) bool { return name == "$schema" })
		o.d.add(o.fields[key].key, "Unknown key %q%s Allowed here: %s.", atelier.Clip(o.name(key), 80), meant, strings.Join(shown, ", "))
	}
}
