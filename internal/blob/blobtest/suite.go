// Package blobtest is the contract of blob.Store: one suite that every
// implementation runs.
package blobtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// Run checks a fresh store.
func Run(t *testing.T, store blob.Store) {
	t.Run("same content is one object", func(t *testing.T) { sameContent(t, store) })
	t.Run("workspaces are apart", func(t *testing.T) { apart(t, store) })
	t.Run("wrong content is refused", func(t *testing.T) { wrongContent(t, store) })
	t.Run("hostile names are refused", func(t *testing.T) { hostileNames(t, store) })
	t.Run("trees", func(t *testing.T) { trees(t, store) })
	t.Run("reading from anywhere", func(t *testing.T) { ranges(t, store) })
	t.Run("an upload that breaks off", func(t *testing.T) { brokenOff(t, store) })
	t.Run("list", func(t *testing.T) { list(t, store) })
	t.Run("only unused objects are swept", func(t *testing.T) { unused(t, store) })
	t.Run("missing", func(t *testing.T) { missing(t, store) })
}

func put(t *testing.T, store blob.Store, workspace, content string) blob.Hash {
	t.Helper()
	hash, size, err := store.Put(t.Context(), workspace, bytes.NewBufferString(content))
	if err != nil || size != int64(len(content)) {
		t.Fatalf("put: size %d, %v", size, err)
	}
	return hash
}

func get(t *testing.T, store blob.Store, workspace string, hash blob.Hash) (string, error) {
	t.Helper()
	object, size, err := store.Open(t.Context(), workspace, hash)
	if err != nil {
		return "", err
	}
	defer object.Close()
	content, err := io.ReadAll(object)
	if err != nil || int64(len(content)) != size {
		t.Fatalf("read: %d of %d bytes, %v", len(content), size, err)
	}
	return string(content), nil
}

func sameContent(t *testing.T, store blob.Store) {
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, _, err := store.Put(t.Context(), "same", bytes.NewBufferString("hello")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	hash := put(t, store, "same", "hello")
	if hash != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" {
		t.Errorf("hash %s is not the SHA-256 of the content", hash)
	}
	if got, err := get(t, store, "same", hash); err != nil || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	for range 2 {
		if err := store.Delete(t.Context(), "same", hash); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if there, err := store.Has(t.Context(), "same", hash); err != nil || there {
		t.Errorf("after deletion: %v, %v", there, err)
	}
}

func apart(t *testing.T, store blob.Store) {
	hash := put(t, store, "one", "secret of one")
	if _, err := get(t, store, "two", hash); atelier.CodeOf(err) != atelier.NotFound {
		t.Errorf("another workspace's object: %v, want not found", err)
	}
	put(t, store, "two", "of two")
	if err := store.DeleteAll(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t, store, "one", hash); err != nil || got != "secret of one" {
		t.Errorf("deleting one workspace harmed another: %q, %v", got, err)
	}
}

func wrongContent(t *testing.T, store blob.Store) {
	hash := put(t, store, "right", "right")
	if _, err := store.PutAs(t.Context(), "wrong", hash, bytes.NewBufferString("wrong")); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("wrong content: %v, want invalid", err)
	}
	if there, _ := store.Has(t.Context(), "wrong", hash); there {
		t.Error("wrong content was stored")
	}
}

func hostileNames(t *testing.T, store blob.Store) {
	for _, name := range []blob.Hash{"", "..", "../../etc/passwd", "ab/../../x", "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"} {
		if _, _, err := store.Open(t.Context(), "w", name); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("open %q: %v, want invalid", name, err)
		}
		if err := store.Delete(t.Context(), "w", name); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("delete %q: %v, want invalid", name, err)
		}
	}
}

func trees(t *testing.T, store blob.Store) {
	hash := put(t, store, "trees", "print('hello')")
	files := []blob.File{{Path: "src/train.py", Hash: hash, Size: 14}, {Path: "README", Hash: hash, Size: 14}}
	tree, err := blob.PutTree(t.Context(), store, "trees", files)
	if err != nil {
		t.Fatal(err)
	}
	files[0], files[1] = files[1], files[0]
	again, err := blob.PutTree(t.Context(), store, "trees", files)
	if err != nil || again.ID != tree.ID {
		t.Errorf("the order of the list changed the tree: %s and %s, %v", tree.ID, again.ID, err)
	}
	found, err := blob.GetTree(t.Context(), store, "trees", tree.ID)
	if err != nil || found.Size() != 28 {
		t.Errorf("get: %+v, %v", found, err)
	}
	if file, ok := found.Find("src/train.py"); !ok || file.Hash != hash {
		t.Errorf("find: %+v", file)
	}
	if _, err := blob.GetTree(t.Context(), store, "trees", hash); atelier.CodeOf(err) != atelier.NotFound {
		t.Errorf("a file was read as a folder: %v", err)
	}
	missing := []blob.File{{Path: "a", Hash: tree.ID[:62] + "00", Size: 1}}
	if _, err := blob.PutTree(t.Context(), store, "trees", missing); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("a folder of missing contents: %v, want invalid", err)
	}
}

func ranges(t *testing.T, store blob.Store) {
	content := strings.Repeat("0123456789", 1000)
	hash := put(t, store, "ranges", content)
	object, _, err := store.Open(t.Context(), "ranges", hash)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	if err := iotest.TestReader(object, []byte(content)); err != nil {
		t.Error(err)
	}
	for _, at := range []int64{9999, 5, 0, 10000} {
		if _, err := object.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(object)
		if err != nil || string(rest) != content[at:] {
			t.Errorf("from %d: %d bytes, %v", at, len(rest), err)
		}
	}
	empty := put(t, store, "ranges", "")
	if got, err := get(t, store, "ranges", empty); err != nil || got != "" {
		t.Errorf("the empty object: %q, %v", got, err)
	}
}

func brokenOff(t *testing.T, store blob.Store) {
	broken := errors.New("the connection broke")
	r := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))
	if _, _, err := store.Put(t.Context(), "broken", r); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's own error", err)
	}
	if found := listed(t, store, "broken"); len(found) > 0 {
		t.Errorf("stored %v", found)
	}
}

func listed(t *testing.T, store blob.Store, workspace string) map[blob.Hash]int64 {
	t.Helper()
	found := map[blob.Hash]int64{}
	err := store.List(t.Context(), workspace, func(o blob.Object) error {
		if o.UsedAt.IsZero() {
			t.Errorf("%s has no time", o.Hash)
		}
		found[o.Hash] = o.Size
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func list(t *testing.T, store blob.Store) {
	if found := listed(t, store, "nothing"); len(found) > 0 {
		t.Errorf("an empty workspace has %v", found)
	}
	want := map[blob.Hash]int64{}
	for i := range 20 {
		content := fmt.Sprint("object ", i)
		want[put(t, store, "list", content)] = int64(len(content))
	}
	put(t, store, "list2", "of another")
	if diff := cmp.Diff(want, listed(t, store, "list")); diff != "" {
		t.Error(diff)
	}
	enough := errors.New("enough")
	if err := store.List(t.Context(), "list", func(blob.Object) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the caller's error became %v", err)
	}
}

func unused(t *testing.T, store blob.Store) {
	hash := put(t, store, "unused", "perhaps of use")
	now := time.Now()
	for _, step := range []struct {
		before time.Time
		want   bool
	}{{now.Add(-time.Hour), false}, {now.Add(time.Hour), true}, {now.Add(time.Hour), false}} {
		if removed, err := store.DeleteUnused(t.Context(), "unused", hash, step.before); err != nil || removed != step.want {
			t.Errorf("unused since %s: removed %v, %v; want %v", step.before, removed, err, step.want)
		}
	}
	if there, err := store.Has(t.Context(), "unused", hash); err != nil || there {
		t.Errorf("after the sweep: %v, %v", there, err)
	}
}

func missing(t *testing.T, store blob.Store) {
	var all, want []blob.Hash
	for i := range 50 {
		hash := put(t, store, "missing", fmt.Sprint("content ", i))
		if i%3 == 0 {
			want = append(want, hash)
			if err := store.Delete(t.Context(), "missing", hash); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, hash)
	}
	got, err := blob.Missing(t.Context(), store, "missing", all)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("missing %d of %d, want %d; %v", len(got), len(all), len(want), err)
	}
	if _, err := blob.Missing(t.Context(), store, "missing", []blob.Hash{"../x"}); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("a hostile name: %v, want invalid", err)
	}
}
