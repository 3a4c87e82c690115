package livetranscode

import "context"

// The job operations.
var (
	opGetLiveTranscodeJob         = idempotentOperation("GetLiveTranscodeJob", "JobId")
	opListLiveTranscodeJobs       = idempotentOperation("ListLiveTranscodeJobs", "")
	opSubmitLiveTranscodeJob      = nonIdempotentOperation("SubmitLiveTranscodeJob")
	opUpdateLiveTranscodeJob      = idempotentOperation("UpdateLiveTranscodeJob", "JobId")
	opSendLiveTranscodeJobCommand = idempotentOperation("SendLiveTranscodeJobCommand", "JobId")
	opDeleteLiveTranscodeJob      = idempotentOperation("DeleteLiveTranscodeJob", "JobId")
)

// GetLiveTranscodeJob returns the current state of a job. An empty jobID is a [*ParamError]. An unknown job is
// [ErrNotFound], as far as the client can tell: the service does not document its response in that case.
//
// RAM action: ice:GetLiveTranscodeJob.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-getlivetranscodejob
func (c *Client) GetLiveTranscodeJob(ctx context.Context, jobID string) (*GetLiveTranscodeJobResponse, error) {
	resp := new(GetLiveTranscodeJobResponse)
	if err := c.do(ctx, opGetLiveTranscodeJob, jobParam(jobID), resp); err != nil {
		return nil, err
	}
	return resp, nil
}

// ListLiveTranscodeJobs returns one page of the jobs that match req; a nil req matches all jobs. Pages shift while jobs
// are created and deleted: use [Client.AllLiveTranscodeJobs] to list every job. An invalid field is a [*ParamError].
//
// RAM action: ice:ListLiveTranscodeJobs.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-listlivetranscodejobs
func (c *Client) ListLiveTranscodeJobs(ctx context.Context, req *ListLiveTranscodeJobsRequest) (*ListLiveTranscodeJobsResponse, error) {
	if req == nil {
		req = new(ListLiveTranscodeJobsRequest)
	}
	out := jobPage{pageHead: pageHeadOf(req.PageNo, req.PageSize)}
	if err := c.do(ctx, opListLiveTranscodeJobs, req, &out); err != nil {
		return nil, err
	}
	return &ListLiveTranscodeJobsResponse{out.RequestID, max(0, int(out.TotalCount)), notNil(out.JobList)}, nil
}

// SubmitLiveTranscodeJob starts or schedules a new job. A missing or invalid field is a [*ParamError]; the client does
// not check that the input can be played.
//
// The service has no idempotency token, so a call is retried only if it is certain that it was not executed: the
// service rejected it before processing, or it was never written to the network. Otherwise the error is [ErrAmbiguous],
// and another call may start, and bill, a second job. [Client.EnsureLiveTranscodeJob] takes care of that; to do so
// yourself, check first:
//
//	if errors.Is(err, livetranscode.ErrAmbiguous) {
//		checkCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // ctx may have ended
//		defer cancel()
//		byName := &livetranscode.ListLiveTranscodeJobsRequest{Keyword: req.Name}
//		for job, err := range client.AllLiveTranscodeJobs(checkCtx, byName) {
//			if err != nil {
//				return err // still unknown
//			}
//			if job.Name == req.Name { // Keyword also matches parts of names
//				return nil // the job was created
//			}
//		}
//	}
//
// A list without the job is no proof: the service does not document how soon a new job is listed.
//
// RAM action: ice:SubmitLiveTranscodeJob.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-submitlivetranscodejob
func (c *Client) SubmitLiveTranscodeJob(ctx context.Context, req *SubmitLiveTranscodeJobRequest) (*SubmitLiveTranscodeJobResponse, error) {
	resp := new(SubmitLiveTranscodeJobResponse)
	if err := c.do(ctx, opSubmitLiveTranscodeJob, req, resp); err != nil {
		return nil, err
	}
	return resp, nil
}

// UpdateLiveTranscodeJob changes a job: its name in any state, the rest only for a timed job that has not
// started. The template and the start mode cannot be changed. A missing or invalid field is a [*ParamError].
//
// RAM action: ice:UpdateLiveTranscodeJob.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-updatelivetranscodejob
func (c *Client) UpdateLiveTranscodeJob(ctx context.Context, req *UpdateLiveTranscodeJobRequest) (*UpdateLiveTranscodeJobResponse, error) {
	var out emptyResponse
	if err := c.do(ctx, opUpdateLiveTranscodeJob, req, &out); err != nil {
		return nil, err
	}
	return &UpdateLiveTranscodeJobResponse{RequestID: out.RequestID}, nil
}

// SendLiveTranscodeJobCommand sends a command to a job; the only command is [JobCommandStop]. An empty jobID or cmd is
// a [*ParamError]. The operation is idempotent: stopping a stopped job changes nothing. The service does not document
// its response to that, so if a Stop is refused or not found after an earlier attempt of the same call whose outcome is
// unknown, the job is read once: if it has stopped or is gone, the call succeeds, with the RequestID of that read.
//
// RAM action: ice:SendLiveTranscodeJobCommand.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-sendlivetranscodejobcommand
func (c *Client) SendLiveTranscodeJobCommand(ctx context.Context, jobID string, cmd JobCommand) (*SendLiveTranscodeJobCommandResponse, error) {
	var out emptyResponse
	err := c.do(ctx, opSendLiveTranscodeJobCommand, &commandParams{JobID: jobID, Command: cmd}, &out)
	if err != nil && cmd == JobCommandStop && refusedAfterUnknown(err) {
		resp, getErr := c.GetLiveTranscodeJob(ctx, jobID)
		if getErr == nil && resp.Job.Status == JobStatusStopped {
			return &SendLiveTranscodeJobCommandResponse{RequestID: resp.RequestID}, nil
		}
		if id, gone := isGone(getErr); gone {
			return &SendLiveTranscodeJobCommandResponse{RequestID: id}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return &SendLiveTranscodeJobCommandResponse{RequestID: out.RequestID}, nil
}

// DeleteLiveTranscodeJob deletes a job. The service does not document what that does to a running job: stop it first.
// An empty jobID is a [*ParamError]. The operation is idempotent: if it is refused or not found after an earlier
// attempt of the same call whose outcome is unknown, the job is read once; if it is gone, the call succeeds, with the
// RequestID of that read.
//
// RAM action: ice:DeleteLiveTranscodeJob.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-deletelivetranscodejob
func (c *Client) DeleteLiveTranscodeJob(ctx context.Context, jobID string) (*DeleteLiveTranscodeJobResponse, error) {
	var out emptyResponse
	err := c.do(ctx, opDeleteLiveTranscodeJob, jobParam(jobID), &out)
	if err != nil && refusedAfterUnknown(err) {
		_, getErr := c.GetLiveTranscodeJob(ctx, jobID)
		if id, gone := isGone(getErr); gone {
			return &DeleteLiveTranscodeJobResponse{RequestID: id}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return &DeleteLiveTranscodeJobResponse{RequestID: out.RequestID}, nil
}
