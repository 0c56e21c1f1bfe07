package transfer

import (
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
)

// places finds folders of artifacts on this machine.
type places struct {
	given  *os.Root // the folder that the user named, which holds all artifacts
	follow bool     // whether the source's own addresses may be opened
	faults *faults
}

// madeUp is an id as MLflow makes them. Only a folder with such an id in its path
// is opened because a source says so: whoever wrote the source cannot choose a
// folder of this machine that is none of its business.
var madeUp = regexp.MustCompile(`^(m-)?[0-9a-f]{32}$`)

// tail is how the address of an owner's artifacts ends, in every store of MLflow.
func (o Owner) tail() string {
	if o.Model != "" {
		return path.Join("models", o.Model, "artifacts")
	}
	return path.Join(o.Run, "artifacts")
}

// folder opens the folder of an owner's files; nil when it has none. home, which
// may be nil, is the source's own folder, and dir that of the experiment in it.
func (p *places) folder(owner Owner, home *os.Root, dir string) (*os.Root, error) {
	if home != nil {
		if found, err := home.OpenRoot(path.Join(dir, owner.tail())); err == nil {
			if owner.Model != "" || p.given == nil || !empty(found) {
				return found, nil
			}
			found.Close() // MLflow makes it even when the files are elsewhere
		} else if errors.Is(err, fs.ErrNotExist) && p.given == nil && owner.Model == "" {
			p.faults.add("run %s: its folder of artifacts is not there, so it has none here", owner.Run)
		}
	}
	if p.given != nil {
		for _, name := range []string{path.Join(owner.Experiment, owner.tail()), owner.tail()} {
			if found, err := p.given.OpenRoot(name); err == nil {
				return found, nil
			}
		}
		return nil, nil
	}
	local, ok := localPath(owner.URI)
	if !p.follow || !ok || !strings.HasSuffix(local, "/"+owner.tail()) || !madeUp.MatchString(path.Base(path.Dir(local))) {
		if owner.URI != "" && (home == nil || !ok) {
			p.faults.add("the artifacts of experiment %s are at %s, which is not read: give the folder with --artifacts",
				owner.Experiment, strings.TrimSuffix(owner.URI, "/"+owner.tail()))
		}
		return nil, nil
	}
	found, err := os.OpenRoot(local)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // made with the first artifact
	}
	return found, err
}

func empty(root *os.Root) bool {
	list, err := fs.ReadDir(root.FS(), ".")
	return err == nil && len(list) == 0
}

// localPath returns the absolute path that an address means, if it means one.
func localPath(address string) (string, bool) {
	if strings.HasPrefix(address, "file:") {
		parsed, err := url.Parse(address)
		if err != nil || parsed.Host != "" && parsed.Host != "localhost" {
			return "", false
		}
		return parsed.Path, path.IsAbs(parsed.Path)
	}
	return address, path.IsAbs(address)
}

// files lists what an owner has. A link that leads out of the folder, or to
// another folder, is left out.
func (p *places) files(owner Owner, home *os.Root, dir string) ([]File, error) {
	root, err := p.folder(owner, home, dir)
	if root == nil || err != nil {
		return nil, err
	}
	defer root.Close()
	var files []File
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := root.Stat(name) // follows a link, but never out of the folder
		if err != nil || !info.Mode().IsRegular() {
			p.faults.add("run %s: the artifact %q is left out: it is a link out of the folder, or no file", owner.Run, name)
			return nil
		}
		files = append(files, File{Path: name, Size: info.Size()})
		return nil
	})
	return files, err
}

func (p *places) open(owner Owner, name string, home *os.Root, dir string) (io.ReadCloser, error) {
	root, err := p.folder(owner, home, dir)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, fs.ErrNotExist
	}
	defer root.Close() // the opened file lives on
	return root.Open(name)
}
