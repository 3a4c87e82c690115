package main

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// A restart shows only what has changed since the state file was written.
func TestStateFile(t *testing.T) {
	srv := livetranscodetest.NewServer()
	tcp := httptest.NewServer(srv)
	defer tcp.Close()
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", srv.Credentials().AccessKeyID)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", srv.Credentials().AccessKeySecret)
	srv.AddJob(livetranscode.Job{JobID: "a", Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	file := filepath.Join(t.TempDir(), "state.json")
	for _, args := range [][]string{{"-job", "a"}, {"-all"}} {
		lines := func(want int, text string) {
			t.Helper()
			var out, errOut bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := run(ctx, append(args, "-endpoint", tcp.URL, "-state", file), &out, &errOut); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(out.String(), "\n"); n != want || !strings.Contains(out.String(), text) {
				t.Errorf("%v: %q, want %d lines with %q", args, out.String(), want, text)
			}
		}
		lines(1, "in progress")
		lines(0, "")
		srv.SetStatus("a", livetranscode.JobStatusStopped)
		lines(1, "was in progress")
		srv.SetStatus("a", livetranscode.JobStatusInProgress) // no job does; it is another one
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-all", "-state", file}, new(bytes.Buffer), new(bytes.Buffer)); err == nil {
		t.Error("a malformed file was accepted")
	}
}
