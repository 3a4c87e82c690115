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
