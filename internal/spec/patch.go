package spec

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// patch applies the set with the given index, "a.b=value", to the tree. The
// nodes that it makes have a negative line, by which faults in them are shown
// as the option's.
func (d *Document) patch(index int) {
	line := -index - 1
	at := &yaml.Node{Line: line}
	path, text, ok := strings.Cut(d.sets[index], "=")
	if !ok || path == "" {
		d.add(at, "A value is set as KEY=VALUE, with dots between the keys of a path.")
		return
	}
	value := patchValue(text, line)
	if budget := maxNodes; !d.small(value, maxDepth, &budget) {
		return
	}
	target := d.root
	parts := strings.Split(path, ".")
	for i, part := range parts {
		last := i == len(parts)-1
		slot := d.slot(target, part, line)
		if slot == nil {
			d.add(at, "%q is %s here and has no part %q.", strings.Join(parts[:i], "."), kindOf(target), part)
			return
		}
		if last {
			*slot = value
			return
		}
		*slot = unshared(*slot)
		target = *slot
	}
}

// patchValue reads the text after "=" as YAML: a number, a list, or plain text.
func patchValue(text string, line int) *yaml.Node {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil || len(document.Content) == 0 || strings.ContainsAny(text, "\n") {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: line}
	}
	value := document.Content[0]
	if value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0 {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: line} // "a: b" without braces is text
	}
	if value.Kind == yaml.ScalarNode && value.Style == 0 {
		value.Value = text // as written, without YAML's trimming of comments
	}
	mark(value, line)
	return value
}

func mark(node *yaml.Node, line int) {
	node.Line, node.Column = line, 0
	for _, child := range node.Content {
		mark(child, line)
	}
}

// slot returns the place of part in node, made if node is a mapping that lacks
// it; nil when node can have no such part.
func (d *Document) slot(node *yaml.Node, part string, line int) **yaml.Node {
	switch {
	case node.Kind == yaml.SequenceNode:
		index, err := strconv.Atoi(part)
		if err != nil || index < 0 || index >= len(node.Content) {
			return nil
		}
		return &node.Content[index]
	case isNull(node):
		node.Kind, node.Tag, node.Value, node.Style = yaml.MappingNode, "!!map", "", 0
		node.Content = nil
	case node.Kind != yaml.MappingNode:
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if real(node.Content[i]).Value == part {
			return &node.Content[i+1]
		}
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: part, Line: line}
	empty := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: line}
	node.Content = append(node.Content, key, empty)
	return &node.Content[len(node.Content)-1]
}

// unshared returns what node stands for, copied where it is an alias, so that a
// patch changes one place and not every use of the anchor.
func unshared(node *yaml.Node) *yaml.Node {
	if node.Kind != yaml.AliasNode {
		return node
	}
	return deepCopy(real(node))
}

func deepCopy(node *yaml.Node) *yaml.Node {
	node = real(node)
	copied := *node
	copied.Anchor, copied.Content = "", make([]*yaml.Node, len(node.Content))
	for i, child := range node.Content {
		copied.Content[i] = deepCopy(child)
	}
	return &copied
}
