package job

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	inputs := map[string]Input{
		"rate": Literal(json.Number("0.10")), "name": Literal("it's"), "yes": Literal(true), "no": Literal(false),
		"data": {Type: "uri_folder", Path: "x"}, "both": Literal("${{inputs.rate}}-${{inputs.data}}"),
	}
	outputs := map[string]Output{"model": {}}
	tests := map[string]struct{ command, want, fault string }{
		"literals":          {"x ${{inputs.rate}} ${{ inputs.name }} ${{inputs.yes}} ${{inputs.no}}", "x 0.10 it's True False", ""},
		"paths stay":        {"x ${{ inputs.data }} ${{outputs.model}}", "x ${{inputs.data}} ${{outputs.model}}", ""},
		"a literal of both": {"${{inputs.both}}", "0.10-${{inputs.data}}", ""},
		"given option":      {"x $[[--rate ${{inputs.rate}}]] y", "x --rate 0.10 y", ""},
		"absent option":     {"x $[[--seed ${{inputs.seed}}]] y", "x  y", ""},
		"shell's own":       {"echo ${HOME} $(date) $((1+1)) ${x:-y}", "echo ${HOME} $(date) $((1+1)) ${x:-y}", ""},
		"unknown input":     {"x ${{inputs.nope}}", "", `refers to the input "nope", which the job does not have. Its inputs are: both, data, name, no, rate, yes.`},
		"unknown output":    {"x ${{outputs.nope}}", "", `Its outputs are: model.`},
		"unknown kind":      {"x ${{parent.jobs.x}}", "", "Write ${{inputs.NAME}} or ${{outputs.NAME}}."},
		"empty":             {"x ${{}}", "", "is not known"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := expand(test.command, "command", inputs, outputs)
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) {
					t.Errorf("error %v, want %q", err, test.fault)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("got %q, error %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestCirclesAreNamed(t *testing.T) {
	tests := map[string]struct {
		inputs map[string]Input
		want   string
	}{
		"itself": {map[string]Input{"a": Literal("x${{inputs.a}}")}, "a -> a"},
		"three": {map[string]Input{"a": Literal("${{inputs.b}}"), "b": Literal("${{inputs.c}}"), "c": Literal("${{inputs.a}}")},
			"a -> b -> c -> a"},
		"far from the command": {map[string]Input{"a": Literal("1"), "y": Literal("${{inputs.z}}"), "z": Literal("${{inputs.y}}")}, "y -> z -> y"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := expand("x", "command", test.inputs, nil); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want the circle %s", err, test.want)
			}
		})
	}
}

func TestInputsInJSON(t *testing.T) {
	for _, text := range []string{`"word"`, `""`, `0.10`, `12345678901234567890`, `true`, `{"type":"uri_file","path":"p","mode":"download"}`} {
		var input Input
		if err := json.Unmarshal([]byte(text), &input); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if again, err := json.Marshal(input); string(again) != text || err != nil {
			t.Errorf("%s became %s, error %v", text, again, err)
		}
	}
	for _, text := range []string{`[1]`, `null`, `{"type":"uri_file","pth":"p"}`} {
		var input Input
		if err := json.Unmarshal([]byte(text), &input); err == nil {
			t.Errorf("%s was accepted as %+v", text, input)
		}
	}
}
