package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestNetworkErrors: a call without a response is a CallError, with the transport's error and without the URL.
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
				t.Errorf("the error %q hides what the transport said", err)
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

// canceledWith returns a context that is canceled after a delay, with a cause.
func canceledWith(t *testing.T, delay time.Duration, cause error) context.Context {
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(delay, func() { cancel(cause) })
	return ctx
}

// waitForStop waits until a job that is in progress has stopped.
func waitForStop(ctx context.Context, c *Client) error {
	_, err := c.WaitForStatus(ctx, "job-1", JobStatusStopped)
	return err
}

// TestCauseIsNotTheKind: errgroup cancels its context with the error of another goroutine. That says nothing about the
// calls that it ends.
func TestCauseIsNotTheKind(t *testing.T) {
	t.Parallel()
	sibling := responseError(t, 404, errorBodyJSON("InvalidParameter.ResourceNotFound", "text"))
	for name, tt := range map[string]struct {
		rt   step
		call func(context.Context, *Client) error
	}{
		"a call that was throttled": {respondError(400, "Throttling.User", "X-Acs-Retry-After", "10000"), getJob},
		"a call without a response": {block, getJob},
		"a wait":                    {success, waitForStop},
		"a wait for all": {block, func(ctx context.Context, c *Client) error {
			_, err := c.WaitForAll(ctx, []string{"job-1"}, JobStatusStopped)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := tt.call(canceledWith(t, time.Second, sibling), clientOver(t, tt.rt))
				if !errors.Is(err, context.Canceled) || errors.Is(err, ErrNotFound) {
					t.Errorf("the error is %v", err)
				}
				if api, ok := errors.AsType[*APIError](err); ok && api.Code != "Throttling.User" {
					t.Errorf("errors.As finds the error of the other call: %v", api)
				}
			})
		})
	}
}

// A stopSignal is a cause of the caller's own.
type stopSignal struct{ reason string }

func (s stopSignal) Error() string { return s.reason }

// TestCauseIsFound: errors.Is and errors.As find the caller's cause, also if its type is not comparable.
func TestCauseIsFound(t *testing.T) {
	t.Parallel()
	signal := stopSignal{"shutting down"}
	for _, cause := range []error{signal, errors.Join(errors.New("one"), signal), WaitErrors{{JobID: "x", Err: signal}}} {
		synctest.Test(t, func(t *testing.T) {
			err := waitForStop(canceledWith(t, time.Second, cause), clientOver(t, success))
			if found, ok := errors.AsType[stopSignal](err); !ok || found != signal || !errors.Is(err, context.Canceled) || !errors.Is(err, signal) {
				t.Errorf("the error %v does not hold %v", err, cause)
			}
			if errors.Is(err, ErrThrottled) {
				t.Errorf("the error %v is ErrThrottled", err)
			}
			wantOneLine(t, err)
		})
	}
}

// TestCauseEndsNoJob: when a range over a watcher's events ends with the error of something else, the watcher keeps its
// jobs.
func TestCauseEndsNoJob(t *testing.T) {
	t.Parallel()
	notFound := responseError(t, 404, errorBodyJSON("InvalidParameter.ResourceNotFound", "text"))
	for _, cause := range []error{notFound, ErrNotFound, errors.Join(errors.New("a"), notFound)} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			w := clientOver(t, step(func(req *http.Request) (*http.Response, error) {
				switch at := time.Since(start); {
				case at > time.Minute:
					return respond(200, strings.Replace(documentedJob, `"Status":1`, `"Status":2`, 1))(req)
				case at > 9*time.Second && at < 15*time.Second:
					return block(req)
				}
				return success(req)
			})).NewWatcher()
			w.Add("****20b48fb04483915d4f2cd8ac****")
			var last error
			for _, last = range w.Events(canceledWith(t, 15*time.Second, cause)) {
			}
			if !errors.Is(last, context.Canceled) {
				t.Errorf("the range ended with %v", last)
			}
			wantOneLine(t, last)
			for event, err := range w.Events(t.Context()) {
				if err != nil || event.Err != nil || event.Job.Status != JobStatusStopped {
					t.Errorf("after %v: %+v, %v", cause, event, err)
				}
				break
			}
		})
	}
}

// TestCauseIsNotTheEnd: the context says how it ended, not its cause.
func TestCauseIsNotTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clientOver(t, success)
		err := waitForStop(canceledWith(t, time.Second, fmt.Errorf("a sibling: %w", context.DeadlineExceeded)), c)
		if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v, want context.Canceled alone", err)
		}
		for _, cause := range []error{fmt.Errorf("a sibling: %w", context.Canceled), &net.OpError{Op: "dial", Err: errors.New("refused")}} {
			ctx, stop := context.WithTimeoutCause(t.Context(), 2*time.Second, cause)
			err := waitForStop(ctx, c)
			stop()
			var timeout net.Error
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("with the cause %v the error is %v, of the timeout %v", cause, err, timeout)
			}
		}
	})
}
