package livetranscodetemporal

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/livetranscode/livetranscode-go"
)

// RunJob is the workflow of a job. It submits the job, waits until it is live, lets it run, stops it and confirms that
// it has stopped. [StartJob] starts it; other workflows can call it, or run it as a child. A child needs the
// ParentClosePolicy REQUEST_CANCEL: by default it is terminated with its parent, which leaves the job running.
//
// The job ends after spec.Live, by [StopJob], when the workflow is canceled, or by itself. The workflow leaves no job
// running, unless it is terminated or exceeds a workflow timeout, which no workflow can handle: [JobsWithoutWorkflow]
// finds such jobs. A stop is retried until the service confirms it. If it is not known whether a Submit was executed,
// the workflow stops the jobs of the name that can be its own: those with its template that were created since it
// started, or up to 5 minutes earlier by the service's clock.
//
// The error is an application error of the type livetranscode.job_stopped if the job ended before it was live,
// livetranscode.not_found if the job was deleted, or that of [ApplicationError] if the service permanently refused it.
// A job that ends by itself after it was live is not an error: see [JobResult].
//
// Signals and queries go to the workflow that calls RunJob. With ByFleet, its id must be the [WorkflowID] of the name,
// because a Fleet sends changes there.
func RunJob(ctx workflow.Context, spec JobSpec) (JobResult, error) {
	return runJob(ctx, spec, nil)
}

// runJob is RunJob; from is the progress of the run that it continues as new, or nil.
func runJob(ctx workflow.Context, spec JobSpec, from *progress) (JobResult, error) {
	info := workflow.GetInfo(ctx)
	reason := spec.validate()
	if spec.ByFleet && info.WorkflowExecution.ID != WorkflowID(spec.Name) {
		reason = "a job with ByFleet needs the workflow id " + WorkflowID(spec.Name)
	}
	if reason != "" {
		return JobResult{}, temporal.NewNonRetryableApplicationError(reason, errorType("invalid_request"), nil)
	}
	r := &jobRun{
		spec:    spec,
		log:     log.With(workflow.GetLogger(ctx), "job", spec.Name),
		stops:   workflow.GetSignalChannel(ctx, signalStop),
		changes: workflow.GetSignalChannel(ctx, signalChange),
		progress: progress{
			Job: &livetranscode.Job{Name: spec.Name, Status: livetranscode.JobStatusUnknown},
		},
	}
	if from != nil {
		r.progress, r.mayRun = *from, true
	}
	if err := workflow.SetQueryHandler(ctx, queryState, func() (*livetranscode.Job, error) { return r.Job, nil }); err != nil {
		return JobResult{}, err
	}
	var err error
	if r.Job.JobID == "" {
		err = r.submit(ctx)
	}
	if err == nil {
		err = r.watch(ctx)
	}
	return r.finish(ctx, err)
}

// progress is what a workflow knows about its job. It is passed on when the workflow continues as new.
type progress struct {
	Job    *livetranscode.Job // never nil; redacted
	LiveAt time.Time
}

// A jobRun is the state of one workflow.
type jobRun struct {
	progress
	spec    JobSpec
	log     log.Logger
	stops   workflow.ReceiveChannel
	changes workflow.ReceiveChannel

	mayRun  bool // the job has been submitted, or may have been
	stopped bool // StopJob has been called
	gone    bool // the service no longer knows the job
}

// submit submits the job. StopJob or a cancellation meanwhile ends the retries, but not an attempt in progress, which
// may still submit the job.
func (r *jobRun) submit(parent workflow.Context) error {
	ctx, cancel := workflow.WithCancel(parent)
	defer cancel()
	var job *livetranscode.Job
	submitted := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, submitOptions), ActivitySubmit, r.spec)
	selector := workflow.NewSelector(ctx)
	selector.AddFuture(submitted, func(workflow.Future) {})
	selector.AddReceive(r.stops, func(c workflow.ReceiveChannel, _ bool) {
		c.ReceiveAsync(nil)
		r.stopped = true
		cancel()
	})
	for !submitted.IsReady() {
		selector.Select(ctx)
	}
	err := submitted.Get(ctx, &job)
	if err != nil {
		r.mayRun = !isNotSubmitted(err)
		switch {
		case parent.Err() != nil:
			return parent.Err()
		case r.stopped:
			return nil
		}
		return withoutDetail(err)
	}
	r.mayRun = true
	r.observe(ctx, job)
	r.log.Info("submitted", "job_id", job.JobID)
	return nil
}

// observe records a state of the job. An older state than the recorded one is ignored: a job never goes back.
func (r *jobRun) observe(ctx workflow.Context, job *livetranscode.Job) {
	switch old := r.Job.Status; {
	case old.Final(), old.Known() && job.Status.Known() && job.Status < old:
		return
	}
	if r.Job.Status != job.Status {
		r.log.Info("the job is "+job.Status.String(), "job_id", job.JobID)
	}
	r.Job = job
	if job.Status == livetranscode.JobStatusInProgress && r.LiveAt.IsZero() {
		r.LiveAt = workflow.Now(ctx)
	}
}

// ended reports whether the job is known to have ended.
func (r *jobRun) ended() bool { return r.gone || r.Job.Status.Final() }

// finish makes sure that the job is not running, and returns the result of the workflow. err is what ended the watch.
func (r *jobRun) finish(ctx workflow.Context, err error) (JobResult, error) {
	if workflow.IsContinueAsNewError(err) {
		return JobResult{}, err
	}
	result := JobResult{JobID: r.Job.JobID, LiveAt: r.LiveAt}
	if r.mayRun && !r.Job.Status.Final() {
		job, stopErr := r.stop(ctx)
		switch {
		case stopErr != nil:
			return result, r.notStopped(stopErr, err)
		case job != nil:
			r.gone, r.Job = false, job
			result.JobID, result.StoppedByUs = job.JobID, true
		}
	}
	result.EndedAt = workflow.Now(ctx)
	r.log.Info("finished", "job_id", result.JobID, "stopped_by_us", result.StoppedByUs)
	switch {
	case err != nil, r.stopped:
		return result, err
	case r.gone:
		return result, jobError("not_found", "job %s (%s) has been deleted", r.spec.Name, result.JobID)
	case r.LiveAt.IsZero():
		return result, jobError("job_stopped", "job %s (%s) has stopped before it was live", r.spec.Name, result.JobID)
	}
	return result, nil
}

// stop stops the job, also if the workflow has been canceled. The job is nil if there is none.
func (r *jobRun) stop(ctx workflow.Context) (job *livetranscode.Job, err error) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	req := StopRequest{Name: r.spec.Name, JobID: r.Job.JobID}
	if req.JobID == "" { // the name may be that of somebody else's job
		req.Spec, req.CreatedSince = &r.spec, workflow.GetInfo(ctx).WorkflowStartTime
	}
	err = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, stopOptions), ActivityStop, req).Get(ctx, &job)
	return job, err
}

// notStopped returns the error for a job that could not be stopped. before is an earlier error, or nil.
func (r *jobRun) notStopped(err, before error) error {
	text := fmt.Sprintf("job %s (%s) may still be running: %v", r.spec.Name, r.Job.JobID, err)
	if before != nil {
		text += "; before: " + before.Error()
	}
	return temporal.NewNonRetryableApplicationError(text, errorType("other"), err)
}

// isNotSubmitted reports whether an error of Submit proves that nothing was submitted.
func isNotSubmitted(err error) bool {
	var app *temporal.ApplicationError
	var detail submitFailure
	return errors.As(err, &app) && app.HasDetails() && app.Details(&detail) == nil && detail.NotSubmitted
}

// withoutDetail returns the application error of the request function that Submit has given a submitFailure, or err.
func withoutDetail(err error) error {
	var app, own *temporal.ApplicationError
	if errors.As(err, &app) && errors.As(app.Unwrap(), &own) && own.Type() == app.Type() {
		return own
	}
	return err
}

// jobError returns an error that ends the workflow.
func jobError(kind, format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), errorType(kind), nil)
}
