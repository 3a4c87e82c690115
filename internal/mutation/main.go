// Command mutation breaks the rules of the package one by one, in a copy of the module, and shows that the tests
// notice.
//
//	go run ./internal/mutation            # all, as a Markdown table, as every night in CI
//	go run ./internal/mutation nonce page # those whose name contains one of the words
//
// It exits with 1 unless every mutant was killed. The rows quote the source: a change of a quoted line changes
// its row too, which a test of this package checks.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

func run(words []string) error {
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := copyModule(dir); err != nil {
		return err
	}
	chosen := slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool {
		return len(words) > 0 && !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(m.name, word) })
	})
	var all []string
	for _, m := range chosen {
		all = append(all, m.run)
	}
	if _, out, passed := test(dir, strings.Join(all, "|"), "./..."); !passed {
		return fmt.Errorf("the tests fail without a mutant:\n%s", out)
	}
	survivors := 0
	fmt.Println("| rule | file | mutant | result | by |")
	fmt.Println("|---|---|---|---|---|")
	for _, m := range chosen {
		result, by := m.apply(dir)
		if result != killed {
			survivors++
		}
		fmt.Printf("| %s | %s | %s | %s | %s |\n", m.name, m.file, m.diff(), result, by)
	}
	fmt.Printf("\n%d of %d mutants were killed.\n", len(chosen)-survivors, len(chosen))
	if survivors > 0 {
		return fmt.Errorf("%d mutants were not killed", survivors)
	}
	return nil
}

// copyModule copies the module in the working directory, without what the tests do not need.
func copyModule(to string) error {
	return filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", "interop", "examples", "tools"}, path) {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), text, 0o644)
	})
}

// The results of a mutant.
const (
	killed       = "killed"
	survived     = "**survived**"
	doesNotApply = "**does not apply**"
	doesNotBuild = "**does not build**"
)

// apply changes the copy, runs the tests of the rule, and restores the copy.
func (m mutant) apply(dir string) (result, by string) {
	path := filepath.Join(dir, m.file)
	text, err := os.ReadFile(path)
	if err != nil || bytes.Count(text, []byte(m.old)) != 1 {
		return doesNotApply, ""
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte(m.old), []byte(m.new), 1), 0o644); err != nil {
		return doesNotApply, ""
	}
	defer func() { _ = os.WriteFile(path, text, 0o644) }()
	failed, out, passed := test(dir, m.run, m.packages()...)
	switch {
	case passed:
		return survived, ""
	case strings.Contains(out, "[build failed]"):
		return doesNotBuild, ""
	}
	return killed, failed
}

var failedTest = regexp.MustCompile(`(?m)^--- FAIL: (\w+)|^panic: test timed out|^panic: `)

// packages returns the packages whose tests may kill the mutant: the root, and the one of its file.
func (m mutant) packages() []string {
	if dir := path.Dir(m.file); dir != "." {
		return []string{".", "./" + dir}
	}
	return []string{"."}
}

// test runs tests of packages in the copy, and names the first that failed.
func test(dir, pattern string, packages ...string) (failed, output string, passed bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	args := []string{"test", "-vet=off", "-failfast", "-timeout=60s", "-run", "^(" + pattern + ")$"}
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		return "", string(out), true
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		return "", err.Error(), false
	}
	if match := failedTest.FindStringSubmatch(string(out)); match != nil && match[1] != "" {
		return match[1], string(out), false
	}
	return "a panic, or its timeout", string(out), false
}

// diff shows the mutant in a cell of a table.
func (m mutant) diff() string {
	cell := func(s string) string {
		s = strings.Join(strings.Fields(s), " ")
		return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
	}
	if m.new == "" {
		return "without " + cell(m.old)
	}
	return cell(m.old) + " → " + cell(m.new)
}
