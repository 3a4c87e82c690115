package livetranscode_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// When the deadline falls into a sweep, what the sweep has found counts; and what ended the rest is told.
func TestWaitForAllCutOff(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 40, 7) // on no page: a Get each, eight at a time, and not all in the last half second
		after(time.Minute, func() {
			for _, id := range ids {
				srv.SetStatus(id, stopped)
			}
			srv.Inject(livetranscodetest.Fault{Operation: "GetLiveTranscodeJob", Latency: 200 * time.Millisecond, Times: -1})
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute+3*time.Second)
		defer cancel()
		arrived, err := srv.Client().WaitForAll(ctx, ids, stopped, livetranscode.PollInterval(10*time.Minute, 0))
		var failed livetranscode.WaitErrors
		if !errors.As(err, &failed) || len(arrived) == 0 || len(arrived)+len(failed) != len(ids) {
			t.Fatalf("%d arrived, %d failed: %v", len(arrived), len(failed), err)
		}
		for _, wait := range failed {
			if wait.Last != nil && wait.Last.Status == stopped || !errors.Is(wait, context.DeadlineExceeded) {
				t.Errorf("%v", wait)
			}
		}
	})
}

func TestWaitForAllInAnOutage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		srv.Inject(livetranscodetest.Fault{StatusCode: 503, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		_, err := srv.Client().WaitForAll(ctx, []string{"a"}, stopped)
		wait := waitError(t, err)
		for _, want := range []error{context.DeadlineExceeded, livetranscode.ErrUnavailable} {
			if !errors.Is(err, want) {
				t.Errorf("%v is not %v", err, want)
			}
		}
		if wait.Polls < 2 || wait.Last != nil {
			t.Errorf("%d polls, last %v", wait.Polls, wait.Last)
		}
	})
}

// TestWaitForAllCountsPolls: a poll that a sweep did not get to is none.
func TestWaitForAllCountsPolls(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 200, 7)
		srv.Inject(livetranscodetest.Fault{StatusCode: 503, Times: -1})
		_, err := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1})).WaitForAll(t.Context(), ids, stopped)
		var failed livetranscode.WaitErrors
		if !errors.As(err, &failed) || len(failed) != len(ids) {
			t.Fatal(err)
		}
		asked := make(map[string]int)
		for _, call := range srv.Calls() {
			asked[call.Query.Get("JobId")]++
		}
		for _, wait := range failed {
			if wait.Polls != asked[wait.JobID] {
				t.Errorf("asked for %d times: %v", asked[wait.JobID], wait)
			}
		}
	})
}

// TestWaitForAllCutOffInTheFirstPoll: a poll that ctx cuts off is a poll.
func TestWaitForAllCutOffInTheFirstPoll(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		srv.Inject(livetranscodetest.Fault{Latency: 10 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := srv.Client().WaitForAll(ctx, []string{srv.AddJob(livetranscode.Job{})}, stopped)
		if wait := waitError(t, err); wait.Polls != 1 {
			t.Error(wait)
		}
	})
}

func TestWaitForAll(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 6, notStarted)
		for _, id := range ids[:3] {
			after(time.Minute, func() { srv.SetStatus(id, inProgress) })
		}
		after(time.Minute, func() { srv.SetStatus(ids[3], stopped); srv.RemoveJob(ids[4]) })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		deadline, _ := ctx.Deadline()
		arrived, err := srv.Client().WaitForAll(ctx, append(ids, ids[0], "never"), inProgress)
		if got, want := slices.Sorted(maps.Keys(arrived)), slices.Sorted(slices.Values(ids[:3])); !slices.Equal(got, want) {
			t.Errorf("arrived: %v, want %v", got, want)
		}
		waitError(t, err)
		var many interface{ Unwrap() []error }
		if !errors.As(err, &many) {
			t.Fatalf("the error is a %T", err)
		}
		want := map[string]error{
			ids[3]: livetranscode.ErrJobStopped, ids[4]: livetranscode.ErrNotFound, "never": livetranscode.ErrNotFound,
			ids[5]: context.DeadlineExceeded,
		}
		for _, err := range many.Unwrap() {
			wait := waitError(t, err)
			if !errors.Is(err, want[wait.JobID]) || (wait.Last == nil) != (wait.JobID == "never") || wait.Polls == 0 {
				t.Errorf("%v, want %v", err, want[wait.JobID])
			}
			delete(want, wait.JobID)
		}
		if len(want) > 0 {
			t.Errorf("no error for %v", want)
		}
		calls := srv.Calls()
		if last := deadline.Sub(calls[len(calls)-1].Time); last > time.Second {
			t.Errorf("the last poll is %v before the deadline", last)
		}
	})
}

func TestWaitForAllOfNone(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	arrived, err := srv.Client().WaitForAll(t.Context(), nil, stopped)
	if err != nil || len(arrived) != 0 || len(srv.Calls()) != 0 {
		t.Error(arrived, err)
	}
}

func TestWaitForAllEndsWithTheWatch(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 3, notStarted)
		after(time.Minute, func() { srv.SetCredentials() })
		arrived, err := srv.Client().WaitForAll(t.Context(), ids, stopped)
		if waitError(t, err); len(arrived) != 0 || !errors.Is(err, livetranscode.ErrAuthentication) {
			t.Error(arrived, err)
		}
	})
}

// TestWaitForAllWithoutList: List fails, Gets do not; 101 jobs are one more than a sweep then polls.
func TestWaitForAllWithoutList(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 101, inProgress)
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 503, Times: -1})
		arrived, err := srv.Client(one()).WaitForAll(t.Context(), ids, inProgress, livetranscode.TolerateErrors(1))
		if err != nil || len(arrived) != len(ids) {
			t.Errorf("%d arrived, %v", len(arrived), err)
		}
	})
}
