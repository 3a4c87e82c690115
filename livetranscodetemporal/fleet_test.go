package livetranscodetemporal

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

func TestFleetContinuesAsNew(t *testing.T) {
	t.Parallel()
	w := newWorkflowTest(t, FleetID)
	w.OnActivity(activityWatchAll, anything).After(watchPeriod).Return(nil)
	w.ExecuteWorkflow(workflowFleet)
	var again *workflow.ContinueAsNewError
	if err := w.GetWorkflowError(); !errors.As(err, &again) || again.WorkflowType.Name != workflowFleet {
		t.Errorf("error %v, want continue as new", err)
	}
}

func TestFleetEnds(t *testing.T) {
	t.Parallel()
	w := newWorkflowTest(t, "another-id")
	w.ExecuteWorkflow(workflowFleet)
	checkKind(t, w.GetWorkflowError(), "invalid_request")

	w = newWorkflowTest(t, FleetID)
	w.OnActivity(activityWatchAll, anything).After(watchPeriod).Return(nil)
	w.at(time.Hour, w.CancelWorkflow)
	w.ExecuteWorkflow(workflowFleet)
	if err := w.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Errorf("error %v, want canceled", err)
	}

	w = newWorkflowTest(t, FleetID)
	w.OnActivity(activityWatchAll, anything).Return(permanent("invalid_request"))
	w.ExecuteWorkflow(workflowFleet)
	checkKind(t, w.GetWorkflowError(), "invalid_request")
}

func TestStartFleet(t *testing.T) {
	t.Parallel()
	c := new(fakeClient)
	if _, err := StartFleet(t.Context(), c, "queue"); err != nil {
		t.Fatal(err)
	}
	if opts := c.started[0]; opts.ID != FleetID || opts.TaskQueue != "queue" || !opts.WorkflowExecutionErrorWhenAlreadyStarted {
		t.Errorf("options %+v", opts)
	}
	c.err = serviceerror.NewWorkflowExecutionAlreadyStarted("started", "", "run-1")
	_, err := StartFleet(t.Context(), c, "queue")
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if !errors.As(err, &started) || !strings.Contains(err.Error(), "the fleet is already running, as run run-1") {
		t.Errorf("error %v", err)
	}
}
