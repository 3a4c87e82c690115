package livetranscode_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// How do I test my code? Give it a client of the emulator, and inject the faults that it has to handle.
func Example_testing() {
	stopJob := func(ctx context.Context, client *livetranscode.Client, jobID string) error { // the code under test
		_, err := client.SendLiveTranscodeJobCommand(ctx, jobID, livetranscode.JobCommandStop)
		if errors.Is(err, livetranscode.ErrNotFound) {
			return nil
		}
		return err
	}

	srv := livetranscodetest.NewServer()
	client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{BaseDelay: time.Millisecond}))
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable", Times: 2})

	err := stopJob(context.Background(), client, id)
	job, _ := srv.Job(id)
	fmt.Println("error:", err)
	fmt.Println("the job is", job.Status, "after", len(srv.Calls()), "requests")
	fmt.Println("error for an unknown job:", stopJob(context.Background(), client, "unknown"))
	// Output:
	// error: <nil>
	// the job is stopped after 3 requests
	// error for an unknown job: <nil>
}

// How do I test with a fixed response? With any http.RoundTripper, such as that of github.com/jarcoal/httpmock.
func Example_cannedResponse() {
	transport := httpmock.NewMockTransport()
	transport.RegisterMatcherResponder(http.MethodPost, "https://ice.cn-shanghai.aliyuncs.com/",
		httpmock.HeaderIs("x-acs-action", "GetLiveTranscodeJob"),
		httpmock.NewStringResponder(http.StatusOK, `{"RequestId":"r","Job":{"JobId":"j","Name":"evening-show","Status":1}}`))

	client, err := livetranscode.NewClient(
		livetranscode.WithHTTPClient(&http.Client{Transport: transport}),
		livetranscode.WithCredentials(livetranscode.StaticCredentials("key-id", "key-secret", "")),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.GetLiveTranscodeJob(context.Background(), "j")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Job.Name, "is", resp.Job.Status)
	// Output: evening-show is in progress
}
