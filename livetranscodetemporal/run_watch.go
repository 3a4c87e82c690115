package livetranscodetemporal

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/livetranscode/livetranscode-go"
)

// fleetTimeout is how often a workflow with ByFleet checks that a Fleet runs.
const fleetTimeout = 15 * time.Minute

// Activities are retried without limit. Errors that must end a workflow are not retryable: see [ApplicationError].
var (
	retryPolicy = &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute}

	// No heartbeat: an attempt counts as running until its timeout, and a cancellation waits for it.
	submitOptions = workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute, WaitForCancellation: true, RetryPolicy: retryPolicy,
	}
	waitOptions = workflow.ActivityOptions{
		StartToCloseTimeout: 24 * time.Hour, HeartbeatTimeout: heartbeatTimeout, RetryPolicy: retryPolicy,
	}
	readOptions = workflow.ActivityOptions{StartToCloseTimeout: 2 * time.Minute, RetryPolicy: retryPolicy}
	stopOptions = workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Minute, HeartbeatTimeout: heartbeatTimeout, RetryPolicy: retryPolicy,
	}
)

// A change is what a Fleet signals.
type change struct {
	// Job is the job as the Fleet has read it; nil if the Fleet does not see the job, so the workflow has to read it.
	Job *livetranscode.Job `json:",omitempty"`
	// GoneJobID is the id of a job that the service no longer knows.
	GoneJobID string `json:",omitempty"`
}

// watch waits until the job has run for spec.Live, has ended, or is to be stopped.
func (r *jobRun) watch(ctx workflow.Context) error {
	ctx, cancel := workflow.WithCancel(ctx) // ends the remaining timers and activities
	defer cancel()
	w := &jobWatch{jobRun: r}
	for w.err == nil && !w.over && !r.stopped && !r.ended() {
		if w.err = r.continueAsNew(ctx); w.err != nil || r.stopped || r.endedBeforePoll(ctx) {
			break
		}
		w.start(ctx)
		selector := workflow.NewSelector(ctx)
		selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) { w.err = ctx.Err() })
		selector.AddReceive(r.stops, func(c workflow.ReceiveChannel, _ bool) {
			c.ReceiveAsync(nil)
			r.stopped = true
		})
		selector.AddReceive(r.changes, func(c workflow.ReceiveChannel, _ bool) {
			var news change
			if c.ReceiveAsync(&news) { // Receive would wait for the next signal if this one cannot be decoded
				w.apply(ctx, news)
			}
		})
		selector.AddFuture(w.next, func(f workflow.Future) { w.polled(ctx, f) })
		if w.limit != nil {
			selector.AddFuture(w.limit, func(workflow.Future) { w.over = true })
		}
		selector.Select(ctx)
	}
	return w.err
}

// A jobWatch is one watch of a jobRun.
type jobWatch struct {
	*jobRun
	limit workflow.Future // the end of spec.Live; nil before the job is live
	next  workflow.Future // of the activity that waits for or reads the job, or of the timer before it
	timer bool            // next is a timer

	over bool  // the job has run for spec.Live
	err  error // what ends the watch
}

// start starts the timer of spec.Live and the next poll, unless they are running.
func (w *jobWatch) start(ctx workflow.Context) {
	if w.limit == nil && w.spec.Live > 0 && !w.LiveAt.IsZero() {
		w.limit = workflow.NewTimer(ctx, w.LiveAt.Add(w.spec.Live).Sub(workflow.Now(ctx)))
	}
	switch {
	case w.next != nil:
	case w.spec.ByFleet:
		w.next, w.timer = workflow.NewTimer(ctx, fleetTimeout), true
	default:
		req := WaitRequest{JobID: w.Job.JobID, Want: livetranscode.JobStatusInProgress}
		if !w.LiveAt.IsZero() {
			req.Want = livetranscode.JobStatusStopped
		}
		w.next = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, waitOptions), ActivityWaitForStatus, req)
	}
}

// apply applies a signal of a Fleet.
func (w *jobWatch) apply(ctx workflow.Context, news change) {
	if unseen := news == (change{}); !unseen {
		w.applyState(ctx, news)
	} else if w.timer {
		w.read(ctx, false)
	}
}

// applyState applies a state read by a Fleet, unless it is that of another job with the same name.
func (r *jobRun) applyState(ctx workflow.Context, news change) {
	if news.Job != nil && news.Job.JobID == r.Job.JobID {
		r.observe(ctx, news.Job)
	}
	r.gone = r.gone || news.GoneJobID != "" && news.GoneJobID == r.Job.JobID
}

// read starts reading the job; with unlessFleet, only if no Fleet runs.
func (w *jobWatch) read(ctx workflow.Context, unlessFleet bool) {
	req := readRequest{JobID: w.Job.JobID, UnlessFleet: unlessFleet}
	w.next, w.timer = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, readOptions), activityReadJob, req), false
}

// polled applies the result of next.
func (w *jobWatch) polled(ctx workflow.Context, f workflow.Future) {
	if w.timer {
		if err := f.Get(ctx, nil); err == nil { // otherwise canceled
			w.read(ctx, true)
		}
		return
	}
	w.next = nil
	if w.spec.ByFleet {
		w.readJob(ctx, f)
		return
	}
	var job *livetranscode.Job
	switch err := f.Get(ctx, &job); {
	case err == nil:
		w.observe(ctx, job)
	case hasKind(err, "job_stopped"):
		stopped := *w.Job
		stopped.Status = livetranscode.JobStatusStopped
		w.observe(ctx, &stopped)
	case hasKind(err, "not_found"):
		w.gone = true
	default:
		w.err = err
	}
}

// readJob applies the result of reading a job with ByFleet.
func (w *jobWatch) readJob(ctx workflow.Context, f workflow.Future) {
	var result readResult
	switch err := f.Get(ctx, &result); {
	case hasKind(err, "not_found"):
		w.gone = true
	case err != nil:
		w.err = err
	case result.Job != nil:
		w.observe(ctx, result.Job)
	}
	if result.NoFleet {
		w.log.Warn("no fleet is running: the workflow polls the job itself", "job_id", w.Job.JobID, "every", fleetTimeout)
	}
}

// endedBeforePoll reports whether a signal that continueAsNew has applied says that the job has ended. A history that
// was recorded before this check waits for the next poll instead.
func (r *jobRun) endedBeforePoll(ctx workflow.Context) bool {
	return r.ended() && workflow.GetVersion(ctx, "ended-before-poll", workflow.DefaultVersion, 1) == 1
}

// continueAsNew returns the error that continues the workflow as new, if its history is long. It applies the received
// signals first, because a new run does not get them; nor does it get a cancellation.
func (r *jobRun) continueAsNew(ctx workflow.Context) error {
	info := workflow.GetInfo(ctx)
	if !info.GetContinueAsNewSuggested() || info.WorkflowType.Name != workflowRunJob { // another workflow calls RunJob
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for news := (change{}); r.changes.ReceiveAsync(&news); news = (change{}) {
		r.applyState(ctx, news)
	}
	r.stopped = r.stops.ReceiveAsync(nil)
	if r.stopped || r.ended() {
		return nil
	}
	return workflow.NewContinueAsNewError(ctx, workflowRunJob, r.spec, r.progress)
}
