package blob_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/blob/blobtest"
)

func TestStores(t *testing.T) {
	blobtest.Each(t, blobtest.Run)
}

// What somebody asked for is not swept away before it is referred to.
func TestAskingRenews(t *testing.T) {
	dir := t.TempDir()
	store, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	renewals := map[string]func(blob.Hash) error{
		"has": func(h blob.Hash) error { _, err := store.Has(t.Context(), "w", h); return err },
		"put": func(blob.Hash) error { _, _, err := store.Put(t.Context(), "w", strings.NewReader("old")); return err },
	}
	for name, renew := range renewals {
		hash, _, err := store.Put(t.Context(), "w", strings.NewReader("old"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		if err := os.Chtimes(filepath.Join(dir, "w", string(hash[:2]), string(hash[2:])), now, now.Add(-48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := renew(hash); err != nil {
			t.Fatal(err)
		}
		if removed, err := store.DeleteUnused(t.Context(), "w", hash, now.Add(-time.Hour)); removed || err != nil {
			t.Errorf("%s: removed %v, %v", name, removed, err)
		}
	}
}

// A process that is killed leaves half of an upload, which the next one removes.
func TestHalfUploadsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "w", "incoming", "half")
	if err := os.MkdirAll(filepath.Dir(left), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if _, _, err := store.Put(t.Context(), "w", strings.NewReader("x")); err != nil {
		t.Error(err)
	}
}

// A sweep does not wait for an upload, nor remove what it is about to store.
func TestClaims(t *testing.T) {
	var claims blob.Claims
	release := claims.Use(anyHash)
	if _, ok := claims.Free(anyHash); ok {
		t.Error("an object in use was given to the sweep")
	}
	release()
	release, ok := claims.Free(anyHash)
	if !ok {
		t.Fatal("an object that nobody uses was not given to the sweep")
	}
	used := make(chan struct{})
	go func() { claims.Use(anyHash)(); close(used) }()
	select {
	case <-used:
		t.Error("an object was used while it was removed")
	default:
	}
	release()
	<-used
}

// brokenStore holds an object that cannot be read to its end.
type brokenStore struct{ blob.Store }

func (brokenStore) Open(context.Context, string, blob.Hash) (io.ReadSeekCloser, int64, error) {
	return brokenObject{strings.NewReader(`{"format":"atelier-tree-1","files":[`)}, 99, nil
}

type brokenObject struct{ *strings.Reader }

func (b brokenObject) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (brokenObject) Close() error { return nil }

// A sweep must not take a folder for a file because the network failed.
func TestTreeThatCannotBeReadIsNotANotFound(t *testing.T) {
	_, err := blob.GetTree(t.Context(), brokenStore{}, "w", anyHash)
	if !errors.Is(err, io.ErrUnexpectedEOF) || atelier.CodeOf(err) == atelier.NotFound {
		t.Errorf("got %v, want the store's own error", err)
	}
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
