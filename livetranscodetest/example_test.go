package livetranscodetest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func Example() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening show"})
	client := srv.Client()

	for _, status := range []livetranscode.JobStatus{livetranscode.JobStatusInProgress, livetranscode.JobStatusStopped} {
		srv.SetStatus(id, status)
		resp, err := client.GetLiveTranscodeJob(context.Background(), id)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %v\n", resp.Job.Name, resp.Job.Status)
	}
	// Output:
	// evening show: in progress
	// evening show: stopped
}

// The first attempt meets a busy service and the second loses its connection; the client tries again.
func ExampleServer_Inject() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening show"})
	srv.Inject(livetranscodetest.Fault{Operation: "GetLiveTranscodeJob", Code: "ServiceUnavailable"})
	srv.Inject(livetranscodetest.Fault{Operation: "GetLiveTranscodeJob", Drop: true})

	client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{BaseDelay: time.Millisecond}))
	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Job.Name)
	for _, call := range srv.Calls() {
		fmt.Printf("%s: %d %q\n", call.Operation, call.StatusCode, call.Code)
	}
	// Output:
	// evening show
	// GetLiveTranscodeJob: 503 "ServiceUnavailable"
	// GetLiveTranscodeJob: 0 ""
	// GetLiveTranscodeJob: 200 ""
}

// A revoked key.
func ExampleServer_SetCredentials() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	srv.SetCredentials(livetranscode.Credentials{AccessKeyID: "new-key", AccessKeySecret: "new-secret"})

	_, err := client.GetLiveTranscodeJob(context.Background(), "some job")
	fmt.Println(errors.Is(err, livetranscode.ErrAuthentication))
	// Output: true
}

// Over TCP, where the test is to see real connections.
func ExampleNewServer_tcp() {
	srv := livetranscodetest.NewServer()
	tcp := httptest.NewServer(srv)
	defer tcp.Close()

	client := srv.Client(livetranscode.WithEndpoint(tcp.URL), livetranscode.WithHTTPClient(tcp.Client()))
	id := srv.AddJob(livetranscode.Job{Name: "evening show"})
	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Job.Name)
	// Output: evening show
}
