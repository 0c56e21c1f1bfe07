package fault_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// objects counts what the server's store holds.
func (s *server) objects() (n int) {
	err := filepath.WalkDir(s.data("blobs"), func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			n++
		}
		return nil // freed meanwhile
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// stray writes an object that nothing refers to, as uploads that were never used
// leave them.
func (s *server) stray(folder string, n int) {
	content := []byte(fmt.Sprint("stray ", n))
	sum := sha256.Sum256(content)
	name := hex.EncodeToString(sum[:])
	place := filepath.Join(folder, name[:2], name[2:])
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(place, content, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// kill -9 in the middle of a sweep: what a run keeps is whole, and the next sweep
// frees the rest.
func TestKillTheServerInTheMiddleOfASweep(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	name := s.submit(shell(`for n in 1 2 3 4 5 6 7 8 9; do echo kept $n > outputs/$n.txt; done`))
	s.finish(name)
	folders, err := os.ReadDir(s.data("blobs"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("%d workspaces have objects, %v", len(folders), err)
	}
	kept := s.objects()
	const strays = 6000
	for n := range strays {
		s.stray(s.data("blobs", folders[0].Name()), n)
	}
	then := time.Now().Add(-48 * time.Hour)
	err = filepath.WalkDir(s.data("blobs"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.Chtimes(path, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.ask("POST", workspacePath+"/gc", nil, nil)
	s.until("the sweep to begin", func() bool { return s.objects() < kept+strays })
	s.kill()
	s.start()
	var done struct {
		Freed int `json:"freed_objects"`
		Kept  int `json:"kept_objects"`
	}
	if err := s.ask("POST", workspacePath+"/gc", nil, &done); err != nil {
		t.Fatal(err)
	}
	if left := s.objects(); left != kept || done.Kept != kept {
		t.Errorf("%d objects are left and %+v was done; want %d", left, done, kept)
	}
	t.Logf("%d of %d strays were left when the server was killed", done.Freed, strays)
	for n := 1; n <= 9; n++ {
		var text string
		if err := s.ask("GET", fmt.Sprintf("%s/runs/%s/artifacts/content?path=outputs/%d.txt", workspacePath, name, n), nil, &text); err != nil || text != fmt.Sprintf("kept %d\n", n) {
			t.Errorf("file %d holds %q, %v", n, text, err)
		}
	}
}
