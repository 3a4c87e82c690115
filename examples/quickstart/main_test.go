package main

import (
	"errors"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestQuickstart(t *testing.T) {
	t.Parallel()
	const want = `This job is from the emulator; use -job ID to read one from the real service.
  name      task1
  id        ****20b48fb04483915d4f2cd8ac****
  status    in progress
  input     rtmp://mydomain/app/stream1
  output    rtmp://mydomain/app/mytranscode1
  template  basic (normal)
  created   2022-07-20 02:48:58 UTC
`
	var out strings.Builder
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("printed:\n%swant:\n%s", out.String(), want)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), []string{"-h"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"-job ID", "-endpoint URL"} {
		if !strings.Contains(out.String(), flag) {
			t.Errorf("the usage lacks %s:\n%s", flag, out.String())
		}
	}
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", []string{"-jobs", "x"}, "flag provided but not defined: -jobs"},
		{"flag without a value", []string{"-job"}, "flag needs an argument: -job"},
		{"endpoint alone", []string{"-endpoint", "http://127.0.0.1:1"}, "-endpoint needs -job"},
		{"unexpected argument", []string{"job-1"}, `unexpected argument "job-1"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := run(t.Context(), tc.args, &out); err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
			if out.Len() > 0 {
				t.Errorf("printed:\n%s", out.String())
			}
		})
	}
}

// The tests below are not parallel: they set the environment of the process.

//nolint:paralleltest // it sets the environment
func TestNoCredentials(t *testing.T) {
	setCredentials(t, livetranscode.Credentials{})
	var out strings.Builder
	began := time.Now()
	err := run(t.Context(), []string{"-job", "job-1"}, &out)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the call took %v", took)
	}
	if !errors.Is(err, livetranscode.ErrNoCredentials) {
		t.Fatalf("error %v, want ErrNoCredentials", err)
	}
	if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "ALIBABA_CLOUD_ACCESS_KEY_ID") {
		t.Errorf("the error is not one line that names the variable: %s", err)
	}
	if out.Len() > 0 {
		t.Errorf("printed:\n%s", out.String())
	}
}

// jobID has the characters that need encoding in the query and the signature.
const jobID = "a b*c~d+e/é&=%20"

//nolint:paralleltest // it sets the environment
func TestJobOverTCP(t *testing.T) {
	for _, tc := range []struct {
		name        string
		credentials livetranscode.Credentials
	}{
		{"access key", livetranscode.Credentials{AccessKeyID: "test-id", AccessKeySecret: "test-secret"}},
		{"STS", livetranscode.Credentials{AccessKeyID: "STS.test-id", AccessKeySecret: "test-secret", SecurityToken: "test/token+1=="}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			setCredentials(t, tc.credentials)
			emulator := livetranscodetest.NewServer(livetranscodetest.WithCredentials(tc.credentials))
			emulator.AddJob(livetranscode.Job{
				JobID: jobID, Name: "evening-show", TemplateID: "template-1", TemplateType: livetranscode.TemplateTypeOrigin,
				Status: livetranscode.JobStatusStopped, CreateTime: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC),
			})
			tcp := httptest.NewServer(emulator)
			defer tcp.Close()

			var out strings.Builder
			if err := run(t.Context(), []string{"-job", jobID, "-endpoint", tcp.URL}, &out); err != nil {
				t.Fatal(err)
			}
			const want = `  name      evening-show
  id        a b*c~d+e/é&=%20
  status    stopped
  input     -
  template  template-1 (origin)
  created   2026-05-04 03:02:01 UTC
`
			if out.String() != want {
				t.Errorf("printed:\n%swant:\n%s", out.String(), want)
			}
		})
	}
}

//nolint:paralleltest // it sets the environment
func TestJobNotFound(t *testing.T) {
	emulator := livetranscodetest.NewServer()
	setCredentials(t, emulator.Credentials())
	tcp := httptest.NewServer(emulator)
	defer tcp.Close()

	var out strings.Builder
	err := run(t.Context(), []string{"-job", jobID, "-endpoint", tcp.URL}, &out)
	if !errors.Is(err, livetranscode.ErrNotFound) {
		t.Fatalf("error %v, want ErrNotFound", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is not one line: %q", err)
	}
	if out.Len() > 0 {
		t.Errorf("printed:\n%s", out.String())
	}
}

// setCredentials makes c the only credentials that the default chain finds. The zero value means none.
func setCredentials(t *testing.T, c livetranscode.Credentials) {
	t.Helper()
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "ALIBABA_CLOUD_") {
			t.Setenv(name, "")
		}
	}
	home := t.TempDir() // without credentials files
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", c.AccessKeyID)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", c.AccessKeySecret)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", c.SecurityToken)
}
