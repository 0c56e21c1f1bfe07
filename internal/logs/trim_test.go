package logs_test

import (
	"bytes"
	"io"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/atelier-ml/atelier/internal/logs"
)

// A log that is kept short takes little of the disk, goes on where it was, and has
// its last bytes.
func TestALogIsKeptShort(t *testing.T) {
	dir := t.TempDir()
	store, err := logs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	id := logs.ID{Workspace: "w", Owner: "deployment/e/d", Name: "n"}
	if err := store.Keep(id, 1); err != nil {
		t.Errorf("a log that nobody has written: %v", err)
	}
	piece := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	var size int64
	for range 8 {
		if size, err = store.WriteAt(id, size, piece); err != nil {
			t.Fatal(err)
		}
		if err := store.Keep(id, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	if size != 8<<20 || store.Size(id) != size {
		t.Errorf("the size is %d and %d, want %d", size, store.Size(id), 8<<20)
	}
	last, err := io.ReadAll(store.Reader(id, size-1<<20))
	if err != nil || !bytes.Equal(last, piece) {
		t.Errorf("the last bytes have changed, error %v", err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	var stat syscall.Stat_t
	if err := syscall.Stat(files[0], &stat); err != nil {
		t.Fatal(err)
	}
	first, _ := io.ReadAll(io.LimitReader(store.Reader(id, 0), 16))
	if taken := stat.Blocks * 512; taken > 2<<20 && bytes.Equal(first, make([]byte, 16)) {
		t.Errorf("the log takes %d bytes of the disk", taken)
	}
}
