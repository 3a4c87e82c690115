package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"
	"golang.org/x/sync/errgroup"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
)

// runInTestEnvironment runs the jobs in the SDK's test environment, one for each job.
func runInTestEnvironment(ctx context.Context, out io.Writer) error {
	emulator := newEmulator()
	c := emulator.Client()
	var group errgroup.Group
	for _, spec := range jobs(time.Now().Format("150405")) {
		group.Go(func() error { return runInEnvironment(ctx, c, spec, out) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return report(emulator, out)
}

func runInEnvironment(ctx context.Context, c *livetranscode.Client, spec livetranscodetemporal.JobSpec, out io.Writer) error {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(&logger{out: out})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: livetranscodetemporal.WorkflowID(spec.Name)})
	livetranscodetemporal.Register(env, c, nil, request)
	stop := context.AfterFunc(ctx, env.CancelWorkflow) // stops the job
	defer stop()
	env.ExecuteWorkflow(livetranscodetemporal.RunJob, spec)
	if err := env.GetWorkflowError(); err != nil {
		return err
	}
	var result livetranscodetemporal.JobResult
	if err := env.GetWorkflowResult(&result); err != nil {
		return err
	}
	printResult(spec.Name, result, out)
	return nil
}

// printResult says for how long a job was live.
func printResult(name string, result livetranscodetemporal.JobResult, out io.Writer) {
	fmt.Fprintf(out, "%s: it was live for %v\n", name, result.EndedAt.Sub(result.LiveAt).Round(time.Second))
}
