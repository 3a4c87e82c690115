package livetranscodetemporal

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/livetranscode/livetranscode-go"
)

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
