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

// watchPeriod is how long one run of a Fleet watches. A new run repeats the state of each job once.
const watchPeriod = 12 * time.Hour

var watchOptions = workflow.ActivityOptions{
	StartToCloseTimeout: watchPeriod + time.Hour, HeartbeatTimeout: heartbeatTimeout,
	WaitForCancellation: true, RetryPolicy: retryPolicy,
}

// Fleet is the workflow that watches the account for all jobs with ByFleet. It runs until it is canceled, as new after
// every 12 hours, and needs [StartFleet] only once in the life of a namespace.
//
// One activity ranges over a Watcher of all jobs, and signals each change to the workflow of the job's name. A sweep
// costs one request for 100 running jobs, and two. When the activity starts again on another worker, it repeats the
// state of each job; workflows whose job it does not see are asked to read it. A workflow that has ended, or a job
// without a workflow, is no error.
//
// If the service refuses to list jobs, the activity is retried each minute, and each workflow polls its job every 15
// minutes, as it does if no Fleet runs.
func Fleet(ctx workflow.Context) error {
	if id := workflow.GetInfo(ctx).WorkflowExecution.ID; id != FleetID {
		return temporal.NewNonRetryableApplicationError("Fleet has the workflow id "+id+", and needs "+FleetID+": use StartFleet",
			errorType("invalid_request"), nil)
	}
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, watchOptions), activityWatchAll).Get(ctx, nil)
	if err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, workflowFleet)
}

// StartFleet starts the workflow [Fleet]. While it runs, another start is an error, which matches
// [serviceerror.WorkflowExecutionAlreadyStarted] with errors.As.
func StartFleet(ctx context.Context, t client.Client, taskQueue string) (client.WorkflowRun, error) {
	run, err := t.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: FleetID, TaskQueue: taskQueue, WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflowFleet)
	switch started := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); {
	case errors.As(err, &started):
		return nil, fmt.Errorf("livetranscodetemporal: the fleet runs already, as run %s: %w", started.RunId, err)
	case err != nil:
		return nil, fmt.Errorf("livetranscodetemporal: start the fleet: %w", err)
	}
	return run, nil
}
