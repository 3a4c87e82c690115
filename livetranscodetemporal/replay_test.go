package livetranscodetemporal

import (
	"os"
	"path/filepath"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// TestReplay: the workflows make the same decisions as those that recorded the histories, so that workflows that run
// during an upgrade continue. A history is added with every release that changes a workflow, and none is replaced.
func TestReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/*/*.json")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d histories, %v; want at least 15", len(files), err)
	}
	for _, path := range files {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = file.Close() }()
			history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
			if err != nil {
				t.Fatal(err)
			}
			started := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
			replayer := worker.NewWorkflowReplayer()
			replayer.RegisterWorkflowWithOptions(runJob, workflow.RegisterOptions{Name: workflowRunJob})
			replayer.RegisterWorkflowWithOptions(Fleet, workflow.RegisterOptions{Name: workflowFleet})
			err = replayer.ReplayWorkflowHistoryWithOptions(discard, history, worker.ReplayWorkflowHistoryOptions{
				OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
