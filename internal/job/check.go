package job

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
)

// checkIdentity says what stands for the identity that a job asks for.
func (j *Job) checkIdentity() error {
	switch {
	case j.Identity == nil:
		return nil
	case !slices.Contains(IdentityTypes, j.Identity.Type):
		return atelier.Errorf(atelier.Invalid, "There is no identity of the type %q.", atelier.Clip(j.Identity.Type, 40)).At("identity.type").
			WithHint("The types are %s.", strings.Join(IdentityTypes, ", "))
	}
	j.Notices = append(j.Notices, "The identity "+j.Identity.Type+" is not one of Azure here: the job acts with a token of its own, which reads the workspace and writes to its own run, and the server reads datastores with the credentials that they were given.")
	return nil
}

// checkModes refuses what an input or an output cannot be.
func (j *Job) checkModes() error {
	for name, input := range j.Inputs {
		if why := WhyNotInput(input.Type, input.Mode); why != "" {
			return atelier.Errorf(atelier.Invalid, "%s", why).At("inputs." + name + ".mode")
		}
	}
	for name, output := range j.Outputs {
		if !slices.Contains(OutputModes, output.Mode) && output.Mode != "" {
			return atelier.Errorf(atelier.Invalid, "An output has no mode %q.", atelier.Clip(output.Mode, 40)).At("outputs."+name+".mode").
				WithHint("The modes are %s.", strings.Join(OutputModes, ", "))
		}
	}
	return nil
}

// The modes of inputs and outputs, in Azure Machine Learning's words.
var (
	InputModes  = []string{"ro_mount", "download", "direct", "eval_mount", "eval_download"}
	OutputModes = []string{"rw_mount", "upload", "direct"}
)

// WhyNotInput says why an input of a kind cannot have a mode, "" when it can.
func WhyNotInput(kind, mode string) string {
	switch mode {
	case "":
		return ""
	case "rw_mount":
		return "What a job reads does not change under it, so an input cannot be mounted for writing. Write to an output, or use the mode download: the copy is the job's own."
	case "upload":
		return "The mode upload belongs to outputs. An input's modes are " + strings.Join(InputModes, ", ") + "."
	case "eval_mount", "eval_download":
		if kind != "mltable" {
			return "The mode " + mode + " reads the file MLTable, so the input's type must be mltable."
		}
		return ""
	}
	if slices.Contains(InputModes, mode) {
		return ""
	}
	return "An input has no mode " + strconv.Quote(atelier.Clip(mode, 40)) + ". Its modes are " + strings.Join(InputModes, ", ") + "."
}

// reserved are names of inputs and outputs that would hide what programs need,
// because they are also environment variables.
var reserved = regexp.MustCompile(`(?i)^(path|ld_library_path|user|logname|home|pwd|shell)$`)

func (j *Job) checkParameters() error {
	for _, name := range slices.Concat(slices.Collect(maps.Keys(j.Inputs)), slices.Collect(maps.Keys(j.Outputs))) {
		if !parameterName.MatchString(name) || reserved.MatchString(name) {
			return atelier.Errorf(atelier.Invalid, "%q cannot name an input or an output.", atelier.Clip(name, 60)).At("inputs").
				WithHint("Use letters, digits and '_', not beginning with a digit, and not a name such as PATH.")
		}
	}
	for name, output := range j.Outputs {
		if !strings.HasPrefix(output.Type, "uri_") && !strings.HasSuffix(output.Type, "_model") && output.Type != "mltable" {
			return atelier.Errorf(atelier.Invalid, "%q is not a type of output.", atelier.Clip(output.Type, 40)).At("outputs." + name + ".type").
				WithHint("Use uri_folder, uri_file, mlflow_model or custom_model.")
		}
		if err := output.checkRegistration("outputs." + name); err != nil {
			return err
		}
	}
	return nil
}
