package livetranscodetemporal

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestRunJob(t *testing.T) {
	t.Parallel()
	w := newWorkflowTest(t, "any")
	spec := JobSpec{Name: "match", Live: 3 * time.Hour, Args: map[string]string{"channel": "1"}}
	w.on(ActivitySubmit, spec, 10*time.Second, created, nil).Once()
	w.on(ActivityWaitForStatus, untilLive, 20*time.Second, inProgress, nil).Once()
	w.on(ActivityWaitForStatus, untilStopped, forever, stopped, nil).Once()
	w.on(ActivityStop, stopByID, 5*time.Second, stopped, nil).Once()
	states := make(map[time.Duration]livetranscode.JobStatus)
	for _, at := range []time.Duration{time.Second, 11 * time.Second, time.Hour} {
		w.at(at, func() { states[at] = w.state().Status })
	}
	result, err := w.result(spec)
	if err != nil {
		t.Fatal(err)
	}
	if result.JobID != "job-1" || !result.StoppedByUs {
		t.Errorf("result %+v, want job-1, stopped by us", result)
	}
	if live, ended := w.after(result.LiveAt), w.after(result.EndedAt); live != 30*time.Second || ended != live+3*time.Hour+5*time.Second {
		t.Errorf("live after %v, ended after %v; want 30s and 3h0m35s", live, ended)
	}
	for at, want := range map[time.Duration]livetranscode.JobStatus{
		time.Second: livetranscode.JobStatusUnknown, 11 * time.Second: livetranscode.JobStatusUnknown,
		time.Hour: livetranscode.JobStatusInProgress,
	} {
		if states[at] != want {
			t.Errorf("state after %v: %v, want %v", at, states[at], want)
		}
	}
	if got := w.state(); got.Status != livetranscode.JobStatusStopped {
		t.Errorf("state at the end: %v, want stopped", got.Status)
	}
	w.AssertExpectations(t)
}

// TestRunJobEnds lists how the workflow of a job ends, and whether it sends a Stop.
func TestRunJobEnds(t *testing.T) {
	t.Parallel()
	submitted := func(w *workflowTest) { w.on(ActivitySubmit, JobSpec{Name: "match"}, 10*time.Second, created, nil) }
	live := func(w *workflowTest) {
		submitted(w)
		w.on(ActivityWaitForStatus, untilLive, 20*time.Second, inProgress, nil)
	}
	running := func(w *workflowTest) {
		live(w)
		w.on(ActivityWaitForStatus, untilStopped, forever, stopped, nil)
	}
	stop := func(w *workflowTest) { w.SignalWorkflow(signalStop, nil) }
	cases := []struct {
		name  string
		setup func(w *workflowTest)
		stop  *StopRequest       // the Stop that is sent; nil for none
		found *livetranscode.Job // what the Stop returns
		kind  string             // of the error
		want  JobResult
	}{
		{
			name:  "StopJob while it is live",
			setup: func(w *workflowTest) { running(w); w.at(time.Hour, func() { stop(w) }) },
			stop:  &stopByID, found: stopped, want: JobResult{JobID: "job-1", StoppedByUs: true},
		},
		{
			name:  "StopJob before it is live",
			setup: func(w *workflowTest) { running(w); w.at(15*time.Second, func() { stop(w) }) },
			stop:  &stopByID, found: stopped, want: JobResult{JobID: "job-1", StoppedByUs: true},
		},
		{
			// The test environment does not wait for the attempt of Submit, as a server does.
			name:  "StopJob before Submit has returned",
			setup: func(w *workflowTest) { submitted(w); w.at(time.Second, func() { stop(w) }) },
			stop:  &stopByName, found: stopped, want: JobResult{JobID: "job-1", StoppedByUs: true},
		},
		{
			name: "StopJob while Submit is retried, and a job was submitted",
			setup: func(w *workflowTest) {
				w.on(ActivitySubmit, JobSpec{Name: "match"}, time.Second, nil, errTransient)
				w.at(time.Minute, func() { stop(w) }) // the test environment makes ten attempts
			},
			stop: &stopByName, found: stopped, want: JobResult{JobID: "job-1", StoppedByUs: true},
		},
		{
			name: "StopJob while Submit is retried, and no job was submitted",
			setup: func(w *workflowTest) {
				w.on(ActivitySubmit, JobSpec{Name: "match"}, time.Second, nil, errTransient)
				w.at(time.Minute, func() { stop(w) }) // the test environment makes ten attempts
			},
			stop: &stopByName, want: JobResult{},
		},
		{
			name: "it ends by itself",
			setup: func(w *workflowTest) {
				live(w)
				w.on(ActivityWaitForStatus, untilStopped, time.Hour, stopped, nil)
			},
			want: JobResult{JobID: "job-1"},
		},
		{
			name: "it stops before it is live",
			setup: func(w *workflowTest) {
				submitted(w)
				w.on(ActivityWaitForStatus, untilLive, time.Minute, nil, permanent("job_stopped"))
			},
			kind: "job_stopped",
		},
		{
			name: "it is deleted",
			setup: func(w *workflowTest) {
				live(w)
				w.on(ActivityWaitForStatus, untilStopped, time.Hour, nil, permanent("not_found"))
			},
			stop: &stopByID, kind: "not_found",
		},
		{
			name: "it is not found by the wait, but by the Stop",
			setup: func(w *workflowTest) {
				live(w)
				w.on(ActivityWaitForStatus, untilStopped, time.Hour, nil, permanent("not_found"))
			},
			stop: &stopByID, found: stopped, want: JobResult{JobID: "job-1", StoppedByUs: true},
		},
		{
			name: "the wait fails permanently",
			setup: func(w *workflowTest) {
				live(w)
				w.on(ActivityWaitForStatus, untilStopped, time.Hour, nil, permanent("invalid_request"))
			},
			stop: &stopByID, found: stopped, kind: "invalid_request",
		},
		{
			name: "Submit is refused at once",
			setup: func(w *workflowTest) {
				w.on(ActivitySubmit, JobSpec{Name: "match"}, time.Second, nil, permanent("invalid_request", submitFailure{NotSubmitted: true}))
			},
			kind: "invalid_request",
		},
		{
			name: "Submit is refused after an attempt of unknown outcome",
			setup: func(w *workflowTest) {
				w.on(ActivitySubmit, JobSpec{Name: "match"}, time.Second, nil, errTransient).Once()
				w.on(ActivitySubmit, JobSpec{Name: "match"}, time.Second, nil, permanent("invalid_request", submitFailure{}))
			},
			stop: &stopByName, found: stopped, kind: "invalid_request",
		},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkflowTest(t, "any")
			test.setup(w)
			if test.stop != nil {
				w.on(ActivityStop, *test.stop, 5*time.Second, test.found, nil).Once()
			}
			result, err := w.result(JobSpec{Name: "match"})
			checkKind(t, err, test.kind)
			if err == nil && result.EndedAt.IsZero() {
				t.Error("EndedAt is zero")
			}
			result.LiveAt, result.EndedAt = time.Time{}, time.Time{}
			if result != test.want {
				t.Errorf("result %+v, want %+v", result, test.want)
			}
			if stops := slices.Contains(w.calls, ActivityStop); stops != (test.stop != nil) {
				t.Errorf("activities %q; want a Stop: %t", w.calls, test.stop != nil)
			}
		})
	}
}

// TestRunJobCanceled: the Stop is sent and waited for although the workflow has been canceled.
func TestRunJobCanceled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		at   time.Duration
		stop StopRequest
	}{
		{"during an attempt of Submit", 5 * time.Second, stopByName}, // a server would wait for the attempt
		{"before it is live", 15 * time.Second, stopByID},
		{"while it is live", time.Hour, stopByID},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkflowTest(t, "any")
			w.on(ActivitySubmit, JobSpec{Name: "match"}, 10*time.Second, created, nil)
			w.on(ActivityWaitForStatus, untilLive, 20*time.Second, inProgress, nil)
			w.on(ActivityWaitForStatus, untilStopped, forever, stopped, nil)
			w.on(ActivityStop, test.stop, time.Minute, stopped, nil).Once()
			w.at(test.at, w.CancelWorkflow)
			if _, err := w.result(JobSpec{Name: "match"}); !temporal.IsCanceledError(err) {
				t.Errorf("error %v, want canceled", err)
			}
			if got := w.state().Status; got != livetranscode.JobStatusStopped {
				t.Errorf("state %v, want stopped", got)
			}
		})
	}
}

func TestRunJobNotStopped(t *testing.T) {
	t.Parallel()
	w := newWorkflowTest(t, "any")
	w.on(ActivitySubmit, JobSpec{Name: "match"}, time.Second, created, nil)
	w.on(ActivityWaitForStatus, untilLive, time.Second, nil, permanent("bad_response"))
	w.on(ActivityStop, stopByID, time.Second, nil, permanent("invalid_request"))
	_, err := w.result(JobSpec{Name: "match"})
	checkKind(t, err, "other")
	for _, want := range []string{"job-1", "may still be running", "bad_response", "invalid_request"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not contain %q", err, want)
		}
	}
}

func TestRunJobSpec(t *testing.T) {
	t.Parallel()
	for _, spec := range []JobSpec{{}, {Name: "match", Live: -1}, {Name: "match", ByFleet: true}} {
		w := newWorkflowTest(t, "any")
		_, err := w.result(spec)
		checkKind(t, err, "invalid_request")
	}
}

// TestRunJobCalled: a workflow of the user's own that calls RunJob is not continued as new.
func TestRunJobCalled(t *testing.T) {
	t.Parallel()
	w := newWorkflowTest(t, "any")
	w.SetContinueAsNewSuggested(true)
	w.on(ActivitySubmit, JobSpec{Name: "match"}, time.Second, created, nil)
	w.on(ActivityWaitForStatus, untilLive, time.Second, inProgress, nil)
	w.on(ActivityWaitForStatus, untilStopped, time.Second, stopped, nil)
	own := func(ctx workflow.Context) (JobResult, error) { return RunJob(ctx, JobSpec{Name: "match"}) }
	w.ExecuteWorkflow(own)
	var result JobResult
	if err := w.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if err := w.GetWorkflowResult(&result); err != nil || result.JobID != "job-1" {
		t.Errorf("result %+v, %v; want job-1", result, err)
	}
}

// TestRunJobForeign: a workflow that has submitted nothing does not stop a job of somebody else with the same name.
func TestRunJobForeign(t *testing.T) {
	t.Parallel()
	ownError := func(context.Context, JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error) {
		return nil, temporal.NewNonRetryableApplicationError("no such channel", "own", nil, "channel 7")
	}
	throttled := livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Throttling.User", Times: 3}
	cases := []struct {
		name    string
		setup   func(w *workflowTest, srv *livetranscodetest.Server)
		request RequestFunc
		errType string // "" for canceled
		lists   int
	}{
		{name: "the name is in use", request: request, errType: errorType("name_conflict"), lists: 1},
		{
			name: "an attempt is throttled, then the name is in use", request: request, errType: errorType("name_conflict"), lists: 4,
			setup: func(_ *workflowTest, srv *livetranscodetest.Server) { srv.Inject(throttled) },
		},
		{name: "an error of the request function", request: ownError, errType: "own"},
		{
			name: "canceled before Submit starts", request: request, lists: 11,
			setup: func(w *workflowTest, _ *livetranscodetest.Server) { w.at(0, w.CancelWorkflow) },
		},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := livetranscodetest.NewServer()
				srv.AddTemplate(livetranscode.Template{TemplateID: "template"})
				id := srv.AddJob(livetranscode.Job{Name: "match", TemplateID: "other", Status: livetranscode.JobStatusInProgress})
				client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1}))
				w := newClientTest(t, "any", client, test.request)
				w.SetTestTimeout(time.Hour)
				if test.setup != nil {
					test.setup(w, srv)
				}
				_, err := w.result(JobSpec{Name: "match"})
				var app *temporal.ApplicationError
				var detail string
				switch {
				case test.errType == "":
					if !temporal.IsCanceledError(err) {
						t.Errorf("error %v, want canceled", err)
					}
				case !errors.As(err, &app) || app.Type() != test.errType:
					t.Errorf("error %v, want the type %s", err, test.errType)
				case test.errType == "own" && (app.Details(&detail) != nil || detail != "channel 7" || app.Message() != "no such channel"):
					t.Errorf("error %v with detail %q, want that of the request function", err, detail)
				}
				if job, _ := srv.Job(id); job.Status != livetranscode.JobStatusInProgress {
					t.Errorf("the job of somebody else is %v", job.Status)
				}
				if calls := srv.Calls(); len(calls) != test.lists {
					t.Errorf("%d requests, want %d Lists", len(calls), test.lists)
				}
			})
		})
	}
}
