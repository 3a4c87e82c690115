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

// How do I read a job?
func ExampleClient_GetLiveTranscodeJob() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{
		Name:        "evening-show",
		Status:      livetranscode.JobStatusInProgress,
		StreamInput: livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://mydomain/app/stream1"},
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{
			{Type: "rtmp", OutputURL: "rtmp://mydomain/app/stream1-720p"},
		}},
		CreateTime: time.Date(2026, 7, 20, 2, 48, 58, 0, time.UTC),
	})

	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	job := resp.Job
	fmt.Println("name:   ", job.Name)
	fmt.Println("status: ", job.Status)
	fmt.Println("input:  ", job.StreamInput.InputURL)
	for _, stream := range job.OutputStream.StreamInfos {
		fmt.Println("output: ", stream.OutputURL)
	}
	fmt.Println("created:", job.CreateTime)
	// Output:
	// name:    evening-show
	// status:  in progress
	// input:   rtmp://mydomain/app/stream1
	// output:  rtmp://mydomain/app/stream1-720p
	// created: 2026-07-20 02:48:58 +0000 UTC
}

// How do I list one page of jobs?
func ExampleClient_ListLiveTranscodeJobs() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	for _, name := range []string{"morning-show", "noon-show", "evening-show"} {
		srv.AddJob(livetranscode.Job{Name: name})
	}

	resp, err := client.ListLiveTranscodeJobs(context.Background(), &livetranscode.ListLiveTranscodeJobsRequest{
		Status:   new(livetranscode.JobStatusNotStarted), // a pointer, because 0 is a status; nil means any
		PageSize: 2,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(resp.Jobs), "of", resp.TotalCount)
	for _, job := range resp.Jobs {
		fmt.Println(job.Name)
	}
	// Output:
	// 2 of 3
	// evening-show
	// noon-show
}

// How do I list all jobs? The iterator requests pages as the loop needs them.
func ExampleClient_AllLiveTranscodeJobs() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	for i := range 250 {
		srv.AddJob(livetranscode.Job{Name: fmt.Sprintf("show-%d", i+1), Status: livetranscode.JobStatusInProgress})
	}

	running := 0
	req := &livetranscode.ListLiveTranscodeJobsRequest{Status: new(livetranscode.JobStatusInProgress)}
	for job, err := range client.AllLiveTranscodeJobs(context.Background(), req) {
		if err != nil {
			log.Fatal(err)
		}
		if running++; running == 1 {
			fmt.Println("newest:", job.Name)
		}
	}
	fmt.Println(running, "jobs in progress, listed with", len(srv.Calls()), "requests")
	// Output:
	// newest: show-250
	// 250 jobs in progress, listed with 3 requests
}

// How do I rename a job?
func ExampleClient_UpdateLiveTranscodeJob() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	// Fields that are not set stay unchanged. Once a job has started, only its name can change.
	_, err := client.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{JobID: id, Name: "late-show"})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := client.GetLiveTranscodeJob(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Job.Name)
	// Output: late-show
}

// How do I stop a job?
func ExampleClient_SendLiveTranscodeJobCommand() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	// A success means that the command was accepted, not that the job has stopped yet.
	if _, err := client.SendLiveTranscodeJobCommand(ctx, id, livetranscode.JobCommandStop); err != nil {
		log.Fatal(err)
	}
	job, err := client.WaitForStatus(ctx, id, livetranscode.JobStatusStopped)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Name, "is", job.Status)
	// Output: evening-show is stopped
}

// How do I delete a job, whether or not it exists? By ignoring ErrNotFound.
func ExampleClient_DeleteLiveTranscodeJob() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusStopped})

	for range 2 {
		_, err := client.DeleteLiveTranscodeJob(context.Background(), id)
		switch {
		case errors.Is(err, livetranscode.ErrNotFound):
			fmt.Println("there is no such job")
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println("deleted")
		}
	}
	// Output:
	// deleted
	// there is no such job
}

// How do I find a job by its name? The service does not require names to be unique: several jobs of the name are
// ErrNameConflict, with their ids.
func ExampleClient_FindLiveTranscodeJob() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	srv.AddJob(livetranscode.Job{Name: "evening-show-2"})

	for _, name := range []string{"evening-show", "late-show"} {
		job, err := client.FindLiveTranscodeJob(context.Background(), name)
		switch {
		case errors.Is(err, livetranscode.ErrNotFound):
			fmt.Println(name, "does not exist")
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println(name, "is", job.Status)
		}
	}
	// Output:
	// evening-show is in progress
	// late-show does not exist
}

// What if the service adds a status? It is decoded, printed and encoded as the number that it is. Only a stopped job is
// final.
func ExampleJobStatus() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: 7})

	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	for _, status := range []livetranscode.JobStatus{resp.Job.Status, livetranscode.JobStatusStopped} {
		fmt.Printf("%v: known %t, final %t\n", status, status.Known(), status.Final())
	}
	// Output:
	// JobStatus(7): known false, final false
	// stopped: known true, final true
}
