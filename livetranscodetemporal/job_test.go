package livetranscodetemporal

import (
	"errors"
	"strings"
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
)

func TestStartJob(t *testing.T) {
	t.Parallel()
	c := new(fakeClient)
	if _, err := StartJob(t.Context(), c, "queue", JobSpec{Name: "match"}); err != nil {
		t.Fatal(err)
	}
	opts := c.started[0]
	if opts.ID != "livetranscode-job-match" || opts.TaskQueue != "queue" ||
		opts.WorkflowIDReusePolicy != enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE || !opts.WorkflowExecutionErrorWhenAlreadyStarted {
		t.Errorf("options %+v", opts)
	}
	c.err = serviceerror.NewWorkflowExecutionAlreadyStarted("started", "", "run-1")
	_, err := StartJob(t.Context(), c, "queue", JobSpec{Name: "match"})
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if !errors.As(err, &started) || !strings.Contains(err.Error(), `"match" has been used, by run run-1`) {
		t.Errorf("error %v", err)
	}
	for _, spec := range []JobSpec{{}, {Name: "a\xff"}, {Name: "match", Live: -1}} {
		if _, err := StartJob(t.Context(), c, "queue", spec); err == nil || len(c.started) != 2 {
			t.Errorf("%+v was started: %v", spec, err)
		}
	}
}

func TestStopJob(t *testing.T) {
	t.Parallel()
	c := &fakeClient{running: []string{"match"}}
	if err := StopJob(t.Context(), c, "match"); err != nil {
		t.Fatal(err)
	}
	if got := c.signaled(); len(got) != 1 || got[0].signal != signalStop {
		t.Errorf("signals %+v, want a stop", got)
	}
	var notFound *serviceerror.NotFound
	if err := StopJob(t.Context(), c, "other"); !errors.As(err, &notFound) || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("error %v, want not found", err)
	}
}

func TestJobStateError(t *testing.T) {
	t.Parallel()
	c := &fakeClient{err: serviceerror.NewNotFound("no workflow")}
	var notFound *serviceerror.NotFound
	if _, err := JobState(t.Context(), c, "other"); !errors.As(err, &notFound) || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("error %v, want not found", err)
	}
}
