package atelier_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/atelier-ml/atelier"

// tiers is the architecture: a package imports only packages of lower tiers.
// News that must travel upwards travels as events.
var tiers = [][]string{
	{""},
	{"internal/clock", "internal/logs", "internal/trace", "internal/data/profile"},
	{"internal/sqldb", "internal/blob"},
	{"internal/blob/s3"},
	{"internal/event", "internal/audit", "internal/credential", "internal/snapshot", "internal/sweep"},
	{"internal/access"},
	{"internal/workspace"},
	{"internal/vault"},
	{"internal/tracking/series"},
	{"internal/tracking/filter"},
	{"internal/tracking", "internal/environment", "internal/datastore", "internal/collect"},
	{"internal/model", "internal/data", "internal/compute", "internal/lineage", "internal/upload"},
	{"internal/compute/process", "internal/compute/local", "internal/compute/fake", "internal/job", "internal/endpoint", "internal/environment/builder"},
	{"internal/batch"},
	{"internal/spec"},
	{"internal/route"},
	{"internal/api", "internal/mlflow", "web", "sdk/python"},
	{"internal/client"},
	{"internal/transfer", "internal/runlog"},
	{"internal/runner", "internal/cli"},
	{"internal/app"},
	{"cmd/atelier"},
}

// forTests are packages that only tests may import.
var forTests = []string{"internal/sqldb/sqldbtest", "internal/blob/blobtest", "internal/compute/computetest", "internal/compute/fake"}

var forbiddenNames = []string{"util", "utils", "common", "helper", "helpers", "base", "types", "models", "core", "manager", "shared", "interfaces"}

// source is one Go file: where it is and what it imports.
type source struct {
	file, dir string
	test      bool
	syntax    *ast.File
	imports   []string
}

// The files are read here, in process, so that the test's cache sees them change.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") && name != ".") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		s := source{file: file, dir: strings.TrimPrefix(path.Dir(filepath.ToSlash(file)), "."), test: strings.HasSuffix(file, "_test.go"), syntax: syntax}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, imported)
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func tierOf(dir string) int {
	return slices.IndexFunc(tiers, func(tier []string) bool { return slices.Contains(tier, dir) })
}

// ours returns the folder of an import of this module; ok is false for others.
func ours(imported string) (dir string, ok bool) {
	if imported == module {
		return "", true
	}
	return strings.CutPrefix(imported, module+"/")
}

func TestImportsGoDown(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || slices.Contains(forTests, s.dir) && s.dir != "internal/compute/fake" || strings.HasPrefix(s.dir, "test/") {
			continue
		}
		from := tierOf(s.dir)
		if from < 0 {
			t.Errorf("%s: the package %q has no tier; enter it in arch_test.go", s.file, s.dir)
			continue
		}
		for _, imported := range s.imports {
			dir, ok := ours(imported)
			if !ok {
				continue
			}
			if to := tierOf(dir); to >= from && !inside(s.dir, dir) {
				t.Errorf("%s: tier %d imports %s of tier %d", s.file, from, dir, to)
			}
			if slices.Contains(forTests, dir) {
				t.Errorf("%s: %s is for tests only", s.file, dir)
			}
		}
	}
}

// inside reports whether a driver imports a part that drivers share.
func inside(from, to string) bool {
	return to == "internal/compute/process" && strings.HasPrefix(from, "internal/compute/")
}

func TestVocabularyImportsTheStandardLibraryOnly(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.imports {
			if s.dir == "" && !s.test && strings.Contains(strings.Split(imported, "/")[0], ".") {
				t.Errorf("%s imports %s", s.file, imported)
			}
		}
	}
}

func TestDatabaseIsReachedThroughSqldb(t *testing.T) {
	for _, s := range sources(t) {
		inSqldb := strings.HasPrefix(s.dir, "internal/sqldb")
		for _, imported := range s.imports {
			if imported == "database/sql" && !inSqldb {
				t.Errorf("%s imports database/sql", s.file)
			}
		}
		if s.test || inSqldb || strings.HasSuffix(s.file, "_store.go") {
			continue
		}
		ast.Inspect(s.syntax, func(node ast.Node) bool {
			if text, ok := node.(*ast.BasicLit); ok && text.Kind == token.STRING && looksLikeSQL(text.Value) {
				t.Errorf("%s holds SQL: %.60s; move it to a file named *_store.go", s.file, text.Value)
			}
			return true
		})
	}
}

func looksLikeSQL(literal string) bool {
	text := strings.ToUpper(strings.TrimLeft(literal, "`\" \n\t"))
	return strings.HasPrefix(text, "INSERT INTO ") || strings.HasPrefix(text, "DELETE FROM ") ||
		strings.HasPrefix(text, "SELECT ") && strings.Contains(text, " FROM ") ||
		strings.HasPrefix(text, "UPDATE ") && strings.Contains(text, " SET ")
}

func TestOnlyAppKnowsDrivers(t *testing.T) {
	drivers := []string{"internal/compute/local", "internal/compute/fake"}
	for _, s := range sources(t) {
		for _, imported := range s.imports {
			dir, ok := ours(imported)
			if !ok || s.test {
				continue
			}
			if slices.Contains(drivers, dir) && s.dir != "internal/app" {
				t.Errorf("%s imports the driver %s", s.file, dir)
			}
			if dir == "internal/app" && s.dir != "cmd/atelier" {
				t.Errorf("%s imports internal/app", s.file)
			}
		}
	}
}

func TestEdgesDoNotImportEachOther(t *testing.T) {
	edges := []string{"internal/api", "internal/mlflow", "internal/cli"}
	for _, s := range sources(t) {
		for _, imported := range s.imports {
			if dir, ok := ours(imported); ok && dir != s.dir && slices.Contains(edges, s.dir) && slices.Contains(edges, dir) && !s.test {
				t.Errorf("%s imports %s", s.file, dir)
			}
		}
	}
}

func TestNamesSayWhatThingsAre(t *testing.T) {
	for _, s := range sources(t) {
		if name := path.Base(s.dir); slices.Contains(forbiddenNames, name) {
			t.Errorf("%s: a package called %q says nothing", s.file, name)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test || strings.HasSuffix(s.syntax.Name.Name, "_test") {
			continue
		}
		documented[s.dir] = documented[s.dir] || s.syntax.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %q has no package comment", dir)
		}
	}
}
