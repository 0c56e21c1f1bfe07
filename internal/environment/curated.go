package environment

import (
	"cmp"
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/atelier-ml/atelier"
)

// curatedFiles hold every package of the curated environments with its exact
// version, so that they are the same everywhere and always.
//
//go:embed curated/*.txt
var curatedFiles embed.FS

// DefaultName is the curated environment of jobs that name none.
const DefaultName = "sklearn-1.5"

// curatedVersion is the version of all curated environments.
const curatedVersion = "1"

// recipe says what a curated environment is made of.
type recipe struct {
	name        string
	description string
	also        []string // the files of others, which it holds besides its own
	python      string   // empty: any Python that the product supports
}

var recipes = []recipe{
	{name: "minimal", description: "Python and the MLflow client, nothing else."},
	{name: "python", description: "Python alone."},
	{name: DefaultName, description: "scikit-learn 1.5, pandas, NumPy, SciPy, Matplotlib and MLflow. To download: 0.2 GB."},
	{name: lightGBM, description: "LightGBM 4.6, and all of sklearn-1.5. To download: 0.2 GB.", also: []string{DefaultName}},
	{name: autoML, description: "LightGBM, XGBoost, statsmodels and Prophet, and all of sklearn-1.5. To download: 0.2 GB.", also: []string{DefaultName}},
	{name: pytorch, description: "PyTorch 2.8, torchvision and Transformers, and all of sklearn-1.5. To download: 0.5 GB without CUDA, 4.2 GB with it.",
		also: []string{DefaultName}},
	{name: tensorflow, description: "TensorFlow 2.16, Keras 3, TensorBoard, scikit-learn and MLflow. To download: 0.5 GB without CUDA, 3 GB with it.",
		python: ">=3.10,<3.13"},
	{name: evaluation, description: "Datasets, Evaluate, XGBoost, LightGBM and metrics of text, and all of pytorch-2.8. To download: 0.5 GB without CUDA, 4.2 GB with it.",
		also: []string{DefaultName, pytorch}},
	{name: responsible, description: "Responsible AI Toolbox 0.36 for tables, scikit-learn 1.5 and MLflow. To download: 0.4 GB.",
		python: ">=3.10,<3.12"},
}

// The curated environments that Azure's names stand for, besides DefaultName.
const (
	lightGBM    = "lightgbm-4.6"
	autoML      = "automl"
	pytorch     = "pytorch-2.8"
	tensorflow  = "tensorflow-2.16"
	evaluation  = "model-evaluation"
	responsible = "responsibleai-tabular"
)

// allCurated reads the curated environments, once.
var allCurated = sync.OnceValue(func() []Environment {
	var all []Environment
	for _, r := range recipes {
		all = append(all, r.read())
	}
	return all
})

// Curated lists the environments that come with the product.
func Curated() []Environment { return slices.Clone(allCurated()) }

func (r recipe) read() Environment {
	var text strings.Builder
	for _, part := range append(slices.Clone(r.also), r.name) {
		lines, err := curatedFiles.ReadFile("curated/" + part + ".txt")
		if err != nil {
			panic("environment: " + err.Error())
		}
		text.Write(lines)
	}
	e := Environment{Name: r.name, Version: curatedVersion, Description: r.description, Curated: true, Tags: map[string]string{},
		PythonVersion: cmp.Or(r.python, ">=3.10,<3.14"), Requirements: normaliseAll(strings.Split(text.String(), "\n"))}
	e.Hash = e.Definition().Hash()
	return e
}

var (
	minimalName   = regexp.MustCompile(`^(?:azureml-)?(minimal|python)(?:-|$)`)
	plainPython   = regexp.MustCompile(`^(?:docker\.io/)?(?:library/)?python(?::|$)`)
	pythonInName  = regexp.MustCompile(`(?:^|[^a-z])py(?:thon)?[:-]?(3)[.]?(\d+)`)
	curatedPrefix = regexp.MustCompile(`(?i)^azureml-`)
)

// standIns are the curated environments that stand for Azure's: its name, with
// the version if it has one; ours; and what Azure's holds that ours does not.
var standIns = []struct {
	azure   *regexp.Regexp
	own     string
	holds   string // what the version is of
	version string // ours
	without string
}{
	{regexp.MustCompile(`^(?:azureml-)?sklearn-(\d+\.\d+)`), DefaultName, "scikit-learn", "1.5", ""},
	{regexp.MustCompile(`^(?:azureml-)?lightgbm-(\d+\.\d+)`), lightGBM, "LightGBM", "4.6", ""},
	{regexp.MustCompile(`^(?:azureml-)?(?:acpt-)?pytorch-(\d+\.\d+)`), pytorch, "PyTorch", "2.8", "DeepSpeed, ONNX Runtime and packages that call Azure"},
	{regexp.MustCompile(`^(?:azureml-)?tensorflow-(\d+\.\d+)`), tensorflow, "TensorFlow", "2.16", "Horovod and packages that call Azure"},
	{regexp.MustCompile(`^(?:azureml-|ai-ml-)?automl()$`), autoML, "", "", "automated ML itself (azureml-train-automl)"},
	{regexp.MustCompile(`^(?:azureml-)?responsibleai(?:-tabular|-ubuntu.*)()$`), responsible, "", "", "packages that call Azure"},
	{regexp.MustCompile(`^(?:azureml-)?model-evaluation()$`), evaluation, "", "", "packages that call Azure (azureml-metrics, azureml-evaluate-mlflow)"},
}

// curatedByName finds the curated environment that stands for one of Azure's
// names. The hint says where ours is not quite the same.
func curatedByName(name string) (d Definition, hint string, found bool) {
	lower := strings.ToLower(name)
	if parts := minimalName.FindStringSubmatch(lower); parts != nil {
		d, found = curatedDefinition(parts[1]), true
	}
	for _, s := range standIns {
		parts := s.azure.FindStringSubmatch(lower)
		if parts == nil {
			continue
		}
		d, found = curatedDefinition(s.own), true
		if parts[1] != s.version {
			hint = fmt.Sprintf("The environment %q stands for %s here; for %s %s write a conda_file.", name, s.own, s.holds, parts[1])
		} else if s.without != "" && lower != s.own {
			hint = fmt.Sprintf("The environment %q stands for %s here, which is without %s.", name, s.own, s.without)
		}
	}
	if python, ok := pythonOf(lower); found && ok && matchesPython(d.Python, python+".0") {
		d.Python = python
	}
	return d, hint, found
}

func curatedDefinition(name string) Definition {
	all := Curated()
	at := slices.IndexFunc(all, func(e Environment) bool { return e.Name == name })
	return all[at].Definition()
}

// pythonOf reads the Python version out of an image's or environment's name:
// "py310" or "python:3.11.6".
func pythonOf(name string) (string, bool) {
	parts := pythonInName.FindStringSubmatch(name)
	if parts == nil {
		return "", false
	}
	return parts[1] + "." + parts[2], true
}

// forImage returns what stands for a container image on a local compute: Python
// alone for the image of Python, else the default packages, with the image's
// Python version where we can tell it and have it.
func forImage(image string) (Definition, string) {
	lower := strings.ToLower(image)
	d := curatedDefinition(DefaultName)
	if plainPython.MatchString(lower) {
		d = curatedDefinition("python")
	}
	with := ""
	if python, ok := pythonOf(lower); ok && matchesPython(d.Python, python+".0") {
		d.Python = python
		with = " with Python " + python
	}
	return d, fmt.Sprintf("The image %q is taken as a hint, because a local compute runs no containers: the environment %s is used%s.",
		atelier.Clip(image, 120), d.Name, with)
}

// azureOnly finds the curated environments of Azure that have no counterpart
// here, and what to ask for instead.
var azureOnly = []struct {
	name *regexp.Regexp
	why  string
	hint string
}{
	{regexp.MustCompile(`^(?:azureml-)?acpt-`), "it is a container image with CUDA", "Name pytorch-2.8, or write a conda_file or pip_requirements with torch."},
	{regexp.MustCompile(`^(?:azureml-|ai-ml-)?(?:automl|responsibleai)-`), "it holds services of Azure", "Write a conda_file with the packages that your script imports."},
}

// unknownCurated says that there is no environment of that name, and why it has
// none if it is one of Azure's.
func unknownCurated(name string) error {
	for _, known := range azureOnly {
		if known.name.MatchString(strings.ToLower(name)) {
			return atelier.Errorf(atelier.NotFound, "Azure's curated environment %q is not offered here: %s.", atelier.Clip(name, 120), known.why).
				At("environment").WithHint("%s", known.hint)
		}
	}
	var names []string
	for _, e := range Curated() {
		names = append(names, e.Name)
	}
	return atelier.Errorf(atelier.NotFound, "There is no environment %q.", atelier.Clip(name, 120)).At("environment").
		WithHint("Curated are %s. List all with `atelier environment list`, or describe the packages in a conda_file.", strings.Join(names, ", "))
}
