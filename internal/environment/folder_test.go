package environment

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// status is the state of d's content, which must be readable.
func status(t *testing.T, root string, d Definition) Status {
	t.Helper()
	s, err := Folder(root).Status(d.Hash())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func logOf(t *testing.T, root string, d Definition) string {
	t.Helper()
	text, size, err := Folder(root).Log(d.Hash(), 0, 1<<20)
	if err != nil || size != int64(len(text)) {
		t.Fatalf("%d bytes of %d, %v", len(text), size, err)
	}
	return string(text)
}

func TestTheStateOfABuildIsKnownToEverybody(t *testing.T) {
	wheels := t.TempDir()
	d := Definition{Name: "merger-with-acme", Version: "1", Source: "acme.yml", Options: offline(wheels), Requirements: []string{wheel(t, wheels, "leaf", "1.2")}}
	options := buildOptions(t, d, io.Discard)
	if s := status(t, options.Root, d); s.State != NotBuilt || s.LogBytes != 0 {
		t.Errorf("before: %+v", s)
	}
	during := Status{}
	options.Log = onText{"Building environment", func() { during = status(t, options.Root, d) }}
	ready, err := Build(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if during.State != Building || during.StartedAt == nil || during.FinishedAt != nil {
		t.Errorf("during: %+v", during)
	}
	after := status(t, options.Root, d)
	if after.State != Built || !after.InUse || after.SizeBytes == 0 || after.FinishedAt == nil || len(after.Packages) != 1 {
		t.Errorf("after: %+v", after)
	}
	ready.Release()
	if s := status(t, options.Root, d); s.InUse || s.LastUsedAt == nil {
		t.Errorf("released: %+v", s)
	}
	if text := logOf(t, options.Root, d); !strings.Contains(text, "leaf==1.2") || strings.Contains(text, "acme") {
		t.Errorf("the log is %q", text)
	}
}

func TestAFailedBuildSaysWhyAndNotForWhom(t *testing.T) {
	wheels := t.TempDir()
	d := Definition{Name: "merger-with-acme", Source: "acme.yml", Options: offline(wheels), Requirements: []string{"leaf==9"}}
	options := buildOptions(t, d, io.Discard)
	if _, err := Build(t.Context(), options); err == nil || !strings.Contains(err.Error(), "acme.yml: the packages cannot be installed") {
		t.Errorf("the builder reads %v", err)
	}
	s := status(t, options.Root, d)
	if s.State != Failed || !strings.Contains(s.Error, "leaf") || strings.Contains(s.Error, "acme") {
		t.Errorf("got %+v", s)
	}
	if text := logOf(t, options.Root, d); !strings.Contains(text, s.Error) || strings.Contains(text, "acme") {
		t.Errorf("the log is %q", text)
	}
}

func TestAnInterruptedBuildIsNotUnderWay(t *testing.T) {
	root := t.TempDir()
	d := Definition{Requirements: []string{"leaf"}}
	if err := Folder(root).keep(d.Hash(), record{State: Building, StartedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if s := status(t, root, d); s.State != Failed || !strings.Contains(s.Error, "interrupted") {
		t.Errorf("got %+v", s)
	}
	lock, err := tryLock(Folder(root).path(d.Hash(), lockFile), alone)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if s := status(t, root, d); s.State != Building {
		t.Errorf("while the lock is held: %+v", s)
	}
}

// bare builds an environment without packages, which takes no tool.
func bare(t *testing.T, root, option string) Ready {
	t.Helper()
	ready, err := Build(t.Context(), BuildOptions{Root: root, Tools: tools(t), Definition: Definition{Options: []string{option}}})
	if err != nil {
		t.Fatal(err)
	}
	return ready
}

func TestPruneRemovesWhatNobodyUses(t *testing.T) {
	root := t.TempDir()
	used, idle := bare(t, root, "--pre"), bare(t, root, "--no-index")
	idle.Release()
	all := Prune{MaxBytes: -1, DryRun: true}
	done, err := Folder(root).Prune(t.Context(), time.Now(), all)
	if err != nil || len(done.Removed) != 1 || done.Removed[0].Hash != idle.Hash || done.Kept != 1 || done.RemovedBytes == 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	if _, err := os.Stat(idle.Python); err != nil {
		t.Error("the dry run removed it")
	}
	all.DryRun = false
	if done, err = Folder(root).Prune(t.Context(), time.Now(), all); err != nil || len(done.Removed) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	left, err := filepath.Glob(filepath.Join(root, idle.Hash+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if _, err := os.Stat(used.Python); err != nil {
		t.Error("an environment in use was removed")
	}
	again := bare(t, root, "--no-index")
	if again.Hash != idle.Hash {
		t.Error("it was not built again")
	}
}

// TestALockThatWasRemovedIsNoLock has a builder wait for a lock while whoever has it
// removes the environment and the lock.
func TestALockThatWasRemovedIsNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	held, err := tryLock(path, alone)
	if err != nil {
		t.Fatal(err)
	}
	got, err := takeLock(context.Background(), path, alone, func() {
		os.Remove(path)
		held.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if second, err := tryLock(path, alone); second != nil || err != nil {
		t.Errorf("two have the lock: %v", err)
	}
}

func TestChoosesTheLeastRecentlyUsed(t *testing.T) {
	now := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	built := func(hash string, days int, size int64) Status {
		used := now.AddDate(0, 0, -days)
		return Status{Hash: hash, State: Built, LastUsedAt: &used, SizeBytes: size}
	}
	busy := built("busy", 90, 10)
	busy.InUse = true
	started := now.AddDate(0, 0, -60)
	broken := Status{Hash: "broken", State: Failed, StartedAt: &started}
	building := Status{Hash: "building", State: Building, StartedAt: &started}
	all := []Status{built("new", 1, 10), busy, built("old", 40, 10), built("middle", 20, 10), broken, building}
	day := 24 * time.Hour
	for _, test := range []struct {
		name  string
		which Prune
		want  []string
	}{
		{"by age", Prune{UnusedFor: 30 * day, MaxBytes: -1}, []string{"old", "broken"}},
		{"all", Prune{MaxBytes: -1}, []string{"new", "old", "middle", "broken"}},
		{"by size", Prune{UnusedFor: 1000 * day, MaxBytes: 25}, []string{"old", "middle"}},
		{"both", Prune{UnusedFor: 30 * day, MaxBytes: 20}, []string{"old", "broken", "middle"}},
		{"nothing fits", Prune{UnusedFor: 1000 * day, MaxBytes: 0}, []string{"old", "middle", "new"}},
	} {
		if got := choose(all, now, test.which); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
