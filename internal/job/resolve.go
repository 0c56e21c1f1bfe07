package job

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/vault"
)

// A reference is ${{inputs.NAME}} or ${{outputs.NAME}}; a fragment $[[...]] is
// kept only if every input that it refers to was given.
var (
	referenceForm = regexp.MustCompile(`\$\{\{\s*([^{}]*?)\s*\}\}`)
	fragmentForm  = regexp.MustCompile(`(?s)\$\[\[(.*?)\]\]`)
	parameterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`)
)

// resolver fills in the references of one job.
type resolver struct {
	inputs  map[string]Input
	outputs map[string]Output
	done    map[string]string
	path    []string // the inputs being resolved, to find circles
}

// expand returns text, of the field called where, with every literal filled in.
// References to paths stay, in one form, for the runner, which alone knows the
// paths.
func expand(text, where string, inputs map[string]Input, outputs map[string]Output) (string, error) {
	r := &resolver{inputs: inputs, outputs: outputs, done: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if _, err := r.input(name); err != nil {
			return "", err
		}
	}
	text = fragmentForm.ReplaceAllStringFunc(text, func(fragment string) string {
		content := fragmentForm.FindStringSubmatch(fragment)[1]
		for _, reference := range referenceForm.FindAllStringSubmatch(content, -1) {
			name, isInput := strings.CutPrefix(reference[1], "inputs.")
			if _, given := inputs[name]; isInput && !given {
				return ""
			}
		}
		return content
	})
	return r.fill(text, where)
}

// fill replaces every reference in text. Where says whose text it is.
func (r *resolver) fill(text, where string) (string, error) {
	var failure error
	filled := referenceForm.ReplaceAllStringFunc(text, func(reference string) string {
		value, err := r.value(referenceForm.FindStringSubmatch(reference)[1], where)
		if err != nil && failure == nil {
			failure = err
		}
		return value
	})
	return filled, failure
}

func (r *resolver) value(reference, where string) (string, error) {
	kind, name, _ := strings.Cut(reference, ".")
	switch kind {
	case "inputs":
		if _, ok := r.inputs[name]; !ok {
			return "", unknown("input", reference, name, where, slices.Sorted(maps.Keys(r.inputs)))
		}
		return r.input(name)
	case "outputs":
		if _, ok := r.outputs[name]; !ok {
			return "", unknown("output", reference, name, where, slices.Sorted(maps.Keys(r.outputs)))
		}
		return "${{outputs." + name + "}}", nil
	case "secrets":
		if !strings.HasPrefix(where, "environment_variables.") {
			return "", atelier.Errorf(atelier.Invalid, "${{%s}} stands where everybody could read the secret.", atelier.Clip(reference, 60)).At(where).
				WithHint("Put it into environment_variables, and read that variable in the command.")
		}
		return vault.ReferenceTo(name), nil // for the runner, which alone is told
	}
	return "", atelier.Errorf(atelier.Invalid, "${{%s}} is not known.", atelier.Clip(reference, 60)).At(where).
		WithHint("Write ${{inputs.NAME}} or ${{outputs.NAME}}.")
}

func unknown(kind, reference, name, where string, known []string) error {
	err := atelier.Errorf(atelier.Invalid, "${{%s}} refers to the %s %q, which the job does not have.",
		atelier.Clip(reference, 60), kind, atelier.Clip(name, 60)).At(where)
	if len(known) == 0 {
		return err.WithHint("Add it under %ss.", kind)
	}
	return err.WithHint("Its %ss are: %s.", kind, strings.Join(known, ", "))
}

// input returns what stands for an input: its literal with its own references
// filled in, or the reference itself when it is data.
func (r *resolver) input(name string) (string, error) {
	if value, ok := r.done[name]; ok {
		return value, nil
	}
	if at := slices.Index(r.path, name); at >= 0 {
		circle := append(slices.Clone(r.path[at:]), name)
		return "", atelier.Errorf(atelier.Invalid, "The inputs refer to each other in a circle: %s.", strings.Join(circle, " -> ")).
			At("inputs." + name)
	}
	input := r.inputs[name]
	if input.Value == nil {
		return "${{inputs." + name + "}}", nil
	}
	r.path = append(r.path, name)
	value, err := r.fill(text(input.Value), "inputs."+name)
	r.path = r.path[:len(r.path)-1]
	if err != nil {
		return "", err
	}
	r.done[name] = value
	return value, nil
}

// text is a literal as it stands in a command. Booleans are written as Azure
// Machine Learning writes them, in Python's way.
func text(value any) string {
	switch value := value.(type) {
	case bool:
		if value {
			return "True"
		}
		return "False"
	case json.Number:
		return value.String()
	}
	return fmt.Sprint(value)
}
