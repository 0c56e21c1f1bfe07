package environment

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
)

// Translation is a Definition and what a user should know of how it was made.
type Translation struct {
	Definition Definition
	// Notes are full sentences about what was left out or replaced.
	Notes []string
}

// translator reads one file. Every error names the file and the line.
type translator struct {
	file string
	Translation
}

var (
	// condaPackage is "channel::name", then a version, then perhaps a build.
	condaPackage = regexp.MustCompile(`^(?:[A-Za-z0-9_./-]+::)?([A-Za-z0-9_][A-Za-z0-9._-]*)\s*(.*)$`)
	condaExact   = regexp.MustCompile(`^([0-9][A-Za-z0-9.!+_-]*)(\.?\*)?(?:=([A-Za-z0-9_.*]+))?$`)
	condaClause  = regexp.MustCompile(`^(==|>=|<=|!=|~=|>|<)\s*([0-9][A-Za-z0-9.!+_-]*(?:\.\*)?)$`)
	pythonRange  = regexp.MustCompile(`^(?:(?:==|>=|<=|!=|~=|>|<)?\s*3(?:\.\d+){0,2}(?:\.\*)?\s*(?:,|$))+$`)
	pythonPatch  = regexp.MustCompile(`^(3\.\d+)\.\d+$`)
)

// TranslateConda makes a Translation of the text of a conda file. name is what
// messages call the file.
func TranslateConda(text, name string) (Translation, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return Translation{}, yamlError(err, name)
	}
	if len(document.Content) == 0 {
		return Translation{}, atelier.Errorf(atelier.Invalid, "The conda file is empty.").At(name)
	}
	return TranslateCondaNode(document.Content[0], name)
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

func yamlError(err error, name string) error {
	place := name
	if line := yamlLine.FindStringSubmatch(err.Error()); line != nil {
		place += ":" + line[1]
	}
	return atelier.Errorf(atelier.Invalid, "This is not YAML: %s.", strings.TrimPrefix(err.Error(), "yaml: ")).At(place)
}

// TranslateCondaNode is TranslateConda for a file that is already parsed, or
// for a mapping inside another file, whose name and lines the errors then show.
func TranslateCondaNode(node *yaml.Node, name string) (Translation, error) {
	t := &translator{file: name}
	t.Definition.Source = name
	if node.Kind != yaml.MappingNode {
		return Translation{}, t.bad(node, "A conda file is a mapping with the key \"dependencies\".")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if seen[key.Value] {
			return Translation{}, t.bad(key, "The key %q is given twice.", key.Value)
		}
		seen[key.Value] = true
		if err := t.section(key, value); err != nil {
			return Translation{}, err
		}
	}
	t.Definition.Requirements = normaliseAll(t.Definition.Requirements)
	return t.Translation, nil
}

func (t *translator) section(key, value *yaml.Node) error {
	switch key.Value {
	case "name", "prefix", "platforms":
		return nil
	case "channels":
		t.note("The channels of %s are not used: packages come from the Python package index.", t.file)
		return nil
	case "dependencies":
		return t.dependencies(value)
	case "variables":
		return t.badHint(key, "Write them under environment_variables of the job or the deployment.",
			"Variables of a conda file are not offered.")
	}
	return t.badHint(key, "Allowed here: name, channels, dependencies.", "Unknown key %q in a conda file.", atelier.Clip(key.Value, 60))
}

func (t *translator) dependencies(list *yaml.Node) error {
	if list.Kind != yaml.SequenceNode {
		return t.bad(list, "\"dependencies\" is a list of packages.")
	}
	for _, item := range list.Content {
		var err error
		switch {
		case item.Kind == yaml.ScalarNode:
			err = t.conda(item)
		case item.Kind == yaml.MappingNode && len(item.Content) == 2 && item.Content[0].Value == "pip":
			err = t.pip(item.Content[1])
		default:
			err = t.bad(item, "A dependency is a package (\"numpy=2.1\") or \"pip:\" with a list below it.")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// conda translates one conda dependency.
func (t *translator) conda(node *yaml.Node) error {
	parts := condaPackage.FindStringSubmatch(strings.TrimSpace(node.Value))
	if parts == nil {
		return t.bad(node, "%q is not a conda dependency.", atelier.Clip(node.Value, 80))
	}
	name := strings.ToLower(parts[1])
	version, build, err := condaVersion(parts[2])
	if err != nil {
		return t.badHint(node, "Write a version such as =1.5, ==1.5.2 or >=1.5,<1.6.", "The version in %q cannot be read.", atelier.Clip(node.Value, 80))
	}
	if build {
		t.note("The build in %q is not used: the package index has no builds.", node.Value)
	}
	switch fate, replacement := fateOf(name); fate {
	case isPython:
		t.python(version)
	case isDropped:
		if replacement != "" {
			t.note("%s is left out: %s", name, replacement)
		}
	case isSystem:
		return t.badHint(node, "Install it on the machine, and take the line out.",
			"%q is a system package, which the Python package index does not have.", name)
	case isAzure:
		t.azure(name, replacement)
	default:
		t.require(replacement + version)
	}
	return nil
}

func (t *translator) azure(name, replacement string) {
	if replacement == "" {
		t.note("%s is left out: what it did on Azure is part of this product.", name)
		return
	}
	t.note("%s is replaced by %s.", name, replacement)
	t.require(replacement)
}

func (t *translator) require(requirement string) {
	t.Definition.Requirements = append(t.Definition.Requirements, requirement)
}

// python keeps the wanted version. A patch number is dropped: machines have one
// patch of a version, and it is rarely the one in the file.
func (t *translator) python(version string) {
	wanted, patch := relaxPython(version)
	if patch != "" {
		t.note("Python %s is taken as any %s.", patch, wanted)
	}
	t.Definition.Python = wanted
}

func relaxPython(version string) (wanted, patch string) {
	wanted = strings.TrimSuffix(strings.TrimPrefix(version, "=="), ".*")
	if parts := pythonPatch.FindStringSubmatch(wanted); parts != nil {
		return parts[1], wanted
	}
	return wanted, ""
}

// condaVersion turns a conda version into one of PEP 440: "=1.2" means any
// 1.2.x, "==1.2" exactly that. build reports that a build string was there.
func condaVersion(text string) (version string, build bool, err error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "*" || text == "=*" {
		return "", false, nil
	}
	if strings.HasPrefix(text, "=") && !strings.HasPrefix(text, "==") || text[0] >= '0' && text[0] <= '9' {
		return condaPin(text)
	}
	var clauses []string
	for clause := range strings.SplitSeq(text, ",") {
		parts := condaClause.FindStringSubmatch(strings.TrimSpace(clause))
		if parts == nil {
			return "", false, fmt.Errorf("not a version")
		}
		number := parts[2]
		if parts[1] != "==" && parts[1] != "!=" {
			number = strings.TrimSuffix(number, ".*")
		}
		clauses = append(clauses, parts[1]+number)
	}
	return strings.Join(clauses, ","), false, nil
}

// condaPin turns one conda version without a comparison sign ("=1.2", "1.2",
// "=1.2.3=py39_0") into one of PEP 440.
func condaPin(text string) (version string, build bool, err error) {
	number := strings.TrimSpace(strings.TrimPrefix(text, "="))
	parts := condaExact.FindStringSubmatch(strings.Join(strings.Fields(number), "="))
	if parts == nil {
		return "", false, fmt.Errorf("not a version")
	}
	number, build = strings.TrimRight(parts[1], "."), parts[3] != ""
	fuzzy := strings.HasPrefix(text, "=") && !build || parts[2] != ""
	if fuzzy && !strings.ContainsAny(number, "abcdefghijklmnopqrstuvwxyz+!") {
		return "==" + number + ".*", build, nil
	}
	return "==" + number, build, nil
}

// pip translates the list below "pip:".
func (t *translator) pip(list *yaml.Node) error {
	if list.Kind == yaml.ScalarNode && list.Tag == "!!null" {
		return nil
	}
	if list.Kind != yaml.SequenceNode {
		return t.bad(list, "\"pip:\" is a list of requirements.")
	}
	for _, item := range list.Content {
		if item.Kind != yaml.ScalarNode {
			return t.bad(item, "A pip requirement is one line of text.")
		}
		if err := t.pipLine(item.Value, item.Line); err != nil {
			return err
		}
	}
	return nil
}

// TranslateRequirements makes a Translation of the text of a pip requirements
// file.
func TranslateRequirements(text, name string) (Translation, error) {
	t := &translator{file: name}
	t.Definition.Source = name
	number, joined, start := 0, "", 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		if joined == "" {
			start = number
		}
		line = strings.TrimRight(line, " \t\r")
		if before, more := strings.CutSuffix(line, `\`); more {
			joined += before + " "
			continue
		}
		if err := t.pipLine(joined+line, start); err != nil {
			return Translation{}, err
		}
		joined = ""
	}
	if err := t.pipLine(joined, start); err != nil {
		return Translation{}, err
	}
	t.Definition.Requirements = normaliseAll(t.Definition.Requirements)
	return t.Translation, nil
}

// pipOptions are the options of a requirements file that are passed on.
var pipOptions = regexp.MustCompile(`^(?:(?:-i|--index-url|--extra-index-url|-f|--find-links)[= ]\s*(\S+)|--no-index|--pre)$`)

// secretInURL finds credentials in an address.
var secretInURL = regexp.MustCompile(`https?://[^/\s]+@`)

// pipLine translates one logical line of a requirements file.
func (t *translator) pipLine(line string, number int) error {
	line = strings.TrimSpace(line)
	if at := strings.Index(" "+line, " #"); at >= 0 {
		line = strings.TrimSpace(line[:max(0, at-1)])
	}
	at := &yaml.Node{Line: number}
	switch {
	case line == "":
		return nil
	case strings.ContainsFunc(line, unicode.IsControl):
		return t.bad(at, "A pip requirement is one line of printable text.")
	case secretInURL.MatchString(line):
		return t.badHint(at, "Put the password into the .netrc file of the machine that runs the job.",
			"An address here holds a password, which everybody who sees the environment could read.")
	case strings.HasPrefix(line, "-"):
		return t.pipOption(line, at)
	case strings.HasPrefix(line, "git+"), strings.HasPrefix(line, "file://"), strings.HasPrefix(line, "https://"), strings.HasPrefix(line, "http://"):
		t.require(line)
		return nil
	case isPathOrURL(line):
		return t.badHint(at, "Put the package on an index, or beside the code and on PYTHONPATH.",
			"%q is a local path, which the machine that runs the job does not have.", atelier.Clip(line, 80))
	case !isNameRune(rune(line[0])):
		return t.bad(at, "%q is not a pip requirement.", atelier.Clip(line, 80))
	}
	name := line[:nameLength(line)]
	switch fate, replacement := fateOf(normaliseName(name)); fate {
	case isAzure:
		t.azure(normaliseName(name), replacement)
	default:
		t.require(line)
	}
	return nil
}

func nameLength(line string) int {
	if end := strings.IndexFunc(line, func(r rune) bool { return !isNameRune(r) }); end >= 0 {
		return end
	}
	return len(line)
}

func (t *translator) pipOption(line string, at *yaml.Node) error {
	option := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '=' })[0]
	switch option {
	case "-r", "--requirement", "-c", "--constraint":
		return t.badHint(at, "Write the lines of that file here.", "%q points to another file, which is not followed.", atelier.Clip(line, 80))
	case "-e", "--editable":
		return t.badHint(at, "Put the package on an index, or beside the code and on PYTHONPATH.",
			"%q installs a local folder, which the machine that runs the job does not have.", atelier.Clip(line, 80))
	case "--trusted-host", "--prefer-binary", "--no-cache-dir", "--use-pep517":
		t.note("The option %q is not needed and not used.", atelier.Clip(line, 80))
		return nil
	}
	parts := pipOptions.FindStringSubmatch(line)
	if parts == nil {
		return t.badHint(at, "Allowed: --index-url, --extra-index-url, --find-links, --no-index, --pre.", "The option %q is not offered.", atelier.Clip(line, 80))
	}
	switch option {
	case "-i":
		option = "--index-url"
	case "-f":
		option = "--find-links"
	}
	if parts[1] != "" {
		option += "=" + parts[1]
	}
	if !slices.Contains(t.Definition.Options, option) {
		t.Definition.Options = append(t.Definition.Options, option)
	}
	return nil
}

func (t *translator) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

func (t *translator) bad(node *yaml.Node, format string, args ...any) error {
	place := fmt.Sprintf("%s:%d", t.file, node.Line)
	if node.Column > 0 {
		place += fmt.Sprintf(":%d", node.Column)
	}
	return atelier.Errorf(atelier.Invalid, format, args...).At(place)
}

func (t *translator) badHint(node *yaml.Node, hint, format string, args ...any) error {
	return t.bad(node, format, args...).(*atelier.Error).WithHint("%s", hint)
}
