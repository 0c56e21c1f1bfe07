package spec

import (
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
)

var refusedInEnvironment = map[string]string{
	"inference_config": "A server in an image of your own needs a container engine, and nothing here runs in one.",
	"datastore":        "Environments are kept by the server.",
	"channels":         "Put the lines into a file of their own and name it in conda_file.",
	"dependencies":     "Put the lines into a file of their own and name it in conda_file.",
	"properties":       "An environment has tags only.",
	"variables":        "Set environment_variables in the job or the deployment.",
}

// Environment reads the document as an environment to register.
func (d *Document) Environment() (environment.RegisterEnvironment, error) {
	if !d.only(Environment) {
		return environment.RegisterEnvironment{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	o.need("name", "what the environment is called")
	ask := environment.RegisterEnvironment{Name: o.text("name"), Version: o.text("version"), Description: o.text("description"), Tags: o.texts("tags")}
	if node := o.value("name"); node != nil {
		d.nameFault(node, atelier.CheckAssetName("environment", ask.Name))
	}
	content := d.environmentContent(o)
	ask.Image, ask.PythonVersion, ask.Build = content.Image, content.PythonVersion, content.Build
	ask.CondaFile, ask.CondaFileName = content.CondaFile, content.CondaFileName
	ask.PipRequirements, ask.PipRequirementsName = content.PipRequirements, content.PipRequirementsName
	return ask, d.failure()
}

// environment reads an environment inside a job or a deployment: a reference,
// the name of a file that describes one, or its content.
func (d *Document) environment(node *yaml.Node, name string) environment.Spec {
	if node.Kind != yaml.ScalarNode {
		o := d.object(node, name)
		spec := environment.Spec{Name: o.text("name"), Version: o.text("version")}
		o.text("description")
		o.texts("tags")
		content := d.environmentContent(o)
		content.Name, content.Version = spec.Name, spec.Version
		return content
	}
	if d.placeholder(node, name) {
		return environment.Spec{}
	}
	text := d.text(node, name)
	file, isFile := strings.CutPrefix(text, "file:")
	if !isFile && !strings.HasSuffix(text, ".yml") && !strings.HasSuffix(text, ".yaml") {
		return environment.Spec{Reference: text}
	}
	return d.environmentFile(node, name, strings.TrimPrefix(file, "//"))
}

// environmentFile reads the environment that another file describes.
func (d *Document) environmentFile(node *yaml.Node, name, file string) environment.Spec {
	if d.path(node, name, aFile) == "" {
		return environment.Spec{}
	}
	place := d.absolute(file)
	text, err := readSmall(place)
	if err != nil {
		d.add(node, "%s", atelier.Public(err).Message)
		return environment.Spec{}
	}
	inner, err := parse(filepath.ToSlash(filepath.Clean(file)), filepath.Dir(place), text, nil)
	if err != nil {
		d.addForeign(err, string(text))
		return environment.Spec{}
	}
	ask, _ := inner.Environment()
	d.faults = append(d.faults, inner.faults...)
	spec := ask.Spec()
	spec.Name, spec.Version = ask.Name, ask.Version
	return spec
}

// environmentContent reads the keys that say what an environment holds. Its
// files are read and understood now, so that nothing is created when they have
// faults.
func (d *Document) environmentContent(o *object) environment.Spec {
	faults := len(d.faults)
	spec := environment.Spec{Image: o.text("image"), PythonVersion: o.text("python_version")}
	o.choice("os_type", "linux", "Linux")
	if node := o.value("conda_file"); node != nil {
		spec.CondaFile, spec.CondaFileName = d.condaFile(node, o.name("conda_file"))
	}
	if node := o.value("pip_requirements"); node != nil {
		text, name := d.named(node, o.name("pip_requirements"))
		if text != "" {
			_, err := environment.TranslateRequirements(text, name)
			d.foreign(err, text)
		}
		spec.PipRequirements, spec.PipRequirementsName = text, name
	}
	spec.Build = d.dockerBuild(o)
	o.finish(refusedInEnvironment)
	conda, pip, build := o.value("conda_file"), o.value("pip_requirements"), o.value("build")
	switch {
	case build != nil && (conda != nil || pip != nil || spec.Image != ""):
		d.add(build, "An environment has build, or else conda_file, pip_requirements and image. Say in one place what is installed.")
	case conda != nil && pip != nil:
		d.add(pip, "An environment has conda_file or pip_requirements, not both. List the pip packages under \"pip:\" in the conda file.")
	case conda == nil && pip == nil && build == nil && spec.Image == "" && spec.PythonVersion == "" && len(d.faults) == faults:
		d.add(o.node, "The environment says nothing about its packages. Give conda_file, pip_requirements, python_version or image.")
	}
	return spec
}

func (d *Document) foreign(err error, text string) {
	if err != nil {
		d.addForeign(err, text)
	}
}

// condaFile reads a conda file that is named, or written in place.
func (d *Document) condaFile(node *yaml.Node, name string) (text, file string) {
	if node.Kind == yaml.ScalarNode {
		text, file = d.named(node, name)
		if file != "" {
			_, err := environment.TranslateConda(text, file)
			d.foreign(err, text)
		}
		return text, file
	}
	node = deepCopy(node) // without aliases, of which the anchors may lie elsewhere
	_, err := environment.TranslateCondaNode(node, d.file)
	d.foreign(err, strings.Join(d.lines, "\n"))
	written, err := yaml.Marshal(node)
	if err != nil {
		d.add(node, "%q cannot be read.", name)
	}
	return string(written), "conda_file of " + filepath.Base(d.file)
}

// named reads the file that node names.
func (d *Document) named(node *yaml.Node, name string) (text, file string) {
	place := d.path(node, name, aFile)
	if place == "" {
		return "", ""
	}
	if !isLocal(node.Value) {
		d.add(node, "%q must be a file on this machine.", name)
		return "", ""
	}
	content, err := readSmall(place)
	if err != nil {
		d.add(node, "%s", atelier.Public(err).Message)
		return "", ""
	}
	file = strings.TrimPrefix(filepath.ToSlash(node.Value), "file:")
	if !filepath.IsAbs(file) {
		file = filepath.ToSlash(filepath.Clean(file))
	}
	return string(content), file
}
