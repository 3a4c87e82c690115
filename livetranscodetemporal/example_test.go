package livetranscodetemporal_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetemporal"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// request makes the request of a job, with a stream key that only the worker knows.
func request(_ context.Context, spec livetranscodetemporal.JobSpec) (*livetranscode.SubmitLiveTranscodeJobRequest, error) {
	return &livetranscode.SubmitLiveTranscodeJobRequest{
		TemplateID:      spec.Args["template"],
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://push.example.com/live/stream-key"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "play.example.com"},
	}, nil
}

// A worker runs the workflows of jobs, and calls the service.
func ExampleRegister() {
	runWorker := func(t client.Client, c *livetranscode.Client) error {
		w := worker.New(t, "livetranscode", worker.Options{})
		livetranscodetemporal.Register(w, c, t, request)
		return w.Run(worker.InterruptCh())
	}
	_ = runWorker
}

// Any process starts a job, and waits for its end or not.
func ExampleStartJob() {
	run := func(ctx context.Context, t client.Client) error {
		run, err := livetranscodetemporal.StartJob(ctx, t, "livetranscode", livetranscodetemporal.JobSpec{
			Name: "match-2026-11-26", // never used again
			Live: 3 * time.Hour,
			Args: map[string]string{"template": "720p"},
		})
		if err != nil {
			return err
		}
		var result livetranscodetemporal.JobResult
		return run.Get(ctx, &result)
	}
	_ = run
}

// A test of the user's own runs the workflow in the SDK's test environment, against the emulator.
func ExampleRunJob() {
	emulator := livetranscodetest.NewServer()
	emulator.AddTemplate(livetranscode.Template{TemplateID: "720p"})

	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: livetranscodetemporal.WorkflowID("match")})
	poll := livetranscodetemporal.WithPoll(livetranscode.PollInterval(10*time.Millisecond, 0))
	livetranscodetemporal.Register(env, emulator.Client(), nil, request, poll)

	env.ExecuteWorkflow(livetranscodetemporal.RunJob, livetranscodetemporal.JobSpec{
		Name: "match", Live: 50 * time.Millisecond, Args: map[string]string{"template": "720p"},
	})
	var result livetranscodetemporal.JobResult
	if err := env.GetWorkflowResult(&result); err != nil {
		fmt.Println(err)
		return
	}
	job, _ := emulator.Job(result.JobID)
	fmt.Println(job.Name, "is", job.Status)
	fmt.Println("stopped by us:", result.StoppedByUs)
	// Output:
	// match is stopped
	// stopped by us: true
}
