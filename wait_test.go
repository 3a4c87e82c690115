package livetranscode_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func waitError(t *testing.T, err error) *livetranscode.WaitError {
	t.Helper()
	var wait *livetranscode.WaitError
	if !errors.As(err, &wait) {
		t.Fatalf("error is %T (%v), want a *WaitError", err, err)
	}
	if strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("error is not one line: %q", err)
	}
	return wait
}

func TestWaitReturnsAtOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		start := time.Now()
		job, err := srv.Client().WaitForStatus(t.Context(), id, inProgress)
		if err != nil || job.JobID != id {
			t.Fatal(job, err)
		}
		if time.Since(start) != 0 || len(srv.Calls()) != 1 {
			t.Errorf("took %v and %d calls", time.Since(start), len(srv.Calls()))
		}
	})
}

func TestWaitPollsLessAndLessOften(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		start := time.Now()
		after(time.Hour, func() { srv.SetStatus(id, inProgress) })
		if _, err := srv.Client().WaitForStatus(t.Context(), id, inProgress); err != nil {
			t.Fatal(err)
		}
		calls := srv.Calls()
		if n := len(calls); n < 100 || n > 220 {
			t.Errorf("%d polls in an hour", n)
		}
		distinct := map[time.Duration]bool{}
		for i, gap := range gaps(calls) {
			elapsed := calls[i].Time.Sub(start)
			var least, most time.Duration
			switch {
			case elapsed <= 30*time.Second:
				least, most = 1800*time.Millisecond, 2200*time.Millisecond
			case elapsed >= 10*time.Minute:
				least, most = 27*time.Second, 33*time.Second
			default:
				least, most = 1800*time.Millisecond, 33*time.Second
			}
			if gap < least || gap > most {
				t.Errorf("after %v the gap is %v", elapsed, gap)
			}
			distinct[gap] = true
		}
		if len(distinct) < len(calls)/2 {
			t.Errorf("only %d different gaps in %d polls: no jitter", len(distinct), len(calls))
		}
	})
}

func TestWaitPollsJustBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Name: "late"})
		ctx, cancel := context.WithTimeout(t.Context(), 17*time.Minute)
		defer cancel()
		deadline, _ := ctx.Deadline()
		job, err := srv.Client().WaitForStatus(ctx, id, inProgress)
		wait := waitError(t, err)
		if job != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, %v", job, err)
		}
		calls := srv.Calls()
		if last := deadline.Sub(calls[len(calls)-1].Time); last > time.Second || last <= 0 {
			t.Errorf("the last poll is %v before the deadline", last)
		}
		if wait.Last == nil || wait.Last.Name != "late" || wait.Polls != len(calls) || wait.JobID != id {
			t.Errorf("wait error is %+v after %d calls", wait, len(calls))
		}
		if !time.Now().Equal(deadline) {
			t.Errorf("returned %v after the deadline", time.Since(deadline))
		}
	})
}

func TestWaitPollInterval(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		after(10*time.Minute, func() { srv.SetStatus(id, stopped) })
		_, err := srv.Client().WaitForStatus(t.Context(), id, stopped, livetranscode.PollInterval(time.Minute, 0))
		if err != nil {
			t.Fatal(err)
		}
		for _, gap := range gaps(srv.Calls()) {
			if gap < 54*time.Second || gap > 66*time.Second {
				t.Errorf("gap of %v", gap)
			}
		}
	})
}

func TestWaitUnreachable(t *testing.T) {
	t.Parallel()
	for _, want := range []livetranscode.JobStatus{notStarted, inProgress, 7} {
		t.Run(want.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				id := srv.AddJob(livetranscode.Job{Status: stopped})
				_, err := srv.Client().WaitForStatus(t.Context(), id, want)
				if wait := waitError(t, err); !errors.Is(err, livetranscode.ErrJobStopped) || wait.Last.Status != stopped || wait.Polls != 1 {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestWaitForUnknownStatusContinues(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: livetranscode.JobStatusUnknown})
		after(time.Minute, func() { srv.SetStatus(id, 9) })
		after(2*time.Minute, func() { srv.SetStatus(id, inProgress) })
		if _, err := srv.Client().WaitForStatus(t.Context(), id, inProgress); err != nil {
			t.Error(err)
		}
	})
}

func TestWaitToleratesTransientFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault livetranscodetest.Fault
		polls int // failed ones; a poll is three attempts
		opts  []livetranscode.PollOption
		want  error // nil: the wait succeeds
	}{
		{"five unavailable", livetranscodetest.Fault{Code: "ServiceUnavailable"}, 5, nil, nil},
		{"six unavailable", livetranscodetest.Fault{Code: "ServiceUnavailable"}, 6, nil, livetranscode.ErrUnavailable},
		{"five throttled", livetranscodetest.Fault{Code: "Throttling.User"}, 5, nil, nil},
		{"six throttled", livetranscodetest.Fault{Code: "Throttling.User"}, 6, nil, livetranscode.ErrThrottled},
		{"five dropped", livetranscodetest.Fault{Drop: true}, 5, nil, nil},
		{"none tolerated", livetranscodetest.Fault{Drop: true}, 1, []livetranscode.PollOption{livetranscode.TolerateErrors(0)}, livetranscode.ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				id := srv.AddJob(livetranscode.Job{Status: inProgress})
				tt.fault.Times = 3 * tt.polls
				srv.Inject(tt.fault)
				_, err := srv.Client().WaitForStatus(t.Context(), id, inProgress, tt.opts...)
				if tt.want == nil {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if wait := waitError(t, err); !errors.Is(err, tt.want) || wait.Polls != tt.polls || wait.Last != nil {
					t.Errorf("got %v after %d polls", err, wait.Polls)
				}
			})
		})
	}
}

// Failures count only in a row.
func TestWaitCountsConsecutiveFailures(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		polls := 0
		srv.Inject(livetranscodetest.Fault{Code: "InternalError", Times: 3 * 4})
		_, err := srv.Client().WaitForStatus(t.Context(), id, inProgress, livetranscode.OnPoll(func(*livetranscode.Job) {
			if polls++; polls == 6 {
				srv.SetStatus(id, inProgress)
			} else {
				srv.Inject(livetranscodetest.Fault{Code: "InternalError", Times: 3 * 4})
			}
		}))
		if err != nil {
			t.Error(err)
		}
	})
}

func TestWaitEndsAtOnceOnPermanentFailures(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{
		"Forbidden.RAM":               livetranscode.ErrForbidden,
		"InvalidAccessKeyId.NotFound": livetranscode.ErrAuthentication,
		"InvalidParameter":            livetranscode.ErrInvalidRequest,
		"InvalidAction.NotFound":      livetranscode.ErrInvalidRequest,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				id := srv.AddJob(livetranscode.Job{})
				srv.Inject(livetranscodetest.Fault{Code: code, Times: -1})
				_, err := srv.Client().WaitForStatus(t.Context(), id, inProgress)
				if waitError(t, err); !errors.Is(err, want) || len(srv.Calls()) != 1 {
					t.Errorf("got %v after %d calls", err, len(srv.Calls()))
				}
			})
		})
	}
}

func TestWaitNotFoundGrace(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		after(20*time.Second, func() { srv.AddJob(livetranscode.Job{JobID: "late", Status: inProgress}) })
		if _, err := srv.Client().WaitForStatus(t.Context(), "late", inProgress); err != nil {
			t.Error("within the grace:", err)
		}
		start := time.Now()
		_, err := srv.Client().WaitForStatus(t.Context(), "never", inProgress)
		if waitError(t, err); !errors.Is(err, livetranscode.ErrNotFound) {
			t.Error(err)
		}
		if d := time.Since(start); d < 30*time.Second || d > 33*time.Second {
			t.Errorf("gave up after %v", d)
		}
		start = time.Now()
		_, err = srv.Client().WaitForStatus(t.Context(), "never", inProgress, livetranscode.NotFoundGrace(0))
		if !errors.Is(err, livetranscode.ErrNotFound) || time.Since(start) != 0 {
			t.Errorf("without grace: %v after %v", err, time.Since(start))
		}
		// A job that was read has no grace.
		after(5*time.Second, func() { srv.RemoveJob("late") })
		_, err = srv.Client().WaitForStatus(t.Context(), "late", stopped)
		if wait := waitError(t, err); !errors.Is(err, livetranscode.ErrNotFound) || wait.Last == nil {
			t.Errorf("deleted: %v", err)
		}
	})
}

func TestWaitContext(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		client := srv.Client()

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := client.WaitForStatus(ctx, id, inProgress)
		if wait := waitError(t, err); !errors.Is(err, context.Canceled) || wait.Polls != 0 || len(srv.Calls()) != 0 {
			t.Errorf("cancelled before: %v", err)
		}

		// Cancelled while it waits, with a cause, after a failed poll: all three can be told.
		reason := errors.New("shutting down")
		ctx, cancelCause := context.WithCancelCause(t.Context())
		after(5*time.Second, func() { srv.Inject(livetranscodetest.Fault{Code: "Throttling", Times: -1}) })
		after(30*time.Second, func() { cancelCause(reason) })
		_, err = client.WaitForStatus(ctx, id, inProgress)
		wait := waitError(t, err)
		for _, want := range []error{context.Canceled, reason, livetranscode.ErrThrottled} {
			if !errors.Is(err, want) {
				t.Errorf("%v is not %v", err, want)
			}
		}
		if wait.Last == nil || wait.Last.Status != notStarted {
			t.Errorf("the last job is %v", wait.Last)
		}

		// Cancelled in the middle of a poll.
		srv.ClearFaults()
		srv.Inject(livetranscodetest.Fault{Latency: time.Minute})
		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err = client.WaitForStatus(ctx, id, inProgress)
		if waitError(t, err); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestWaitUntil(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: stopped, Name: "judged"})
		client := srv.Client()
		job, err := client.WaitUntil(t.Context(), id, func(job *livetranscode.Job) (bool, error) {
			return job.Status == stopped, nil // stopped jobs are judged too
		})
		if err != nil || job.Name != "judged" {
			t.Error(job, err)
		}
		boom := errors.New("boom")
		_, err = client.WaitUntil(t.Context(), id, func(*livetranscode.Job) (bool, error) { return true, boom })
		if wait := waitError(t, err); !errors.Is(err, boom) || wait.Polls != 1 {
			t.Error(err)
		}
	})
}

// TestWaitRetryAfter: a transient failure with a Retry-After delay is not counted, and the next poll comes after it.
func TestWaitRetryAfter(t *testing.T) {
	t.Parallel()
	proxy := func(status int, retryAfter string) livetranscodetest.Fault {
		return livetranscodetest.Fault{StatusCode: status, Header: http.Header{"Retry-After": {retryAfter}}}
	}
	for name, tt := range map[string]struct {
		fault livetranscodetest.Fault
		delay time.Duration
	}{
		"502":                  {proxy(502, "90"), 90 * time.Second},
		"503":                  {proxy(503, "90"), 90 * time.Second},
		"504":                  {proxy(504, "90"), 90 * time.Second},
		"429 of a proxy":       {proxy(429, "90"), 90 * time.Second},
		"ServiceUnavailable":   {livetranscodetest.Fault{Code: "ServiceUnavailable", RetryAfter: 90 * time.Second}, 90 * time.Second},
		"InternalError":        {livetranscodetest.Fault{Code: "InternalError", RetryAfter: 3 * time.Minute}, 3 * time.Minute},
		"Throttling":           {livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 3 * time.Minute}, 3 * time.Minute},
		"more than an hour":    {livetranscodetest.Fault{StatusCode: 503, RetryAfter: 48 * time.Hour}, time.Hour},
		"beyond all durations": {livetranscodetest.Fault{StatusCode: 503, Header: http.Header{"X-Acs-Retry-After": {"9223372036854775807"}}}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				id := srv.AddJob(livetranscode.Job{Status: inProgress})
				tt.fault.Times = 20
				srv.Inject(tt.fault)
				_, err := srv.Client().WaitForStatus(t.Context(), id, inProgress, livetranscode.TolerateErrors(0))
				calls := gaps(srv.Calls())
				if err != nil || len(calls) != 20 {
					t.Fatalf("%v after %d polls", err, len(calls)+1)
				}
				for _, gap := range calls {
					if gap < tt.delay || gap > tt.delay*11/10 {
						t.Errorf("polled again after %v", gap)
					}
				}
			})
		})
	}
}

// TestWaitNotFoundOnce: replicas of the service can disagree for a moment, but a job that is not found twice in a row
// is gone, whatever failures lie between.
func TestWaitNotFoundOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		polls := 0
		_, err := srv.Client().WaitForStatus(t.Context(), id, inProgress, livetranscode.NotFoundGrace(0), livetranscode.OnPoll(func(*livetranscode.Job) {
			if polls++; polls < 5 {
				srv.Inject(livetranscodetest.Fault{Code: "JobNotFound"})
			} else {
				srv.SetStatus(id, inProgress)
			}
		}))
		if err != nil || polls != 6 {
			t.Errorf("%v after %d good polls", err, polls)
		}
		srv.SetStatus(id, notStarted)
		srv.ResetCalls()
		_, err = srv.Client().WaitForStatus(t.Context(), id, inProgress, livetranscode.OnPoll(func(*livetranscode.Job) {
			srv.Inject(livetranscodetest.Fault{Code: "JobNotFound"})
			srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable", Times: 3})
			srv.Inject(livetranscodetest.Fault{Code: "JobNotFound"})
		}))
		if wait := waitError(t, err); !errors.Is(err, livetranscode.ErrNotFound) || wait.Polls != 4 || wait.Last == nil {
			t.Errorf("not found twice: %v", err)
		}
	})
}

func TestWaitArguments(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	yes := func(*livetranscode.Job) (bool, error) { return true, nil }
	tests := []struct {
		operation, field string
		call             func() error
	}{
		{"WaitForStatus", "jobID", func() error { _, err := client.WaitForStatus(t.Context(), "", inProgress); return err }},
		{"WaitForStatus", "want", func() error {
			_, err := client.WaitForStatus(t.Context(), "j", livetranscode.JobStatusUnknown)
			return err
		}},
		{"WaitUntil", "cond", func() error { _, err := client.WaitUntil(t.Context(), "j", nil); return err }},
		{"PollInterval", "first", func() error {
			_, err := client.WaitUntil(t.Context(), "j", yes, livetranscode.PollInterval(-1, 0))
			return err
		}},
		{"PollInterval", "max", func() error {
			_, err := client.WaitUntil(t.Context(), "j", yes, nil, livetranscode.PollInterval(0, -1))
			return err
		}},
		{"TolerateErrors", "inARow", func() error {
			_, err := client.WaitUntil(t.Context(), "j", yes, livetranscode.TolerateErrors(-1))
			return err
		}},
		{"Concurrency", "n", func() error {
			_, err := client.WaitUntil(t.Context(), "j", yes, livetranscode.Concurrency(-1))
			return err
		}},
		{"NotFoundGrace", "d", func() error {
			_, err := client.WaitUntil(t.Context(), "j", yes, livetranscode.NotFoundGrace(-1))
			return err
		}},
		{"WaitForAll", "want", func() error { _, err := client.WaitForAll(t.Context(), []string{"j"}, -1); return err }},
		{"WaitForAll", "jobIDs", func() error { _, err := client.WaitForAll(t.Context(), []string{"j", ""}, inProgress); return err }},
		{"WatchJobs", "jobIDs", func() error {
			for _, err := range client.WatchJobs(t.Context(), []string{""}) {
				return err
			}
			return nil
		}},
		{"Concurrency", "n", func() error {
			for _, err := range client.NewWatcher(livetranscode.Concurrency(-1)).Events(t.Context()) {
				return err
			}
			return nil
		}},
	}
	for _, tt := range tests {
		var refused *livetranscode.ParamError
		if err := tt.call(); !errors.As(err, &refused) || refused.Operation != tt.operation || refused.Field != tt.field {
			t.Errorf("%s, %s: got %v", tt.operation, tt.field, err)
		}
	}
	if n := len(srv.Calls()); n != 0 {
		t.Errorf("%d calls were sent", n)
	}
}

// TestWaitEndedByItsContextInCond: the context ends while the job is judged. What was found then does not count: a
// caller that has given up is not told of success.
func TestWaitEndedByItsContextInCond(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Status: livetranscode.JobStatusInProgress})
	ctx, cancel := context.WithCancel(t.Context())
	job, err := srv.Client().WaitUntil(ctx, id, func(*livetranscode.Job) (bool, error) { cancel(); return true, nil })
	var wait *livetranscode.WaitError
	if job != nil || !errors.As(err, &wait) || !errors.Is(err, context.Canceled) || wait.Last == nil {
		t.Errorf("%v, %v, want a *WaitError of a cancelled context that has the job", job, err)
	}
}
