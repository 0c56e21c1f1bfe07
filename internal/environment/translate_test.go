package environment

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
)

func TestTranslateConda(t *testing.T) {
	got, err := TranslateConda(`name: train
channels: [conda-forge]   # ignored, and said so
dependencies:
  - python=3.10.4
  - pip
  - conda-forge::Scikit-Learn=1.5
  - numpy==2.1.3
  - pandas>=2.0,<3
  - pytorch 2.4.*
  - scipy=1.14.1=py310_0
  - cudatoolkit=11.8
  - openssl
  - pip:
    - mlflow==3.16.0   # tracking
    - azureml-mlflow==1.50
    - azureml-defaults
    - inference-schema[numpy-support] >= 1.5 ; python_version < "3.13"
`, "conda.yml")
	if err != nil {
		t.Fatal(err)
	}
	want := Definition{Source: "conda.yml", Python: "3.10", Requirements: []string{
		"inference-schema[numpy-support]>=1.5; python_version < \"3.13\"", "mlflow", "mlflow==3.16.0", "numpy==2.1.3", "pandas>=2.0,<3",
		"pip", "scikit-learn==1.5.*", "scipy==1.14.1", "torch==2.4.*",
	}}
	if diff := cmp.Diff(want, got.Definition); diff != "" {
		t.Error(diff)
	}
	notes := strings.Join(got.Notes, "\n")
	for _, part := range []string{"channels of conda.yml", "3.10.4 is taken as any 3.10", "cudatoolkit is left out", "azureml-mlflow is replaced by mlflow", "azureml-defaults is left out", "build in"} {
		if !strings.Contains(notes, part) {
			t.Errorf("no note says %q:\n%s", part, notes)
		}
	}
}

func TestCommentsAndOrderDoNotChangeTheHash(t *testing.T) {
	first, err := TranslateConda("channels: [a]\ndependencies:\n- python=3.11\n- numpy=2.1\n- pip:\n  - Mlflow == 3.16.0\n", "a.yml")
	if err != nil {
		t.Fatal(err)
	}
	same, err := TranslateConda("# other\ndependencies:\n- pip: [mlflow==3.16.0]\n- numpy=2.1 # x\n- python=3.11\nname: other\n", "b.yml")
	if err != nil {
		t.Fatal(err)
	}
	other, err := TranslateConda("dependencies:\n- python=3.11\n- numpy=2.2\n- pip: [mlflow==3.16.0]\n", "a.yml")
	if err != nil {
		t.Fatal(err)
	}
	if first.Definition.Hash() != same.Definition.Hash() {
		t.Error("a comment, a name or another order changed the hash")
	}
	if first.Definition.Hash() == other.Definition.Hash() {
		t.Error("another package has the same hash")
	}
	var copied Definition
	text, err := json.Marshal(first.Definition)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &copied); err != nil || copied.Hash() != first.Definition.Hash() {
		t.Errorf("a definition changes on its way through JSON: %v", err)
	}
}

func TestCondaFaultsNameTheLine(t *testing.T) {
	for name, test := range map[string]struct{ text, field, message string }{
		"system package": {"dependencies:\n- python=3.11\n- r-base=4.2\n", "conda.yml:3:3", "system package"},
		"bad version":    {"dependencies:\n- numpy=>1\n", "conda.yml:2:3", "cannot be read"},
		"unknown key":    {"dependancies:\n- numpy\n", "conda.yml:1:1", "Unknown key \"dependancies\""},
		"another file":   {"dependencies:\n- pip:\n  - -r requirements.txt\n", "conda.yml:3", "another file"},
		"local folder":   {"dependencies:\n- pip:\n  - -e .\n", "conda.yml:3", "local folder"},
		"local path":     {"dependencies:\n- pip:\n  - ./dist/x.whl\n", "conda.yml:3", "local path"},
		"password":       {"dependencies:\n- pip:\n  - --extra-index-url https://u:secret@host/simple\n", "conda.yml:3", "password"},
		"not yaml":       {"dependencies:\n\t- numpy\n", "conda.yml:2", "not YAML"},
		"not a list":     {"dependencies: numpy\n", "conda.yml:1:15", "is a list"},
		"variables":      {"variables: {A: b}\n", "conda.yml:1:1", "Variables"},
		"twice":          {"name: a\nname: b\n", "conda.yml:2:1", "given twice"},
		"empty":          {"", "conda.yml", "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := TranslateConda(test.text, "conda.yml")
			if atelier.CodeOf(err) != atelier.Invalid {
				t.Fatalf("got %v", err)
			}
			fault := atelier.Public(err)
			if fault.Field != test.field || !strings.Contains(fault.Message, test.message) {
				t.Errorf("got %q at %q, want %q at %q", fault.Message, fault.Field, test.message, test.field)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Error("the message repeats the password")
			}
		})
	}
}

func TestTranslateRequirements(t *testing.T) {
	got, err := TranslateRequirements("# tools\n--extra-index-url https://example.org/simple\nNumPy >= 2 \\\n  , < 3\n\npkg @ https://example.org/pkg.whl\n", "requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := Definition{Source: "requirements.txt", Options: []string{"--extra-index-url=https://example.org/simple"},
		Requirements: []string{"numpy>=2,<3", "pkg @ https://example.org/pkg.whl"}}
	if diff := cmp.Diff(want, got.Definition); diff != "" {
		t.Error(diff)
	}
	_, err = TranslateRequirements("numpy\n-r other.txt\n", "requirements.txt")
	if err == nil || atelier.Public(err).Field != "requirements.txt:2" {
		t.Errorf("got %v", err)
	}
}

func TestCondaVersion(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "=1.2": "==1.2.*", "==1.2": "==1.2", "=1.2.*": "==1.2.*", " 1.2": "==1.2", "= 1.2": "==1.2.*", "1.2 py39_0": "==1.2",
		">=1,<2.0": ">=1,<2.0", ">=1.2.*": ">=1.2", "=2.0rc1": "==2.0rc1", "*": "",
	} {
		got, _, err := condaVersion(text)
		if err != nil || got != want {
			t.Errorf("condaVersion(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestSpecIsAStringOrAnObject(t *testing.T) {
	for text, want := range map[string]Spec{
		`"azureml:sklearn-1.5@latest"`:                   {Reference: "azureml:sklearn-1.5@latest"},
		`{"image":"python:3.11","conda_file":"name: x"}`: {Image: "python:3.11", CondaFile: "name: x"},
		`{"conda_file":{"dependencies":["numpy"]}}`:      {CondaFile: `{"dependencies":["numpy"]}`},
		`{"pip_requirements":"numpy","name":"n"}`:        {PipRequirements: "numpy", Name: "n"},
	} {
		var got Spec
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s gave %+v, %v", text, got, err)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var copied Spec
		if err := json.Unmarshal(again, &copied); err != nil || copied != got {
			t.Errorf("%s came back as %s, %v", text, again, err)
		}
	}
	for _, text := range []string{`{"conda":"x"}`, `{"build":{"path":"."}}`, `[1]`} {
		var got Spec
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s was accepted", text)
		}
	}
}

func FuzzTranslateConda(f *testing.F) {
	f.Add("dependencies:\n- python=3.11\n- numpy=1.2=x\n- pip:\n  - mlflow[extras] == 3 ; a --hash=b\n")
	f.Add("dependencies: [a::b>=1.*, {pip: [-e .]}]")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := TranslateConda(text, "conda.yml")
		if err != nil {
			if atelier.CodeOf(err) != atelier.Invalid {
				t.Fatalf("not an error for users: %v", err)
			}
			return
		}
		again := got.Definition
		again.Requirements = normaliseAll(again.Requirements)
		if again.Hash() != got.Definition.Hash() {
			t.Fatalf("normalising twice changes %q", got.Definition.Requirements)
		}
		for _, line := range got.Definition.Requirements {
			if strings.ContainsAny(line, "\n\r") {
				t.Fatalf("a requirement spans lines: %q", line)
			}
		}
	})
}
