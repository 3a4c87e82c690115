package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWithoutServer: without the temporal command the jobs run in the test environment.
func TestWithoutServer(t *testing.T) {
	t.Setenv("PATH", "")
	var out bytes.Buffer
	if err := runJobs(t.Context(), nil, &lockedWriter{out: &out}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"The temporal command is not installed", "evening-show-", ": submitted\n", ": the job is in progress\n",
		": it was live for 5s\n", ": finished\n", "the service has received 3 Submits; 3 jobs exist, 0 of them run\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output does not contain %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Errorf("the output has the stream key:\n%s", &out)
	}
}

// TestCanceled: an interrupt stops the jobs.
func TestCanceled(t *testing.T) {
	t.Setenv("PATH", "")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	var out bytes.Buffer
	if err := runJobs(ctx, nil, &lockedWriter{out: &out}); err == nil || strings.Count(out.String(), ": finished\n") != 3 {
		t.Errorf("error %v, want canceled, with three finished workflows:\n%s", err, &out)
	}
}

func TestArguments(t *testing.T) {
	var out bytes.Buffer
	if err := runJobs(t.Context(), []string{"-h"}, &out); err != nil || !strings.Contains(out.String(), "-address HOST:PORT") {
		t.Errorf("-h: %v\n%s", err, &out)
	}
	for _, args := range [][]string{{"-unknown"}, {"extra"}} {
		if err := runJobs(t.Context(), args, &out); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := runJobs(ctx, []string{"-address", "127.0.0.1:1"}, &out); err == nil {
		t.Error("-address without a server: no error")
	}
}

// TestWithServer kills a worker. It takes more than two minutes, so it runs only if TEMPORAL_CLI is set, as .ci/run
// full does.
func TestWithServer(t *testing.T) {
	path := os.Getenv("TEMPORAL_CLI")
	if path == "" {
		t.Skip("TEMPORAL_CLI is not set to the path of the temporal command")
	}
	t.Setenv("PATH", filepath.Dir(path)+string(os.PathListSeparator)+os.Getenv("PATH"))
	program := t.TempDir() + "/temporal-example"
	if text, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	text, err := exec.CommandContext(t.Context(), program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, want := range []string{"killed the worker (SIGKILL)", ": it was live for 5s\n", "received 3 Submits; 3 jobs exist, 0 of them run\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the output does not contain %q:\n%s", want, text)
		}
	}
}
