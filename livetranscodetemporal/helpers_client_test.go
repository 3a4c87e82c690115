package livetranscodetemporal

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A fakeClient is a Temporal client of a server with some running workflows.
type fakeClient struct {
	client.Client // nil: methods that are not defined here panic

	mu      sync.Mutex
	running []string // names of jobs
	fleet   enums.PendingActivityState
	signals []signaled
	refuse  map[string]error // errors of signals, by the name of the job; each is used once
	started []client.StartWorkflowOptions
	err     error // of all other calls

	described func(id string) // called by DescribeWorkflowExecution; nil: none
}

type signaled struct {
	name, signal string
	news         change
}

func (c *fakeClient) ExecuteWorkflow(_ context.Context, opts client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	c.started = append(c.started, opts)
	return nil, c.err
}

func (c *fakeClient) SignalWorkflow(_ context.Context, id, _, signal string, arg any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := strings.TrimPrefix(id, workflowIDPrefix)
	if err := c.refuse[name]; err != nil {
		delete(c.refuse, name)
		return err
	}
	if !slices.Contains(c.running, name) {
		return serviceerror.NewNotFound("no workflow")
	}
	news, _ := arg.(change)
	c.signals = append(c.signals, signaled{name, signal, news})
	return nil
}

// signaled returns the signals so far.
func (c *fakeClient) signaled() []signaled {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.signals)
}

func (c *fakeClient) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
	return nil, c.err
}

func (c *fakeClient) DescribeWorkflowExecution(_ context.Context, id, _ string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if c.err != nil {
		return nil, c.err
	}
	if c.described != nil {
		c.described(id)
	}
	resp := &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING},
	}
	name, isJob := strings.CutPrefix(id, workflowIDPrefix)
	switch {
	case strings.HasPrefix(name, "terminated"):
		resp.WorkflowExecutionInfo.Status = enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
	case isJob && slices.Contains(c.running, name):
	case id == FleetID && c.fleet != 0:
		resp.PendingActivities = []*workflow.PendingActivityInfo{{State: c.fleet}}
	default:
		return nil, serviceerror.NewNotFound("no workflow")
	}
	return resp, nil
}

// ListWorkflow returns one workflow a page.
func (c *fakeClient) ListWorkflow(_ context.Context, req *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	page := len(req.GetNextPageToken())
	ids := []string{"own-workflow"}
	for _, name := range c.running {
		ids = append(ids, WorkflowID(name))
	}
	resp := &workflowservice.ListWorkflowExecutionsResponse{
		Executions: []*workflow.WorkflowExecutionInfo{{Execution: &common.WorkflowExecution{WorkflowId: ids[page]}}},
	}
	if strings.HasSuffix(ids[page], "young") {
		resp.Executions[0].StartTime = timestamppb.New(time.Now())
	}
	if page+1 < len(ids) {
		resp.NextPageToken = make([]byte, page+1)
	}
	return resp, c.err
}
