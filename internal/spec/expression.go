package spec

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/vault"
)

// An expression is ${{ ... }} in a value of the file.
var expressionForm = regexp.MustCompile(`\$\{\{\s*([^{}]*?)\s*\}\}`)

// scope is what the expressions of a job may refer to.
type scope struct {
	d       *Document
	inputs  map[string]*yaml.Node // the literal's node, or the mapping's
	outputs map[string]*yaml.Node
	// secret says that the value may refer to secrets: those of variables may.
	secret bool
}

// check reports the expressions in node that refer to nothing. Placeholders are
// words that may stand alone, as ${{name}} in the path of an output.
func (s scope) check(node *yaml.Node, placeholders ...string) {
	if node == nil || node.Kind != yaml.ScalarNode {
		return
	}
	if opened, closed := strings.Count(node.Value, "${{"), len(expressionForm.FindAllString(node.Value, -1)); opened > closed {
		s.d.addExpression(node, "${{", "An expression is not closed. Write ${{inputs.NAME}} or ${{outputs.NAME}}.")
	}
	for _, match := range expressionForm.FindAllStringSubmatch(node.Value, -1) {
		if problem := s.problem(match[1], placeholders); problem != "" {
			s.d.addExpression(node, match[0], problem)
		}
	}
}

// problem says what is wrong with an expression, or nothing.
func (s scope) problem(inner string, placeholders []string) string {
	if slices.Contains(placeholders, inner) {
		return ""
	}
	kind, name, _ := strings.Cut(inner, ".")
	shown := "${{" + atelier.Clip(inner, 60) + "}}"
	switch kind {
	case "inputs", "outputs":
		known := s.inputs
		if kind == "outputs" {
			known = s.outputs
		}
		if _, ok := known[name]; ok {
			return ""
		}
		names := slices.Sorted(maps.Keys(known))
		if len(names) == 0 {
			return shown + " refers to nothing: the job has no " + kind + "."
		}
		problem := shown + " refers to nothing."
		if near := nearest(name, names); near != "" {
			problem += " Did you mean " + strconv.Quote(near) + "?"
		}
		return problem + " The job's " + kind + " are: " + strings.Join(names, ", ") + "."
	case "secrets":
		if !s.secret {
			return shown + " stands where everybody could read the secret. Put it into environment_variables, and read that variable in the command."
		}
		if err := vault.CheckSecretName(name); err != nil {
			return atelier.Public(err).Message + " " + atelier.Public(err).Hint
		}
		return ""
	case "search_space", "parent":
		return shown + " belongs to sweep and pipeline jobs, which are not offered yet."
	}
	if strings.HasPrefix(inner, "azureml://") {
		return shown + " needs a connection, and connections are not offered yet."
	}
	return shown + " is not known. Write ${{inputs.NAME}} or ${{outputs.NAME}}."
}

// addExpression notes a fault at text inside node: a value may span lines, so
// the place is searched in the source.
func (d *Document) addExpression(node *yaml.Node, text, message string) {
	line, column := node.Line, node.Column
	if line > 0 {
		for i := line - 1; i < len(d.lines); i++ {
			if at := strings.Index(d.lines[i], text); at >= 0 {
				line, column = i+1, len([]rune(d.lines[i][:at]))+1
				break
			}
		}
	}
	d.addAt(line, column, message)
}

// checkCircles reports literal inputs that refer to each other in a circle.
func (s scope) checkCircles() {
	const walking, finished = 1, 2
	state := map[string]int{}
	var walk func(name string, path []string)
	walk = func(name string, path []string) {
		node := s.inputs[name]
		if node == nil || node.Kind != yaml.ScalarNode || state[name] == finished {
			return
		}
		path = append(slices.Clip(path), name)
		if state[name] == walking {
			circle := path[slices.Index(path, name):]
			s.d.addExpression(node, "${{", "The inputs refer to each other in a circle: "+strings.Join(circle, " -> ")+".")
			return
		}
		state[name] = walking
		for _, match := range expressionForm.FindAllStringSubmatch(node.Value, -1) {
			if inner, ok := strings.CutPrefix(match[1], "inputs."); ok {
				walk(inner, path)
			}
		}
		state[name] = finished
	}
	for _, name := range slices.Sorted(maps.Keys(s.inputs)) {
		walk(name, nil)
	}
}
