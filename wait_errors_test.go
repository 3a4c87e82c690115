package livetranscode_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

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
