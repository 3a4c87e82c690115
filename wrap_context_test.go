package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestContextEndsTheCall checks that the end of the caller's context ends a call at once in every phase, and that the
// error has the context's error, its cause, the phase and the last failure. A Submit or Create is ambiguous if the
// request may have been written.
func TestContextEndsTheCall(t *testing.T) {
	t.Parallel()
	wait := func(_ int, ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	waitLater := func(n int, ctx context.Context) error {
		if n == 1 {
			return nil
		}
		return wait(n, ctx)
	}
	type waiter = func(n int, ctx context.Context) error
	throttled := respondError(400, "Throttling.User", "X-Acs-Retry-After", "1")
	half := respondThenBlock(200, `{"RequestId":`)
	for name, tt := range map[string]struct {
		steps             []step
		limiter, provider waiter // nil: returns at once
		requests          int
		ambiguous         bool
		kind              error // of the failure before, if the call is not ambiguous
		phase, traced     phase // of a Get, and of a Submit or Create if that differs
	}{
		"in the limiter":            {[]step{success}, wait, nil, 0, false, nil, phaseLimiter, ""},
		"in the provider":           {[]step{success}, nil, wait, 0, false, nil, phaseCredentials, ""},
		"before the write":          {[]step{unwritten(block)}, nil, nil, 1, false, nil, phaseRequest, phaseConnect},
		"after the write":           {[]step{written(block)}, nil, nil, 1, true, nil, phaseRequest, phaseResponse},
		"write not reported":        {[]step{block}, nil, nil, 1, true, nil, phaseRequest, ""},
		"in the body":               {[]step{written(half)}, nil, nil, 1, true, nil, phaseBody, ""},
		"in the body, not reported": {[]step{half}, nil, nil, 1, true, nil, phaseBody, ""},
		"in the body of an error":   {[]step{respondThenBlock(503, errorBodyJSON("ServiceUnavailable", "m")[:20])}, nil, nil, 1, true, ErrUnavailable, phaseBody, ""},
		"in the delay":              {[]step{respondError(400, "Throttling.User", "X-Acs-Retry-After", "50000")}, nil, nil, 1, false, ErrThrottled, phaseBackoff, ""},
		"in the delay, network":     {[]step{unwritten(failWith(syscall.ECONNRESET))}, nil, nil, 1, false, ErrUnavailable, phaseBackoff, ""},
		"in the limiter, later":     {[]step{throttled}, waitLater, nil, 1, false, ErrThrottled, phaseLimiter, ""},
		"in the provider, later":    {[]step{throttled}, nil, waitLater, 1, false, ErrThrottled, phaseCredentials, ""},
		"before the write, later":   {[]step{throttled, unwritten(block)}, nil, nil, 2, false, ErrThrottled, phaseRequest, phaseConnect},
		"after the write, later":    {[]step{throttled, written(block)}, nil, nil, 2, true, ErrThrottled, phaseRequest, phaseResponse},
		"after several failures":    {[]step{unwritten(failWith(io.EOF)), throttled, block}, nil, nil, 3, true, ErrThrottled, phaseRequest, ""},
	} {
		for _, op := range allOperations {
			if op.idempotent && op.name != "GetLiveTranscodeJob" {
				continue
			}
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					asked := 0
					call := func(f waiter) func(context.Context) error {
						return func(ctx context.Context) error {
							if f == nil {
								return nil
							}
							asked++
							return f(asked, ctx)
						}
					}
					limit, provide := call(tt.limiter), call(tt.provider)
					policy := RetryPolicy{BaseDelay: time.Nanosecond}
					if name == "in the delay, network" {
						policy.BaseDelay, policy.MaxDelay = 1<<62, 1<<62 // a random delay that is certainly longer than 2 s
					}
					rt := newScript(tt.steps...)
					c := clientOver(t, rt, WithRetryPolicy(policy), WithLimiter(limiterFunc(limit)),
						WithCredentials(CredentialsFunc(func(ctx context.Context) (Credentials, error) {
							return Credentials{AccessKeyID: testKeyID, AccessKeySecret: testSecret}, provide(ctx)
						})))
					ctx, cancel := context.WithCancelCause(t.Context())
					why := errors.New("the user has left")
					time.AfterFunc(2*time.Second, func() { cancel(why) })
					start := time.Now()
					err := op.call(ctx, c)
					if got := time.Since(start); got != 2*time.Second {
						t.Errorf("the call ended after %v, want 2s", got)
					}
					if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("the error %q is not the context's, with its cause", err)
					}
					in := tt.phase
					if !op.idempotent && tt.traced != "" {
						in = tt.traced
					}
					number := tt.requests
					if in == phaseLimiter || in == phaseCredentials {
						number++ // the attempt is not sent yet
					}
					where := fmt.Sprintf("(phase %s, attempt %d, after 2s, ice.cn-shanghai.aliyuncs.com)", in, number)
					if !strings.Contains(err.Error(), where) {
						t.Errorf("the error %q does not say %q", err, where)
					}
					wantOneLine(t, err)
					if ambiguous := tt.ambiguous && !op.idempotent; errors.Is(err, ErrAmbiguous) != ambiguous {
						t.Errorf("errors.Is(%q, ErrAmbiguous) is %t", err, !ambiguous)
					} else if !ambiguous {
						wantKind(t, err, tt.kind)
					}
					rt.wantRequests(t, tt.requests)
					got := -1
					if call, ok := errors.AsType[*CallError](err); ok {
						got = call.Attempts
					}
					if api, ok := errors.AsType[*APIError](err); ok {
						got = api.Attempts
						if api.Code != "" && api.RequestID != "req-1" {
							t.Errorf("the error %v lost the request id", err)
						}
					}
					if got != tt.requests {
						t.Errorf("the error %#v names %d attempts, want %d", err, got, tt.requests)
					}
				})
			})
		}
	}
}

func TestEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel2 := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel2()
	for ctx, want := range map[context.Context]error{canceled: context.Canceled, expired: context.DeadlineExceeded} {
		for _, op := range allOperations {
			rt := newScript(respond(200, op.success))
			c := clientOver(t, rt, WithCredentials(CredentialsFunc(func(context.Context) (Credentials, error) {
				t.Error("the provider was asked")
				return Credentials{}, nil
			})), WithLimiter(limiterFunc(func(context.Context) error {
				t.Error("the limiter was asked")
				return nil
			})))
			err := op.call(ctx, c)
			if call, ok := errors.AsType[*CallError](err); !ok || !errors.Is(err, want) || call.Attempts != 0 || errors.Is(err, ErrAmbiguous) {
				t.Errorf("%s: the error is %#v, want %v", op.name, err, want)
			}
			wantKind(t, err, nil)
			rt.wantRequests(t, 0)
		}
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

// TestCauseIsNotTheKind checks that the cause of a context is not the kind of a call's error: errgroup cancels its
// context with the error of another goroutine, which says nothing about the calls that end.
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

// TestContextEndsBeforeTheDelay checks that a context that ends between a response and the delay is named with its
// phase.
func TestContextEndsBeforeTheDelay(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]error{"Throttling.User": ErrThrottled, "ServiceUnavailable": ErrUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			rt := newScript(func(req *http.Request) (*http.Response, error) {
				atEnd := readerFunc(func() error { cancel(); return io.EOF })
				return responseTo(req, 503, io.MultiReader(strings.NewReader(errorBodyJSON(code, "m")), atEnd)), nil
			})
			c := clientOver(t, rt)
			err := getJob(ctx, c)
			if !errors.Is(err, context.Canceled) || !errors.Is(err, kind) ||
				!strings.Contains(err.Error(), "(phase backoff, attempt 1, after 0s, ice.cn-shanghai.aliyuncs.com)") {
				t.Errorf("%s: the error is %v", code, err)
			}
			rt.wantRequests(t, 1)
			if c.quota.used != 0 {
				t.Errorf("%s: the retry that was not made cost %d", code, c.quota.used)
			}
		})
	}
}

// A stopSignal is a cause of the caller's own.
type stopSignal struct{ reason string }

func (s stopSignal) Error() string { return s.reason }

// TestCauseIsFound checks that errors.Is and errors.As find the caller's cause, also if its type is not comparable.
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

// TestCauseEndsNoJob checks that a watcher keeps its jobs when a range over its events ends with the error of something
// else.
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

// TestCauseIsNotTheEnd checks that a cause turns neither a cancellation into a timeout nor the reverse.
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
