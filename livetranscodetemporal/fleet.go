package livetranscodetemporal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// FleetID is the id of the workflow [Fleet].
const FleetID = "livetranscode-fleet"

// watchPeriod is how long one run of a Fleet watches. A new run signals the state of each job once more.
const watchPeriod = 12 * time.Hour

var watchOptions = workflow.ActivityOptions{
	StartToCloseTimeout: watchPeriod + time.Hour, HeartbeatTimeout: heartbeatTimeout,
	WaitForCancellation: true, RetryPolicy: retryPolicy,
}

// Fleet is the workflow that watches the account for all jobs with ByFleet. It runs until it is canceled, continues as
// new every 12 hours, and has to be started only once in a namespace, with [StartFleet].
//
// One activity ranges over a [livetranscode.Watcher] of all jobs, and signals each change to the workflow with the
// job's name. A sweep sends one request for every 100 running jobs, and two more. When the activity restarts on another
// worker, it signals the state of each job again, and asks the workflows whose jobs it does not see to read them. A
// workflow that has ended, or a job without a workflow, is not an error.
//
// If the service refuses to list jobs, for whatever reason, the activity is retried every minute, and each workflow
// polls its job every 15 minutes, as it does if no Fleet runs.
func Fleet(ctx workflow.Context) error {
	if id := workflow.GetInfo(ctx).WorkflowExecution.ID; id != FleetID {
		return temporal.NewNonRetryableApplicationError("Fleet has the workflow id "+id+", want "+FleetID+": use StartFleet",
			errorType("invalid_request"), nil)
	}
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, watchOptions), activityWatchAll).Get(ctx, nil)
	if err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, workflowFleet)
}

// StartFleet starts the workflow [Fleet]. If it is already running, [errors.As] finds a
// [serviceerror.WorkflowExecutionAlreadyStarted] in the error.
func StartFleet(ctx context.Context, t client.Client, taskQueue string) (client.WorkflowRun, error) {
	run, err := t.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: FleetID, TaskQueue: taskQueue, WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflowFleet)
	switch started := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); {
	case errors.As(err, &started):
		return nil, fmt.Errorf("livetranscodetemporal: the fleet is already running, as run %s: %w", started.RunId, err)
	case err != nil:
		return nil, fmt.Errorf("livetranscodetemporal: start the fleet: %w", err)
	}
	return run, nil
}
