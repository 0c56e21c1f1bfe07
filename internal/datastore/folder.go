package datastore

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// folder is a Place on this machine. It is reached through an os.Root: no path
// and no link leads out of it.
type folder struct {
	name string
	root *os.Root
}

// mostFiles ends a walk that went astray.
const mostFiles = 1_000_000

func openFolder(d Datastore) (Place, error) {
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return nil, atelier.Errorf(atelier.Unavailable, "The folder of the datastore %s cannot be read: %w.", d.Name, reason(err))
	}
	return &folder{name: d.Name, root: root}, nil
}

// reason is why a system call failed, without the path, which tells of the
// server's machine.
func reason(err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

func (f *folder) List(ctx context.Context, below, after string, found func(Object) error) error {
	objects, err := f.walk(ctx, cmp.Or(below, "."))
	if err != nil {
		return err
	}
	slices.SortFunc(objects, func(a, b Object) int { return cmp.Compare(a.Path, b.Path) })
	for _, o := range objects {
		if o.Path <= after {
			continue
		}
		if err := found(o); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) walk(ctx context.Context, below string) ([]Object, error) {
	var objects []Object
	err := fs.WalkDir(f.root.FS(), below, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist) && name == below:
			return nil
		case err != nil:
			return f.unreadable(name, err)
		case entry.IsDir():
			return nil
		}
		object, err := f.stat(name)
		if err != nil {
			return err
		}
		if objects = append(objects, object); len(objects) > mostFiles {
			return atelier.Errorf(atelier.Invalid, "There are more than %d files below %q.", mostFiles, atelier.Clip(below, 100))
		}
		return nil
	})
	return objects, err
}

// stat describes a file, or what a link to a file leads to. A link to a folder
// could lead in a circle.
func (f *folder) stat(name string) (Object, error) {
	info, err := f.root.Stat(name)
	if err != nil {
		return Object{}, f.unreadable(name, err)
	}
	if err := blob.CheckPath(name); err != nil {
		return Object{}, err
	}
	if !info.Mode().IsRegular() {
		return Object{}, atelier.Errorf(atelier.Invalid, "%q in the datastore %s is no regular file.", atelier.Clip(name, 200), f.name).
			WithHint("Links to folders, sockets and devices are not read. Name a folder without them.")
	}
	return Object{Path: name, Size: info.Size(), Tag: strconv.FormatInt(info.ModTime().UnixNano(), 36)}, nil
}

func (f *folder) unreadable(name string, err error) error {
	return atelier.Errorf(atelier.Unavailable, "%q in the datastore %s cannot be read: %w.", atelier.Clip(name, 200), f.name, reason(err))
}

func (f *folder) Open(_ context.Context, name string) (io.ReadSeekCloser, int64, error) {
	info, err := f.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, 0, notFound(name)
	}
	if err != nil {
		return nil, 0, f.unreadable(name, err)
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, 0, f.unreadable(name, err)
	}
	return file, info.Size(), nil
}

func (f *folder) Close() error { return f.root.Close() }
