package livetranscodetemporal

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/livetranscode/livetranscode-go"
)

const (
	// maxSignals is how many signals are sent concurrently.
	maxSignals = 16
	// reconcileInterval is the time between two comparisons of workflows and watched jobs.
	reconcileInterval = 15 * time.Minute
	// openJobs is the query for running workflows of jobs. Temporal's list lags by seconds.
	openJobs = "WorkflowType = '" + workflowRunJob + "' AND ExecutionStatus = 'Running'"
)

// fleetActivities are the activities of a Fleet and of the workflows of its jobs.
type fleetActivities struct {
	client   *livetranscode.Client
	temporal client.Client
	poll     []livetranscode.PollOption
	period   time.Duration
}

// readRequest is the argument of ReadJob.
type readRequest struct {
	JobID       string
	UnlessFleet bool `json:",omitempty"` // do not read the job if a Fleet runs
}

// readResult is the result of ReadJob.
type readResult struct {
	Job     *livetranscode.Job `json:",omitempty"`
	NoFleet bool               `json:",omitempty"` // UnlessFleet was set, and no Fleet runs
}

// ReadJob reads a job once. If it is not found, ReadJob retries for 30 s, since the job may be new. That it is
// not found is its only permanent error.
func (a *fleetActivities) ReadJob(ctx context.Context, req readRequest) (readResult, error) {
	if req.UnlessFleet {
		if runs, err := a.fleetRuns(ctx); err != nil || runs {
			return readResult{}, err
		}
	}
	read := func(*livetranscode.Job) (bool, error) { return true, nil }
	job, err := a.client.WaitUntil(ctx, req.JobID, read, a.poll...)
	return readResult{Job: redacted(job), NoFleet: req.UnlessFleet}, retriedError(err, "not_found")
}

// fleetRuns reports whether the activity of a Fleet is running, by its last heartbeat.
func (a *fleetActivities) fleetRuns(ctx context.Context) (bool, error) {
	if a.temporal == nil { // in a test environment
		return false, nil
	}
	resp, err := a.temporal.DescribeWorkflowExecution(ctx, FleetID, "")
	if notFound := (*serviceerror.NotFound)(nil); errors.As(err, &notFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, pending := range resp.GetPendingActivities() {
		if pending.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED {
			return true, nil
		}
	}
	return false, nil
}

// WatchAll watches all jobs of the account for one period, and signals each change to the workflow of the job. None of
// its errors is permanent: nobody would restart the Fleet.
func (a *fleetActivities) WatchAll(ctx context.Context) error {
	defer heartbeat(ctx)()
	period, cancel := context.WithTimeout(ctx, a.period)
	defer cancel()
	group, watch := errgroup.WithContext(period) // a signal that cannot be sent ends the watch
	group.SetLimit(maxSignals + 1)
	watcher := a.client.NewWatcher(a.poll...)
	watcher.AddAll(livetranscode.JobFilter{})
	began := activity.GetInfo(ctx).StartedTime // by the server's clock
	group.Go(func() error { a.reconcileLoop(watch, watcher, began); return nil })
	var ended error
	for event, err := range watcher.Events(watch) {
		if err != nil {
			ended = err
			break
		}
		group.Go(func() error { return a.signal(ctx, event.Job.Name, changeOf(event)) })
	}
	over := period.Err() != nil && ctx.Err() == nil
	cancel()
	switch err := group.Wait(); {
	case err != nil:
		return retriedError(err)
	case over:
		return nil
	}
	return retriedError(ended)
}

// changeOf returns the signal for an event.
func changeOf(event livetranscode.JobEvent) change {
	switch {
	case event.Kind != livetranscode.EventLost:
		return change{Job: redacted(event.Job)}
	case errors.Is(event.Err, livetranscode.ErrNotFound):
		return change{GoneJobID: event.JobID}
	}
	return change{} // the service refuses to return the job: the workflow gets the error when it reads the job
}

// signal signals a change to the workflow of a job. If there is none, or it does not accept signals, that is no error.
func (a *fleetActivities) signal(ctx context.Context, name string, news change) error {
	err := a.temporal.SignalWorkflow(ctx, WorkflowID(name), "", signalChange, news)
	if notFound := (*serviceerror.NotFound)(nil); errors.As(err, &notFound) {
		return nil
	}
	// The name of a job without a workflow may be too long for a workflow id, and the number of signals to a workflow
	// is limited.
	if refused := (*serviceerror.InvalidArgument)(nil); errors.As(err, &refused) {
		activity.GetLogger(ctx).Warn("a change of a job was not signaled", "job", name, "error", err)
		return nil
	}
	return err
}

// reconcileLoop compares workflows and jobs once all jobs have been polled, and then every reconcileInterval, until ctx
// ends. The first time it skips workflows that started after the watch: the watcher is about to see their new jobs.
func (a *fleetActivities) reconcileLoop(ctx context.Context, watcher *livetranscode.Watcher, startedBefore time.Time) {
	var last time.Time
	for began := time.Now(); sleep(ctx, 2*time.Second) == nil; {
		stats := watcher.Stats()
		if stats.LastComplete.Before(began) || stats.Pending > 0 || time.Since(last) < reconcileInterval {
			continue
		}
		if err := a.reconcile(ctx, watcher, startedBefore); err != nil {
			activity.GetLogger(ctx).Warn("the workflows of jobs were not listed", "error", err)
			continue
		}
		last, startedBefore = time.Now(), time.Time{}
	}
}

// reconcile asks each workflow whose job the watcher does not see to read its job: the job may have ended while no
// Fleet ran, or its last signal may not have been sent. It skips workflows that started after startedBefore, unless
// that is zero.
func (a *fleetActivities) reconcile(ctx context.Context, watcher *livetranscode.Watcher, startedBefore time.Time) error {
	seen := make(map[string]bool)
	for watched := range watcher.Jobs() {
		seen[watched.Job.Name] = true
	}
	for page := []byte(nil); ; {
		resp, err := a.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: openJobs, NextPageToken: page,
		})
		if err != nil {
			return err
		}
		for _, execution := range resp.GetExecutions() {
			name, ok := strings.CutPrefix(execution.GetExecution().GetWorkflowId(), workflowIDPrefix)
			young := !startedBefore.IsZero() && execution.GetStartTime().AsTime().After(startedBefore)
			if !ok || seen[name] || young {
				continue
			}
			if err = a.signal(ctx, name, change{}); err != nil {
				return err
			}
		}
		if page = resp.GetNextPageToken(); len(page) == 0 {
			return nil
		}
	}
}
