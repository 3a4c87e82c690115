package livetranscode_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// A stopSignal is a cause of a caller's own.
type stopSignal struct{ reason string }

func (s stopSignal) Error() string { return s.reason }

// TestCauseIsNotTheKind: errgroup cancels its context with the failure of another goroutine. That is no failure of
// the calls that it cuts off.
func TestCauseIsNotTheKind(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		client := srv.Client()
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		_, sibling := client.GetLiveTranscodeJob(t.Context(), "no such job")
		if !errors.Is(sibling, livetranscode.ErrNotFound) {
			t.Fatal(sibling)
		}
		ends := func() context.Context {
			ctx, cancel := context.WithCancelCause(t.Context())
			after(time.Second, func() { cancel(sibling) })
			return ctx
		}
		for name, call := range map[string]func() error{
			"a call that was throttled": func() error {
				srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 10 * time.Second})
				_, err := client.GetLiveTranscodeJob(ends(), id)
				return err
			},
			"a call without an answer": func() error {
				srv.Inject(livetranscodetest.Fault{Latency: 10 * time.Second})
				_, err := client.GetLiveTranscodeJob(ends(), id)
				return err
			},
			"a wait": func() error { _, err := client.WaitForStatus(ends(), id, stopped); return err },
			"a wait for all": func() error {
				srv.Inject(livetranscodetest.Fault{Latency: 10 * time.Second})
				_, err := client.WaitForAll(ends(), []string{id}, stopped)
				return err
			},
		} {
			err := call()
			var api *livetranscode.APIError
			if !errors.Is(err, context.Canceled) || errors.Is(err, livetranscode.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
			if errors.As(err, &api) && api.Code != "Throttling.User" {
				t.Errorf("%s: the other call's %v is found", name, api)
			}
			srv.ClearFaults()
		}
	})
}

// TestCauseIsFound: a cause of the caller's own can be found, also if it is of a type that cannot be compared.
func TestCauseIsFound(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		client := srv.Client()
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		joined := errors.Join(errors.New("one"), stopSignal{"shutting down"})
		for _, cause := range []error{stopSignal{"shutting down"}, joined, livetranscode.WaitErrors{{JobID: "x", Err: stopSignal{"shutting down"}}}} {
			ctx, cancel := context.WithCancelCause(t.Context())
			after(time.Second, func() { cancel(cause) })
			_, err := client.WaitForStatus(ctx, id, stopped)
			var signal stopSignal
			if !errors.Is(err, context.Canceled) || !errors.As(err, &signal) || !errors.Is(err, stopSignal{"shutting down"}) {
				t.Errorf("%v does not hold %v", err, cause)
			}
			if errors.Is(err, livetranscode.ErrThrottled) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
		}
	})
}

// TestCauseEndsNoJob: a range that ends with the failure of something else as its cause keeps its jobs.
func TestCauseEndsNoJob(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		client := srv.Client()
		_, refused := client.GetLiveTranscodeJob(t.Context(), "no such job")
		for _, cause := range []error{refused, livetranscode.ErrNotFound, errors.Join(errors.New("a"), refused)} {
			id := srv.AddJob(livetranscode.Job{Status: inProgress})
			w := client.NewWatcher()
			w.Add(id)
			ctx, cancel := context.WithCancelCause(t.Context())
			after(9*time.Second, func() { srv.Inject(livetranscodetest.Fault{Latency: 20 * time.Second}) })
			after(15*time.Second, func() { cancel(cause) })
			for _, err := range w.Events(ctx) {
				if err != nil && (!errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "\n")) {
					t.Errorf("it ended with %q", err)
				}
			}
			srv.ClearFaults()
			after(time.Minute, func() { srv.SetStatus(id, stopped) })
			event := next(t, watch(t.Context(), t, w))
			if event.Err != nil || event.Job.Status != stopped {
				t.Errorf("after %v: %+v", cause, event)
			}
		}
	})
}

// TestCauseIsNotTheEnd: how a context ended is the context's to say, not its cause's.
func TestCauseIsNotTheEnd(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		client := srv.Client()
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		cancelled, cancel := context.WithCancelCause(t.Context())
		after(time.Second, func() { cancel(fmt.Errorf("a sibling: %w", context.DeadlineExceeded)) })
		if _, err := client.WaitForStatus(cancelled, id, stopped); !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		for _, cause := range []error{fmt.Errorf("a sibling: %w", context.Canceled), &net.OpError{Op: "dial", Err: errors.New("refused")}} {
			late, stop := context.WithTimeoutCause(t.Context(), 2*time.Second, cause)
			_, err := client.WaitForStatus(late, id, stopped)
			stop()
			var timeout net.Error
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("%v: %v", err, timeout)
			}
		}
	})
}
