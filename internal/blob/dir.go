package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
)

// Dir is a Store in a local folder: <root>/<workspace>/<2 digits>/<62 digits>.
// It works through os.Root, so that nothing can reach outside the folder. When
// an object was last used is its file's time of modification.
type Dir struct {
	root   *os.Root
	claims Claims
}

// OpenDir opens the store in dir, making the folder if it is missing. Nobody else
// may have it open: one server works on a folder.
func OpenDir(dir string) (*Dir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	d := &Dir{root: root}
	if err := d.forget(); err != nil {
		root.Close()
		return nil, err
	}
	return d, nil
}

// forget removes what was on its way in when the process that wrote it was killed.
func (d *Dir) forget() error {
	workspaces, err := fs.ReadDir(d.root.FS(), ".")
	for _, workspace := range workspaces {
		err = errors.Join(err, d.root.RemoveAll(filepath.Join(workspace.Name(), "incoming")))
	}
	return err
}

// Close releases the folder.
func (d *Dir) Close() error { return d.root.Close() }

func place(workspace string, h Hash) string {
	return filepath.Join(workspace, string(h[:2]), string(h[2:]))
}

func (d *Dir) Put(ctx context.Context, workspace string, r io.Reader) (Hash, int64, error) {
	return d.put(ctx, workspace, "", r)
}

func (d *Dir) PutAs(ctx context.Context, workspace string, want Hash, r io.Reader) (int64, error) {
	_, size, err := d.put(ctx, workspace, want, r)
	return size, err
}

// put writes to a temporary file, syncs it, and gives it its name. The name is
// durable once its folder is synced too.
func (d *Dir) put(ctx context.Context, workspace string, want Hash, r io.Reader) (Hash, int64, error) {
	incoming := filepath.Join(workspace, "incoming")
	if err := d.root.MkdirAll(incoming, 0o700); err != nil {
		return "", 0, err
	}
	temporary := filepath.Join(incoming, atelier.NewSecret(""))
	file, err := d.root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", 0, err
	}
	defer d.root.Remove(temporary) // gone already once the object has its name
	defer file.Close()

	digest := sha256.New()
	size, err := io.Copy(io.MultiWriter(file, digest), UntilDone(ctx, r))
	if err != nil {
		return "", 0, err
	}
	h := Hash(hex.EncodeToString(digest.Sum(nil)))
	if want != "" && want != h {
		return "", 0, OtherContentError(h, want)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return "", 0, err
	}
	defer d.claims.Use(h)()
	return h, size, d.name(temporary, place(workspace, h))
}

func (d *Dir) name(temporary, final string) error {
	if there, err := d.renew(final); there || err != nil {
		return err
	}
	folder := filepath.Dir(final)
	if err := d.root.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := d.root.Rename(temporary, final); err != nil {
		return err
	}
	return d.sync(folder)
}

// renew makes an object that is there count as used now. The time is that of
// the machine, whose files it is compared with.
func (d *Dir) renew(final string) (bool, error) {
	now := clock.System{}.Now()
	err := d.root.Chtimes(final, now, now)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (d *Dir) sync(folder string) error {
	handle, err := d.root.Open(folder)
	if err != nil {
		return err
	}
	defer handle.Close()
	return handle.Sync()
}

func (d *Dir) Open(_ context.Context, workspace string, h Hash) (io.ReadSeekCloser, int64, error) {
	if _, err := ParseHash(string(h)); err != nil {
		return nil, 0, err
	}
	file, err := d.root.Open(place(workspace, h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, NotFoundError(h)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

func (d *Dir) Has(_ context.Context, workspace string, h Hash) (bool, error) {
	if _, err := ParseHash(string(h)); err != nil {
		return false, err
	}
	defer d.claims.Use(h)()
	return d.renew(place(workspace, h))
}

func (d *Dir) Delete(_ context.Context, workspace string, h Hash) error {
	if _, err := ParseHash(string(h)); err != nil {
		return err
	}
	err := d.root.Remove(place(workspace, h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (d *Dir) DeleteAll(_ context.Context, workspace string) error {
	return d.root.RemoveAll(workspace)
}

func (d *Dir) List(ctx context.Context, workspace string, found func(Object) error) error {
	return fs.WalkDir(d.root.FS(), filepath.ToSlash(workspace), func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile, or a workspace without objects
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		h, err := ParseHash(path.Base(path.Dir(name)) + path.Base(name))
		if err != nil || entry.IsDir() {
			return nil // a folder, or something on its way in
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return found(Object{Hash: h, Size: info.Size(), UsedAt: info.ModTime()})
	})
}

func (d *Dir) DeleteUnused(ctx context.Context, workspace string, h Hash, before time.Time) (bool, error) {
	if _, err := ParseHash(string(h)); err != nil {
		return false, err
	}
	release, ok := d.claims.Free(h)
	if !ok {
		return false, nil
	}
	defer release()
	info, err := d.root.Lstat(place(workspace, h))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || !info.ModTime().Before(before) {
		return false, err
	}
	return true, d.Delete(ctx, workspace, h)
}
