package livetranscodetemporal

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// An emulator is a server with the template of request, and the activities that call it.
type emulator struct {
	*livetranscodetest.Server
	*Activities
}

func newEmulator(opts ...livetranscodetest.Option) *emulator {
	srv := livetranscodetest.NewServer(opts...)
	srv.AddTemplate(livetranscode.Template{TemplateID: "template"})
	return &emulator{Server: srv, Activities: &Activities{client: srv.Client(), request: request}}
}

// count returns how many requests of an operation the service has received.
func (e *emulator) count(operation string) (n int) {
	for _, call := range e.Calls() {
		if call.Operation == operation {
			n++
		}
	}
	return n
}

// add adds a job as request describes it.
func (e *emulator) add(status livetranscode.JobStatus) string {
	req, _ := request(context.Background(), JobSpec{})
	return e.AddJob(livetranscode.Job{Name: "match", TemplateID: req.TemplateID, StreamInput: req.StreamInput, Status: status})
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		setup   func(e *emulator)
		opts    []livetranscodetest.Option
		attempt int32
		took    time.Duration
		submits int
		status  livetranscode.JobStatus
		err     error
	}{
		{name: "new", attempt: 1, submits: 1, status: livetranscode.JobStatusUnknown},
		{name: "new, second attempt", attempt: 2, took: searchTime, submits: 1, status: livetranscode.JobStatusUnknown},
		{
			name: "it runs", attempt: 1, status: livetranscode.JobStatusInProgress,
			setup: func(e *emulator) { e.add(livetranscode.JobStatusInProgress) },
		},
		{
			name: "it runs, second attempt", attempt: 2, status: livetranscode.JobStatusInProgress,
			setup: func(e *emulator) { e.add(livetranscode.JobStatusInProgress) },
		},
		{
			name: "it runs with another stream key, second attempt", attempt: 2, status: livetranscode.JobStatusInProgress,
			setup: func(e *emulator) {
				e.AddJob(livetranscode.Job{
					Name: "match", TemplateID: "template", Status: livetranscode.JobStatusInProgress,
					StreamInput: livetranscode.StreamInput{InputURL: "rtmp://push.example.com/live/another-key"},
				})
			},
		},
		{
			name: "a job with another template has the name, second attempt", attempt: 2, err: livetranscode.ErrNameConflict,
			setup: func(e *emulator) {
				e.AddJob(livetranscode.Job{Name: "match", TemplateID: "other", Status: livetranscode.JobStatusInProgress})
			},
		},
		{
			name: "a job of the name and template is older, second attempt", attempt: 2, err: livetranscode.ErrNameConflict,
			setup: func(e *emulator) {
				e.AddJob(livetranscode.Job{
					Name: "match", TemplateID: "template", Status: livetranscode.JobStatusInProgress,
					StreamInput: livetranscode.StreamInput{InputURL: "rtmp://push.example.com/live/another-key"},
					CreateTime:  synctestStart.Add(-clockSkew),
				})
			},
		},
		{
			name: "it has stopped", attempt: 1, err: livetranscode.ErrNameConflict,
			setup: func(e *emulator) { e.add(livetranscode.JobStatusStopped) },
		},
		{
			name: "it has stopped, second attempt", attempt: 2, status: livetranscode.JobStatusStopped,
			setup: func(e *emulator) { e.add(livetranscode.JobStatusStopped) },
		},
		{
			name: "listed late, second attempt", attempt: 2, took: 21 * time.Second, status: livetranscode.JobStatusInProgress,
			opts: []livetranscodetest.Option{livetranscodetest.WithVisibilityDelay(20 * time.Second)},
			setup: func(e *emulator) {
				if _, err := e.submit(context.Background(), JobSpec{Name: "match"}, true, time.Time{}); err != nil {
					panic(err)
				}
				e.ResetCalls()
			},
		},
		{
			name: "List is forbidden, second attempt", attempt: 2, err: livetranscode.ErrForbidden,
			setup: func(e *emulator) {
				e.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
			},
		},
		{name: "no request", attempt: 1, err: livetranscode.ErrInvalidRequest, setup: func(e *emulator) {
			e.request = func(context.Context, JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error) { return nil, nil }
		}},
		{name: "a request that fails", attempt: 1, err: errTransient, setup: func(e *emulator) {
			e.request = func(context.Context, JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error) {
				return nil, errTransient
			}
		}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEmulator(test.opts...)
				if test.setup != nil {
					test.setup(e)
				}
				start := time.Now()
				job, err := e.submit(t.Context(), JobSpec{Name: "match"}, test.attempt == 1, start)
				if !errors.Is(err, test.err) {
					t.Fatalf("error %v, want %v", err, test.err)
				}
				if got := e.count("SubmitLiveTranscodeJob"); got != test.submits {
					t.Errorf("%d Submits, want %d", got, test.submits)
				}
				if took := time.Since(start); took < test.took || took > test.took+time.Second {
					t.Errorf("took %v, want %v", took, test.took)
				}
				if err != nil {
					return
				}
				if exists, ok := e.Job(job.JobID); !ok || exists.Name != "match" || job.Name != "match" || job.Status != test.status {
					t.Errorf("job %v, want match, %v", job, test.status)
				}
			})
		})
	}
}

// synctestStart is when the clock of a synctest bubble starts.
var synctestStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// runActivity calls a method of Activities as a worker does.
func runActivity(t *testing.T, e *emulator, method, arg any) (job *livetranscode.Job, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(discard)
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(method)
	value, err := env.ExecuteActivity(method, arg)
	if err != nil {
		return nil, err
	}
	err = value.Get(&job)
	if text, _ := json.Marshal(job); strings.Contains(string(text), streamKey) {
		t.Errorf("the result has the stream key: %s", text)
	}
	return job, err
}

func TestSubmitActivity(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name         string
		fault        livetranscodetest.Fault
		kind         string
		notSubmitted bool
	}{
		{name: "new"},
		{
			name: "refused", kind: "invalid_request", notSubmitted: true,
			fault: livetranscodetest.Fault{Operation: "SubmitLiveTranscodeJob", Code: "StreamNotFound"},
		},
		{
			name: "forbidden", kind: "forbidden", notSubmitted: true,
			fault: livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM"},
		},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := newEmulator()
			if test.kind != "" {
				e.Inject(test.fault)
			}
			job, err := runActivity(t, e, e.Submit, JobSpec{Name: "match"})
			checkKind(t, err, test.kind)
			if got := isNotSubmitted(err); got != test.notSubmitted {
				t.Errorf("%v: not submitted is %t, want %t", err, got, test.notSubmitted)
			}
			if err == nil && (job.JobID == "" || job.Name != "match") {
				t.Errorf("job %v, want its id and name", job)
			}
		})
	}
}

// TestSubmitCountsAttempts: the knowledge that nothing was submitted is that of all earlier attempts, or none.
func TestSubmitCountsAttempts(t *testing.T) {
	t.Parallel()
	for before, want := range []bool{true, false} { // the first attempt, and one that follows an unknown one
		e := newEmulator()
		e.request = func(context.Context, JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error) {
			return nil, errTransient
		}
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(discard)
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(e.Submit)
		env.SetHeartbeatDetails(int32(before))
		_, err := env.ExecuteActivity(e.Submit, JobSpec{Name: "match"})
		if got := isNotSubmitted(err); got != want {
			t.Errorf("%d attempts counted: error %v, not submitted is %t, want %t", before, err, got, want)
		}
	}
}

func TestSubmitAmbiguous(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEmulator()
		e.Inject(livetranscodetest.Fault{Operation: "SubmitLiveTranscodeJob", Drop: true})
		_, err := e.submit(t.Context(), JobSpec{Name: "match"}, true, time.Time{})
		var app *temporal.ApplicationError
		if !errors.As(ApplicationError(err), &app) || app.NonRetryable() || app.NextRetryDelay() != restoreDelay || app.Type() != "livetranscode.ambiguous" {
			t.Errorf("error %v, want an ambiguous one that is retried after a minute", app)
		}
	})
}

func TestWaitForStatus(t *testing.T) {
	t.Parallel()
	e := newEmulator()
	running := e.add(livetranscode.JobStatusInProgress)
	job, err := runActivity(t, e, e.WaitForStatus, WaitRequest{JobID: running, Want: livetranscode.JobStatusInProgress})
	if err != nil || job.JobID != running || job.Status != livetranscode.JobStatusInProgress {
		t.Errorf("job %v, %v; want it in progress", job, err)
	}
	ended := e.add(livetranscode.JobStatusStopped)
	_, err = runActivity(t, e, e.WaitForStatus, WaitRequest{JobID: ended, Want: livetranscode.JobStatusInProgress})
	checkPermanent(t, err, "job_stopped")
	_, err = runActivity(t, e, e.WaitForStatus, WaitRequest{Want: livetranscode.JobStatusInProgress})
	checkPermanent(t, err, "invalid_request")
	_, err = runActivity(t, e, e.WaitForStatus, WaitRequest{JobID: running, Want: -2})
	checkPermanent(t, err, "invalid_request")
	e.Inject(livetranscodetest.Fault{Operation: "GetLiveTranscodeJob", Code: "InvalidParameter"})
	_, err = runActivity(t, e, e.WaitForStatus, WaitRequest{JobID: running, Want: livetranscode.JobStatusStopped})
	checkRetried(t, err, "invalid_request")
}

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
