package snapshot

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/atelier-ml/atelier"
)

// A folder from somebody else holds whatever its writer thought of.

func TestNamesMayHoldAlmostAnything(t *testing.T) {
	names := []string{"..a", "...", "a\nb.py", "a\x1b[31m.py", "-rf", "~", "$(x)", "a b", "é.py", "CON", strings.Repeat("n", 255)}
	files := map[string]string{}
	for _, name := range names {
		files[name] = "x"
	}
	got, err := Code(t.Context(), folder(t, files))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if !slices.Equal(paths(got), names) {
		t.Errorf("got %q", paths(got))
	}
	for _, name := range []string{`a\b`, "a\xff"} {
		_, err := Code(t.Context(), folder(t, map[string]string{"fine": "x", name: "x"}))
		if atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), "Invalid path") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestLinksThatMultiply(t *testing.T) {
	dir := t.TempDir()
	const levels = 40
	for i := range levels {
		level := filepath.Join(dir, fmt.Sprintf("d%02d", i))
		if err := os.Mkdir(level, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b"} {
			if err := os.Symlink(fmt.Sprintf("../d%02d", i+1), filepath.Join(level, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Mkdir(filepath.Join(dir, fmt.Sprintf("d%02d", levels)), 0o755); err != nil {
		t.Fatal(err)
	}
	w := &walker{root: dir, confined: true, mostEntries: 10_000}
	if _, err := w.read(t.Context()); atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), "more than 10000 files and folders") {
		t.Errorf("got %v", err)
	}
}

func TestLinksInACircle(t *testing.T) {
	dir := folder(t, map[string]string{"a.py": "x"})
	for from, to := range map[string]string{"one": "two", "two": "one", "self": "self"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Code(t.Context(), dir); atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), "too many levels of symbolic links") {
		t.Errorf("got %v", err)
	}
	if _, err := Data(t.Context(), filepath.Join(dir, "self")); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("a link to itself as data: %v", err)
	}
}

// An ignore file is read whole: only what can be an ignore file is.
func TestIgnoreFilesThatAreNone(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"a pipe":   func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"endless":  func(path string) error { return os.Symlink("/dev/zero", path) },
		"a folder": func(path string) error { return os.Mkdir(path, 0o755) },
		"large": func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("a\n", maxIgnoreBytes)), 0o644)
		},
		"a loose link": func(path string) error { return os.Symlink("/nowhere/at/all", path) },
	} {
		dir := folder(t, map[string]string{"a.py": "x"})
		if err := make(filepath.Join(dir, ".amlignore")); err != nil {
			t.Fatal(err)
		}
		_, err := Code(t.Context(), dir)
		if atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), ".amlignore") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A pattern of many stars must not make the walk take for ever.
func TestPatternsThatBacktrack(t *testing.T) {
	name := strings.TrimSuffix(strings.Repeat("a/", 400), "/") + "c"
	for _, pattern := range []string{strings.Repeat("**/a/", 40) + "b", strings.Repeat("*a", 60) + "b", strings.Repeat("a*", 200) + "b", strings.Repeat("**/", 300) + "b"} {
		if parseIgnore(pattern).match(name, false) {
			t.Errorf("%.40s matches", pattern)
		}
		parseIgnore(pattern).match(strings.Repeat("a", 1000), false)
	}
}
