package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
)

// walker collects the files below root.
type walker struct {
	root     string
	ignore   *ignoreRules // nil where everything belongs
	confined bool         // links may not lead outside root
	maxBytes int64        // zero for no limit
	maxFiles int

	mostEntries int // zero for the usual

	real    string // root without links
	entries int
	files   []found
	bytes   int64
	skipped []string
}

// mostEntries ends a walk that went astray: into the root of the disk, or among
// links to folders of links.
const mostEntries = 1_000_000

func (w *walker) read(ctx context.Context) (*Snapshot, error) {
	real, err := filepath.EvalSymlinks(w.root)
	if err != nil {
		return nil, unreadable(w.root, err)
	}
	if w.real, err = filepath.Abs(real); err != nil {
		return nil, err
	}
	info, err := os.Stat(w.real)
	if err != nil {
		return nil, unreadable(w.root, err)
	}
	if !info.IsDir() {
		w.add(filepath.Base(w.root), w.real, info)
	} else if err := w.folder(ctx, "", w.real, []fs.FileInfo{info}); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	snapshot, err := hashAll(ctx, w.files)
	if err != nil {
		return nil, err
	}
	snapshot.Skipped = w.skipped
	return snapshot, nil
}

// folder walks the folder at place, which the snapshot calls prefix. above are
// the folders that it lies in, by which a link that leads back is seen.
func (w *walker) folder(ctx context.Context, prefix, place string, above []fs.FileInfo) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	entries, err := os.ReadDir(place)
	if err != nil {
		return unreadable(place, err)
	}
	for _, entry := range entries {
		name := path.Join(prefix, entry.Name())
		if err := w.entry(ctx, name, filepath.Join(place, entry.Name()), entry, above); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(ctx context.Context, name, place string, entry fs.DirEntry, above []fs.FileInfo) error {
	w.entries++
	if most := cmp.Or(w.mostEntries, mostEntries); w.entries > most {
		return atelier.Errorf(atelier.Invalid, "The folder %s has more than %d files and folders.", w.root, most)
	}
	isLink := entry.Type()&fs.ModeSymlink != 0
	if w.ignore != nil && !isLink && w.ignore.skips(name, entry.IsDir()) {
		return nil
	}
	info, err := os.Stat(place)
	if w.ignore != nil && isLink && w.ignore.skips(name, err == nil && info.IsDir()) {
		return nil
	}
	if isLink && errors.Is(err, fs.ErrNotExist) {
		return atelier.Errorf(atelier.Invalid, "The link %s leads nowhere.", name).
			WithHint("Remove the link, or name it in the .amlignore of a code folder.")
	}
	if err != nil {
		return unreadable(place, err)
	}
	if isLink {
		// From here on by what it leads to: a path through links is slow to walk.
		if place, err = w.follow(name, place); err != nil {
			return err
		}
	}
	switch {
	case info.IsDir():
		for _, folder := range above {
			if os.SameFile(folder, info) {
				return atelier.Errorf(atelier.Invalid, "The link %s leads back to a folder that it lies in.", name).
					WithHint("Remove the link, or name it in .amlignore.")
			}
		}
		return w.folder(ctx, name, place, append(slices.Clip(above), info))
	case !info.Mode().IsRegular():
		w.skipped = append(w.skipped, name)
	case w.ignore == nil || !w.ignore.match(name, false):
		w.add(name, place, info)
	}
	return nil
}

func (w *walker) add(name, place string, info fs.FileInfo) {
	w.bytes += info.Size()
	w.files = append(w.files, found{path: name, place: place, size: info.Size(), exec: info.Mode()&0o111 != 0})
}

// follow returns where a link leads. Out of a code folder it may not: a
// repository from somebody else could otherwise upload its reader's keys.
func (w *walker) follow(name, place string) (string, error) {
	target, err := filepath.EvalSymlinks(place)
	if err != nil {
		return "", unreadable(place, err)
	}
	inside, err := filepath.Rel(w.real, target)
	if w.confined && (err != nil || inside == ".." || strings.HasPrefix(inside, ".."+string(filepath.Separator))) {
		return "", atelier.Errorf(atelier.Invalid, "The link %s leads outside the folder %s.", name, w.root).
			WithHint("Copy what it points to into the folder, or name the link in .amlignore.")
	}
	return target, nil
}

func (w *walker) check() error {
	if len(w.files) == 0 {
		return atelier.Errorf(atelier.Invalid, "The folder %s has no files.", w.root).
			WithHint("Check the path, and the .amlignore or .gitignore in it.")
	}
	tooMany := w.maxFiles > 0 && len(w.files) > w.maxFiles
	tooLarge := w.maxBytes > 0 && w.bytes > w.maxBytes
	if !tooMany && !tooLarge {
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "The folder %s is too large for code: %s in %d files, and the limit is %s and %d files. The largest entries are %s.",
		w.root, megabytes(w.bytes), len(w.files), megabytes(w.maxBytes), w.maxFiles, strings.Join(w.largest(tooMany && !tooLarge), ", ")).
		WithHint("Name what the job does not need in .amlignore, or make it an input.")
}

// largest describes the five entries of the root with the most bytes, or with
// the most files.
func (w *walker) largest(byCount bool) []string {
	type entry struct {
		name  string
		bytes int64
		files int
	}
	entries := map[string]*entry{}
	for _, file := range w.files {
		name, _, inFolder := strings.Cut(file.path, "/")
		if inFolder {
			name += "/"
		}
		if entries[name] == nil {
			entries[name] = &entry{name: name}
		}
		entries[name].bytes += file.size
		entries[name].files++
	}
	var order []*entry
	for _, e := range entries {
		order = append(order, e)
	}
	slices.SortFunc(order, func(a, b *entry) int {
		if byCount && a.files != b.files {
			return cmp.Compare(b.files, a.files)
		}
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.name, b.name))
	})
	var lines []string
	for _, e := range order[:min(5, len(order))] {
		text := fmt.Sprintf("%s (%s", e.name, megabytes(e.bytes))
		if strings.HasSuffix(e.name, "/") {
			text += fmt.Sprintf(", %d files", e.files)
		}
		lines = append(lines, text+")")
	}
	return lines
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
