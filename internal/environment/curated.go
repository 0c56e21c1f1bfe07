package environment

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

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

// Curated lists the environments that come with the product.
func Curated() []Environment {
	return []Environment{
		curated("minimal", "Python and the MLflow client, nothing else."),
		curated("python", "Python alone."),
		curated(DefaultName, "scikit-learn 1.5, pandas, NumPy, SciPy, Matplotlib and MLflow."),
		curated(lightGBM, "LightGBM 4.6, and all of sklearn-1.5.", DefaultName),
	}
}

// lightGBM is the curated environment of LightGBM.
const lightGBM = "lightgbm-4.6"

// curated reads a curated environment, which may hold others.
func curated(name, description string, others ...string) Environment {
	var text strings.Builder
	for _, part := range append(others, name) {
		lines, err := curatedFiles.ReadFile("curated/" + part + ".txt")
		if err != nil {
			panic("environment: " + err.Error())
		}
		text.Write(lines)
	}
	e := Environment{Name: name, Version: curatedVersion, Description: description, Curated: true, Tags: map[string]string{},
		PythonVersion: ">=3.10,<3.14", Requirements: normaliseAll(strings.Split(text.String(), "\n"))}
	e.Hash = e.Definition().Hash()
	return e
}

var (
	sklearnName   = regexp.MustCompile(`^(?:azureml-)?sklearn-(\d+\.\d+)`)
	lightGBMName  = regexp.MustCompile(`^(?:azureml-)?lightgbm-(\d+\.\d+)`)
	minimalName   = regexp.MustCompile(`^(?:azureml-)?(minimal|python)(?:-|$)`)
	plainPython   = regexp.MustCompile(`^(?:docker\.io/)?(?:library/)?python(?::|$)`)
	pythonInName  = regexp.MustCompile(`(?:^|[^a-z])py(?:thon)?[:-]?(3)[.]?(\d+)`)
	curatedPrefix = regexp.MustCompile(`(?i)^azureml-`)
)

// curatedByName finds the curated environment that stands for one of Azure's
// names. The hint says where ours is not quite the same.
func curatedByName(name string) (d Definition, hint string, found bool) {
	lower := strings.ToLower(name)
	var own string
	switch {
	case sklearnName.MatchString(lower):
		own = DefaultName
		if version := sklearnName.FindStringSubmatch(lower)[1]; version != "1.5" {
			hint = fmt.Sprintf("The environment %q stands for %s here; for scikit-learn %s write a conda_file.", name, own, version)
		}
	case lightGBMName.MatchString(lower):
		own = lightGBM
		if version := lightGBMName.FindStringSubmatch(lower)[1]; version != "4.6" {
			hint = fmt.Sprintf("The environment %q stands for %s here; for LightGBM %s write a conda_file.", name, own, version)
		}
	case minimalName.MatchString(lower):
		own = minimalName.FindStringSubmatch(lower)[1]
	default:
		return Definition{}, "", false
	}
	d = curatedDefinition(own)
	if python, ok := pythonOf(lower); ok && matchesPython(d.Python, python+".0") {
		d.Python = python
	}
	return d, hint, true
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
// here, and what to ask for instead. The rest of the name is the version and the
// image's system.
var azureOnly = []struct {
	name *regexp.Regexp
	why  string
	hint string
}{
	{regexp.MustCompile(`^(?:azureml-)?acpt-(?:pytorch-(\d+\.\d+))?`), "it is a container image with CUDA", "Write a conda_file or pip_requirements with torch%s."},
	{regexp.MustCompile(`^(?:azureml-)?pytorch-(\d+\.\d+)`), "it is a container image with CUDA", "Write a conda_file or pip_requirements with torch%s."},
	{regexp.MustCompile(`^(?:azureml-)?tensorflow-(\d+\.\d+)`), "it is a container image with CUDA", "Write a conda_file or pip_requirements with tensorflow%s, or tensorflow-cpu."},
	{regexp.MustCompile(`^(?:azureml-)?(?:automl|responsibleai|model-evaluation|ai-ml-automl)()`), "it holds services of Azure", "Write a conda_file with the packages that your script imports.%.0s"},
}

// unknownCurated says that there is no environment of that name, and why it has
// none if it is one of Azure's.
func unknownCurated(name string) error {
	for _, known := range azureOnly {
		if parts := known.name.FindStringSubmatch(strings.ToLower(name)); parts != nil {
			version := parts[1]
			if version != "" {
				version = "==" + version + ".*"
			}
			return atelier.Errorf(atelier.NotFound, "Azure's curated environment %q is not offered here: %s.", atelier.Clip(name, 120), known.why).
				At("environment").WithHint(known.hint, version)
		}
	}
	var names []string
	for _, e := range Curated() {
		names = append(names, e.Name)
	}
	return atelier.Errorf(atelier.NotFound, "There is no environment %q.", atelier.Clip(name, 120)).At("environment").
		WithHint("Curated are %s. List all with `atelier environment list`, or describe the packages in a conda_file.", strings.Join(names, ", "))
}
