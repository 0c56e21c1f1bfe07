package tracking

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// writesRuns are statements that change what loadRuns reads, writesRows those that
// change what selectRunToWrite reads.
var (
	writesRuns = regexp.MustCompile(`(INSERT INTO|UPDATE|DELETE FROM) (runs|run_params|run_tags|run_models|run_datasets)\b|UPDATE experiments SET (name|lifecycle_stage)|series\.(Append|Remove)\(`)
	writesRows = regexp.MustCompile(`(INSERT INTO|UPDATE|DELETE FROM) runs\b`)
)

// What is remembered of a run is forgotten because whoever writes says so.
func TestWhoeverWritesToRunsSaysSo(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			fn, ok := declared.(*ast.FuncDecl)
			if !ok || !writes(fn, writesRuns) {
				continue
			}
			found++
			if !says(fn, "runChanged", "runsChanged", "rowChanged", "rowsChanged") {
				t.Errorf("%s: %s writes to a table of runs and calls neither runChanged nor runsChanged", set.Position(fn.Pos()), fn.Name.Name)
			}
			if writes(fn, writesRows) && !says(fn, "rowChanged", "rowsChanged") {
				t.Errorf("%s: %s writes to the table of runs itself and calls neither rowChanged nor rowsChanged", set.Position(fn.Pos()), fn.Name.Name)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d functions write to runs: does this test still see them?", found)
	}
}

func writes(fn *ast.FuncDecl, what *regexp.Regexp) (yes bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			yes = yes || what.MatchString(n.Value)
		case *ast.CallExpr:
			if called, ok := n.Fun.(*ast.SelectorExpr); ok {
				if of, ok := called.X.(*ast.Ident); ok {
					yes = yes || what.MatchString(of.Name+"."+called.Sel.Name+"(")
				}
			}
		}
		return true
	})
	return yes
}

func says(fn *ast.FuncDecl, sayings ...string) (yes bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			name, _ := call.Fun.(*ast.Ident)
			yes = yes || name != nil && slices.Contains(sayings, name.Name)
		}
		return true
	})
	return yes
}
