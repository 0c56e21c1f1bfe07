package snapshot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/atelier-ml/atelier"
)

// ignoreRules are the lines of an ignore file. They mean what they mean to
// Azure Machine Learning: gitignore patterns of which the last that matches a
// file, or a folder it lies in, decides. So "!keep.py" brings a file back even
// out of an ignored folder, where git itself would not look any more.
type ignoreRules struct {
	rules   []ignoreRule
	negated bool // some rule brings files back, so that ignored folders are walked
}

type ignoreRule struct {
	pattern     string // for doublestar, matched against the path from the root
	negated     bool
	foldersOnly bool
}

// neverCode are folders that no job needs and that would change with every run.
var neverCode = map[string]bool{".git": true, "__pycache__": true, ".atelier": true, "atelier-data": true}

// loadIgnore reads the .amlignore in dir, else its .gitignore. Files of these
// names in deeper folders do not count.
func loadIgnore(dir string) (*ignoreRules, error) {
	for _, name := range []string{".amlignore", ".gitignore"} {
		place := filepath.Join(dir, name)
		if _, err := os.Lstat(place); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		info, err := os.Stat(place)
		if err != nil {
			return nil, unreadable(place, err)
		}
		if !info.Mode().IsRegular() || info.Size() > maxIgnoreBytes {
			return nil, atelier.Errorf(atelier.Invalid, "%s must be a file of at most %d bytes, for it is read whole.", filepath.ToSlash(place), maxIgnoreBytes)
		}
		text, err := os.ReadFile(place)
		if err != nil {
			return nil, unreadable(place, err)
		}
		return parseIgnore(string(text)), nil
	}
	return &ignoreRules{}, nil
}

// maxIgnoreBytes is far more than people write.
const maxIgnoreBytes = 1 << 20

func parseIgnore(text string) *ignoreRules {
	rules := &ignoreRules{}
	for line := range strings.Lines(strings.TrimPrefix(text, "\uFEFF")) {
		if rule, ok := parseIgnoreLine(strings.TrimRight(line, "\r\n")); ok {
			rules.rules = append(rules.rules, rule)
			rules.negated = rules.negated || rule.negated
		}
	}
	return rules
}

// literalBraces escapes the braces of a pattern that are not escaped already:
// they mean nothing to gitignore and a choice to doublestar.
var literalBraces = strings.NewReplacer(`\{`, `\{`, `\}`, `\}`, `\\`, `\\`, "{", `\{`, "}", `\}`)

func parseIgnoreLine(line string) (ignoreRule, bool) {
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = strings.TrimSuffix(line, " ")
	}
	if line == "" || strings.HasPrefix(line, "#") {
		return ignoreRule{}, false
	}
	var rule ignoreRule
	line, rule.negated = strings.CutPrefix(line, "!")
	line, rule.foldersOnly = strings.CutSuffix(line, "/")
	if line == "" {
		return ignoreRule{}, false
	}
	anchored := strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if !anchored {
		line = "**/" + line
	}
	if inside, ok := strings.CutSuffix(line, "/**"); ok {
		line = inside + "/**/*" // what lies in the folder, not the folder itself
	}
	rule.pattern = literalBraces.Replace(line)
	return rule, doublestar.ValidatePattern(rule.pattern)
}

// skips reports whether the walk leaves out name altogether. An ignored folder
// is still walked if a rule could bring back a file in it.
func (r *ignoreRules) skips(name string, isFolder bool) bool {
	if isFolder && neverCode[filepath.Base(name)] {
		return true
	}
	return r.match(name, isFolder) && !(isFolder && r.negated)
}

// match reports whether name is ignored, by itself or by a folder it lies in.
func (r *ignoreRules) match(name string, isFolder bool) bool {
	ignored := false
	for _, rule := range r.rules {
		if rule.negated == ignored && rule.covers(name, isFolder) {
			ignored = !rule.negated
		}
	}
	return ignored
}

func (rule ignoreRule) covers(name string, isFolder bool) bool {
	for {
		if isFolder || !rule.foldersOnly {
			if doublestar.MatchUnvalidated(rule.pattern, name) {
				return true
			}
		}
		at := strings.LastIndexByte(name, '/')
		if at < 0 {
			return false
		}
		name, isFolder = name[:at], true
	}
}
