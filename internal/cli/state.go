package cli

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/atelier-ml/atelier/internal/clock"
)

// State is the world as the command line sees it. Nothing else in this package
// touches the process or the file system, so a test runs whole commands in
// memory, several at a time, each in its own folder.
type State struct {
	Args []string          // without the program's name
	Env  map[string]string // all of it
	Dir  string            // the working folder, absolute

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Whether a person watches. Machines get plain, stable text.
	StdinTerminal, StdoutTerminal, StderrTerminal bool

	// ConfigDir is the user's folder for our settings.
	ConfigDir string
	Clock     clock.Clock
	Transport http.RoundTripper // nil: the usual one
	// OpenBrowser shows an address to the user.
	OpenBrowser func(address string) error
}

// path makes a path that the user gave absolute: it is relative to the folder
// where the command runs.
func (st *State) path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(st.Dir, name)
}

// shown is the inverse of path, for messages.
func (st *State) shown(path string) string {
	if short, err := filepath.Rel(st.Dir, path); err == nil && !strings.HasPrefix(short, "..") {
		return short
	}
	return path
}

func (st *State) readFile(name string) ([]byte, error) { return os.ReadFile(st.path(name)) }

// withoutPath is the part of a file error that is not the path again.
func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// folder opens the folder name for writing below it, and makes it if needed.
func (st *State) folder(name string) (*os.Root, error) {
	if err := os.MkdirAll(st.path(name), 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(st.path(name))
}
