package livetranscodetemporal

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestJobsWithoutWorkflow(t *testing.T) {
	t.Parallel()
	f := newFleet("match")
	f.add("match", livetranscode.JobStatusInProgress)
	f.add("terminated", livetranscode.JobStatusInProgress)
	f.add("terminated and stopped", livetranscode.JobStatusStopped)
	f.add("of someone else", livetranscode.JobStatusNotStarted)
	ending, deleted := f.add("terminated, ending", livetranscode.JobStatusInProgress), f.add("terminated, deleted", livetranscode.JobStatusInProgress)
	f.temporal.described = func(id string) { // after the job has been listed
		switch id {
		case WorkflowID("terminated, ending"):
			f.SetStatus(ending, livetranscode.JobStatusStopped)
		case WorkflowID("terminated, deleted"):
			f.RemoveJob(deleted)
		}
	}
	names := func() (names []string, err error) {
		for job, err := range JobsWithoutWorkflow(context.Background(), f.client, f.temporal) {
			if err != nil {
				return names, err
			}
			names = append(names, job.Name)
		}
		return names, nil
	}
	if got, err := names(); err != nil || !slices.Equal(got, []string{"of someone else", "terminated"}) {
		t.Errorf("jobs %q, %v", got, err)
	}
	for range JobsWithoutWorkflow(t.Context(), f.client, f.temporal) {
		break
	}
	f.temporal.err = errTransient
	if _, err := names(); !errors.Is(err, errTransient) {
		t.Errorf("error %v, want that of Temporal", err)
	}
	f.temporal.err = nil
	f.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM"})
	if _, err := names(); !errors.Is(err, livetranscode.ErrForbidden) {
		t.Errorf("error %v, want that of the service", err)
	}
}
