// Package snapshot reads a folder on the user's machine so that it can be
// stored: which files belong to it, their hashes, and the state of the git
// repository that it lies in.
//
// A code folder is small and looked over with care: ignored files are left out,
// links may not lead outside, and a folder over the limits is refused with the
// numbers. Data and models are taken as they are.
package snapshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// The limits of a code folder are Azure Machine Learning's.
const (
	MaxCodeBytes = 300_000_000
	MaxCodeFiles = 2000
)

// Snapshot is a folder, or a single file, as it was read.
type Snapshot struct {
	// Files are what was found, in the order of their paths.
	Files []blob.File
	// Skipped are sockets, pipes and devices, which hold nothing to keep.
	Skipped []string

	places map[blob.Hash]string // where the content with a hash can be read
}

// Code reads the code folder dir. It respects the .amlignore in it, else the
// .gitignore.
func Code(ctx context.Context, dir string) (*Snapshot, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	if !info.IsDir() {
		return nil, atelier.Errorf(atelier.Invalid, "%s is a file, and code is a folder.", dir).
			WithHint("Name the folder that the file lies in.")
	}
	ignore, err := loadIgnore(dir)
	if err != nil {
		return nil, err
	}
	w := &walker{root: dir, ignore: ignore, confined: true, maxBytes: MaxCodeBytes, maxFiles: MaxCodeFiles}
	return w.read(ctx)
}

// Data reads path, a file or a folder of data or a model, whole. A single file
// has its own name as its path.
func Data(ctx context.Context, path string) (*Snapshot, error) {
	w := &walker{root: path}
	return w.read(ctx)
}

// Tree is what the server will call the stored folder.
func (s *Snapshot) Tree() (blob.Tree, error) { return blob.NewTree(s.Files) }

// Hashes lists the content of s, each once: what to ask the server for.
func (s *Snapshot) Hashes() []blob.Hash {
	var all []blob.Hash
	seen := map[blob.Hash]bool{}
	for _, file := range s.Files {
		if !seen[file.Hash] {
			seen[file.Hash] = true
			all = append(all, file.Hash)
		}
	}
	return all
}

// Open opens the content with the given hash for upload. The server refuses it
// if it has changed in the meantime.
func (s *Snapshot) Open(h blob.Hash) (*os.File, error) {
	place, known := s.places[h]
	if !known {
		return nil, atelier.Errorf(atelier.NotFound, "The folder has no file with the SHA-256 %s.", h)
	}
	return os.Open(place)
}

// found is a file before it is hashed.
type found struct {
	path  string // in the snapshot, with slashes
	place string // on this machine
	size  int64
	exec  bool
}

// hashAll hashes files on all processors.
func hashAll(ctx context.Context, files []found) (*Snapshot, error) {
	s := &Snapshot{Files: make([]blob.File, len(files)), places: map[blob.Hash]string{}}
	failures := make([]error, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.NumCPU(), max(1, len(files))) {
		workers.Go(func() {
			for i := range next {
				s.Files[i], failures[i] = hashFile(files[i])
			}
		})
	}
	for i := range files {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	if err := errors.Join(append(failures, ctx.Err())...); err != nil {
		return nil, err
	}
	for i, file := range s.Files {
		s.places[file.Hash] = files[i].place
	}
	_, err := s.Tree()
	return s, err
}

func hashFile(f found) (blob.File, error) {
	file, err := os.Open(f.place)
	if err != nil {
		return blob.File{}, unreadable(f.place, err)
	}
	defer file.Close()
	digest := sha256.New()
	size, err := io.Copy(digest, file)
	if err != nil {
		return blob.File{}, unreadable(f.place, err)
	}
	return blob.File{Path: f.path, Hash: blob.Hash(hex.EncodeToString(digest.Sum(nil))), Size: size, Executable: f.exec}, nil
}

func unreadable(path string, err error) error {
	reason := err
	if inner := (*os.PathError)(nil); errors.As(err, &inner) {
		reason = inner.Err
	}
	return atelier.Errorf(atelier.Invalid, "%s cannot be read: %w.", filepath.ToSlash(path), reason)
}
