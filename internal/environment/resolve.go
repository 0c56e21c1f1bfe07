package environment

import (
	"cmp"
	"strings"

	"github.com/atelier-ml/atelier"
)

// define makes a Definition of an environment's content. It is pure: the same
// Spec gives the same result on the client and on the server.
func define(spec Spec) (Definition, []string, error) {
	if spec.CondaFile != "" && spec.PipRequirements != "" {
		return Definition{}, nil, atelier.Errorf(atelier.Invalid, "An environment has conda_file or pip_requirements, not both.").
			At("environment.pip_requirements").WithHint("List the pip packages under \"pip:\" in the conda file.")
	}
	if spec.Build != nil && (spec.CondaFile != "" || spec.PipRequirements != "" || spec.Image != "") {
		return Definition{}, nil, atelier.Errorf(atelier.Invalid, "An environment has build, or else conda_file, pip_requirements and image.").
			At("environment.build").WithHint("Say in one place what is installed.")
	}
	var t Translation
	var err error
	switch {
	case spec.Build != nil:
		t, err = spec.Build.translate()
	case spec.CondaFile != "":
		t, err = TranslateConda(spec.CondaFile, cmp.Or(spec.CondaFileName, "conda_file"))
	case spec.PipRequirements != "":
		t, err = TranslateRequirements(spec.PipRequirements, cmp.Or(spec.PipRequirementsName, "pip_requirements"))
	case spec.Image != "":
		d, hint := forImage(spec.Image)
		t = Translation{Definition: d, Notes: []string{hint}}
	case spec.PythonVersion != "":
		t.Definition.Name = Anonymous // a Python with nothing in it is still to be built
	default:
		return Definition{}, nil, atelier.Errorf(atelier.Invalid, "The environment says nothing about its packages.").
			At("environment").WithHint("Give conda_file, pip_requirements, python_version or image.")
	}
	if err != nil {
		return Definition{}, nil, err
	}
	if spec.Image != "" && t.Definition.Source != "" {
		t.Notes = append([]string{"The image \"" + atelier.Clip(spec.Image, 120) + "\" is taken as a hint and not used, because a local compute runs no containers: " +
			"the packages of " + t.Definition.Source + " are installed."}, t.Notes...)
	}
	if err := setPython(&t, spec.PythonVersion); err != nil {
		return Definition{}, nil, err
	}
	return t.Definition, t.Notes, nil
}

// setPython applies the key python_version, which must not contradict the
// conda file.
func setPython(t *Translation, wanted string) error {
	if wanted == "" {
		return nil
	}
	wanted, _ = relaxPython(wanted)
	if !pythonRange.MatchString(wanted) {
		return atelier.Errorf(atelier.Invalid, "%q is not a Python version.", atelier.Clip(wanted, 60)).
			At("environment.python_version").WithHint("Write \"3.11\" or a range such as \">=3.10,<3.13\".")
	}
	if t.Definition.Python != "" && t.Definition.Python != wanted && t.Definition.Source != "" {
		return atelier.Errorf(atelier.Invalid, "python_version says %s and %s says %s.", wanted, t.Definition.Source, t.Definition.Python).
			At("environment.python_version").WithHint("Say it in one place.")
	}
	t.Definition.Python = wanted
	return nil
}

// anonymous gives d the name and version of an environment without a name.
func anonymous(d Definition) Definition {
	d.Name, d.Version = Anonymous, d.Hash()[:32]
	return d
}

// splitReference reads "azureml:name:version", "azureml:name@latest", a
// registry's address, or the same without "azureml:".
func splitReference(reference string) (atelier.Path, error) {
	if !strings.HasPrefix(reference, "azureml:") {
		reference = "azureml:" + reference
	}
	path, err := atelier.ParsePath(reference)
	if err != nil {
		return path, err
	}
	if path.Kind != atelier.AssetPath && path.Kind != atelier.RegistryPath {
		return path, atelier.Errorf(atelier.Invalid, "%q does not refer to an environment.", atelier.Clip(reference, 120)).
			At("environment").WithHint("Write azureml:NAME:VERSION, azureml:NAME@latest or the name of a curated environment.")
	}
	released := path.Label == "prod" && curatedPrefix.MatchString(path.Name) // Azure's own word for its curated ones
	if path.Label != "" && path.Label != Latest && !released {
		return path, atelier.Errorf(atelier.Invalid, "The label %q is not known.", atelier.Clip(path.Label, 60)).
			At("environment").WithHint("The only label is \"latest\".")
	}
	return path, nil
}
