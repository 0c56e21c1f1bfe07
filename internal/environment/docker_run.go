package environment

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
)

// run translates the commands of one RUN.
func (t *dockerTranslator) run(line string) error {
	for strings.HasPrefix(line, "--") {
		option, rest, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(option, "--mount=type=cache") {
			return t.refuse("Take the option out.", "RUN %s is not offered.", atelier.Clip(option, 60))
		}
		line = strings.TrimSpace(rest)
	}
	if strings.HasPrefix(line, "[") {
		var words []string
		if json.Unmarshal([]byte(line), &words) == nil {
			return t.command(words)
		}
	}
	commands, err := shell(line, t.value)
	if err != nil {
		return t.refuse("Write plain pip, conda and apt-get commands, joined by &&."+needsEngine, "RUN holds %s.", err)
	}
	for _, words := range commands {
		if err := t.command(words); err != nil {
			return err
		}
	}
	return nil
}

// command translates one command: an installation of packages, or what only
// tidies up the image.
func (t *dockerTranslator) command(words []string) error {
	for len(words) > 1 && (words[0] == "sudo" || strings.HasPrefix(words[0], "DEBIAN_FRONTEND=")) {
		words = words[1:]
	}
	if len(words) == 0 {
		return nil
	}
	program, rest := path.Base(words[0]), words[1:]
	if isInterpreter(program) && len(rest) > 1 && rest[0] == "-m" && rest[1] == "pip" {
		program, rest = "pip", rest[2:]
	}
	switch {
	case program == "uv" && len(rest) > 0 && rest[0] == "pip":
		return t.pipCommand(rest[1:])
	case program == "pip" || strings.HasPrefix(program, "pip3"):
		return t.pipCommand(rest)
	case program == "conda" || program == "mamba" || program == "micromamba":
		return t.condaCommand(rest)
	case program == "apt-get" || program == "apt":
		return t.aptCommand(rest)
	case program == "rm" || program == "set" || program == "true":
		return nil // it tidies up the image, of which there is none
	}
	return t.refuse("Take it out; what the command needs is a package, a file beside the code, or a program that is installed on the machine."+needsEngine,
		"RUN %s is not offered: only pip, conda and apt-get install are read.", atelier.Clip(strings.Join(words, " "), 80))
}

func isInterpreter(program string) bool { return pythonName.MatchString(program) }

// pipSwitches and pipValues are the options of pip install without meaning
// here; those of pipValues are followed by a value.
var (
	pipSwitches = []string{"-U", "--upgrade", "--no-cache-dir", "--no-cache", "-q", "-qq", "-v", "--quiet", "--verbose", "--user", "--system",
		"--disable-pip-version-check", "--no-warn-script-location", "--prefer-binary", "--no-input", "--ignore-installed", "-I",
		"--force-reinstall", "--break-system-packages", "-y", "--yes", "--no-compile", "--use-pep517"}
	pipValues = []string{"--root-user-action", "--upgrade-strategy", "--timeout", "--default-timeout", "--retries", "--trusted-host", "--progress-bar", "--cache-dir"}
	pipPassed = []string{"-i", "--index-url", "--extra-index-url", "-f", "--find-links"}
)

func (t *dockerTranslator) pipCommand(words []string) error {
	for len(words) > 0 && slices.Contains(pipSwitches, words[0]) {
		words = words[1:]
	}
	if len(words) > 0 && slices.Contains([]string{"cache", "freeze", "list", "check", "--version", "show"}, words[0]) {
		return nil
	}
	if len(words) < 2 || words[0] != "install" {
		return t.refuse("Write pip install.", "pip %s is not offered.", atelier.Clip(strings.Join(words, " "), 80))
	}
	for words = words[1:]; len(words) > 0; {
		used, err := t.pipWord(words)
		if err != nil {
			return err
		}
		words = words[used:]
	}
	t.installed = true
	return nil
}

// pipWord translates the first of the words after pip install, and its value.
// It returns how many words these are.
func (t *dockerTranslator) pipWord(words []string) (int, error) {
	option, value, joined := strings.Cut(words[0], "=")
	used := 1
	takesValue := slices.Contains(pipValues, option) || slices.Contains(pipPassed, option) || option == "-r" || option == "--requirement"
	if takesValue && !joined {
		if len(words) < 2 {
			return 0, t.refuse("Give its value.", "pip's option %s has no value.", option)
		}
		value, used = words[1], 2
	}
	switch {
	case slices.Contains(pipSwitches, words[0]), slices.Contains(pipValues, option):
		return used, nil
	case option == "-r" || option == "--requirement":
		return used, t.requirementsFile(value)
	case slices.Contains(pipPassed, option):
		return used, t.pipLine(option+" "+value, t.line)
	case strings.HasPrefix(words[0], "-r"):
		return used, t.requirementsFile(words[0][2:])
	}
	return used, t.pipLine(words[0], t.line)
}

func (t *dockerTranslator) requirementsFile(name string) error {
	text, file, err := t.contextFile(name)
	if err != nil {
		return err
	}
	inner, err := TranslateRequirements(text, path.Join(path.Dir(t.file), file))
	if err == nil {
		t.take(inner)
	}
	return err
}

// take adds what another file of the context says.
func (t *dockerTranslator) take(inner Translation) {
	t.Definition.Requirements = append(t.Definition.Requirements, inner.Definition.Requirements...)
	for _, option := range inner.Definition.Options {
		if !slices.Contains(t.Definition.Options, option) {
			t.Definition.Options = append(t.Definition.Options, option)
		}
	}
	if inner.Definition.Python != "" {
		t.Definition.Python = inner.Definition.Python
	}
	t.Notes = append(t.Notes, inner.Notes...)
}

// condaOptions are the options of conda that are followed by a value without
// meaning here: there is one environment, and no channels.
var condaOptions = []string{"-n", "--name", "-p", "--prefix", "-c", "--channel"}

func (t *dockerTranslator) condaCommand(words []string) error {
	verb, rest := "", words
	if len(words) > 0 {
		verb, rest = words[0], words[1:]
	}
	if verb == "env" && len(rest) > 0 {
		verb, rest = "env "+rest[0], rest[1:]
	}
	switch verb {
	case "clean", "init", "config":
		return nil
	case "run":
		return t.condaRun(rest)
	case "env create", "env update":
		return t.condaInstall(rest, true)
	case "install", "create":
		return t.condaInstall(rest, false)
	}
	return t.refuse("Write conda env create -f FILE, conda env update -f FILE or conda install.",
		"conda %s is not offered.", atelier.Clip(strings.Join(words, " "), 80))
}

// condaRun translates the command that conda runs in an environment.
func (t *dockerTranslator) condaRun(words []string) error {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		if slices.Contains(condaOptions, words[0]) && len(words) > 1 {
			words = words[1:]
		}
		words = words[1:]
	}
	return t.command(words)
}

// condaInstall translates the words after conda install or conda env create.
func (t *dockerTranslator) condaInstall(words []string, filesOnly bool) error {
	for i := 0; i < len(words); i++ {
		option, value, joined := strings.Cut(words[i], "=")
		isFile := option == "-f" || option == "--file"
		if (isFile || slices.Contains(condaOptions, option)) && !joined {
			if i++; i == len(words) {
				return t.refuse("Give its value.", "conda's option %s has no value.", option)
			}
			value = words[i]
		}
		var err error
		switch {
		case isFile:
			err = t.condaFile(value, filesOnly)
		case strings.HasPrefix(option, "-"):
			// -y, -q, --prune and the like: how, not what
		case filesOnly:
			err = t.refuse("Name the file with -f.", "conda env takes no package such as %q.", atelier.Clip(words[i], 80))
		default:
			node := atLine(t.line)
			node.Value = words[i]
			err = t.conda(node)
		}
		if err != nil {
			return err
		}
	}
	t.installed = true
	return nil
}

func (t *dockerTranslator) condaFile(name string, isYAML bool) error {
	if !isYAML {
		return t.refuse("Write conda env update -f FILE.", "A list of packages for conda install is not offered.")
	}
	text, file, err := t.contextFile(name)
	if err != nil {
		return err
	}
	inner, err := TranslateConda(text, path.Join(path.Dir(t.file), file))
	if err == nil {
		t.take(inner)
	}
	return err
}

// aptCommand tells which system packages the machine should have.
func (t *dockerTranslator) aptCommand(words []string) error {
	var names []string
	verb := ""
	for _, word := range words {
		switch {
		case strings.HasPrefix(word, "-"):
		case verb == "":
			verb = word
		default:
			names = append(names, word)
		}
	}
	switch verb {
	case "update", "upgrade", "clean", "autoremove", "autoclean", "remove", "purge":
		return nil
	case "install":
		t.note("System packages are the machine's business: see that it has %s (%s:%d).", atelier.Clip(strings.Join(names, ", "), 400), t.file, t.line)
		return nil
	}
	return t.refuse("Write apt-get install.", "apt-get %s is not offered.", atelier.Clip(verb, 40))
}
