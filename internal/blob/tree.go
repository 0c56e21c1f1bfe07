package blob

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
)

// File is one file of a Tree. Path is relative, with slashes.
type File struct {
	Path       string `json:"path"`
	Hash       Hash   `json:"sha256"`
	Size       int64  `json:"size"`
	Executable bool   `json:"executable,omitempty"`
}

// Tree is an immutable folder. Its ID is the hash of its manifest, the list of
// its files in order, which is itself an object of the store.
type Tree struct {
	ID    Hash   `json:"id"`
	Files []File `json:"files"`
}

// Size is the sum of the files' sizes in bytes.
func (t Tree) Size() int64 {
	var total int64
	for _, file := range t.Files {
		total += file.Size
	}
	return total
}

// Find returns the file at path.
func (t Tree) Find(path string) (File, bool) {
	at, found := slices.BinarySearchFunc(t.Files, path, func(f File, p string) int { return cmp.Compare(f.Path, p) })
	if !found {
		return File{}, false
	}
	return t.Files[at], true
}

// NewTree checks files, puts them in order and computes their tree.
func NewTree(files []File) (Tree, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	folders := map[string]bool{}
	for i, file := range files {
		if err := checkFile(file); err != nil {
			return Tree{}, err
		}
		if i > 0 && files[i-1].Path == file.Path {
			return Tree{}, atelier.Errorf(atelier.Invalid, "The file %q is listed twice.", file.Path).At("files")
		}
		for dir := path.Dir(file.Path); dir != "."; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	for _, file := range files {
		if folders[file.Path] {
			return Tree{}, atelier.Errorf(atelier.Invalid, "%q is listed as a file and as a folder.", file.Path).At("files")
		}
	}
	sum := sha256.Sum256(manifest(files))
	return Tree{ID: Hash(hex.EncodeToString(sum[:])), Files: files}, nil
}

func checkFile(file File) error {
	if err := CheckPath(file.Path); err != nil {
		return err
	}
	if file.Size < 0 {
		return atelier.Errorf(atelier.Invalid, "The file %q has a negative size.", file.Path).At("files")
	}
	_, err := ParseHash(string(file.Hash))
	return err
}

// CheckPath returns an Invalid error unless p is a clean relative path with
// slashes: the only form in which a user's path is kept.
func CheckPath(p string) error {
	bad := p == "" || p == "." || len(p) > 1024 || path.IsAbs(p) || path.Clean(p) != p ||
		p == ".." || strings.HasPrefix(p, "../") || strings.ContainsAny(p, "\\\x00") || !utf8.ValidString(p)
	if bad {
		return atelier.Errorf(atelier.Invalid, "Invalid path %q.", atelier.Clip(p, 120)).At("path").
			WithHint("Use a relative path with '/', without '..' or '\\'.")
	}
	return nil
}

// manifest is the canonical text of files, which must be in order. Its form is
// part of the storage format: a change would change every tree's ID.
func manifest(files []File) []byte {
	text, err := json.Marshal(struct {
		Format string `json:"format"`
		Files  []File `json:"files"`
	}{"atelier-tree-1", files})
	if err != nil {
		panic("blob: a manifest is plain data: " + err.Error())
	}
	return text
}

// PutTree stores the tree of files, whose objects must all be there already.
func PutTree(ctx context.Context, store Store, workspace string, files []File) (Tree, error) {
	tree, err := NewTree(files)
	if err != nil {
		return Tree{}, err
	}
	if err := allStored(ctx, store, workspace, tree.Files); err != nil {
		return Tree{}, err
	}
	_, err = store.PutAs(ctx, workspace, tree.ID, bytes.NewReader(manifest(tree.Files)))
	return tree, err
}

// allStored refuses files whose content is not in the store.
func allStored(ctx context.Context, store Store, workspace string, files []File) error {
	hashes := make([]Hash, len(files))
	for i, file := range files {
		hashes[i] = file.Hash
	}
	missing, err := Missing(ctx, store, workspace, hashes)
	if err != nil || len(missing) == 0 {
		return err
	}
	at := slices.IndexFunc(files, func(f File) bool { return f.Hash == missing[0] })
	return atelier.Errorf(atelier.Invalid, "The content of %q (%s) has not been uploaded.", files[at].Path, missing[0]).At("files")
}

// Missing returns those of hashes that are not in the store, in their order. The
// others count as used now.
func Missing(ctx context.Context, store Store, workspace string, hashes []Hash) ([]Hash, error) {
	there := make([]bool, len(hashes))
	err := SomeAtOnce(len(hashes), func(i int) (err error) {
		there[i], err = store.Has(ctx, workspace, hashes[i])
		return err
	})
	missing := []Hash{}
	for i, hash := range hashes {
		if !there[i] {
			missing = append(missing, hash)
		}
	}
	return missing, err
}

// atOnce is how many objects are asked for at the same time: a store that is far
// away takes its time to answer.
const atOnce = 16

// SomeAtOnce calls do for 0 to n-1, some at a time, until one fails.
func SomeAtOnce(n int, do func(i int) error) error {
	failures := make([]error, min(atOnce, n))
	var next atomic.Int64
	var failed atomic.Bool
	var group sync.WaitGroup
	for worker := range failures {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !failed.Load(); i = int(next.Add(1)) - 1 {
				if failures[worker] = do(i); failures[worker] != nil {
					failed.Store(true)
				}
			}
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

// Hold returns the tree with the given ID for somebody who is about to refer to
// it, or a NotFound error: it and its files count as used now.
func Hold(ctx context.Context, store Store, workspace string, id Hash) (Tree, error) {
	if there, err := store.Has(ctx, workspace, id); err != nil || !there {
		return Tree{}, cmp.Or(err, NotFoundError(id))
	}
	tree, err := GetTree(ctx, store, workspace, id)
	if err != nil {
		return Tree{}, err
	}
	return tree, allStored(ctx, store, workspace, tree.Files)
}

// GetTree returns the tree with the given ID, or a NotFound error.
func GetTree(ctx context.Context, store Store, workspace string, id Hash) (Tree, error) {
	object, _, err := store.Open(ctx, workspace, id)
	if err != nil {
		return Tree{}, err
	}
	defer object.Close()
	var content struct {
		Format string `json:"format"`
		Files  []File `json:"files"`
	}
	source := &faults{r: object}
	err = json.NewDecoder(source).Decode(&content)
	if source.err != nil {
		return Tree{}, source.err // nothing is known of an object that cannot be read
	}
	if err != nil || content.Format != "atelier-tree-1" {
		return Tree{}, atelier.Errorf(atelier.NotFound, "The object %s is not a folder's manifest.", id)
	}
	return Tree{ID: id, Files: content.Files}, nil
}

// faults remembers why reading failed, to tell a broken store from an object
// that holds something else.
type faults struct {
	r   io.Reader
	err error
}

func (f *faults) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}
