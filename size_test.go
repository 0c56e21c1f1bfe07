package atelier_test

import (
	"bytes"
	"go/ast"
	"go/token"
	"os"
	"testing"
)

// The limits are where reading becomes work; the norm is far below them.
const (
	maxFileLines     = 600
	maxTestFileLines = 900
	maxFunctionLines = 80
	maxParameters    = 6
	maxMethods       = 12
)

func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		text, err := os.ReadFile(s.file)
		if err != nil {
			t.Fatal(err)
		}
		limit := maxFileLines
		if s.test {
			limit = maxTestFileLines
		}
		if lines := bytes.Count(text, []byte("\n")); lines > limit {
			t.Errorf("%s has %d lines; the limit is %d", s.file, lines, limit)
		}
		ast.Inspect(s.syntax, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.FuncDecl:
				checkFunction(t, s, text, n)
			case *ast.InterfaceType:
				if n.Methods.NumFields() > maxMethods {
					t.Errorf("%s: an interface has %d methods; the limit is %d", s.file, n.Methods.NumFields(), maxMethods)
				}
			}
			return true
		})
	}
}

func checkFunction(t *testing.T, s source, text []byte, fn *ast.FuncDecl) {
	if s.test || fn.Body == nil {
		return
	}
	base := s.syntax.FileStart
	offset := func(p token.Pos) int { return int(p - base) }
	if lines := bytes.Count(text[offset(fn.Pos()):offset(fn.End())], []byte("\n")) + 1; lines > maxFunctionLines {
		t.Errorf("%s: %s has %d lines; the limit is %d", s.file, fn.Name.Name, lines, maxFunctionLines)
	}
	if n := fn.Type.Params.NumFields(); n > maxParameters {
		t.Errorf("%s: %s has %d parameters; the limit is %d", s.file, fn.Name.Name, n, maxParameters)
	}
	if fn.Recv == nil && fn.Name.Name == "init" {
		t.Errorf("%s has an init function; call it from where it is needed", s.file)
	}
}
