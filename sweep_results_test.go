package livetranscode_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestWatchStalePollsDoNotCount: an older poll never replaces a newer one; here it is the Get of a removed and re-added
// job.
func TestWatchStalePollsDoNotCount(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: notStarted})
		// The response is made at the start and arrives later.
		client := srv.Client(delayResponse(srv, 1, 20*time.Second))
		w := client.NewWatcher()
		w.Add(id)
		after(5*time.Second, func() {
			w.Remove(id)
			w.Add(id)
			srv.SetStatus(id, inProgress)
		})
		pull := watch(t.Context(), t, w)
		if event := next(t, pull); event.Job.Status != inProgress || event.Previous != nil {
			t.Errorf("got %+v", event)
		}
	})
}

// TestWatchFailureOfOneJob: the failure of one job affects no other.
func TestWatchFailureOfOneJob(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		good, bad, gone, broken := srv.AddJob(livetranscode.Job{}), "no such id", srv.AddJob(livetranscode.Job{}), srv.AddJob(livetranscode.Job{Status: 7})
		srv.Inject(livetranscodetest.Fault{JobID: bad, Code: "InvalidParameter.JobId", Times: -1})
		srv.Inject(livetranscodetest.Fault{JobID: broken, Code: "InternalError", Times: -1})
		w := srv.Client().NewWatcher()
		w.Add(good, bad, gone, broken)
		after(time.Minute, func() { srv.RemoveJob(gone) })
		after(time.Hour, func() { srv.SetStatus(good, stopped) })
		got := map[string][]livetranscode.JobEvent{}
		for event, err := range w.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got[event.JobID] = append(got[event.JobID], event)
			if event.JobID == good && event.Job.Status == stopped {
				break
			}
		}
		if events := got[bad]; len(events) != 1 || !errors.Is(events[0].Err, livetranscode.ErrInvalidRequest) {
			t.Errorf("the bad id: %+v", events)
		}
		if events := got[gone]; len(events) != 2 || !errors.Is(events[1].Err, livetranscode.ErrNotFound) || events[1].Previous != events[0].Job {
			t.Errorf("the deleted job: %+v", events)
		}
		if events := got[broken]; len(events) != 0 {
			t.Errorf("the job whose Get fails for now: %+v", events)
		}
	})
}

// A refused id ends alone, even if it is the only one that had to be asked for, between two sweeps or in one.
func TestWatchRefusedIDAmongListedOnes(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"InvalidParameter.JobId", "Forbidden"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				ids := addJobs(srv, 50, inProgress)
				srv.Inject(livetranscodetest.Fault{JobID: "foreign", Code: code, Times: -1})
				w := srv.Client().NewWatcher()
				w.Add(ids...)
				pull := watch(t.Context(), t, w)
				for range ids {
					next(t, pull)
				}
				after(time.Minute, func() { w.Add("foreign") })
				var api *livetranscode.APIError
				if event := next(t, pull); event.JobID != "foreign" || !errors.As(event.Err, &api) || api.Code != code {
					t.Errorf("got %+v", event)
				}
				after(time.Minute, func() { srv.SetStatus(ids[7], stopped) })
				if event := next(t, pull); event.JobID != ids[7] {
					t.Errorf("got %+v", event)
				}
			})
		})
	}
}

// TestWatchGraceAndLateResponses: the grace ends when a poll is sent, not when its response arrives.
func TestWatchGraceAndLateResponses(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		// The response to the second poll, sent about 10 s after Add, arrives 25 s later.
		w := srv.Client(delayResponse(srv, 2, 25*time.Second)).NewWatcher()
		w.Add("late")
		after(20*time.Second, func() { srv.AddJob(livetranscode.Job{JobID: "late"}) })
		pull := watch(t.Context(), t, w)
		if event := next(t, pull); event.Err != nil || event.Job.Status != notStarted {
			t.Errorf("got %+v", event)
		}
	})
}

func TestWatchNotFoundGrace(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		w := srv.Client().NewWatcher()
		w.Add("late", "never")
		after(15*time.Second, func() { srv.AddJob(livetranscode.Job{JobID: "late"}) })
		pull := watch(t.Context(), t, w)
		start := time.Now()
		if event := next(t, pull); event.JobID != "late" || event.Err != nil {
			t.Errorf("got %+v", event)
		}
		if event := next(t, pull); event.JobID != "never" || !errors.Is(event.Err, livetranscode.ErrNotFound) {
			t.Errorf("got %+v", event)
		}
		if d := time.Since(start); d < 30*time.Second || d > 45*time.Second {
			t.Errorf("gave up after %v", d)
		}
	})
}

// TestWatchAndWaitRespectRetryAfter: a Retry-After delay is respected, however long.
func TestWatchAndWaitRespectRetryAfter(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 3 * time.Minute})
		if _, err := srv.Client().WaitForStatus(t.Context(), id, inProgress); err != nil {
			t.Error(err)
		}
		if calls := gaps(srv.Calls()); len(calls) != 1 || calls[0] < 3*time.Minute {
			t.Errorf("a wait came back after %v", calls)
		}
		srv.ResetCalls()
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 3 * time.Minute})
		w := srv.Client().NewWatcher()
		w.Add(id)
		next(t, watch(t.Context(), t, w))
		if calls := gaps(srv.Calls()); len(calls) != 1 || calls[0] < 3*time.Minute {
			t.Errorf("a watch came back after %v", calls)
		}
	})
}

// TestWatchHugeRetryAfter: a delay beyond all measure leaves the Watcher awake.
func TestWatchHugeRetryAfter(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		srv.Inject(livetranscodetest.Fault{
			Code: "Throttling.User", Latency: time.Millisecond, Header: http.Header{"X-Acs-Retry-After": {"9223372036854775807"}},
		})
		w := srv.Client().NewWatcher()
		w.Add(srv.AddJob(livetranscode.Job{Status: inProgress}))
		added := srv.AddJob(livetranscode.Job{Status: inProgress})
		after(time.Minute, func() { w.Add(added) })
		start := time.Now()
		pull := watch(t.Context(), t, w)
		if event := next(t, pull); event.JobID != added || time.Since(start) > 2*time.Minute {
			t.Errorf("%+v after %v", event, time.Since(start))
		}
		if event := next(t, pull); event.JobID == added || time.Since(start) > 2*time.Hour {
			t.Errorf("%+v after %v", event, time.Since(start))
		}
	})
}

// TestWatchMalformedCredentials: a provider's file that is being written ends no job, no List and no watch.
func TestWatchMalformedCredentials(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 500, inProgress)
		good := srv.Credentials()
		var calls atomic.Int32
		w := srv.Client(livetranscode.WithCredentials(livetranscode.CredentialsFunc(func(context.Context) (livetranscode.Credentials, error) {
			creds := good
			if n := calls.Add(1); n <= 2 || n%50 == 0 {
				creds.AccessKeySecret += "\n"
			}
			return creds, nil
		}))).NewWatcher(every(10 * time.Second))
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		start := time.Now()
		for range ids {
			if event := next(t, pull); event.Err != nil {
				t.Fatalf("got %+v", event)
			}
		}
		for range 20 {
			srv.SetStatus(ids[0], stopped)
			if event := next(t, pull); event.JobID != ids[0] || event.Err != nil {
				t.Errorf("got %+v", event)
			}
			ids = ids[1:]
		}
		if gets, _ := count(srv.Calls()); time.Since(start) > 8*time.Minute || gets > 2000 {
			t.Errorf("%v and %d Gets", time.Since(start), gets)
		}
	})
}

// TestWatchRetryAfter: a service that is down and says for how long is not asked before, and not given up.
func TestWatchRetryAfter(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 500} {
		bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
			ids := addJobs(srv, n, inProgress)
			w := srv.Client(one()).NewWatcher(every(10*time.Second), livetranscode.TolerateErrors(0))
			w.Add(ids...)
			pull := watch(t.Context(), t, w)
			for range ids {
				next(t, pull)
			}
			srv.Inject(livetranscodetest.Fault{StatusCode: 503, Header: http.Header{"Retry-After": {"90"}}, Times: 100})
			srv.ResetCalls()
			srv.SetStatus(ids[0], stopped)
			next(t, pull)
			var sweeps []time.Duration
			for _, gap := range gaps(srv.Calls()) {
				if gap > time.Second {
					sweeps = append(sweeps, gap)
				}
			}
			if len(sweeps) < 8 || slices.Min(sweeps[1:]) < 90*time.Second {
				t.Errorf("%d jobs: polled again after %v", n, sweeps)
			}
		})
	}
}

// TestWatchRetryAfterOfOneJob: the delay that the Get of one job asks for delays no other job.
func TestWatchRetryAfterOfOneJob(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 20, inProgress)
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
		bad := srv.AddJob(livetranscode.Job{Status: 7})
		srv.Inject(livetranscodetest.Fault{JobID: bad, StatusCode: 503, RetryAfter: time.Hour, Times: -1})
		w := srv.Client(one()).NewWatcher()
		w.Add(bad)
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		start := time.Now()
		for i := range ids {
			next(t, pull)
			after(time.Duration(i)*time.Minute+time.Minute, func() { srv.SetStatus(ids[i], stopped) })
		}
		for range ids {
			next(t, pull)
		}
		if late := time.Since(start); late > 22*time.Minute {
			t.Errorf("after %v", late)
		}
	})
}

// TestWatchNotFoundOnce: replicas can disagree for a moment; a job that was read is lost when the next sweep confirms
// it.
func TestWatchNotFoundOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher(every(10*time.Second), livetranscode.NotFoundGrace(0))
		w.Add(id)
		pull := watch(t.Context(), t, w)
		next(t, pull)
		for i := range 10 {
			after(time.Duration(i)*time.Minute, func() { srv.Inject(livetranscodetest.Fault{Code: "JobNotFound", JobID: id}) })
		}
		after(11*time.Minute, func() { srv.SetStatus(id, inProgress) })
		if event := next(t, pull); event.Err != nil || event.Job.Status != inProgress {
			t.Errorf("got %+v", event)
		}
		srv.RemoveJob(id)
		start := time.Now()
		event := next(t, pull)
		if late := time.Since(start); !errors.Is(event.Err, livetranscode.ErrNotFound) || late < 9*time.Second || late > 25*time.Second {
			t.Errorf("%+v after %v", event, time.Since(start))
		}
	})
}
