package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/atelier-ml/atelier"
)

func FuzzJob(f *testing.F) {
	f.Add("command: echo ${{inputs.a}}\ninputs: {a: 1, b: {path: x}}\n", "inputs.a=2")
	f.Add("a: &a [*a]\n<<: *a\n? [x]\n: y\n", "a.0=[1, {b: c}]")
	f.Add("environment:\n  conda_file: {dependencies: [a=1, {pip: [b]}]}\noutputs:\n", "environment=x")
	f.Add("resources: {properties: {a: !!binary x}}\ncommand: !!int x\n", "=")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text, set string) {
		for _, read := range []func(*Document) error{
			func(d *Document) error { _, err := d.Job(); return err },
			func(d *Document) error { _, err := d.OnlineDeployment(); return err },
		} {
			d, err := parse("job.yml", dir, []byte(text), []string{set})
			if err == nil {
				err = read(d)
			}
			if err != nil && atelier.CodeOf(err) != atelier.Invalid {
				t.Fatalf("not an error for users: %v", err)
			}
		}
	})
}

// FuzzInspect reads anything as whatever it seems to be. Every file has a
// verdict, and every fault a place.
func FuzzInspect(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/corpus.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data)
	}
	for _, hostile := range hostileFiles() {
		f.Add([]byte(hostile))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		said := read("a.yml", dir, text, nil).inspect()
		if said.Verdict == "" || said.Verdict == Understood && len(said.Faults) > 0 || (said.Verdict == Refused || said.Verdict == Broken) && len(said.Faults) == 0 {
			t.Errorf("the verdict is %q with the faults %v", said.Verdict, said.Faults)
		}
		for _, fault := range said.Faults {
			if fault.Place == "" || fault.Message == "" || strings.ContainsAny(fault.Place, "\n\x1b") {
				t.Errorf("a fault says %q at %q", fault.Message, fault.Place)
			}
		}
	})
}

// hostileFiles are files that are small to write and large, deep or endless to
// read.
func hostileFiles() map[string]string {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 8 {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", 'b'+i, 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", 'a'+i), 10), ", "))
	}
	return map[string]string{
		"an alias bomb":        bomb,
		"an alias of itself":   "a: &a {b: *a}\ncommand: x\n",
		"a key of itself":      "? &a [*a]\n: b\n",
		"flow depth":           "command: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"unclosed depth":       strings.Repeat("[", 200_000),
		"mapping depth":        strings.Repeat("{a: ", 100_000),
		"block depth":          strings.Repeat("- ", 100_000) + "a",
		"question marks":       strings.Repeat("? ", 100_000) + "a",
		"a long key":           strings.Repeat("a", maxFileBytes-10) + ": b\n",
		"many keys":            "command: x\ntags:\n" + manyLines(19_000, "  k%d: v\n"),
		"too many keys":        manyLines(21_000, "k%d: v\n"),
		"many anchors":         manyLines(9_000, "k%d: &a v\n"),
		"many documents":       strings.Repeat("---\na: b\n", 50_000),
		"many directives":      strings.Repeat("%YAML 1.2\n", 50_000),
		"quotes without end":   "command: \"" + strings.Repeat("a\\\n", 100_000),
		"a comment":            strings.Repeat("#", maxFileBytes-10),
		"NUL":                  "command: x\x00y\n",
		"no UTF-8":             "command: \xff\xfe\n",
		"UTF-16":               "\xff\xfec\x00o\x00",
		"a byte order mark":    "\ufeffcommand: x\n",
		"an escape":            "comm\x1b[31mand: x\n",
		"merging":              "a: &a {b: c}\ncommand: x\ntags: {<<: [*a, *a]}\n",
		"a tag of another one": "command: !!python/object/apply:os.system [ls]\n",
	}
}

func manyLines(n int, format string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, format, i)
	}
	return text.String()
}

// TestHostileFiles: each ends in a verdict. A reader that is not linear would
// not end within the time of the test.
func TestHostileFiles(t *testing.T) {
	for name, text := range hostileFiles() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.yml")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			said, err := Inspect(path)
			if err != nil || said.Verdict == "" {
				t.Errorf("got %+v, %v", said, err)
			}
			for _, fault := range said.Faults {
				if len(fault.Message) > 2000 || strings.ContainsRune(fault.Message+fault.Place, '\x1b') {
					t.Errorf("a message of %d bytes: %.200q", len(fault.Message), fault.Message)
				}
			}
		})
	}
	large := filepath.Join(t.TempDir(), "large.yml")
	if err := os.WriteFile(large, []byte(strings.Repeat("a", maxFileBytes+1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Inspect(large); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("a file over the limit: %v", err)
	}
}

// TestAFileNameMayHoldAnything: what a terminal would take as a command is not
// repeated.
func TestAFileNameMayHoldAnything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a\n\x1b[31m..\nb.yml")
	if err := os.WriteFile(path, []byte("command: x\ncolour: red\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Load(path, nil)
	if err == nil {
		_, err = d.Job()
	}
	if err == nil || strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "[31m.. b.yml:2:1: ") {
		t.Errorf("got %q", err)
	}
}
