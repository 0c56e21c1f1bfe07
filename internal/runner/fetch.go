package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/atelier-ml/atelier/internal/blob"
)

// transfers is how many files are fetched, or uploaded, at the same time.
const transfers = 4

// fetchTree writes the files of tree that lie at or under from ("" for all)
// into dir. A single file comes to lie in dir under its own name.
func (r *runner) fetchTree(ctx context.Context, tree blob.Hash, from, dir string, readOnly bool) error {
	var content blob.Tree
	if err := r.server.call(ctx, http.MethodGet, "/trees/"+string(tree), nil, &content); err != nil {
		return err
	}
	root, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return transfer(ctx, func(yield func(step, error) bool) {
		for _, file := range content.Files {
			name, ok := nameUnder(file.Path, from)
			if !ok {
				continue
			}
			fetch := func(ctx context.Context) error { return r.fetchFile(ctx, root, name, file, readOnly) }
			if !yield(fetch, nil) {
				return
			}
		}
	})
}

// step is one of many things to do.
type step = func(ctx context.Context) error

// transfer does the steps, some at a time, until something fails.
func transfer(ctx context.Context, steps iter.Seq2[step, error]) error {
	var mu sync.Mutex
	next, stop := iter.Pull2(steps)
	defer stop()
	worker := func(ctx context.Context) error {
		for ctx.Err() == nil {
			mu.Lock()
			do, err, ok := next()
			mu.Unlock()
			if err != nil || !ok {
				return err
			}
			if err := do(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	return inParallel(ctx, slices.Repeat([]step{worker}, transfers)...)
}

// nameUnder returns where the file at p lands when from is fetched.
func nameUnder(p, from string) (string, bool) {
	switch {
	case from == "":
		return p, true
	case p == from:
		return safeName(path.Base(p)), true
	default:
		return strings.CutPrefix(p, from+"/")
	}
}

// safeName replaces what a shell would not take for a part of a name: the path
// of a single file stands in the command unquoted, as Azure ML puts it there.
func safeName(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-+=,@%", c) || c > 127 {
			return c
		}
		return '_'
	}, name)
}

// fetchFile fetches one object and checks that it is what its name says.
func (r *runner) fetchFile(ctx context.Context, root *os.Root, name string, file blob.File, readOnly bool) error {
	open := func(ctx context.Context) (*http.Response, error) {
		return r.server.open(ctx, http.MethodGet, "/blobs/"+string(file.Hash), nil)
	}
	digest, err := r.save(ctx, root, saved{name: name, mode: fileMode(file, readOnly), open: open})
	if err == nil && digest != string(file.Hash) {
		err = errors.New("the server sent something else than " + file.Path)
	}
	return err
}

// saved is a file to write, and how to ask for it.
type saved struct {
	name string
	mode os.FileMode
	open func(ctx context.Context) (*http.Response, error)
}

// save writes what somebody answers to a file and returns its SHA-256. An answer
// that breaks off is asked for again.
func (r *runner) save(ctx context.Context, root *os.Root, file saved) (digest string, err error) {
	file.name = filepath.FromSlash(file.name)
	if err := root.MkdirAll(filepath.Dir(file.name), 0o700); err != nil {
		return "", err
	}
	for {
		digest, broken, err := saveOnce(ctx, root, file)
		if !broken {
			return digest, err
		}
		if err := r.server.wait(ctx, firstPause); err != nil {
			return "", err
		}
	}
}

// saveOnce reports broken when the answer broke off and may be asked for again.
func saveOnce(ctx context.Context, root *os.Root, file saved) (digest string, broken bool, err error) {
	response, err := file.open(ctx)
	if err != nil {
		return "", false, err
	}
	defer response.Body.Close()
	root.Remove(file.name)
	out, err := root.OpenFile(file.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, file.mode)
	if err != nil {
		return "", false, err
	}
	defer out.Close()
	sum := sha256.New()
	body := &observed{r: response.Body}
	if _, err := io.Copy(io.MultiWriter(out, sum), body); err != nil {
		return "", body.failed, err
	}
	return hex.EncodeToString(sum.Sum(nil)), false, out.Close()
}

func fileMode(file blob.File, readOnly bool) os.FileMode {
	mode := os.FileMode(0o644)
	if readOnly {
		mode = 0o444
	}
	if file.Executable {
		mode |= 0o111
	}
	return mode
}

// observed remembers whether reading failed, to tell a broken connection from a
// full disk.
type observed struct {
	r      io.Reader
	failed bool
}

func (o *observed) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		o.failed = true
	}
	return n, err
}
