// Package logs keeps what running things print, while they print it.
//
// A log is one append-only file, written at an offset that the writer names. A
// writer that repeats itself after a lost answer therefore changes nothing, and
// one that would leave a gap is told where to go on: every byte arrives exactly
// once. The file's name is a hash, never a user's string.
package logs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/atelier-ml/atelier"
)

// ID names a log.
type ID struct {
	Workspace string
	Owner     string // "job/NAME" or "deployment/ENDPOINT/DEPLOYMENT"
	Name      string // "user_logs/std_log.txt"
}

func (id ID) file() string {
	sum := sha256.Sum256([]byte(id.Workspace + "\x00" + id.Owner + "\x00" + id.Name))
	return hex.EncodeToString(sum[:])
}

// Store keeps logs in one folder.
type Store struct {
	root *os.Root

	mu      sync.Mutex
	changed map[ID]chan struct{} // closed at the next append; only for logs that somebody follows
	locks   [64]sync.Mutex       // writes to one log are serialised
}

// Open opens the logs in dir, making the folder if it is missing.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Store{root: root, changed: map[ID]chan struct{}{}}, nil
}

// Close releases the folder and wakes all followers.
func (s *Store) Close() error {
	s.mu.Lock()
	for id, waiting := range s.changed {
		close(waiting)
		delete(s.changed, id)
	}
	s.mu.Unlock()
	return s.root.Close()
}

// WriteAt writes p at offset and returns the log's size in bytes. What lies
// below the size is there already and is not written again. An offset beyond
// the size is refused with a Precondition error, and the size is returned.
func (s *Store) WriteAt(id ID, offset int64, p []byte) (int64, error) {
	name := id.file()
	lock := &s.locks[name[0]%64]
	lock.Lock()
	defer lock.Unlock()

	file, err := s.root.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if offset < 0 || offset > size {
		return size, atelier.Errorf(atelier.Precondition, "The log has %d bytes; it cannot be written at %d.", size, offset)
	}
	known := size - offset
	if known >= int64(len(p)) {
		return size, nil
	}
	written, err := file.WriteAt(p[known:], size)
	if err = errors.Join(err, file.Sync()); err != nil {
		return size, err
	}
	s.announce(id)
	return size + int64(written), nil
}

// Keep gives the room of all but the log's last bytes back to the disk. What was
// there is gone; the size stays.
func (s *Store) Keep(id ID, last int64) error {
	file, err := s.root.OpenFile(id.file(), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return Trim(file, info.Size()-last)
}

// ReadAt reads into p from offset, as io.ReaderAt does. A log that nobody has
// written is empty.
func (s *Store) ReadAt(id ID, offset int64, p []byte) (int, error) {
	file, err := s.root.Open(id.file())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, io.EOF
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return file.ReadAt(p, offset)
}

// Size returns the log's size in bytes, 0 when nobody has written it.
func (s *Store) Size(id ID) int64 {
	info, err := s.root.Stat(id.file())
	if err != nil {
		return 0
	}
	return info.Size()
}

// Reader returns the log's content from offset to its present end.
func (s *Store) Reader(id ID, offset int64) io.Reader {
	return io.NewSectionReader(readerAt{s, id}, offset, max(0, s.Size(id)-offset))
}

type readerAt struct {
	store *Store
	id    ID
}

func (r readerAt) ReadAt(p []byte, offset int64) (int, error) { return r.store.ReadAt(r.id, offset, p) }

// Changed returns a channel that closes at the log's next append, or when the
// store closes. Ask for it before reading, so that nothing is missed.
func (s *Store) Changed(id ID) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting, ok := s.changed[id]
	if !ok {
		waiting = make(chan struct{})
		s.changed[id] = waiting
	}
	return waiting
}

func (s *Store) announce(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if waiting, ok := s.changed[id]; ok {
		close(waiting)
		delete(s.changed, id)
	}
}

// Remove deletes the log. Removing one that is not there is no error.
func (s *Store) Remove(id ID) error {
	err := s.root.Remove(id.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
