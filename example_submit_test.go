package livetranscode_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// How do I start a job?
func ExampleClient_SubmitLiveTranscodeJob() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()

	resp, err := client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            "evening-show",
		TemplateID:      "b6491d5b3e514b7d895d14b5453ea119",
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
	})
	if err != nil {
		log.Fatal(err)
	}
	job, err := client.WaitForStatus(ctx, resp.JobID, livetranscode.JobStatusInProgress)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Name, "is", job.Status)
	// Output: evening-show is in progress
}

// How do I start and end a job on schedule? With a StartMode and a TimedConfig.
func ExampleClient_SubmitLiveTranscodeJob_timed() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()

	start := time.Now().Add(2 * time.Hour) // within seven days
	resp, err := client.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            "evening-show",
		TemplateID:      "b6491d5b3e514b7d895d14b5453ea119",
		StartMode:       livetranscode.StartModeTimed,
		TimedConfig:     &livetranscode.TimedConfig{StartTime: start, EndTime: start.Add(time.Hour)},
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
	})
	if err != nil {
		log.Fatal(err)
	}
	got, err := client.GetLiveTranscodeJob(ctx, resp.JobID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Job.StartMode, "and", got.Job.Status)
	// Output: timed and not started
}

// What do I do when the response to a Submit is lost? The job may exist all the same; a list filtered by its unique
// name shows that.
func ExampleClient_SubmitLiveTranscodeJob_ambiguous() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	srv.Inject(livetranscodetest.Fault{Operation: "SubmitLiveTranscodeJob", DropResponse: true})

	req := &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:            "evening-show-2026-07-20",
		TemplateID:      "b6491d5b3e514b7d895d14b5453ea119",
		StreamInput:     livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
		TranscodeOutput: livetranscode.TranscodeOutput{DomainName: "mydomain"},
	}
	_, err := client.SubmitLiveTranscodeJob(ctx, req)
	if errors.Is(err, livetranscode.ErrAmbiguous) {
		fmt.Println("the outcome is unknown")
		listCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // ctx itself may have ended
		for job, err := range client.AllLiveTranscodeJobs(listCtx, &livetranscode.ListLiveTranscodeJobsRequest{Keyword: req.Name}) {
			if err != nil {
				log.Fatal(err)
			}
			if job.Name == req.Name { // Keyword also matches parts of names
				fmt.Println("the job exists and is", job.Status)
			}
		}
		cancel()
	}
	// Output:
	// the outcome is unknown
	// the job exists and is in progress
}

// How do I start a job without starting it twice? Ensure searches for a job of that name before it submits, and again
// when the response to the Submit is lost. A second call finds the job of the first.
func ExampleClient_EnsureLiveTranscodeJob() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	req := &livetranscode.SubmitLiveTranscodeJobRequest{
		Name:        "evening-show-2026-11-26", // unique: the date is in it
		TemplateID:  "b6491d5b3e514b7d895d14b5453ea119",
		StreamInput: livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
	}
	for range 2 {
		resp, err := client.EnsureLiveTranscodeJob(context.Background(), req)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("created:", resp.Created)
	}
	// Output:
	// created: true
	// created: false
}
