package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRowsApply checks that every row still fits the source: its old text occurs once in its file, and its tests
// exist.
func TestRowsApply(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	tests := make(map[string]string) // by package
	for _, m := range mutants {
		if names[m.name] {
			t.Errorf("%s: the name occurs twice", m.name)
		}
		names[m.name] = true
		text, err := os.ReadFile(filepath.Join("../..", m.file))
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if n := strings.Count(string(text), m.old); n != 1 {
			t.Errorf("%s: the old text occurs %d times in %s, want once: %s", m.name, n, m.file, m.old)
		}
		if m.old == m.new {
			t.Errorf("%s: the mutant changes nothing", m.name)
		}
		for name := range strings.SplitSeq(m.run, "|") {
			found := false
			for _, dir := range m.packages() {
				if tests[dir] == "" {
					tests[dir] = testFiles(t, dir)
				}
				found = found || strings.Contains(tests[dir], "\nfunc "+name+"(")
			}
			if !found {
				t.Errorf("%s: there is no test %s", m.name, name)
			}
		}
	}
}

// testFiles returns the text of all test files of a package.
func testFiles(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no test files in %s: %v", dir, err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
