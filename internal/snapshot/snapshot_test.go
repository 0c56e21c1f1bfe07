package snapshot

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// folder makes a folder with files of the given names and content.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		place := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func paths(s *Snapshot) []string {
	var all []string
	for _, file := range s.Files {
		all = append(all, file.Path)
	}
	slices.Sort(all)
	return all
}

func TestCodeRespectsTheFirstIgnoreFileOnly(t *testing.T) {
	dir := folder(t, map[string]string{
		"train.py": "x", "data/big.bin": "x", "data/keep.txt": "x", "notes.md": "x", "sub/.gitignore": "*", "sub/a.py": "x",
		".git/config": "x", ".atelier/runs/a/000001.journal": "x", "__pycache__/a.pyc": "x", "sub/__pycache__/b.pyc": "x", "atelier-data/atelier.db": "x",
		".amlignore": "data/\n!data/keep.txt\n", ".gitignore": "*.py\n",
	})
	got, err := Code(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".amlignore", ".gitignore", "data/keep.txt", "notes.md", "sub/.gitignore", "sub/a.py", "train.py"}
	if diff := cmp.Diff(want, paths(got)); diff != "" {
		t.Error(diff)
	}
	if err := os.Remove(filepath.Join(dir, ".amlignore")); err != nil {
		t.Fatal(err)
	}
	if got, err = Code(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	want = []string{".gitignore", "data/big.bin", "data/keep.txt", "notes.md", "sub/.gitignore"}
	if diff := cmp.Diff(want, paths(got)); diff != "" {
		t.Error(diff)
	}
}

func TestEqualContentHasOneHashAndCanBeRead(t *testing.T) {
	dir := folder(t, map[string]string{"a.py": "same", "b.py": "same", "run.sh": "other"})
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	first, err := Code(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Files) != 3 || len(first.Hashes()) != 2 {
		t.Errorf("%d files, %d hashes", len(first.Files), len(first.Hashes()))
	}
	for _, h := range first.Hashes() {
		file, err := first.Open(h)
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(file)
		file.Close()
		if text := string(content); text != "same" && text != "other" {
			t.Errorf("%s reads %q", h, text)
		}
	}
	if _, err := first.Open(blob.Hash(strings.Repeat("0", 64))); atelier.CodeOf(err) != atelier.NotFound {
		t.Errorf("an unknown hash: %v", err)
	}
	one, err := first.Tree()
	if err != nil {
		t.Fatal(err)
	}
	if file, _ := one.Find("run.sh"); !file.Executable {
		t.Error("the script is no longer executable")
	}
	second, err := Code(t.Context(), folder(t, map[string]string{"run.sh": "other", "b.py": "same", "a.py": "same"}))
	if err != nil {
		t.Fatal(err)
	}
	if two, _ := second.Tree(); two.ID == one.ID {
		t.Error("the executable bit is not part of the tree")
	}
}

func TestLinks(t *testing.T) {
	outside := folder(t, map[string]string{"secret": "x"})
	link := func(dir, target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	dir := folder(t, map[string]string{"lib/a.py": "x", "b.py": "y"})
	link(dir, "lib", "alias")
	link(dir, "b.py", "c.py")
	got, err := Code(t.Context(), dir)
	if err != nil || !slices.Equal(paths(got), []string{"alias/a.py", "b.py", "c.py", "lib/a.py"}) {
		t.Errorf("links inside: %v, %v", got, err)
	}

	loop := folder(t, map[string]string{"lib/a.py": "x"})
	link(loop, "..", "lib/up")
	if _, err := Code(t.Context(), loop); atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), "leads back") {
		t.Errorf("a loop: %v", err)
	}
	escaping := folder(t, map[string]string{"a.py": "x"})
	link(escaping, filepath.Join(outside, "secret"), "key")
	if _, err := Code(t.Context(), escaping); atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), "leads outside") {
		t.Errorf("a link outside: %v", err)
	}
	if got, err := Data(t.Context(), escaping); err != nil || len(got.Files) != 2 {
		t.Errorf("data may link outside: %v", err)
	}
	if err := os.WriteFile(filepath.Join(escaping, ".amlignore"), []byte("key\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Code(t.Context(), escaping); err != nil {
		t.Errorf("an ignored link: %v", err)
	}
	broken := folder(t, map[string]string{"a.py": "x"})
	link(broken, "nowhere", "b.py")
	if _, err := Code(t.Context(), broken); atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), "b.py leads nowhere") {
		t.Errorf("a broken link: %v", err)
	}
}

func TestLimitsNameTheLargestEntries(t *testing.T) {
	dir := folder(t, map[string]string{"train.py": "x", "small.txt": "xx"})
	for i := range MaxCodeFiles {
		if err := os.MkdirAll(filepath.Join(dir, "cache"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "cache", fmt.Sprint(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Code(t.Context(), dir)
	if atelier.CodeOf(err) != atelier.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"2002 files", "2000 files", "cache/ (0.0 MB, 2000 files)", ".amlignore"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message does not hold %q: %v", part, err)
		}
	}
	large := folder(t, map[string]string{"train.py": "x"})
	sparse := filepath.Join(large, "model.bin")
	if err := os.WriteFile(sparse, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(sparse, MaxCodeBytes+1); err != nil {
		t.Fatal(err)
	}
	if _, err = Code(t.Context(), large); atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), "The largest entries are model.bin (300.0 MB), train.py") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNotAFolderOfFiles(t *testing.T) {
	for name, dir := range map[string]string{
		"empty":       t.TempDir(),
		"missing":     filepath.Join(t.TempDir(), "no"),
		"all ignored": folder(t, map[string]string{".gitignore": "*\n", "a": "x"}),
		"a file":      filepath.Join(folder(t, map[string]string{"a.py": "x"}), "a.py"),
		"bad name":    folder(t, map[string]string{`a\b`: "x"}),
	} {
		if _, err := Code(t.Context(), dir); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	dir := folder(t, map[string]string{"a.csv": "1,2\n"})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Data(t.Context(), dir)
	if err != nil || len(got.Files) != 1 || !slices.Equal(got.Skipped, []string{"pipe"}) {
		t.Errorf("a pipe: %+v, %v", got, err)
	}
	one, err := Data(t.Context(), filepath.Join(dir, "a.csv"))
	if err != nil || len(one.Files) != 1 || one.Files[0].Path != "a.csv" {
		t.Errorf("a single file: %+v, %v", one, err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Code(stopped, dir); err == nil {
		t.Error("a cancelled read must fail")
	}
}

// TestIgnoreAgreesWithGit asks git itself, for rules that bring nothing back.
func TestIgnoreAgreesWithGit(t *testing.T) {
	files := []string{"a.py", "b.txt", "dir/a.py", "dir/b.txt", "dir/sub/a.py", "dir/sub/deep/x.log", "x.log", "build/out.o", "src/build/out.o",
		"we ird/a b.txt", "#hash", "!bang", "{a,b}.txt", "a", "foo/bar/baz", "foo/x/bar/baz", "doc/frotz/a", "tail ", "[x].py", "Caps.PY"}
	for _, patterns := range []string{
		"*.py", "/a.py", "dir/", "dir", "dir/*.py", "dir/**", "**/build", "build/", "/build/", "foo/**/baz", "**/foo/bar", "*.log\n#hash", `\#hash`, `\!bang`,
		"{a,b}.txt", "a?b.txt", "[ab].*", "[!a].txt", "doc/frotz", "frotz/", "/doc/*", "b.txt  ", `tail\ `, "**", "*", "a/", "sub/deep", "dir/sub/", "foo/*/baz", `\[x\].py`, "[[]x].py", "/", "//", "\ufeff*.py",
	} {
		dir := folder(t, map[string]string{".gitignore": patterns + "\n"})
		if out, err := exec.Command("git", "-C", dir, "init", "-q").CombinedOutput(); err != nil {
			t.Fatalf("git init: %s", out)
		}
		for _, name := range files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil && name != "a" {
				t.Fatal(err)
			}
		}
		command := exec.Command("git", "-C", dir, "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "-z", "--stdin")
		command.Stdin = strings.NewReader(strings.Join(files, "\x00") + "\x00")
		said, _ := command.Output() // it fails when nothing is ignored
		ignored := strings.Split(string(said), "\x00")
		rules := parseIgnore(patterns)
		for _, name := range files {
			if want := slices.Contains(ignored, name); rules.match(name, false) != want {
				t.Errorf("%q on %q: git says %v", patterns, name, want)
			}
		}
	}
}

func TestTheLastRuleDecides(t *testing.T) {
	for _, test := range []struct {
		patterns, name string
		want           bool
	}{
		{"*\n!*.py", "a.py", false}, {"*\n!*.py", "sub/a.py", false}, {"*\n!*.py", "a.txt", true},
		{"data/\n!data/keep.txt", "data/keep.txt", false}, {"data/\n!data/keep.txt", "data/x", true},
		{"!a.py\n*.py", "a.py", true}, {"*.py\n!a.py\na.py", "a.py", true}, {"data\n!data/", "data/x", false},
	} {
		if got := parseIgnore(test.patterns).match(test.name, false); got != test.want {
			t.Errorf("%q on %q is %v", test.patterns, test.name, got)
		}
	}
}

func TestGitFacts(t *testing.T) {
	dir := folder(t, map[string]string{"code/train.py": "x"})
	if _, ok := GitFacts(t.Context(), dir); ok {
		t.Error("no repository, yet facts")
	}
	run := func(args ...string) {
		t.Helper()
		command := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"}, args...)...)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %s", args, out)
		}
	}
	run("init", "-q", "-b", "trunk")
	if _, ok := GitFacts(t.Context(), dir); ok {
		t.Error("no commit, yet facts")
	}
	run("add", ".")
	run("commit", "-q", "-m", "x")
	run("remote", "add", "origin", "https://ada:secret@example.org/team/code.git?token=abc")
	clean, ok := GitFacts(t.Context(), filepath.Join(dir, "code"))
	if !ok || clean.Branch != "trunk" || len(clean.Commit) != 40 || clean.Dirty || clean.Remote != "https://example.org/team/code.git" {
		t.Errorf("got %+v", clean)
	}
	if err := os.WriteFile(filepath.Join(dir, "code", "new.py"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	run("checkout", "-q", "--detach")
	dirty, _ := GitFacts(t.Context(), filepath.Join(dir, "code"))
	if !dirty.Dirty || dirty.Branch != "" || dirty.Properties()["azureml.git.dirty"] != "True" {
		t.Errorf("got %+v", dirty)
	}
}

func TestRemotesLoseTheirCredentials(t *testing.T) {
	for remote, want := range map[string]string{
		"https://token@example.org/a.git": "https://example.org/a.git", "git@example.org:a/b.git": "git@example.org:a/b.git",
		"ssh://git:pw@example.org/a.git": "ssh://git@example.org/a.git", "/srv/a.git": "/srv/a.git", "https://a:%zz@example.org/": "",
	} {
		if got := withoutCredentials(remote); got != want {
			t.Errorf("%s became %q, want %q", remote, got, want)
		}
	}
}

func FuzzIgnore(f *testing.F) {
	f.Add("*.py\n!a/**/b\n", "a/x/b")
	f.Add(`\{[!a-]{x,y}**/`, "x")
	f.Add("a[]b\n[", "a]b")
	f.Fuzz(func(t *testing.T, patterns, name string) {
		if blob.CheckPath(name) != nil || len(patterns) > 300 || len(name) > 100 {
			return
		}
		rules := parseIgnore(patterns)
		file, inside := rules.match(name, true), rules.match(name+"/x", false)
		if file && !inside && !rules.negated {
			t.Errorf("%q ignores the folder %q but not what lies in it", patterns, name)
		}
	})
}
