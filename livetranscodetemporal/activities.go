package livetranscodetemporal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/livetranscode/livetranscode-go"
)

// Activities are the activities of a job. [Register] registers them; only workflows call their methods. The returned
// jobs are redacted copies, and the errors are those of [ApplicationError].
type Activities struct {
	client  *livetranscode.Client
	request RequestFunc
	poll    []livetranscode.PollOption
}

const (
	// searchTime is how long a job that may have been submitted is searched for by name. The service does not document
	// how soon it lists a new job.
	searchTime = 30 * time.Second
	// searchPause is the time between two searches.
	searchPause = 3 * time.Second
)

// clockSkew is how far the clocks of Temporal and of the service may differ.
const clockSkew = 5 * time.Minute

// A submitFailure is the detail of an error returned by Submit.
type submitFailure struct {
	NotSubmitted bool // no attempt has sent a Submit that may have been executed
}

// Submit submits the job of a spec unless it exists, and returns it. A new job has only the fields of the request and
// its id. Submit calls [livetranscode.Client.EnsureLiveTranscodeJob]. If an earlier attempt may have submitted the job,
// as when its response was lost, Submit first searches for the name, for up to 30 s. A job that it finds counts as that
// of the spec if it has the same template and was created since the activity was scheduled, whatever its input. If no
// attempt may have submitted the job, and a stopped job has the name, the error is a name conflict.
//
// Use a StartToCloseTimeout of two minutes and no HeartbeatTimeout. A worker that was frozen and resumes after the
// timeout, when another attempt may have submitted, then finds that its deadline has passed, and sends nothing. A
// deadline cannot protect against a process that is frozen in the microseconds between the check of its deadline and
// the writing of the request, and resumes after the timeout.
func (a *Activities) Submit(ctx context.Context, spec JobSpec) (*livetranscode.Job, error) {
	info := activity.GetInfo(ctx)
	var before int32 // the number of attempts that have submitted nothing
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &before) // if it fails, an attempt may have submitted
	}
	first := info.Attempt == before+1
	job, err := a.submit(ctx, spec, first, info.ScheduledTime)
	switch {
	case err == nil:
		return redacted(job), nil
	case !first || errors.Is(err, livetranscode.ErrAmbiguous):
		return nil, ApplicationError(err)
	}
	// If this does not reach the server, the next attempt assumes that this one may have submitted.
	activity.RecordHeartbeat(ctx, info.Attempt)
	return nil, applicationError(err, submitFailure{NotSubmitted: true})
}

// submit is Submit. first means that no earlier attempt may have submitted the job; since is when the activity was
// scheduled.
func (a *Activities) submit(ctx context.Context, spec JobSpec, first bool, since time.Time) (*livetranscode.Job, error) {
	made, err := a.request(ctx, spec)
	if err != nil {
		return nil, err
	}
	if made == nil {
		return nil, &livetranscode.ParamError{Operation: "Submit", Field: "request", Reason: "returned nil"}
	}
	req := *made
	req.Name = spec.Name
	own := func(job *livetranscode.Job) bool { // whether an earlier attempt may have submitted it
		return !first && canBeOwn(job, req.TemplateID, since) // a new request may have another stream key in its input
	}
	if !first {
		job, err := a.awaitListed(ctx, req.Name)
		if err != nil || job != nil && own(job) {
			return job, err
		}
	}
	resp, err := a.client.EnsureLiveTranscodeJob(ctx, &req)
	switch {
	case err != nil:
		return nil, err
	case resp.Existing == nil:
		return &livetranscode.Job{
			Name: req.Name, JobID: resp.JobID, TemplateID: req.TemplateID, StartMode: req.StartMode,
			Status: livetranscode.JobStatusUnknown, StreamInput: req.StreamInput,
		}, nil
	case resp.Existing.Status.Final() && !own(resp.Existing):
		return nil, fmt.Errorf("%w: job %s of this name has already stopped", livetranscode.ErrNameConflict, resp.JobID)
	}
	return resp.Existing, nil
}

// canBeOwn reports whether a job with the name of a spec can be the one that was submitted for it since a time. An
// empty template and the zero time are unknown.
func canBeOwn(job *livetranscode.Job, templateID string, since time.Time) bool {
	return (templateID == "" || job.TemplateID == "" || job.TemplateID == templateID) &&
		(since.IsZero() || job.CreateTime.IsZero() || job.CreateTime.After(since.Add(-clockSkew)))
}

// awaitListed returns the job with the given name, or nil if none is listed within searchTime.
func (a *Activities) awaitListed(ctx context.Context, name string) (*livetranscode.Job, error) {
	for end := time.Now().Add(searchTime); ; {
		job, err := a.client.FindLiveTranscodeJob(ctx, name)
		if !errors.Is(err, livetranscode.ErrNotFound) {
			return job, err
		}
		if !time.Now().Before(end) {
			return nil, nil //nolint:nilnil // documented
		}
		if err = sleep(ctx, searchPause); err != nil {
			return nil, err
		}
	}
}

// WaitRequest is the argument of [Activities.WaitForStatus].
type WaitRequest struct {
	JobID string
	Want  livetranscode.JobStatus
}

// WaitForStatus waits until a job has a status, as [livetranscode.Client.WaitForStatus] does, and returns the job. Use
// a HeartbeatTimeout of 30 s. The StartToCloseTimeout may be of any length: an attempt that exceeds it is retried.
//
// Only the errors job_stopped and not_found are permanent. A refused request must not end a broadcast, so other errors
// that [ApplicationError] never retries, such as an invalid_request, are retried every minute.
func (a *Activities) WaitForStatus(ctx context.Context, req WaitRequest) (*livetranscode.Job, error) {
	defer heartbeat(ctx)()
	job, err := a.client.WaitForStatus(ctx, req.JobID, req.Want, a.poll...)
	if req.JobID == "" || req.Want < 0 { // the caller's mistake
		return nil, ApplicationError(err)
	}
	return redacted(job), retriedError(err, "job_stopped", "not_found")
}
