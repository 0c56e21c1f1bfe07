package upload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// Folder holds parts: <upload>/<number of the part>. It works through os.Root, and
// no name in it is a user's.
type Folder struct{ root *os.Root }

// errGone is what became of an upload that was given up while a part came.
var errGone = errors.New("the upload's folder is gone")

// OpenFolder opens the folder at dir, making it if it is missing. Nobody else may
// have it open.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	return &Folder{root}, err
}

// Close releases the folder.
func (f *Folder) Close() error { return f.root.Close() }

func file(id string, part int) string { return filepath.Join(id, strconv.Itoa(part)) }

// keep stores a part durably, in the place of what it was before.
func (f *Folder) keep(ctx context.Context, id string, part int, r io.Reader) (blob.Hash, error) {
	if err := f.make(id); err != nil {
		return "", err
	}
	temporary := filepath.Join(id, atelier.NewSecret("incoming-"))
	out, err := f.root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", gone(err)
	}
	defer f.root.Remove(temporary) // gone already once the part has its name
	defer out.Close()
	digest := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, digest), blob.UntilDone(ctx, r)); err != nil {
		return "", err
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		return "", err
	}
	if err := f.root.Rename(temporary, file(id, part)); err != nil {
		return "", gone(err)
	}
	return blob.Hash(hex.EncodeToString(digest.Sum(nil))), gone(f.sync(id))
}

// make makes the folder of an upload, durably, if it is missing.
func (f *Folder) make(id string) error {
	err := f.root.Mkdir(id, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.sync(".")
}

func (f *Folder) sync(name string) error {
	handle, err := f.root.Open(name)
	if err != nil {
		return err
	}
	defer handle.Close()
	return handle.Sync()
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errGone
	}
	return err
}

// present checks that all parts are there.
func (f *Folder) present(id string, parts []Part) error {
	for _, part := range parts {
		_, err := f.root.Lstat(file(id, part.Number))
		if errors.Is(err, fs.ErrNotExist) {
			return atelier.Errorf(atelier.Invalid, "Part %d of the upload has not arrived.", part.Number).At("parts").WithHint("Send it, and complete the upload again.")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// joined reads the parts one after the other. It fails when one is not what its
// hash says.
func (f *Folder) joined(id string, parts []Part) io.ReadCloser {
	return &joined{folder: f, id: id, parts: parts}
}

type joined struct {
	folder *Folder
	id     string
	parts  []Part   // that are not read to their end
	file   *os.File // of the first of them, once it is begun
	digest hash.Hash
}

func (j *joined) Read(p []byte) (int, error) {
	for len(j.parts) > 0 {
		if j.file == nil {
			opened, err := j.folder.root.Open(file(j.id, j.parts[0].Number))
			if err != nil {
				return 0, err
			}
			j.file, j.digest = opened, sha256.New()
		}
		n, err := j.file.Read(p)
		j.digest.Write(p[:n])
		if n > 0 || err != nil && err != io.EOF {
			return n, err
		}
		if err == io.EOF {
			if err := j.next(); err != nil {
				return 0, err
			}
		}
	}
	return 0, io.EOF
}

// next ends the first part and goes on to the one behind it.
func (j *joined) next() error {
	part, got := j.parts[0], hex.EncodeToString(j.digest.Sum(nil))
	if got != string(part.Hash) {
		return atelier.Errorf(atelier.Invalid, "Part %d of the upload has the ETag %s and not %s, as was said.", part.Number, got, atelier.Clip(string(part.Hash), 80)).At("parts").
			WithHint("Send the part again, and complete the upload with the ETag of the answer.")
	}
	j.parts = j.parts[1:]
	return j.Close()
}

func (j *joined) Close() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}

// remove forgets the parts of an upload.
func (f *Folder) remove(id string) error { return f.root.RemoveAll(id) }

// list returns the uploads of which there are parts.
func (f *Folder) list() ([]string, error) {
	entries, err := fs.ReadDir(f.root.FS(), ".")
	var ids []string
	for _, entry := range entries {
		ids = append(ids, entry.Name())
	}
	return ids, err
}
