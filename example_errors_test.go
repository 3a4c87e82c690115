package livetranscode_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// How do I tell errors apart? errors.Is finds the kind, whatever code the service uses for it.
func Example_errors() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()

	_, err := client.GetLiveTranscodeJob(context.Background(), "some-id")
	switch {
	case err == nil:
		fmt.Println("found")
	case errors.Is(err, livetranscode.ErrNotFound):
		fmt.Println("there is no such job")
	case errors.Is(err, livetranscode.ErrForbidden), errors.Is(err, livetranscode.ErrAuthentication):
		fmt.Println("check the credentials and their permissions:", err)
	case errors.Is(err, livetranscode.ErrThrottled), errors.Is(err, livetranscode.ErrUnavailable):
		fmt.Println("transient, but the retries were not enough:", err)
	default:
		fmt.Println(err)
	}
	// Output: there is no such job
}

// What did the service say? errors.As finds its error response.
func ExampleAPIError() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	srv.Inject(livetranscodetest.Fault{Code: "Forbidden.RAM"})

	_, err := client.GetLiveTranscodeJob(context.Background(), "some-id")
	var apiErr *livetranscode.APIError
	if errors.As(err, &apiErr) {
		fmt.Println("operation: ", apiErr.Operation)
		fmt.Println("status:    ", apiErr.StatusCode)
		fmt.Println("code:      ", apiErr.Code)
		fmt.Println("request id:", apiErr.RequestID != "") // for a support ticket
	}
	// Output:
	// operation:  GetLiveTranscodeJob
	// status:     403
	// code:       Forbidden.RAM
	// request id: true
}

// What if my request is invalid? It is a ParamError, returned before anything is sent.
func ExampleParamError() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()

	_, err := client.SubmitLiveTranscodeJob(context.Background(), &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:        "evening-show",
		StreamInput: livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
	})
	var paramErr *livetranscode.ParamError
	if errors.As(err, &paramErr) {
		fmt.Println("operation:", paramErr.Operation)
		fmt.Println("problem:  ", paramErr.Field, paramErr.Reason)
	}
	fmt.Println("requests: ", len(srv.Calls()))
	// Output:
	// operation: SubmitLiveTranscodeJob
	// problem:   TemplateID is empty
	// requests:  0
}

// Which label does a metric of errors get? ErrorKind names the kind in one word.
func ExampleErrorKind() {
	srv := livetranscodetest.NewServer()
	client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1}))
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	srv.Inject(livetranscodetest.Fault{Code: "Throttling.User"})

	failures := map[string]int{} // a counter with the label error_kind
	for _, jobID := range []string{id, id, "some-id", ""} {
		if _, err := client.GetLiveTranscodeJob(context.Background(), jobID); err != nil {
			failures[livetranscode.ErrorKind(err)]++
		}
	}
	fmt.Println(failures)
	// Output: map[invalid_request:1 not_found:1 throttled:1]
}

// Should I try again later? A worker puts a failed task back into its queue only if the error is Retryable; the client
// has made its own retries by then.
func ExampleRetryable() {
	srv := livetranscodetest.NewServer()
	client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1}))
	stop := func(jobID string) string {
		_, err := client.SendLiveTranscodeJobCommand(context.Background(), jobID, livetranscode.JobCommandStop)
		switch {
		case err == nil:
			return "done"
		case livetranscode.Retryable(err):
			return "again later"
		}
		return "give up"
	}

	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable"})
	fmt.Println(stop(id))
	fmt.Println(stop(id))
	fmt.Println(stop("some-id"))
	// Output:
	// again later
	// done
	// give up
}

// What if there was no response? A CallError says what happened: the network, the context, the credentials provider or
// the limiter.
func ExampleCallError() {
	srv := livetranscodetest.NewServer()
	client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1}))
	srv.Inject(livetranscodetest.Fault{Drop: true}) // the connection is lost

	_, err := client.GetLiveTranscodeJob(context.Background(), "some-id")
	var callErr *livetranscode.CallError
	if errors.As(err, &callErr) {
		fmt.Println("operation:", callErr.Operation, callErr.ResourceID)
		fmt.Println("requests: ", callErr.Attempts)
		fmt.Println("transient:", errors.Is(err, livetranscode.ErrUnavailable))
	}
	// Output:
	// operation: GetLiveTranscodeJob some-id
	// requests:  1
	// transient: true
}
