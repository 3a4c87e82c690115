package livetranscodetemporal

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestStopRefused: no error of the activity Stop is permanent, since the job may be running.
func TestStopRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		operation string
		code      string
		byName    bool
		kind      string
	}{
		{name: "the stop is invalid", operation: "SendLiveTranscodeJobCommand", code: "InvalidParameter", kind: "invalid_request"},
		{name: "the confirmation is invalid", operation: "GetLiveTranscodeJob", code: "InvalidParameter", kind: "invalid_request"},
		{name: "the list is invalid", operation: "ListLiveTranscodeJobs", code: "InvalidParameter", byName: true, kind: "invalid_request"},
		{name: "the list is not found", operation: "ListLiveTranscodeJobs", code: "JobNotFound", byName: true, kind: "not_found"},
		{name: "the stop by name is invalid", operation: "SendLiveTranscodeJobCommand", code: "InvalidStatus", byName: true, kind: "invalid_request"},
		{name: "a provider's own error", kind: "other"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := newEmulator()
			req := StopRequest{Name: "match", JobID: e.add(livetranscode.JobStatusInProgress)}
			if test.byName {
				req.JobID = ""
			}
			if test.operation == "" {
				e.client = e.Server.Client(livetranscode.WithLimiter(ownError{}), livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1}))
			} else {
				e.Inject(livetranscodetest.Fault{Operation: test.operation, Code: test.code})
			}
			_, err := runActivity(t, e, e.Stop, req)
			checkRetried(t, err, test.kind)
		})
	}
}

// ownError is a limiter that fails with a permanent error of the user's own.
type ownError struct{}

func (ownError) Wait(context.Context) error { return permanent("mine") }

func TestStop(t *testing.T) {
	t.Parallel()
	inProgress := func(e *emulator) string { return e.add(livetranscode.JobStatusInProgress) }
	strict := []livetranscodetest.Option{livetranscodetest.WithStrictCommands()}
	cases := []struct {
		name    string
		add     func(e *emulator) string // returns the id to stop
		opts    []livetranscodetest.Option
		attempt int32
		took    time.Duration
		stops   int
		err     error
		gone    bool
	}{
		{name: "it runs", add: inProgress, attempt: 1, stops: 1},
		{name: "it runs, second attempt", add: inProgress, attempt: 2, stops: 1},
		{name: "it has stopped, second attempt", attempt: 2, add: func(e *emulator) string { return e.add(livetranscode.JobStatusStopped) }},
		{name: "it has stopped", attempt: 1, stops: 1, add: func(e *emulator) string { return e.add(livetranscode.JobStatusStopped) }},
		{
			name: "it has stopped, and the service refuses to stop it again", attempt: 1, stops: 1, opts: strict,
			add: func(e *emulator) string { return e.add(livetranscode.JobStatusStopped) },
		},
		{
			name: "it has stopped, and the service refuses to stop it again as an invalid request", attempt: 1, stops: 1,
			add: func(e *emulator) string {
				e.Inject(livetranscodetest.Fault{Operation: "SendLiveTranscodeJobCommand", Code: "InvalidStatus"})
				return e.add(livetranscode.JobStatusStopped)
			},
		},
		{
			name: "it has not started, and the service refuses to stop it", attempt: 1, stops: 1, opts: strict,
			add: func(e *emulator) string { return e.add(livetranscode.JobStatusNotStarted) }, err: livetranscode.ErrForbidden,
		},
		{
			name: "unknown", attempt: 1, took: searchTime, stops: 11, gone: true,
			add: func(*emulator) string { return "unknown" },
		},
		{
			name: "unknown to a replica", attempt: 1, took: 4 * searchPause, stops: 5,
			add: func(e *emulator) string {
				e.Inject(livetranscodetest.Fault{Operation: "SendLiveTranscodeJobCommand", Code: "JobNotFound", Times: 4})
				return inProgress(e)
			},
		},
		{
			name: "throttled", attempt: 1, stops: 1, err: livetranscode.ErrThrottled,
			add: func(e *emulator) string {
				e.Inject(livetranscodetest.Fault{
					Operation: "SendLiveTranscodeJobCommand", Code: "Throttling.User", RetryAfter: 5 * time.Minute,
				})
				return inProgress(e)
			},
		},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEmulator(test.opts...)
				id := test.add(e)
				start := time.Now()
				job, err := e.stop(t.Context(), id, test.attempt)
				if !errors.Is(err, test.err) {
					t.Fatalf("error %v, want %v", err, test.err)
				}
				if got := e.count("SendLiveTranscodeJobCommand"); got != test.stops {
					t.Errorf("%d Stops, want %d", got, test.stops)
				}
				if took := time.Since(start); took < test.took || took > test.took+time.Second {
					t.Errorf("took %v, want %v", took, test.took)
				}
				switch {
				case err != nil:
				case test.gone:
					if job != nil {
						t.Errorf("job %v, want none", job)
					}
				case job == nil || job.JobID != id || !job.Status.Final():
					t.Errorf("job %v, want it stopped", job)
				}
			})
		})
	}
}

func TestStopByName(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		req   StopRequest
		opts  []livetranscodetest.Option
		add   func(t *testing.T, e *emulator)
		stops int
		took  time.Duration
	}{
		{name: "none", took: searchTime, add: func(_ *testing.T, e *emulator) {
			e.AddJob(livetranscode.Job{Name: "match-2", Status: livetranscode.JobStatusInProgress})
		}},
		{name: "two", stops: 2, add: func(_ *testing.T, e *emulator) {
			e.add(livetranscode.JobStatusInProgress)
			e.add(livetranscode.JobStatusInProgress)
		}},
		{name: "another template", took: searchTime, req: StopRequest{Spec: &JobSpec{Name: "match"}}, add: func(_ *testing.T, e *emulator) {
			e.AddJob(livetranscode.Job{Name: "match", TemplateID: "other", Status: livetranscode.JobStatusInProgress})
			e.AddJob(livetranscode.Job{Name: "match", TemplateID: "other", Status: livetranscode.JobStatusStopped})
		}},
		{name: "created before", took: searchTime, req: StopRequest{CreatedSince: time.Now()}, add: func(_ *testing.T, e *emulator) {
			e.add(livetranscode.JobStatusInProgress) // in 2000, by the clock of synctest
		}},
		{name: "own", stops: 1, req: StopRequest{Spec: &JobSpec{Name: "match"}, CreatedSince: synctestStart.Add(clockSkew - time.Second)}, add: func(_ *testing.T, e *emulator) {
			e.add(livetranscode.JobStatusInProgress)
		}},
		{name: "the request function fails", stops: 1, req: StopRequest{Spec: &JobSpec{Name: "match"}}, add: func(_ *testing.T, e *emulator) {
			e.add(livetranscode.JobStatusInProgress)
			e.request = func(context.Context, JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error) {
				return nil, errTransient
			}
		}},
		{name: "it has stopped", add: func(_ *testing.T, e *emulator) { e.add(livetranscode.JobStatusStopped) }},
		{
			name: "listed late", stops: 1, took: 21 * time.Second,
			opts: []livetranscodetest.Option{livetranscodetest.WithVisibilityDelay(20 * time.Second)},
			add: func(t *testing.T, e *emulator) {
				if _, err := e.submit(t.Context(), JobSpec{Name: "match"}, true, time.Time{}); err != nil {
					t.Error(err)
				}
			},
		},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEmulator(test.opts...)
				test.add(t, e)
				start := time.Now()
				test.req.Name = "match"
				job, err := e.stopByName(t.Context(), test.req)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took < test.took || took > test.took+time.Second {
					t.Errorf("took %v, want %v", took, test.took)
				}
				if got := e.count("SendLiveTranscodeJobCommand"); got != test.stops {
					t.Errorf("%d Stops, want %d", got, test.stops)
				}
				for _, job := range e.Jobs() {
					if running := !job.Status.Final(); running && test.took < searchTime {
						t.Errorf("job %v runs", job)
					}
				}
				if found := job != nil; found != (test.took < searchTime) {
					t.Errorf("job %v", job)
				}
			})
		})
	}
}
