package livetranscodetest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// How do I test code that reads jobs?
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

// How do I test failures? The first attempt is refused and the second loses its connection; the client retries both.
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

// How do I test a revoked key? By replacing the accepted credentials, which revokes those of existing clients.
func ExampleServer_SetCredentials() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	srv.SetCredentials(livetranscode.Credentials{AccessKeyID: "new-key", AccessKeySecret: "new-secret"})

	_, err := client.GetLiveTranscodeJob(context.Background(), "some job")
	fmt.Println(errors.Is(err, livetranscode.ErrAuthentication))
	// Output: true
}

// How do I test over real connections? A Server is an http.Handler.
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

// Did my faults apply? One that applied to no request means that the test did not test what it meant to.
func ExampleServer_UnusedFaults() {
	srv := livetranscodetest.NewServer()
	srv.Inject(livetranscodetest.Fault{Operation: "DeleteLiveTranscodeJob", Code: "Throttling.User"})
	client := srv.Client()

	id := srv.AddJob(livetranscode.Job{Name: "evening show", Status: livetranscode.JobStatusInProgress})
	if _, err := client.SendLiveTranscodeJobCommand(context.Background(), id, livetranscode.JobCommandStop); err != nil {
		log.Fatal(err)
	}
	for _, fault := range srv.UnusedFaults() {
		fmt.Println("unused:", fault.Operation, fault.Code)
	}
	// Output: unused: DeleteLiveTranscodeJob Throttling.User
}

// What if a job that was just submitted is not found? A visibility delay shows how code takes that.
func ExampleWithVisibilityDelay() {
	srv := livetranscodetest.NewServer(livetranscodetest.WithVisibilityDelay(10 * time.Second))
	client, ctx := srv.Client(), context.Background()
	submitted, err := client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            "evening show",
		TemplateID:      "t",
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
	})
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.GetLiveTranscodeJob(ctx, submitted.JobID)
	fmt.Println("not found:", errors.Is(err, livetranscode.ErrNotFound))
	srv.SetClockOffset(10 * time.Second) // in a synctest bubble: time.Sleep(10 * time.Second)
	_, err = client.GetLiveTranscodeJob(ctx, submitted.JobID)
	fmt.Println("error:", err)
	// Output:
	// not found: true
	// error: <nil>
}

// What if the service refuses to stop a job that does not run?
func ExampleWithStrictCommands() {
	srv := livetranscodetest.NewServer(livetranscodetest.WithStrictCommands())
	id := srv.AddJob(livetranscode.Job{Name: "evening show", Status: livetranscode.JobStatusStopped})

	_, err := srv.Client().SendLiveTranscodeJobCommand(context.Background(), id, livetranscode.JobCommandStop)
	fmt.Println("forbidden:", errors.Is(err, livetranscode.ErrForbidden))
	// Output: forbidden: true
}

// How do I add a system template? The service has some of its own.
func ExampleServer_AddTemplate() {
	srv := livetranscodetest.NewServer()
	id := srv.AddTemplate(livetranscode.Template{
		Name:     "basic",
		Type:     livetranscode.TemplateTypeNormal,
		Category: livetranscode.TemplateCategorySystem,
	})

	resp, err := srv.Client().GetLiveTranscodeTemplate(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Template.Name, resp.Template.Type, resp.Template.Category)
	// Output: basic normal system
}

// How do I check the jobs in the end?
func ExampleServer_Jobs() {
	srv := livetranscodetest.NewServer()
	srv.AddJob(livetranscode.Job{Name: "evening show", Status: livetranscode.JobStatusInProgress})
	srv.AddJob(livetranscode.Job{Name: "late show"})
	for _, job := range srv.Jobs() {
		fmt.Println(job.Name, "is", job.Status)
	}
	// Output:
	// evening show is in progress
	// late show is not started
}

// How do I test a program that creates its own client? The emulator is a transport, with credentials that it accepts.
func ExampleServer_Transport() {
	srv := livetranscodetest.NewServer()
	key := srv.Credentials()
	client, err := livetranscode.NewClient(
		livetranscode.WithHTTPClient(&http.Client{Transport: srv.Transport()}),
		livetranscode.WithCredentials(livetranscode.StaticCredentials(key.AccessKeyID, key.AccessKeySecret, key.SecurityToken)),
	)
	if err != nil {
		log.Fatal(err)
	}
	id := srv.AddJob(livetranscode.Job{Name: "evening show"})

	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Job.Name)
	// Output: evening show
}

// How do I check what was requested? Calls has the requests, with their parameters and outcomes.
func ExampleServer_Calls() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening show", Status: livetranscode.JobStatusInProgress})
	if _, err := srv.Client().SendLiveTranscodeJobCommand(context.Background(), id, livetranscode.JobCommandStop); err != nil {
		log.Fatal(err)
	}

	for _, call := range srv.Calls() {
		fmt.Println(call.Operation, call.Query.Get("Command"), call.StatusCode)
	}
	// Output: SendLiveTranscodeJobCommand stop 200
}
