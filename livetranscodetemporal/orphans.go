package livetranscodetemporal

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/livetranscode/livetranscode-go"
)

// JobsWithoutWorkflow yields the jobs of the account that have not stopped and whose workflow, with the id [WorkflowID]
// of their name, is not running: it was terminated, or the job was started without a workflow, or by one with another
// id. Check the names before you stop such jobs. An error ends the iteration.
//
// JobsWithoutWorkflow sends one request to the service for every 100 jobs, and one to Temporal for each job; it reads a
// job without a workflow again before it yields the job. The URLs of the jobs' streams are not redacted.
func JobsWithoutWorkflow(ctx context.Context, c *livetranscode.Client, t client.Client) iter.Seq2[*livetranscode.Job, error] {
	return func(yield func(*livetranscode.Job, error) bool) {
		seen := make(map[string]bool) // a job that starts meanwhile is in both lists
		for _, status := range []livetranscode.JobStatus{livetranscode.JobStatusNotStarted, livetranscode.JobStatusInProgress} {
			req := &livetranscode.ListLiveTranscodeJobsRequest{Status: &status, PageSize: 100}
			for job, err := range c.AllLiveTranscodeJobs(ctx, req) {
				if err == nil {
					if seen[job.JobID] {
						continue
					}
					seen[job.JobID] = true
					job, err = withoutWorkflow(ctx, c, t, job)
				}
				if (job != nil || err != nil) && !yield(job, err) || err != nil {
					return
				}
			}
		}
	}
}

// withoutWorkflow returns the current state of the job, or nil if its workflow is running or the job has ended.
func withoutWorkflow(
	ctx context.Context, c *livetranscode.Client, t client.Client, job *livetranscode.Job,
) (*livetranscode.Job, error) {
	resp, err := t.DescribeWorkflowExecution(ctx, WorkflowID(job.Name), "")
	switch notFound := (*serviceerror.NotFound)(nil); {
	case errors.As(err, &notFound):
	case err != nil:
		return nil, fmt.Errorf("livetranscodetemporal: workflow of job %q: %w", job.Name, err)
	case resp.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return nil, nil //nolint:nilnil // documented
	}
	// The workflow may have stopped the job and ended after the job was listed.
	now, err := c.GetLiveTranscodeJob(ctx, job.JobID)
	switch {
	case errors.Is(err, livetranscode.ErrNotFound):
		return nil, nil //nolint:nilnil // documented
	case err != nil:
		return nil, err
	case now.Job.Status.Final():
		return nil, nil //nolint:nilnil // documented
	}
	return now.Job, nil
}
