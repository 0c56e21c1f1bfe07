package job

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
)

// tableFile is the file that makes a folder an MLTable, and maxTable its greatest
// size.
const (
	tableFile = "MLTable"
	maxTable  = 1 << 20
)

// tablePath is one place of an MLTable: a file, a folder or a pattern.
type tablePath struct {
	File    string `yaml:"file"`
	Folder  string `yaml:"folder"`
	Pattern string `yaml:"pattern"`
}

// table reads the file MLTable of a stored input and checks that the files beside it
// that it names are there. In the modes eval_mount and eval_download the command gets
// those files alone, with what the table names elsewhere.
func (s *Service) table(ctx context.Context, ws string, found *compute.Input, content data.Content) error {
	if content.Reference != nil {
		if evaluates(found.Mode) {
			return atelier.Errorf(atelier.NotImplemented, "A table that lies in a datastore is not evaluated.").
				WithHint("Register it with `atelier data create --freeze`, or use the mode ro_mount.")
		}
		return nil
	}
	paths, err := s.readTable(ctx, ws, content.Tree)
	if err != nil {
		return err
	}
	var picked []blob.File
	var parts []compute.Input
	for i, p := range paths {
		where := fmt.Sprintf("%s of %s", p, tableFile)
		if p.elsewhere() {
			part, err := s.tablePart(ctx, ws, p)
			if err != nil {
				return atelier.Errorf(atelier.CodeOf(err), "%s: %s", where, atelier.Public(err).Message)
			}
			part.Folder = fmt.Sprintf("paths-%d", i)
			parts = append(parts, part)
			continue
		}
		files := p.pick(content.Tree.Files)
		if len(files) == 0 {
			return atelier.Errorf(atelier.Invalid, "%s leads to no file beside it.", where).WithHint("Its paths are relative to the folder that holds it.")
		}
		picked = append(picked, files...)
	}
	if !evaluates(found.Mode) {
		return nil
	}
	found.Tree, found.Parts = "", parts
	if len(picked) > 0 {
		tree, err := blob.PutTree(ctx, s.Blobs, ws, distinct(picked))
		if err != nil {
			return err
		}
		found.Tree = tree.ID
	}
	return nil
}

func evaluates(mode string) bool { return strings.HasPrefix(mode, "eval_") }

// readTable returns the places that a file MLTable names.
func (s *Service) readTable(ctx context.Context, ws string, tree blob.Tree) ([]tablePath, error) {
	file, ok := tree.Find(tableFile)
	if !ok || file.Size > maxTable {
		return nil, atelier.Errorf(atelier.Invalid, "The file %s has %d bytes; at most %d are read.", tableFile, file.Size, maxTable)
	}
	content, _, err := s.Blobs.Open(ctx, ws, file.Hash)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, maxTable))
	if err != nil {
		return nil, err
	}
	var table struct {
		Paths []tablePath `yaml:"paths"`
	}
	if err := yaml.Unmarshal(text, &table); err != nil {
		return nil, atelier.Errorf(atelier.Invalid, "The file %s cannot be read: %s.", tableFile, atelier.Clip(strings.TrimSpace(err.Error()), 200))
	}
	if len(table.Paths) == 0 {
		return nil, atelier.Errorf(atelier.Invalid, "The file %s names no paths.", tableFile).WithHint("Write paths: with entries of file, folder or pattern.")
	}
	for _, p := range table.Paths {
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	return table.Paths, nil
}

func (p tablePath) String() string { return "the path " + atelier.Clip(p.File+p.Folder+p.Pattern, 120) }

// check refuses what could be no place beside the table, nor elsewhere.
func (p tablePath) check() error {
	given := 0
	for _, text := range []string{p.File, p.Folder, p.Pattern} {
		if text != "" {
			given++
		}
	}
	if given != 1 {
		return atelier.Errorf(atelier.Invalid, "Each of the paths of %s is one of file, folder and pattern.", tableFile)
	}
	if p.elsewhere() {
		return nil
	}
	clean := path.Clean(p.local())
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(clean, "\x00") || !doublestar.ValidatePattern(clean) {
		return atelier.Errorf(atelier.Invalid, "%s of %s does not lie beside it.", p, tableFile).WithHint("Write a path relative to its folder.")
	}
	return nil
}

// elsewhere reports whether the place is an address and not beside the table.
func (p tablePath) elsewhere() bool {
	parsed, err := atelier.ParsePath(p.File + p.Folder + p.Pattern)
	return err == nil && parsed.Kind != atelier.LocalPath
}

func (p tablePath) local() string {
	return strings.TrimPrefix(p.File+p.Folder+p.Pattern, "file://")
}

// pick returns the files beside the table that the place names.
func (p tablePath) pick(files []blob.File) (picked []blob.File) {
	place := path.Clean(p.local())
	for _, file := range files {
		switch {
		case file.Path == tableFile:
			continue
		case p.Pattern != "":
			if ok, _ := doublestar.Match(place, file.Path); !ok {
				continue
			}
		case p.Folder != "":
			if place != "." && !strings.HasPrefix(file.Path, place+"/") {
				continue
			}
		case file.Path != place:
			continue
		}
		picked = append(picked, file)
	}
	return picked
}

// distinct drops files that several paths named.
func distinct(files []blob.File) (kept []blob.File) {
	seen := map[string]bool{}
	for _, file := range files {
		if !seen[file.Path] {
			seen[file.Path], kept = true, append(kept, file)
		}
	}
	return kept
}

// tablePart finds a place that a table names elsewhere.
func (s *Service) tablePart(ctx context.Context, ws string, p tablePath) (compute.Input, error) {
	if p.Pattern != "" {
		return compute.Input{}, atelier.Errorf(atelier.NotImplemented, "A pattern is only looked for beside the table.").WithHint("Name a folder or a file.")
	}
	content, err := s.Data.Resolve(ctx, ws, p.File+p.Folder)
	part := compute.Input{Tree: content.Tree.ID}
	if r := content.Reference; r != nil {
		part.Datastore, part.Path, part.URL = r.Datastore, r.Path, r.URL
	}
	return part, err
}
