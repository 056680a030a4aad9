package order_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"atelierd/internal/order"
)

// root is the repository, from this package.
const root = "../.."

// constants returns the values of the constants of a type in codes.go, by name.
func constants(t *testing.T, of string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST || !group.Lparen.IsValid() {
			continue
		}
		for _, s := range group.Specs {
			c := s.(*ast.ValueSpec)
			if c.Type.(*ast.Ident).Name != of {
				continue
			}
			name, value := c.Names[0].Name, text(c.Values[0])
			if !strings.HasPrefix(c.Doc.Text(), name+": ") {
				t.Errorf("%s has no line that says what happened and who can fix it", name)
			}
			found[name] = value
		}
	}
	return found
}

// text returns the value of a string literal, "" for any other expression.
func text(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}

func TestEachCodeHasOneConstant(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"Code", "Alert"} {
		list := slices.Sorted(maps.Values(constants(t, of)))
		if len(list) < 3 || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("a word of two constants, or too few of type %s: %q", of, list)
		}
	}
}

func TestTheDocumentationListsEachCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs", "codes.md"))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)").FindAllStringSubmatch(string(page), -1) {
		listed = append(listed, row[1])
	}
	want := slices.Collect(maps.Values(constants(t, "Code")))
	for _, alert := range constants(t, "Alert") {
		want = append(want, string(order.AlertFact)+alert)
	}
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("docs/codes.md lists\n%q\nand codes.go has\n%q", listed, want)
	}
}

var sqlCode = regexp.MustCompile(`\bcode\s*(?:=|<>|(?:NOT )?IN)\s*\(?((?:'\w+'(?:,\s*)?)+)`)

func TestSQLNamesKnownCodes(t *testing.T) {
	t.Parallel()
	known := slices.Collect(maps.Values(constants(t, "Code")))
	var files []string
	for _, pattern := range []string{"db/queries/*.sql", "db/*.sql"} {
		list, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, list...)
	}
	n := 0
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sqlCode.FindAllStringSubmatch(string(b), -1) {
			for word := range strings.SplitSeq(m[1], ",") {
				n++
				if word = strings.Trim(word, " '\n"); word != "" && !slices.Contains(known, word) {
					t.Errorf("%s: the code %q is no constant", name, word)
				}
			}
		}
	}
	if n < 8 {
		t.Errorf("found only %d codes", n)
	}
}

// TestCodesAreComparedAsConstants reads the whole tree. In tests a made-up word
// may stand for any code.
func TestCodesAreComparedAsConstants(t *testing.T) {
	t.Parallel()
	known := slices.Collect(maps.Values(constants(t, "Code")))
	files := 0
	for _, folder := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "order/codes.go") {
				return err
			}
			files++
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			if !strings.HasSuffix(path, "_test.go") {
				for e := range comparedTexts(file) {
					t.Errorf("%s: the text of an error is compared; use its code or errors.Is", set.Position(e.Pos()))
				}
			}
			for e := range bareCodes(file) {
				if word := text(e); word != "" && (!strings.HasSuffix(path, "_test.go") || slices.Contains(known, word)) {
					t.Errorf("%s: the code %q is a bare string; use its constant", set.Position(e.Pos()), word)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("read only %d files", files)
	}
}
