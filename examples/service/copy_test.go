package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCopy follows the section "To copy" of the README: it copies the service out of the repository, and builds and
// tests the copy. Unlike there, the modules come from the repository, and the copy ends because it has no endpoint.
func TestCopy(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the service again")
	}
	t.Parallel()
	block := regexp.MustCompile("(?s)<!-- copy -->\n```\n(.*?)```").FindStringSubmatch(readFile(t, "README.md"))
	if block == nil {
		t.Fatal("the README has no commands")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/livetranscode/livetranscode-go"
	script := "set -e\n"
	for line := range strings.Lines(block[1]) {
		switch {
		case strings.HasPrefix(line, "go get "):
			line = "grep '=> [.]' go.mod && exit 1\n" + // nothing may refer to the repository any more
				"go mod edit -replace=" + module + "=" + root + "\n" +
				"go mod edit -replace=" + module + "/livetranscodeotel=" + root + "/livetranscodeotel\n"
		case strings.HasPrefix(line, "go test "):
			line = "go vet . && go test -v -run '^(TestRun|TestMetrics|TestJobLifecycle)$' .\n"
		case strings.HasPrefix(line, "ENDPOINT="):
			line = "ENDPOINT= go run . 2>&1 | grep 'set ENDPOINT'\n"
		}
		script += line
	}
	copied := exec.CommandContext(t.Context(), "sh", "-xc", script)
	copied.Env = append(os.Environ(), "HOME="+t.TempDir(), "GOWORK=off", "TEST_RUN_SERVICE=")
	for _, name := range []string{"GOPATH", "GOCACHE", "GOMODCACHE"} { // which depend on HOME
		value, envErr := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if envErr != nil {
			t.Fatal(envErr)
		}
		copied.Env = append(copied.Env, name+"="+strings.TrimSpace(string(value)))
	}
	output, err := copied.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if !strings.Contains(string(output), "--- SKIP: TestMetrics") {
		t.Errorf("the copy does not skip TestMetrics:\n%s", output)
	}
}
