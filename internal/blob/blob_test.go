package blob_test

import (
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/blob/blobtest"
)

func TestDir(t *testing.T) {
	store, err := blob.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	blobtest.Run(t, store)
}

var anyHash = blob.Hash(strings.Repeat("ab", 32))

func TestTreeRefusesHostilePaths(t *testing.T) {
	for _, path := range []string{"", ".", "..", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", `a\b`, `C:\x`, "a\x00b", "\xff", strings.Repeat("a", 1025)} {
		if _, err := blob.NewTree([]blob.File{{Path: path, Hash: anyHash}}); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("path %q: %v, want invalid", path, err)
		}
	}
	for name, paths := range map[string][]string{"twice": {"a", "a"}, "file and folder": {"a/b", "a"}, "file and folder apart": {"a", "a-b", "a/b"}} {
		var files []blob.File
		for _, path := range paths {
			files = append(files, blob.File{Path: path, Hash: anyHash})
		}
		if _, err := blob.NewTree(files); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	f.Add("src/train.py")
	f.Add("..%2f")
	f.Fuzz(func(t *testing.T, path string) {
		if blob.CheckPath(path) != nil {
			return
		}
		for part := range strings.SplitSeq(path, "/") {
			if part == "" || part == "." || part == ".." {
				t.Errorf("%q passed", path)
			}
		}
	})
}
