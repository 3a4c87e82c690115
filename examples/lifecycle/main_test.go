package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

const want = `created the template lifecycle-720p
submitted the job evening-show
the job is in progress with 1 output
listed evening-show: in progress, template lifecycle-720p
renamed the job to late-show
sent the stop command
late-show is stopped
deleted the job
deleted the template
the job is not found
`

func TestLifecycle(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("printed:\n%swant:\n%s", out.String(), want)
	}
}

// TestEndpoint is not parallel: it sets the environment of the process.
func TestEndpoint(t *testing.T) {
	credentials := livetranscode.Credentials{AccessKeyID: "test-id", AccessKeySecret: "test-secret"}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "ALIBABA_CLOUD_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", credentials.AccessKeyID)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", credentials.AccessKeySecret)
	emulator := livetranscodetest.NewServer(livetranscodetest.WithCredentials(credentials))
	tcp := httptest.NewServer(emulator)
	defer tcp.Close()

	var out strings.Builder
	if err := run(t.Context(), []string{"-endpoint", tcp.URL}, &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("printed:\n%swant:\n%s", out.String(), want)
	}
	if len(emulator.Calls()) == 0 {
		t.Error("the endpoint was not called")
	}
	wantNothingLeft(t, emulator)
}

// A failure at any step leaves nothing behind that keeps running and costs money.
func TestFailureCleansUp(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{
		"SubmitLiveTranscodeJob", "GetLiveTranscodeJob", "ListLiveTranscodeJobs", "UpdateLiveTranscodeJob",
		"SendLiveTranscodeJobCommand", "DeleteLiveTranscodeJob", "DeleteLiveTranscodeTemplate",
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			emulator := livetranscodetest.NewServer()
			emulator.Inject(livetranscodetest.Fault{Operation: operation, Code: "Forbidden.RAM"})
			var out strings.Builder
			err := lifecycle(t.Context(), emulator.Client(), &out)
			if !errors.Is(err, livetranscode.ErrForbidden) {
				t.Errorf("error %v, want ErrForbidden", err)
			}
			if !strings.HasPrefix(want, out.String()) || out.String() == want {
				t.Errorf("printed:\n%s", out.String())
			}
			wantNothingLeft(t, emulator)
		})
	}
}

func TestInterruptCleansUp(t *testing.T) {
	t.Parallel()
	emulator := livetranscodetest.NewServer()
	ctx, cancel := context.WithCancel(t.Context())
	err := lifecycle(ctx, emulator.Client(), writerFunc(func(line string) {
		if strings.HasPrefix(line, "listed") {
			cancel()
		}
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	wantNothingLeft(t, emulator)
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"-job", "x"}, "flag provided but not defined: -job"},
		{[]string{"x"}, `unexpected argument "x"`},
		{[]string{"-endpoint", "http://example.com"}, "http"},
	} {
		var out strings.Builder
		err := run(t.Context(), tc.args, &out)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want one line with %q", tc.args, err, tc.want)
		}
		if out.Len() > 0 {
			t.Errorf("%q printed:\n%s", tc.args, out.String())
		}
	}
}

// wantNothingLeft checks that the job and the template are gone, and that the job was stopped before its deletion.
func wantNothingLeft(t *testing.T, emulator *livetranscodetest.Server) {
	t.Helper()
	var done []string
	for _, call := range emulator.Calls() {
		if call.StatusCode == http.StatusOK {
			done = append(done, call.Operation)
		}
	}
	client := emulator.Client()
	for job, err := range client.AllLiveTranscodeJobs(context.WithoutCancel(t.Context()), nil) {
		t.Errorf("a job is left over: %+v, %v", job, err)
	}
	for template, err := range client.AllLiveTranscodeTemplates(context.WithoutCancel(t.Context()), nil) {
		t.Errorf("a template is left over: %+v, %v", template, err)
	}
	if stop, deleted := slices.Index(done, "SendLiveTranscodeJobCommand"), slices.Index(done, "DeleteLiveTranscodeJob"); deleted >= 0 && (stop < 0 || stop > deleted) {
		t.Errorf("the job was deleted before it was stopped: %q", done)
	}
}

type writerFunc func(line string)

func (f writerFunc) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}
