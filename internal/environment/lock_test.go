package environment

import (
	"io"
	"slices"
	"testing"

	"github.com/atelier-ml/atelier"
)

// TestALockInstallsTheSameAgain publishes a newer version between two builds of a
// definition that asks for any.
func TestALockInstallsTheSameAgain(t *testing.T) {
	wheels := t.TempDir()
	wheel(t, wheels, "leaf", "1.2")
	wheel(t, wheels, "stem", "0.5", "leaf>=1")
	floating := Definition{Name: "tiny", Version: "1", Options: offline(wheels), Requirements: []string{"stem"}}
	first, err := Build(t.Context(), buildOptions(t, floating, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"leaf==1.2", "stem==0.5"}; !slices.Equal(first.Lock, want) {
		t.Errorf("the lock is %v, want %v", first.Lock, want)
	}
	wheel(t, wheels, "leaf", "1.3")
	locked, err := floating.Locked(Installed{Python: first.PythonVersion, Packages: first.Packages, Lock: first.Lock}, "the lock")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Build(t.Context(), buildOptions(t, locked, io.Discard))
	if err != nil || !slices.Equal(again.Packages, first.Packages) || again.PythonVersion != first.PythonVersion {
		t.Errorf("the lock installed %v, %v", again.Packages, err)
	}
	today, err := Build(t.Context(), buildOptions(t, floating, io.Discard))
	if err != nil || slices.Equal(today.Packages, first.Packages) {
		t.Errorf("the definition still brings %v, %v: the test shows nothing", today.Packages, err)
	}
}

func TestOnlyExactRequirementsMakeALock(t *testing.T) {
	d := Definition{Requirements: []string{"leaf"}, Options: []string{"--pre"}}
	for _, line := range []string{"leaf==1.2", "torch==2.8.0+cpu", "leaf @ git+https://example.org/leaf.git@0123abc"} {
		locked, err := d.Locked(Installed{Python: "3.11.7", Lock: []string{line}}, "The lock")
		if err != nil || locked.Requirements[0] != line || locked.Python != "3.11.7" || !slices.Equal(locked.Options, d.Options) || locked.Name != Anonymous {
			t.Errorf("%s gave %+v, %v", line, locked, err)
		}
	}
	for _, line := range []string{"leaf", "leaf>=1", "-e .", "--index-url=http://elsewhere", "leaf==1.2\n--pre", "leaf @ ../leaf"} {
		if _, err := d.Locked(Installed{Python: "3.11.7", Lock: []string{line}}, "The lock"); atelier.CodeOf(err) != atelier.Precondition {
			t.Errorf("%q: %v, want a refusal", line, err)
		}
	}
	old := Installed{Python: "3.11.7", Packages: []Package{{"leaf", "1.2"}}}
	if locked, err := d.Locked(old, "The lock"); err != nil || locked.Requirements[0] != "leaf==1.2" {
		t.Errorf("an older environment gave %+v, %v", locked, err)
	}
	d.Requirements = []string{"leaf @ git+https://example.org/leaf.git@main"}
	if _, err := d.Locked(old, "The lock"); atelier.CodeOf(err) != atelier.Precondition {
		t.Errorf("a branch was taken as locked: %v", err)
	}
}
