package environment

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/atelier-ml/atelier"
)

// wheel makes a wheel of one module in dir and returns a requirement for it.
func wheel(t *testing.T, dir, name, version string, needs ...string) string {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%s-py3-none-any.whl", name, version)))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	info := fmt.Sprintf("%s-%s.dist-info/", name, version)
	metadata := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)
	for _, need := range needs {
		metadata += "Requires-Dist: " + need + "\n"
	}
	record := fmt.Sprintf("%s.py,,\n%sMETADATA,,\n%sWHEEL,,\n%sRECORD,,\n", name, info, info, info)
	parts := [][2]string{
		{name + ".py", fmt.Sprintf("version = %q\n", version)},
		{info + "METADATA", metadata},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "RECORD", record},
	}
	for _, part := range parts {
		out, err := archive.Create(part[0])
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(out, part[1])
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return name + "==" + version
}

// offline are the options that let uv see the wheels in dir and nothing else.
func offline(dir string) []string { return []string{"--no-index", "--find-links=" + dir} }

// tools is the folder in which the tests keep uv, where the machine has none.
func tools(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, "atelier-test-tools")
}

func buildOptions(t *testing.T, d Definition, log io.Writer) BuildOptions {
	t.Helper()
	return BuildOptions{Root: filepath.Join(t.TempDir(), "environments"), Tools: tools(t), Definition: d, Log: log}
}

func TestBuildMakesAWorkingEnvironmentOnce(t *testing.T) {
	wheels := t.TempDir()
	d := Definition{Name: "tiny", Version: "1", Options: offline(wheels), Requirements: []string{wheel(t, wheels, "leaf", "1.2"), wheel(t, wheels, "stem", "0.5", "leaf>=1")}}
	var log bytes.Buffer
	options := buildOptions(t, d, &log)
	ready, err := Build(t.Context(), options)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	want := []Package{{"leaf", "1.2"}, {"stem", "0.5"}}
	if !slices.Equal(ready.Packages, want) {
		t.Errorf("packages are %v, want %v", ready.Packages, want)
	}
	said, err := exec.Command(ready.Python, "-c", "import leaf, stem, sys; print(leaf.version, stem.version, sys.prefix)").CombinedOutput()
	if err != nil || strings.TrimSpace(string(said)) != "1.2 0.5 "+ready.Dir {
		t.Errorf("the environment's Python says %q, %v", said, err)
	}
	if !strings.Contains(log.String(), "Environment tiny:1") || !strings.Contains(log.String(), "is built") {
		t.Errorf("the log does not say what was built:\n%s", log.String())
	}

	options.Tools = "/nowhere" // a ready environment needs no tool
	t.Setenv("PATH", "/nowhere")
	again, err := Build(t.Context(), options)
	if err != nil || again.Dir != ready.Dir {
		t.Errorf("the second build gave %v, %v", again.Dir, err)
	}
}

// A command that installs packages gets an environment of its own, the same but
// for pip.
func TestCopy(t *testing.T) {
	wheels := t.TempDir()
	options := buildOptions(t, Definition{Name: "tiny", Options: offline(wheels), Requirements: []string{wheel(t, wheels, "leaf", "1.2")}}, io.Discard)
	wheel(t, wheels, "leaf", "1.3") // nobody asked for it
	wheel(t, wheels, "pip", "9.9")
	shared, err := Build(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	options.Root = filepath.Join(t.TempDir(), "own")
	own, err := shared.Copy(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if want := []Package{{"leaf", "1.2"}, {"pip", "9.9"}}; !slices.Equal(own.Packages, want) || own.Dir == shared.Dir {
		t.Errorf("packages are %v in %s, want %v", own.Packages, own.Dir, want)
	}
	if again, err := Build(t.Context(), buildOptions(t, options.Definition, io.Discard)); err != nil || len(again.Packages) != 1 {
		t.Errorf("the shared one has %v, %v", again.Packages, err)
	}
	for command, installs := range map[string]bool{"pip install a; python b.py": true, "python3 -m pip list": true, "pip3 install a": true,
		"python pipeline.py": false, "echo $PIPES": false} {
		if Installs(command) != installs {
			t.Errorf("%q: %v", command, !installs)
		}
	}
}

func TestBuildRepeatsAfterAnUnfinishedOne(t *testing.T) {
	wheels := t.TempDir()
	d := Definition{Options: offline(wheels), Requirements: []string{wheel(t, wheels, "leaf", "1.2")}}
	options := buildOptions(t, d, io.Discard)
	leftover := filepath.Join(options.Root, d.Hash(), "lib", "half")
	if err := os.MkdirAll(leftover, 0o755); err != nil {
		t.Fatal(err)
	}
	ready, err := Build(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(leftover); err == nil {
		t.Error("the unfinished build's files are still there")
	}
	if err := os.Remove(ready.Python); err != nil { // as after an upgrade of the system
		t.Fatal(err)
	}
	if _, err := Build(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ready.Python); err != nil {
		t.Errorf("the interpreter was not restored: %v", err)
	}
}

func TestConflictShowsTheResolversWordsAndTheFile(t *testing.T) {
	wheels := t.TempDir()
	wheel(t, wheels, "leaf", "1.2")
	d := Definition{Source: "conda.yml", Options: offline(wheels), Requirements: []string{wheel(t, wheels, "stem", "0.5", "leaf>=2"), "leaf==1.2"}}
	options := buildOptions(t, d, io.Discard)
	_, err := Build(t.Context(), options)
	if atelier.CodeOf(err) != atelier.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"conda.yml", "all versions of stem depend on leaf>=2", "leaf==1.2", "unsatisfiable"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message does not hold %q: %v", part, err)
		}
	}
	if _, err := os.Stat(filepath.Join(options.Root, d.Hash())); err == nil {
		t.Error("the failed build left its folder")
	}
}

func TestAnEnvironmentWithoutPackagesNeedsNoTool(t *testing.T) {
	options := buildOptions(t, Definition{Name: "python"}, io.Discard)
	options.Tools = filepath.Join(t.TempDir(), "tools")
	ready, err := Build(t.Context(), options)
	if err != nil || len(ready.Packages) != 0 {
		t.Fatalf("%+v, %v", ready, err)
	}
	if said, err := exec.Command(ready.Python, "-c", "import sys; print(sys.prefix)").Output(); err != nil || strings.TrimSpace(string(said)) != ready.Dir {
		t.Errorf("it says %q, %v", said, err)
	}
	if _, err := os.Stat(options.Tools); err == nil {
		t.Error("a tool was installed")
	}
}

func TestMissingPythonSaysWhatIsThere(t *testing.T) {
	_, err := Build(t.Context(), buildOptions(t, Definition{Source: "conda.yml", Python: "3.99"}, io.Discard))
	if atelier.CodeOf(err) != atelier.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"conda.yml asks for Python 3.99", "This machine has Python 3.", "uv python install 3.99"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message does not hold %q: %v", part, err)
		}
	}
}

// program puts a shell script called name first on PATH.
func program(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// onText is a writer that calls do when it is given text.
type onText struct {
	text string
	do   func()
}

func (w onText) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.text)) {
		w.do()
	}
	return len(p), nil
}

func TestCancelledBuildEndsWithEverythingItStarted(t *testing.T) {
	alive := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(alive, 0o600); err != nil {
		t.Fatal(err)
	}
	// The script's child holds the pipe open for as long as it lives.
	program(t, "uv", `[ "$1" = --version ] && exit 0
sleep 1000 > '`+alive+`' &
echo "uv is stuck"
wait`)
	reader, err := os.OpenFile(alive, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	options := buildOptions(t, Definition{Requirements: []string{"leaf"}}, onText{"stuck", cancel})
	if _, err := Build(ctx, options); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := io.ReadAll(reader); err != nil { // ends only when nobody holds the pipe
		t.Error(err)
	}
	hash := options.Definition.Hash()
	if _, err := os.Stat(filepath.Join(options.Root, hash)); err == nil {
		t.Error("the folder was left behind")
	}
	status, err := Folder(options.Root).Status(hash)
	if err != nil || status.State != Canceled || status.FinishedAt == nil {
		t.Errorf("the state is %+v, %v", status, err)
	}
}

func TestTheLockLastsAsLongAsTheToolThatHasIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	lock, err := takeLock(t.Context(), path, alone, func() { t.Error("nobody else has the lock") })
	if err != nil {
		t.Fatal(err)
	}
	tool := exec.CommandContext(t.Context(), "cat")
	tool.ExtraFiles = []*os.File{lock}
	input, err := tool.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tool.Start(); err != nil {
		t.Fatal(err)
	}
	lock.Close() // as when the builder is killed
	waited := false
	again, err := takeLock(t.Context(), path, alone, func() {
		waited = true
		input.Close()
	})
	if err != nil || !waited {
		t.Errorf("the lock was free while the tool ran: %v", err)
	}
	again.Close()
	tool.Wait()
}

// TestAnOldPythonDoesNotInstallTheTool has a python3 on PATH that is too old
// for uv before one that is not.
func TestAnOldPythonDoesNotInstallTheTool(t *testing.T) {
	tools := t.TempDir()
	program(t, "python3", `case "$*" in
*version_info*) echo 3.11.7;;
*-m\ venv*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python";;
*-m\ pip*) printf '#!/bin/sh\n' > "${0%/*}/uv"; chmod +x "${0%/*}/uv";;
*) exit 1;;
esac`)
	program(t, "python3", `case "$*" in *version_info*) echo 3.6.15;; *) echo 'too old' >&2; exit 1;; esac`)
	program(t, "uv", "exit 1")
	path, err := findUV(t.Context(), tools, io.Discard)
	if err != nil || !strings.HasPrefix(path, tools) {
		t.Errorf("got %q, %v", path, err)
	}
}

func TestNoToolSaysWhatToDo(t *testing.T) {
	program(t, "uv", "exit 1")
	program(t, "python3", `case "$*" in *version_info*) echo 3.11.7;; *) echo 'no network here' >&2; exit 1;; esac`)
	_, err := findUV(t.Context(), t.TempDir(), io.Discard)
	if atelier.CodeOf(err) != atelier.Unavailable || !strings.Contains(err.Error(), "no network here.") || !strings.Contains(err.Error(), "pip install uv") {
		t.Errorf("got %v", err)
	}
}

// TestTwoProcessesBuildOnce starts this test program again, several times, as
// builders of one environment: exactly one of them may build.
func TestTwoProcessesBuildOnce(t *testing.T) {
	if text := os.Getenv("ATELIER_TEST_BUILD"); text != "" {
		buildAsChild(t, text)
		return
	}
	wheels := t.TempDir()
	d := Definition{Name: "shared", Options: offline(wheels), Requirements: []string{wheel(t, wheels, "leaf", "1.2")}}
	options := buildOptions(t, d, nil)
	if _, err := findUV(t.Context(), options.Tools, io.Discard); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	outputs := make([]bytes.Buffer, 3)
	var children []*exec.Cmd
	for i := range outputs {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestTwoProcessesBuildOnce$", "-test.v")
		child.Env = append(os.Environ(), "ATELIER_TEST_BUILD="+string(text))
		child.Stdout, child.Stderr = &outputs[i], &outputs[i]
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, child)
	}
	built := 0
	for i, child := range children {
		if err := child.Wait(); err != nil {
			t.Errorf("builder %d: %v\n%s", i, err, outputs[i].String())
		}
		built += strings.Count(outputs[i].String(), "is built")
	}
	if built != 1 {
		t.Errorf("%d builders built it, want 1\n%s\n%s\n%s", built, outputs[0].String(), outputs[1].String(), outputs[2].String())
	}
}

func buildAsChild(t *testing.T, text string) {
	var options BuildOptions
	if err := json.Unmarshal([]byte(text), &options); err != nil {
		t.Fatal(err)
	}
	options.Log = os.Stdout
	if _, err := Build(t.Context(), options); err != nil {
		t.Fatal(err)
	}
}

func TestMatchesPython(t *testing.T) {
	for _, test := range []struct {
		wanted, version string
		want            bool
	}{
		{"3.11", "3.11.7", true}, {"3.11", "3.1.1", false}, {"3.1", "3.11.7", false}, {"3.11.7", "3.11.7", true},
		{"3.11.*", "3.11.0", true}, {"=3.10", "3.10.2", true}, {"3", "3.12.0", true},
		{">=3.10,<3.14", "3.13.1", true}, {">=3.10,<3.14", "3.14.0", false}, {">=3.10", "3.9.18", false},
		{"~=3.11", "3.12.0", true}, {"~=3.11.2", "3.12.0", false}, {"!=3.11", "3.11.2", false}, {">3.11", "3.11.2", false}, {"<=3.11", "3.11.9", true},
	} {
		if got := matchesPython(test.wanted, test.version); got != test.want {
			t.Errorf("matchesPython(%q, %q) = %v", test.wanted, test.version, got)
		}
	}
}
