package livetranscodetemporal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestApplicationError(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1}))
	get := func(f livetranscodetest.Fault) error {
		t.Helper()
		f.Operation = "GetLiveTranscodeJob"
		srv.Inject(f)
		_, err := client.GetLiveTranscodeJob(t.Context(), "job-1")
		return err
	}
	submit := func(f livetranscodetest.Fault) error {
		t.Helper()
		f.Operation = "SubmitLiveTranscodeJob"
		srv.Inject(f)
		req, _ := request(t.Context(), JobSpec{})
		req.Name, req.TemplateID = "match", srv.AddTemplate(livetranscode.Template{})
		_, err := client.SubmitLiveTranscodeJob(t.Context(), req)
		return err
	}
	_, invalid := client.GetLiveTranscodeJob(t.Context(), "")
	_, unknown := client.GetLiveTranscodeJob(t.Context(), "job-1")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, ended := client.GetLiveTranscodeJob(canceled, "job-1")
	cases := []struct {
		err       error
		kind      string
		permanent bool
		delay     time.Duration
	}{
		{err: invalid, kind: "invalid_request", permanent: true},
		{err: unknown, kind: "not_found", permanent: true},
		{err: livetranscode.ErrJobStopped, kind: "job_stopped", permanent: true},
		{err: fmt.Errorf("%w: two jobs", livetranscode.ErrNameConflict), kind: "name_conflict", permanent: true},
		{err: get(livetranscodetest.Fault{Code: "StreamNotFound"}), kind: "invalid_request", permanent: true},
		{err: submit(livetranscodetest.Fault{DropResponse: true}), kind: "ambiguous", permanent: true, delay: time.Minute},
		{err: get(livetranscodetest.Fault{Code: "Forbidden.RAM"}), kind: "forbidden", delay: time.Minute},
		{err: get(livetranscodetest.Fault{Code: "InvalidAccessKeyId.NotFound"}), kind: "authentication", delay: time.Minute},
		{err: livetranscode.ErrNoCredentials, kind: "no_credentials", delay: time.Minute},
		{err: livetranscode.ErrBadEndpoint, kind: "bad_endpoint", delay: time.Minute},
		{err: get(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 5 * time.Minute}), kind: "throttled", delay: 5 * time.Minute},
		{err: get(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 48 * time.Hour}), kind: "throttled", delay: time.Hour},
		{err: get(livetranscodetest.Fault{Code: "Throttling.User"}), kind: "throttled"},
		{err: get(livetranscodetest.Fault{StatusCode: 503}), kind: "unavailable"},
		{err: get(livetranscodetest.Fault{StatusCode: 302}), kind: "bad_response"},
		{err: ended, kind: "canceled"},
		{err: context.DeadlineExceeded, kind: "deadline_exceeded"},
		{err: errors.New("no such secret"), kind: "other"},
	}
	for _, test := range cases {
		var app *temporal.ApplicationError
		if err := ApplicationError(test.err); !errors.As(err, &app) {
			t.Errorf("%v: %T, want an application error", test.err, err)
			continue
		}
		if app.Type() != "livetranscode."+test.kind || app.NonRetryable() != test.permanent || app.NextRetryDelay() != test.delay {
			t.Errorf("%v:\ntype %s, permanent %t, delay %v; want %s, %t, %v", test.err,
				app.Type(), app.NonRetryable(), app.NextRetryDelay(), test.kind, test.permanent, test.delay)
		}
		if app.Message() != test.err.Error() {
			t.Errorf("message %q, want %q", app.Message(), test.err)
		}
		if canceled := errors.Is(app, context.Canceled); canceled != (test.kind == "canceled") {
			t.Errorf("%v: canceled is %t", test.err, canceled)
		}
		if again := ApplicationError(fmt.Errorf("again: %w", app)); !strings.HasPrefix(again.Error(), "again: ") {
			t.Errorf("an application error was mapped again: %v", again)
		}
	}
	if err := ApplicationError(nil); err != nil {
		t.Errorf("nil became %v", err)
	}
}

// TestApplicationErrorChain: inner errors, whose texts are not all redacted, are not in the failure.
func TestApplicationErrorChain(t *testing.T) {
	t.Parallel()
	const secret = "secret-in-an-inner-error"
	for _, inner := range []error{errors.New(secret), fmt.Errorf(secret+": %w", context.Canceled)} {
		failure := temporal.GetDefaultFailureConverter().ErrorToFailure(ApplicationError(&opaque{inner}))
		if text := failure.String(); strings.Contains(text, secret) || !strings.Contains(text, "opaque") {
			t.Errorf("failure %s; want only the text of the outer error", text)
		}
	}
}

type opaque struct{ err error }

func (*opaque) Error() string   { return "opaque" }
func (o *opaque) Unwrap() error { return o.err }
