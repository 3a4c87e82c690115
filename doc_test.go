package livetranscode_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
)

// parsedFiles are the files that parsed has read, by name.
var parsedFiles sync.Map

// parsed returns the files that match a pattern, with their comments.
func parsed(t *testing.T, pattern string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		file, ok := parsedFiles.Load(name)
		if !ok {
			if file, err = parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments); err != nil {
				t.Fatal(err)
			}
			parsedFiles.Store(name, file)
		}
		files = append(files, file.(*ast.File))
	}
	return files
}

// TestOverviewListsExamples checks that each example begins with a question and has an output that is checked, and that
// the overview has each question, with what the example is an example of.
func TestOverviewListsExamples(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "livetranscodetest"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			checkOverview(t, dir)
		})
	}
}

func checkOverview(t *testing.T, dir string) {
	t.Helper()
	want := map[string]string{}
	for _, example := range doc.Examples(parsed(t, filepath.Join(dir, "*_test.go"))...) {
		question, _, ok := strings.Cut(example.Doc, "?")
		if !ok || strings.Contains(question, ". ") {
			t.Errorf("the example %s begins with no question", example.Name)
		}
		if example.Output == "" {
			t.Errorf("the example %s has no output", example.Name)
		}
		if other := want[question]; other != "" {
			t.Errorf("%q is the question of %s and of %s", question, other, example.Name)
		}
		want[question] = subjectOf(example.Name)
	}
	_, overview, _ := strings.Cut(read(t, filepath.Join(dir, "doc.go")), "// # Examples\n")
	got := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^//   - ([^?]+)\? (.+)$`).FindAllStringSubmatch(overview, -1) {
		got[m[1]] = m[2]
	}
	for question, subject := range want {
		if got[question] != subject {
			t.Errorf("the overview has %q for %q, want %q", got[question], question, subject)
		}
	}
	if len(want) < 9 {
		t.Errorf("there are %d examples", len(want))
	}
	for question := range got {
		if _, ok := want[question]; !ok {
			t.Errorf("no example answers %q", question)
		}
	}
}

// subjectOf returns how the overview names the example with a name such as Client_SubmitLiveTranscodeJob_timed.
func subjectOf(name string) string {
	parts, suffix := strings.Split(name, "_"), ""
	if last := parts[len(parts)-1]; len(parts) > 1 && unicode.IsLower(rune(last[0])) {
		parts, suffix = parts[:len(parts)-1], " ("+strings.ToUpper(last[:1])+last[1:]+")"
	}
	if parts[0] == "" {
		return "Example" + suffix
	}
	return "[" + strings.Join(parts, ".") + "]" + suffix
}

// TestExamplesUseEverything checks that each exported function, and each method of a Client and a Watcher, is used in
// an example.
func TestExamplesUseEverything(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, file := range parsed(t, "example*_test.go") {
		for node := range ast.Preorder(file) {
			if selector, ok := node.(*ast.SelectorExpr); ok {
				used[selector.Sel.Name] = true
			}
		}
	}
	unused := map[string]bool{}
	for _, file := range parsed(t, "*.go") {
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Name.IsExported() && file.Name.Name == "livetranscode" && isFirstCalled(f) && !used[f.Name.Name] {
				unused[f.Name.Name] = true
			}
		}
	}
	// Format is called by package fmt, and few programs close idle connections.
	if got, want := slices.Sorted(maps.Keys(unused)), []string{"CloseIdleConnections", "Format"}; !slices.Equal(got, want) {
		t.Errorf("no example uses %q, want %q", got, want)
	}
}

// isFirstCalled reports whether a function is no test, and no method of a type other than Client and Watcher.
func isFirstCalled(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return !regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)`).MatchString(f.Name.Name)
	}
	receiver, ok := f.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	name, ok := receiver.X.(*ast.Ident)
	return ok && (name.Name == "Client" || name.Name == "Watcher")
}
