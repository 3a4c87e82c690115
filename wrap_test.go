package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNetworkErrors checks that a call without a response is a CallError, with the transport's error and without the
// URL.
func TestNetworkErrors(t *testing.T) {
	t.Parallel()
	requestURL := "https://ice.cn-shanghai.aliyuncs.com/?JobId=secret-job-id&StreamInput=rtmp%3A%2F%2Fd%2Fapp%2Fstreamkey"
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	inner := &url.Error{Op: "Post", URL: requestURL, Err: reset}
	for name, tt := range map[string]error{
		"bare":         reset,
		"url.Error":    inner,
		"wrapped":      fmt.Errorf("transport: %w", inner),
		"url.Error x2": &url.Error{Op: "Get", URL: requestURL, Err: fmt.Errorf("proxy: %w", inner)},
		"many lines":   fmt.Errorf("one\r\ntwo %w", reset),
		"long":         fmt.Errorf("%s %w", strings.Repeat("é:%41 ", 1<<18), reset),
		"with secrets": fmt.Errorf("token %s of %s: %w", testToken, requestURL, reset),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clientOver(t, newScript(failWith(tt)), attempts(1), WithCredentials(StaticCredentials(testKeyID, testSecret, testToken)))
			err := getJob(t.Context(), c)
			call, ok := errors.AsType[*CallError](err)
			if !ok || call.Operation != "GetLiveTranscodeJob" || call.Attempts != 1 {
				t.Fatalf("the error is %#v, want a *CallError", err)
			}
			wantKind(t, err, ErrUnavailable)
			wantOneLine(t, err)
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the error %q hides the error of the transport", err)
			}
			if len(err.Error()) > 5000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if strings.Count(err.Error(), "ice.cn-shanghai.aliyuncs.com") != 1 {
				t.Errorf("the error %q does not name the host once", err)
			}
			if op, ok := errors.AsType[*net.OpError](err); !ok || op != reset {
				t.Errorf("the error %q hides the *net.OpError", err)
			}
			if u, ok := errors.AsType[*url.Error](err); ok {
				t.Errorf("there is a *url.Error in the chain: %v", u)
			}
			if _, ok := errors.AsType[*APIError](err); ok {
				t.Error("there is an *APIError without a response")
			}
			wantNone(t, err.Error(), "secret-job-id", "streamkey", testToken)
		})
	}
}

// errTyped is an error of the caller's own type that wraps another one.
type errTyped struct{ err error }

func (e errTyped) Error() string { return "typed: " + e.err.Error() }

func (e errTyped) Unwrap() error { return e.err }

// TestErrorsOfOthers checks that the errors of this package, and those of contexts, mean nothing in an error of the
// caller's code: they come from another call. The caller's own types are found.
func TestErrorsOfOthers(t *testing.T) {
	t.Parallel()
	others := []error{
		ErrNotFound, ErrThrottled, ErrForbidden, ErrAuthentication, ErrInvalidRequest, ErrUnavailable, ErrBadResponse, ErrAmbiguous,
		ErrBadEndpoint, ErrNameConflict, ErrJobStopped, ErrWatcherBusy, context.Canceled, context.DeadlineExceeded,
		&APIError{Code: "JobNotFound", StatusCode: 404, unknownPast: true, ambiguous: true}, &CallError{Err: ErrNotFound, ambiguous: true},
		&ParamError{Field: "JobID"}, &WaitError{Err: ErrJobStopped},
		WaitErrors{{Err: ErrNotFound}},
		&WatchError{Err: ErrForbidden},
		&ensureError{submit: ErrAmbiguous}, nameError(ErrNameConflict, "op", "name", "text"), newForeignError(context.DeadlineExceeded, io.EOF),
	}
	sources := map[string]func(*testing.T, error) error{
		"transport": func(t *testing.T, other error) error {
			return stopJob(t.Context(), clientOver(t, failWith(other), attempts(1)))
		},
		"transport, url.Error": func(t *testing.T, other error) error {
			return stopJob(t.Context(), clientOver(t, failWith(&url.Error{Op: "Post", URL: "u", Err: other}), attempts(1)))
		},
		"body": func(t *testing.T, other error) error {
			return stopJob(t.Context(), clientOver(t, respondThenFail(200, "{", other), attempts(1)))
		},
		"body of an error": func(t *testing.T, other error) error {
			return stopJob(t.Context(), clientOver(t, respondThenFail(503, "{", other), attempts(1)))
		},
		"provider": func(t *testing.T, other error) error {
			return stopJob(t.Context(), clientOver(t, success, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				return Credentials{}, other
			}))))
		},
		"limiter": func(t *testing.T, other error) error {
			return stopJob(t.Context(), clientOver(t, success, WithLimiter(limiterFunc(func(context.Context) error { return other }))))
		},
		"limiter with a deadline": func(t *testing.T, other error) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			return stopJob(ctx, clientOver(t, success, WithLimiter(limiterFunc(func(context.Context) error {
				return fmt.Errorf("would exceed context deadline: %w", other)
			}))))
		},
	}
	kindOf := map[string]error{ // what the failure itself is
		"transport": ErrUnavailable, "transport, url.Error": ErrUnavailable, "body": ErrBadResponse, "body of an error": ErrUnavailable,
		"limiter with a deadline": context.DeadlineExceeded,
	}
	for name, source := range sources {
		for _, other := range others {
			for _, err := range []error{source(t, errTyped{other}), source(t, fmt.Errorf("x: %w", errors.Join(io.ErrNoProgress, errTyped{other})))} {
				if err == nil {
					t.Errorf("%s: with %#v there is no error", name, other)
					continue
				}
				for _, target := range others {
					_, isKind := target.(kind)                                                                                                            //nolint:errorlint // the kinds themselves
					if (isKind || target == context.Canceled || target == context.DeadlineExceeded) && errors.Is(err, target) && target != kindOf[name] { //nolint:errorlint // the kinds themselves
						t.Errorf("%s: with %#v errors.Is finds %v", name, other, target)
					}
				}
				var api *APIError
				if errors.As(err, &api) && api.Operation != "SendLiveTranscodeJobCommand" {
					t.Errorf("%s: errors.As finds %#v", name, api)
				}
				var param *ParamError
				var wait *WaitError
				var watch *WatchError
				var waits WaitErrors
				var ensured interface{ checksBeforeSubmit() }
				if errors.As(err, &param) || errors.As(err, &wait) || errors.As(err, &watch) || errors.As(err, &waits) || errors.As(err, &ensured) {
					t.Errorf("%s: with %#v errors.As finds an error of another call", name, other)
				}
				var timeout net.Error
				if errors.As(err, &timeout) {
					t.Errorf("%s: with %#v errors.As finds the net.Error %#v", name, other, timeout)
				}
				if typed, ok := errors.AsType[errTyped](err); !ok || fmt.Sprint(typed.err) != fmt.Sprint(other) {
					t.Errorf("%s: with %#v errors.As does not find the caller's type in %v", name, other, err)
				}
				if refusedAfterUnknown(err) || isPermanent(err) {
					t.Errorf("%s: with %#v the error is permanent, or a refusal", name, other)
				}
			}
		}
	}
}
