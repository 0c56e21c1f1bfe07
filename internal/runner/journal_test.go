package runner

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/compute"
)

func status(text string) compute.Record {
	return compute.Record{Type: compute.StatusRecord, Status: text}
}

func reopen(t *testing.T, path string) *journal {
	t.Helper()
	j, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.close() })
	return j
}

func said(j *journal) []string {
	var all []string
	for i, record := range j.after(0) {
		if record.Seq != int64(i+1) {
			all = append(all, "out of order")
		}
		all = append(all, record.Status)
	}
	return all
}

// write makes a journal of three records and returns where each ends.
func write(t *testing.T, path string) []int64 {
	t.Helper()
	j := reopen(t, path)
	var ends []int64
	for _, text := range []string{"one", "two", "three"} {
		if err := j.append(status(text)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, info.Size())
	}
	return ends
}

// Whatever a dying runner leaves of its last record, the whole ones before it
// are read and the next one takes its number.
func TestEveryTornTailIsCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	ends := write(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for length := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		kept := slices.IndexFunc(ends, func(end int64) bool { return end > int64(length) })
		if kept < 0 {
			kept = len(ends)
		}
		want := append([]string{"one", "two", "three"}[:kept:kept], "next")
		j := reopen(t, path)
		if err := j.append(status("next")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, said(reopen(t, path))); diff != "" {
			t.Fatalf("cut to %d bytes (-want +got):\n%s", length, diff)
		}
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	ends := write(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := ends[1]; at < ends[2]; at++ {
		for bit := range 8 {
			broken := slices.Clone(whole)
			broken[at] ^= 1 << bit
			if err := os.WriteFile(path, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := openJournal(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"one", "two"}, said(j)); diff != "" {
				t.Fatalf("bit %d of byte %d (-want +got):\n%s", bit, at, diff)
			}
			j.close()
		}
	}
}

func TestAJournalKnowsHowFarItsTaskCame(t *testing.T) {
	j := reopen(t, filepath.Join(t.TempDir(), "journal"))
	if j.reached(compute.StatusRunning) || j.over() {
		t.Error("an empty journal came far")
	}
	j.append(status(compute.StatusRunning))
	if !j.reached(compute.StatusRunning) || j.over() {
		t.Error("a running task is not known as such")
	}
	j.append(compute.Record{Type: compute.ExitRecord})
	if !j.over() {
		t.Error("the end is not known")
	}
	if got := len(j.after(1)); got != 1 {
		t.Errorf("%d records after the first, want 1", got)
	}
	if got := len(j.after(99)); got != 0 {
		t.Errorf("%d records after more than there are", got)
	}
}
