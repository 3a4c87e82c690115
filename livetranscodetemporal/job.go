package livetranscodetemporal

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/livetranscode/livetranscode-go"
)

// JobSpec describes a job.
type JobSpec struct {
	// Name is the name of the job. It is required and must be unique in the account, and it must not be changed while
	// the workflow runs. The id of the workflow is "livetranscode-job-" followed by the name.
	Name string
	// Args are passed to the request function. They must not contain secrets, since they are in the history.
	Args map[string]string `json:",omitempty"`
	// Live is how long the job runs after it is known to be live. 0 means until [StopJob].
	Live time.Duration `json:",omitempty"`
	// ByFleet means that a [Fleet] signals changes to the workflow. Otherwise an activity polls the job with Gets.
	ByFleet bool `json:",omitempty"`
}

// validate returns what is wrong with the spec, or "".
func (s JobSpec) validate() string {
	switch {
	case s.Name == "":
		return "JobSpec.Name is empty"
	case !utf8.ValidString(s.Name):
		return "JobSpec.Name is not UTF-8"
	case s.Live < 0:
		return "JobSpec.Live is negative"
	}
	return ""
}

// JobResult is the result of [RunJob].
type JobResult struct {
	// JobID identifies the job; empty if [StopJob] was called before it was submitted.
	JobID string
	// LiveAt is when the workflow learned that the job is live; zero if it never was.
	LiveAt time.Time `json:",omitzero"`
	// EndedAt is when the workflow learned that the job has ended.
	EndedAt time.Time `json:",omitzero"`
	// StoppedByUs reports whether the workflow stopped the job. Otherwise the job ended by itself, or somebody else
	// stopped it.
	StoppedByUs bool
}

const (
	workflowIDPrefix = "livetranscode-job-"

	signalStop   = "livetranscode.stop"   // by StopJob
	signalChange = "livetranscode.change" // by a Fleet
	queryState   = "livetranscode.state"
)

// WorkflowID returns the id of the workflow for the job with the given name.
func WorkflowID(name string) string { return workflowIDPrefix + name }

// StartJob starts the workflow [RunJob] for spec. A name cannot be used again, even after its workflow has ended: then
// [errors.As] finds a [serviceerror.WorkflowExecutionAlreadyStarted] in the error. Temporal remembers a name for the
// retention period of the namespace.
func StartJob(ctx context.Context, t client.Client, taskQueue string, spec JobSpec) (client.WorkflowRun, error) {
	if reason := spec.validate(); reason != "" {
		return nil, errors.New("livetranscodetemporal: StartJob: " + reason)
	}
	run, err := t.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       WorkflowID(spec.Name),
		TaskQueue:                                taskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflowRunJob, spec)
	switch started := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); {
	case errors.As(err, &started):
		return nil, fmt.Errorf("livetranscodetemporal: the job name %q has been used, by run %s; a name is used only once: %w",
			spec.Name, started.RunId, err)
	case err != nil:
		return nil, fmt.Errorf("livetranscodetemporal: start job %q: %w", spec.Name, err)
	}
	return run, nil
}

// StopJob asks the workflow of a job to stop the job, and returns without waiting. If no workflow is running for the
// name, [errors.As] finds a [serviceerror.NotFound] in the error.
func StopJob(ctx context.Context, t client.Client, name string) error {
	if err := t.SignalWorkflow(ctx, WorkflowID(name), "", signalStop, nil); err != nil {
		return fmt.Errorf("livetranscodetemporal: stop job %q: %w", name, err)
	}
	return nil
}

// JobState returns the last known state of the job from its workflow, without a request to the service. The URLs of
// streams are redacted. A job that has not been submitted has [livetranscode.JobStatusUnknown] and no JobID. JobState
// needs a running worker, and also works after the workflow has ended. If the name is unknown, [errors.As] finds a
// [serviceerror.NotFound] in the error.
func JobState(ctx context.Context, t client.Client, name string) (*livetranscode.Job, error) {
	value, err := t.QueryWorkflow(ctx, WorkflowID(name), "", queryState)
	if err != nil {
		return nil, fmt.Errorf("livetranscodetemporal: state of job %q: %w", name, err)
	}
	job := new(livetranscode.Job)
	if err = value.Get(job); err != nil {
		return nil, fmt.Errorf("livetranscodetemporal: state of job %q: %w", name, err)
	}
	return job, nil
}
