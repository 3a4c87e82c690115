package main

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args string
		want string // in the error; empty: none
	}{
		{"-help", ""},
		{"extra", `unexpected argument "extra"`},
		{"-endpoint https://x.example", "-endpoint and -state need -job or -all"},
		{"-endpoint http://x.example -job a", "WithEndpoint"},
		{"-jobs 0", "-jobs must be from 1 to 10000"},
		{"-interval -1s", "-interval must not be negative"},
		{"-job=", "the ID is empty"},
		{"-nonsense", "not defined"},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(t.Context(), strings.Fields(test.args), &out, &out)
			switch {
			case test.want == "" && (err != nil || !strings.Contains(out.String(), "-once")):
				t.Errorf("error %v, output %q", err, out.String())
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// The emulator over TCP takes the place of the real service.
func TestRealService(t *testing.T) {
	srv := livetranscodetest.NewServer()
	tcp := httptest.NewServer(srv)
	t.Cleanup(tcp.Close)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", srv.Credentials().AccessKeyID)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", srv.Credentials().AccessKeySecret)
	srv.AddJob(livetranscode.Job{JobID: "a", Name: "one", Status: livetranscode.JobStatusStopped})
	srv.AddJob(livetranscode.Job{JobID: "b", Name: "two", Status: livetranscode.JobStatusStopped})

	var out, errOut bytes.Buffer
	// All jobs have stopped, so the watch ends.
	if err := run(t.Context(), []string{"-job", "a", "-job", "b", "-job", "a", "-endpoint", tcp.URL}, &out, &errOut); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines: %q", n, out.String())
	}
	if !strings.HasPrefix(errOut.String(), "2 jobs seen in 0s: 2 stopped; 0 changes.\n2 requests, ") {
		t.Errorf("summary: %q", errOut.String())
	}

	out.Reset()
	// A single sweep is enough: it does not wait for c to appear.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := run(ctx, []string{"-job", "a", "-job", "c", "-endpoint", tcp.URL, "-once"}, &out, &errOut); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "■ 1 stopped  ✕ 1 gone\n") || !regexp.MustCompile(`(?m)^  c +✕ gone `).MatchString(text) {
		t.Errorf("-once:\n%s", text)
	}

	srv.SetCredentials()
	err := run(t.Context(), []string{"-job", "a", "-endpoint", tcp.URL}, &out, &errOut)
	if !errors.Is(err, livetranscode.ErrAuthentication) {
		t.Errorf("refused credentials: %v", err)
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	out, errOut := inBubble(t, "-once", "-jobs", "5", "-seed", "3")
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 4+1+1+5 {
		t.Fatalf("%d lines:\n%s", len(lines), out)
	}
	if !strings.HasPrefix(lines[5], "  NAME") || !strings.HasSuffix(lines[5], "JOB ID") {
		t.Errorf("column titles: %q", lines[5])
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("escape codes without a terminal: %q", out)
	}
	if errOut != "" {
		t.Errorf("stderr: %q", errOut)
	}
	again, _ := inBubble(t, "-once", "-jobs", "5", "-seed", "3", "-json")
	if n := strings.Count(again, "\n"); n != 5 {
		t.Errorf("%d objects:\n%s", n, again)
	}
}
