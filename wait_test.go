package livetranscode_test

import (
	"context"
	"errors"
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
