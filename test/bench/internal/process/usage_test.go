package process

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	text := "42 (a ) odd (name) S 7 42 42 0 -1 4194304 100 200 0 0 150 50 20 10 20 0 5 0 1000 123456 3000 184467 1 1 0 0 0 0 0 0 0"
	got, ok := parseStat(text)
	want := stat{parent: 7, processor: 2300 * time.Millisecond, pages: 3000}
	if !ok || got != want {
		t.Errorf("%+v, %v, want %+v", got, ok, want)
	}
	if _, ok := parseStat("42 (gone"); ok {
		t.Error("a line without fields was taken")
	}
}

func TestUsageHasThisProcess(t *testing.T) {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if got := (&Server{leader: self}).Usage(); got.Memory < 1<<20 {
		t.Errorf("%+v: less than a megabyte", got)
	}
	if MachineProcessor() <= 0 {
		t.Error("the machine has never worked")
	}
}

func TestFolderSize(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"a": 10, "b/c": 5} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if size, err := FolderSize(dir); size != 15 || err != nil {
		t.Errorf("%d, %v, want 15", size, err)
	}
}
