package environment

import (
	"cmp"
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"strings"

	"github.com/atelier-ml/atelier"
)

// DockerBuild is a Docker build context: the Dockerfile, and those of its files
// that hold lists of packages.
type DockerBuild struct {
	Dockerfile     string `json:"dockerfile" doc:"The text of a Dockerfile"`
	DockerfileName string `json:"dockerfile_name,omitempty" doc:"Where it came from, for messages"`
	// Files are texts by their path in the context.
	Files map[string]string `json:"files,omitempty" doc:"The requirements and conda files that the Dockerfile names, by their path in the context"`
}

// translate reads the Dockerfile; its files are those that came along.
func (b DockerBuild) translate() (Translation, error) {
	return TranslateDockerfile(b.Dockerfile, cmp.Or(b.DockerfileName, "Dockerfile"), func(path string) (string, bool) {
		text, found := b.Files[path]
		return text, found
	})
}

// TranslateDockerfile makes a Translation of a Dockerfile that does nothing but
// install packages. read returns a file of the context; paths that it is asked
// for are relative, with slashes, and lead nowhere else.
func TranslateDockerfile(text, name string, read func(path string) (string, bool)) (Translation, error) {
	t := &dockerTranslator{read: read, workdir: "/", values: map[string]string{}}
	t.file = name
	t.Definition.Source = name
	all, err := t.instructions(text)
	if err != nil {
		return Translation{}, err
	}
	for _, one := range all {
		t.line = one.line
		if err := t.instruction(one); err != nil {
			return Translation{}, err
		}
	}
	return t.finish()
}

// needsEngine ends the hints of what no list of packages can say.
const needsEngine = " More needs a container engine, and jobs here run without one."

// What a Dockerfile may copy, and how many files it may install from: each of these
// is looked for among all of those.
const (
	maxCopied = 1000
	maxRead   = 100
)

// dockerTranslator walks through the instructions of a Dockerfile.
type dockerTranslator struct {
	translator
	read      func(path string) (string, bool)
	line      int
	image     string
	workdir   string
	values    map[string]string // of ARG and ENV
	copies    []dockerCopy
	copied    int // files and folders that copies name
	asked     int // how often a file was looked for
	installed bool
}

// dockerCopy is one COPY: which files of the context went where.
type dockerCopy struct {
	from []string
	to   string
	dir  bool // to is a folder for certain
	used bool
	line int
}

func (t *dockerTranslator) refuse(hint, format string, args ...any) error {
	return t.badHint(atLine(t.line), hint, format, args...)
}

func (t *dockerTranslator) instruction(one instruction) error {
	if t.image == "" && one.name != "FROM" && one.name != "ARG" {
		return t.refuse("Begin with FROM.", "%s stands before FROM.", atelier.Clip(one.name, 40))
	}
	if strings.Contains(one.rest, "<<") {
		return t.refuse("Write one command in a line, or put the text into a file of the context.", "Here-documents (\"<<\") are not offered.")
	}
	switch one.name {
	case "FROM":
		return t.from(one.rest)
	case "ARG":
		return t.arg(one.rest)
	case "ENV":
		return t.env(one.rest)
	case "WORKDIR":
		words, err := t.words(one)
		if err == nil && len(words) == 1 {
			t.workdir = t.inImage(words[0])
		}
		return err
	case "COPY", "ADD":
		return t.copy(one)
	case "RUN":
		return t.run(one.rest)
	case "LABEL", "MAINTAINER", "EXPOSE":
		return nil
	case "USER", "CMD":
		t.note("%s at %s:%d is not used: a job has its own command, and runs as the user of the compute.", one.name, t.file, one.line)
		return nil
	}
	return t.refuse("Take it out, or name the packages in conda_file or pip_requirements."+needsEngine,
		"%s is not offered: only what installs packages is read from a Dockerfile.", atelier.Clip(one.name, 40))
}

// words reads the words of an instruction, which must be one command.
func (t *dockerTranslator) words(one instruction) ([]string, error) {
	commands, err := shell(one.rest, t.value)
	if err != nil || len(commands) != 1 {
		return nil, t.refuse("Write plain words.", "%s cannot be read: %s.", one.name, firstReason(err, "it holds no words, or several commands"))
	}
	return commands[0], nil
}

func firstReason(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}

func (t *dockerTranslator) value(name string) (string, bool) {
	value, known := t.values[name]
	return value, known
}

func (t *dockerTranslator) from(rest string) error {
	if t.image != "" {
		return t.refuse("Leave the last stage only, and name its packages.", "Several stages (a second FROM) are not offered.")
	}
	words, err := t.words(instruction{"FROM", rest, t.line})
	if err != nil {
		return err
	}
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		words = words[1:]
	}
	if len(words) == 0 {
		return t.refuse("Write FROM python:3.11.", "FROM names no image.")
	}
	t.image = words[0]
	if python, ok := pythonOf(strings.ToLower(t.image)); ok {
		t.Definition.Python = python
	}
	return nil
}

var dockerName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// arg keeps the value of a build argument. One without a value stays unknown.
func (t *dockerTranslator) arg(rest string) error {
	commands, err := shell(rest, t.value)
	if err != nil || len(commands) != 1 {
		return nil // whoever uses it is told
	}
	for _, word := range commands[0] {
		if name, value, given := strings.Cut(word, "="); given && dockerName.MatchString(name) {
			t.values[name] = value
		}
	}
	return nil
}

// unknownValue stands in a word for a variable of the image. No word of a
// Dockerfile holds it, because control characters are refused.
const unknownValue = "\x00"

// env keeps the values of variables for the lines below. Jobs do not get them:
// a definition is packages, and two that differ in a variable share a folder.
func (t *dockerTranslator) env(rest string) error {
	if name, value, _ := strings.Cut(rest, " "); !strings.Contains(name, "=") {
		rest = name + `="` + strings.ReplaceAll(strings.TrimSpace(value), `"`, `\"`) + `"`
	}
	commands, err := shell(rest, func(name string) (string, bool) {
		if value, known := t.values[name]; known {
			return value, true
		}
		return unknownValue, true
	})
	if err != nil || len(commands) != 1 {
		return t.refuse("Write ENV NAME=VALUE.", "ENV cannot be read: %s.", firstReason(err, "it holds no words, or several commands"))
	}
	values := maps.Clone(t.values)
	for _, word := range commands[0] {
		name, value, given := strings.Cut(word, "=")
		if !given || !dockerName.MatchString(name) {
			return t.refuse("Write ENV NAME=VALUE.", "ENV cannot be read: a variable has a name of letters, digits and underscores, and a value.")
		}
		if values[name] = value; strings.Contains(value, unknownValue) {
			delete(values, name)
		}
		t.note("The variable %s of %s:%d is not set: write it under environment_variables of the job if the command needs it.", name, t.file, t.line)
	}
	t.values = values // all at once, as Docker does
	return nil
}

// inImage is where a path of a command or a COPY lies in the image.
func (t *dockerTranslator) inImage(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(t.workdir, name)
}

// copy remembers what a COPY or an ADD brings, for the commands below.
func (t *dockerTranslator) copy(one instruction) error {
	words, err := t.copyWords(one)
	if err != nil {
		return err
	}
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		if strings.HasPrefix(words[0], "--from") {
			return t.refuse("Copy files of the context only.", "%s from another image is not offered.", one.name)
		}
		words = words[1:]
	}
	if len(words) < 2 {
		return t.refuse("Write COPY FILE PLACE.", "%s names no files or no place.", one.name)
	}
	last := words[len(words)-1]
	made := dockerCopy{to: t.inImage(last), line: one.line, dir: len(words) > 2 || strings.HasSuffix(last, "/")}
	for _, from := range words[:len(words)-1] {
		if strings.Contains(from, "://") || strings.HasPrefix(from, "git@") {
			return t.refuse("Download it, and put it into the context.", "%q is an address, and only files of the context are read.", atelier.Clip(from, 80))
		}
		for part := range strings.SplitSeq(from, "/") {
			if part == ".." {
				return t.refuse("Put the file into the context.", "%q leads out of the context.", atelier.Clip(from, 80))
			}
		}
		made.from = append(made.from, strings.TrimPrefix(path.Clean("/"+from), "/"))
	}
	if t.copied += len(made.from); t.copied > maxCopied {
		return t.refuse("Copy folders.", "The Dockerfile copies more than %d files.", maxCopied)
	}
	t.copies = append(t.copies, made)
	return nil
}

func (t *dockerTranslator) copyWords(one instruction) ([]string, error) {
	if strings.HasPrefix(one.rest, "[") {
		var words []string
		if json.Unmarshal([]byte(one.rest), &words) == nil {
			return words, nil
		}
	}
	return t.words(one)
}

// contextFile reads the file of the context that lies at a place in the image.
func (t *dockerTranslator) contextFile(name string) (text, found string, err error) {
	place := t.inImage(name)
	if t.asked++; t.asked > maxRead {
		return "", "", t.refuse("Write the packages into fewer files.", "The Dockerfile installs from more than %d files.", maxRead)
	}
	for i := len(t.copies) - 1; i >= 0; i-- {
		for _, candidate := range t.copies[i].sources(place) {
			if text, ok := t.read(candidate); ok {
				t.copies[i].used = true
				return text, candidate, nil
			}
		}
	}
	return "", "", t.refuse("Copy it from the context with COPY.", "The file %q is not in the image: no COPY above brings it from the context, or it is not there.", atelier.Clip(name, 80))
}

// sources lists the files of the context that c may have brought to place.
func (c dockerCopy) sources(place string) []string {
	var all []string
	within, under := strings.CutPrefix(place, strings.TrimSuffix(c.to, "/")+"/")
	for _, from := range c.from {
		if place == c.to && !c.dir {
			all = append(all, from)
		}
		if !under {
			continue
		}
		if matched, _ := path.Match(path.Base(from), within); matched {
			all = append(all, path.Join(path.Dir(from), within))
		}
		all = append(all, path.Join(from, within))
	}
	return all
}

// finish says what the Definition leaves out of the image.
func (t *dockerTranslator) finish() (Translation, error) {
	lower := strings.ToLower(t.image)
	t.line = 1
	switch {
	case t.image == "":
		return Translation{}, t.refuse("Begin with FROM.", "The Dockerfile names no image.")
	case !t.installed && !plainPython.MatchString(lower):
		return Translation{}, t.refuse("Name the packages that the command needs in conda_file or pip_requirements."+needsEngine,
			"The Dockerfile installs no packages: all that it has is in the image %q, which is not used here.", atelier.Clip(t.image, 120))
	}
	notes := []string{"The Dockerfile " + t.file + " is read for its packages and not built, because a local compute runs no containers."}
	if !plainPython.MatchString(lower) {
		notes = append(notes, "What the image \""+atelier.Clip(t.image, 120)+"\" holds besides is not there: name what the command needs of it, too.")
	}
	for _, copied := range t.copies {
		if !copied.used {
			t.line = copied.line
			t.note("The files of COPY at %s:%d are not brought along: put what the command needs into the code folder.", t.file, t.line)
		}
	}
	t.Notes = append(notes, t.Notes...)
	t.Definition.Requirements = normaliseAll(t.Definition.Requirements)
	if t.Definition.Python == "" && len(t.Definition.Requirements) == 0 {
		t.Definition.Name = Anonymous // a Python with nothing in it is still to be built
	}
	return t.Translation, nil
}
