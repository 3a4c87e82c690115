package livetranscodetemporal

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// discard is a logger for what the SDK logs of errors that a test expects.
var discard = log.NewStructuredLogger(slog.New(slog.DiscardHandler))

const streamKey = "key-8f2b1c"

// request is the RequestFunc of the tests.
func request(context.Context, JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error) {
	return &livetranscode.SubmitLiveTranscodeJobRequest{
		TemplateID:      "template",
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://push.example.com/live/" + streamKey},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "play.example.com"},
	}, nil
}

// A workflowTest runs a workflow with skipped time and activities that are given by the test.
type workflowTest struct {
	*testsuite.TestWorkflowEnvironment
	t     *testing.T
	logs  bytes.Buffer
	start time.Time
	calls []string // of activities, in order
}

func newWorkflowTest(t *testing.T, workflowID string) *workflowTest {
	t.Helper()
	return newClientTest(t, workflowID, livetranscodetest.NewServer().Client(), request)
}

// newClientTest is like newWorkflowTest; activities that are not given by the test use the client.
func newClientTest(t *testing.T, workflowID string, c *livetranscode.Client, request RequestFunc) *workflowTest {
	t.Helper()
	w := &workflowTest{t: t}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(&w.logs, nil))))
	w.TestWorkflowEnvironment = suite.NewTestWorkflowEnvironment()
	w.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflowID})
	w.SetTestTimeout(10 * time.Second)
	Register(w, c, nil, request)
	w.start = w.Now()
	return w
}

// on makes calls of an activity with the given argument take d and return result.
func (w *workflowTest) on(activity string, arg any, d time.Duration, result ...any) *testsuite.MockCallWrapper {
	w.t.Helper()
	if arg == any(stopByName) {
		arg = mock.MatchedBy(func(req StopRequest) bool { // a job of the name that can be that of the workflow
			return req.JobID == "" && req.Name == "match" && req.Spec != nil && req.Spec.Name == "match" && w.start.Equal(req.CreatedSince)
		})
	}
	call := w.OnActivity(activity, mock.Anything, arg).After(d).Return(result...)
	return call.Run(func(mock.Arguments) { w.calls = append(w.calls, activity) })
}

// at calls f at a time since the start.
func (w *workflowTest) at(d time.Duration, f func()) { w.RegisterDelayedCallback(f, d) }

// result runs RunJob to its end.
func (w *workflowTest) result(spec JobSpec) (JobResult, error) {
	w.t.Helper()
	w.ExecuteWorkflow(workflowRunJob, spec)
	if !w.IsWorkflowCompleted() {
		w.t.Fatal("the workflow has not ended")
	}
	var result JobResult
	err := w.GetWorkflowError()
	if err == nil {
		err = w.GetWorkflowResult(&result)
	}
	return result, err
}

// after returns the time since the start.
func (w *workflowTest) after(at time.Time) time.Duration { return at.Sub(w.start).Round(time.Second) }

// state queries the workflow.
func (w *workflowTest) state() livetranscode.Job {
	w.t.Helper()
	var job livetranscode.Job
	value, err := w.QueryWorkflow(queryState)
	if err == nil {
		err = value.Get(&job)
	}
	if err != nil {
		w.t.Error(err)
	}
	return job
}

// job returns a job in a state.
func job(status livetranscode.JobStatus) *livetranscode.Job {
	return &livetranscode.Job{Name: "match", JobID: "job-1", Status: status}
}

var (
	created    = job(livetranscode.JobStatusUnknown)
	notStarted = job(livetranscode.JobStatusNotStarted)
	inProgress = job(livetranscode.JobStatusInProgress)
	stopped    = job(livetranscode.JobStatusStopped)
	noJob      = (*livetranscode.Job)(nil)

	untilLive    = WaitRequest{JobID: "job-1", Want: livetranscode.JobStatusInProgress}
	untilStopped = WaitRequest{JobID: "job-1", Want: livetranscode.JobStatusStopped}
	stopByID     = StopRequest{Name: "match", JobID: "job-1"}
	stopByName   = StopRequest{Name: "match"}
)

const forever = 1000 * time.Hour

// checkKind reports an error that is not an application error of a kind; "" is no error.
func checkKind(t *testing.T, err error, kind string) {
	t.Helper()
	if kind == "" && err != nil || kind != "" && !hasKind(err, kind) {
		t.Errorf("error %v, want kind %q", err, kind)
	}
}

// checkPermanent reports an error that is not of a kind, or that is retried.
func checkPermanent(t *testing.T, err error, kind string) {
	t.Helper()
	checkKind(t, err, kind)
	if app := (*temporal.ApplicationError)(nil); !errors.As(err, &app) || !app.NonRetryable() {
		t.Errorf("error %v, want a permanent one", err)
	}
}

// checkRetried reports an error that is not of a kind, or that is not retried after a minute.
func checkRetried(t *testing.T, err error, kind string) {
	t.Helper()
	checkKind(t, err, kind)
	if app := (*temporal.ApplicationError)(nil); !errors.As(err, &app) || app.NonRetryable() || app.NextRetryDelay() != restoreDelay {
		t.Errorf("error %v, want one that is retried after %v", err, restoreDelay)
	}
}

// permanent returns an error of an activity that is not retried.
func permanent(kind string, details ...any) error {
	return temporal.NewNonRetryableApplicationError(kind, errorType(kind), nil, details...)
}

// prefixed are the options that Register registers activities with.
var prefixed = activity.RegisterOptions{Name: activityPrefix}

const anything = mock.Anything

var errTransient = errors.New("transient")
