package environment

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
)

// supportedPython is used where the user names no version.
const supportedPython = ">=3.10"

var pythonName = regexp.MustCompile(`^python(3(\.\d+)?)?$`)

// choosePython returns the path of an interpreter of a version that suits wanted.
// We look for it ourselves because uv gives up at the first of pyenv's shims that
// points to a version which is not switched on.
func choosePython(ctx context.Context, wanted string) (string, error) {
	wanted = cmp.Or(wanted, supportedPython)
	var found []string
	for _, path := range pythonCandidates(os.Getenv("PATH"), os.Getenv("HOME")) {
		version, err := pythonVersion(ctx, path)
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err != nil {
			continue
		}
		if matchesPython(wanted, version) {
			return path, nil
		}
		if !slices.Contains(found, version) {
			found = append(found, version)
		}
	}
	if downloads := os.Getenv("UV_PYTHON_DOWNLOADS"); downloads != "" && downloads != "never" {
		return wanted, nil // the user lets uv fetch interpreters
	}
	return "", missingPython(wanted, found)
}

func missingPython(wanted string, found []string) error {
	there := "No Python was found on this machine"
	if len(found) > 0 {
		slices.SortFunc(found, compareVersions)
		there = "This machine has Python " + strings.Join(found, ", ")
	}
	return fault(func(source string) *atelier.Error {
		return atelier.Errorf(atelier.Invalid, "%s asks for Python %s. %s.", source, wanted, there).
			WithHint("Install that version (for instance with `uv python install %s`), or ask for one that is there.",
				strings.TrimLeft(strings.Split(wanted, ",")[0], "<>=~! "))
	})
}

// pythonCandidates lists programs that may be interpreters: on PATH in its
// order, then where the usual installers put them, newest first.
func pythonCandidates(searchPath, home string) []string {
	var candidates []string
	for _, dir := range filepath.SplitList(searchPath) {
		candidates = append(candidates, pythonsIn(dir)...)
	}
	patterns := []string{
		home + "/.pyenv/versions/*/bin", home + "/.local/share/uv/python/*/bin",
		"/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/opt/python*/bin", "/opt/python/*/bin",
	}
	for _, pattern := range patterns {
		dirs, _ := filepath.Glob(pattern)
		slices.SortFunc(dirs, func(a, b string) int { return compareVersions(b, a) })
		for _, dir := range dirs {
			candidates = append(candidates, pythonsIn(dir)...)
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(candidates, func(path string) bool {
		again := seen[path]
		seen[path] = true
		return again
	})
}

// pythonsIn lists the interpreters in dir: plain "python3" first, then the
// newest version first.
func pythonsIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, entry := range entries {
		if pythonName.MatchString(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	rank := map[string]int{"python3": -1, "python": 1}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank[a], rank[b]), compareVersions(b, a))
	})
	for i, name := range names {
		names[i] = filepath.Join(dir, name)
	}
	return names
}

// pythonVersion asks an interpreter for its version. One that does not answer,
// such as a shim without a target, is an error.
func pythonVersion(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, path, "-I", "-S", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])")
	command.WaitDelay = time.Second
	said, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", path, err)
	}
	return strings.TrimSpace(string(said)), nil
}

// matchesPython reports whether version suits wanted: "3.11" or "3.11.*" and
// any of its patches, "3.11.7", or a range such as ">=3.10,<3.14".
func matchesPython(wanted, version string) bool {
	for clause := range strings.SplitSeq(wanted, ",") {
		clause = strings.TrimSpace(clause)
		number := strings.TrimLeft(clause, "<>=!~ ")
		sign := strings.TrimSpace(clause[:len(clause)-len(number)])
		number = strings.TrimSuffix(number, ".*")
		order := compareVersions(version, number)
		same := version == number || strings.HasPrefix(version, number+".")
		suits := map[string]bool{
			"": same, "=": same, "==": same, "!=": !same,
			">=": order >= 0, "<=": order <= 0 || same, "<": order < 0, ">": order > 0 && !same,
			"~=": order >= 0 && strings.HasPrefix(version, parent(number)),
		}
		if !suits[sign] {
			return false
		}
	}
	return true
}

// parent is what a compatible release ("~=3.11") must begin with: "3.".
func parent(number string) string {
	return number[:strings.LastIndex(number, ".")+1]
}

// compareVersions compares the numbers in a and b, one after another.
func compareVersions(a, b string) int {
	return slices.Compare(numbersIn(a), numbersIn(b))
}

func numbersIn(text string) []int {
	var numbers []int
	for _, digits := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		n, _ := strconv.Atoi(digits)
		numbers = append(numbers, n)
	}
	return numbers
}
