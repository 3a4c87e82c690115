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
// Use a StartToCloseTimeout of two minutes and no HeartbeatTimeout. A worker that was frozen and resumes after the timeout,
// when another attempt may have submitted, then finds that its deadline has passed, and sends nothing. A deadline
// cannot protect against a process that is frozen in the microseconds between the check of its deadline and the writing
// of the request, and resumes after the timeout.
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

// StopRequest is the argument of [Activities.Stop].
type StopRequest struct {
	// Name is the name of the job. It is used only if JobID is empty.
	Name string `json:",omitempty"`
	// JobID identifies the job. If it is empty, Stop searches for the name for up to 30 s, and stops every job that has
	// it, within the limits of Spec and CreatedSince.
	JobID string `json:",omitempty"`
	// Spec limits a search by name to jobs with the template of the spec's request, unless it is nil or the request
	// function returns an error.
	Spec *JobSpec `json:",omitempty"`
	// CreatedSince limits a search by name to jobs that were created since then, or up to 5 minutes earlier, since the
	// clocks of Temporal and of the service may differ. The zero time is no limit.
	CreatedSince time.Time `json:",omitzero"`
}

// Stop stops a job, waits until it has stopped, and returns it. The job is nil if the service has not known it for 30
// s. Use a HeartbeatTimeout of 30 s and a StartToCloseTimeout of several minutes.
//
// No error is permanent, because the job may be running: those that [ApplicationError] never retries, such as an
// invalid_request, are retried every minute.
func (a *Activities) Stop(ctx context.Context, req StopRequest) (*livetranscode.Job, error) {
	defer heartbeat(ctx)()
	attempt := activity.GetInfo(ctx).Attempt
	if req.JobID != "" {
		job, err := a.stop(ctx, req.JobID, attempt)
		return redacted(job), retriedError(err)
	}
	job, err := a.stopByName(ctx, req)
	return redacted(job), retriedError(err)
}

// stopByName stops every job that the request means by its name, and returns one of them, or nil if there is none.
func (a *Activities) stopByName(ctx context.Context, req StopRequest) (stopped *livetranscode.Job, err error) {
	templateID := a.templateOf(ctx, req.Spec)
	list := &livetranscode.ListLiveTranscodeJobsRequest{Keyword: req.Name}
	for end := time.Now().Add(searchTime); ; {
		for job, err := range a.client.AllLiveTranscodeJobs(ctx, list) {
			if err != nil {
				return nil, err
			}
			if job.Name != req.Name || !canBeOwn(job, templateID, req.CreatedSince) {
				continue
			}
			if !job.Status.Final() {
				if job, err = a.stop(ctx, job.JobID, 1); err != nil {
					return nil, err
				}
			}
			if job != nil {
				stopped = job
			}
		}
		if stopped != nil || !time.Now().Before(end) {
			return stopped, nil
		}
		if err = sleep(ctx, searchPause); err != nil {
			return nil, err
		}
	}
}

// templateOf returns the template of a spec's request, or "" if it is not known. An error of the request function must
// not leave the job running.
func (a *Activities) templateOf(ctx context.Context, spec *JobSpec) string {
	if spec == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	req, err := a.request(ctx, *spec)
	if err != nil || req == nil {
		return ""
	}
	return req.TemplateID
}

// stop stops one job and returns it, or nil if the service does not know it.
func (a *Activities) stop(ctx context.Context, jobID string, attempt int32) (*livetranscode.Job, error) {
	if attempt > 1 { // an earlier attempt may have stopped it
		if resp, err := a.client.GetLiveTranscodeJob(ctx, jobID); err == nil && resp.Job.Status.Final() {
			return resp.Job, nil
		}
	}
	err := a.sendStop(ctx, jobID)
	switch {
	case errors.Is(err, livetranscode.ErrNotFound):
		return nil, nil //nolint:nilnil // documented
	case errors.Is(err, livetranscode.ErrForbidden), errors.Is(err, livetranscode.ErrInvalidRequest):
		// The service does not document how it refuses to stop a job that has stopped.
		if resp, getErr := a.client.GetLiveTranscodeJob(ctx, jobID); getErr == nil && resp.Job.Status.Final() {
			return resp.Job, nil
		}
		return nil, err
	case err != nil:
		return nil, err
	}
	job, err := a.client.WaitForStatus(ctx, jobID, livetranscode.JobStatusStopped, a.poll...)
	if errors.Is(err, livetranscode.ErrNotFound) {
		return nil, nil //nolint:nilnil // documented
	}
	return job, err
}

// sendStop sends the stop command. While the service does not know the job, it retries for searchTime: a replica of the
// service may not know a new job yet.
func (a *Activities) sendStop(ctx context.Context, jobID string) error {
	for end := time.Now().Add(searchTime); ; {
		_, err := a.client.SendLiveTranscodeJobCommand(ctx, jobID, livetranscode.JobCommandStop)
		if !errors.Is(err, livetranscode.ErrNotFound) || !time.Now().Before(end) {
			return err
		}
		if err := sleep(ctx, searchPause); err != nil {
			return err
		}
	}
}
