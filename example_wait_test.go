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

// How do I wait until a job has started? The context is a wait's only deadline, so give it one.
func ExampleClient_WaitForStatus() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	job, err := client.WaitForStatus(ctx, id, livetranscode.JobStatusInProgress)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(job.Name, "is", job.Status)
	// Output: evening-show is in progress
}

// How do I wait for something other than a status? With a condition of your own: here, the job has an output.
func ExampleClient_WaitUntil() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{
		Name:   "evening-show",
		Status: livetranscode.JobStatusInProgress,
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{
			{Type: "rtmp", OutputURL: "rtmp://mydomain/app/stream1-720p"},
		}},
	})

	hasOutput := func(job *livetranscode.Job) (bool, error) {
		if job.Status == livetranscode.JobStatusStopped {
			return false, errors.New("the job stopped without an output") // an error ends the wait
		}
		return len(job.OutputStream.StreamInfos) > 0, nil
	}
	job, err := client.WaitUntil(context.Background(), id, hasOutput)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.OutputStream.StreamInfos[0].OutputURL)
	// Output: rtmp://mydomain/app/stream1-720p
}

// How do I wait for many jobs? WaitForAll needs few requests. The jobs that reached the status are returned even if
// others cannot reach it.
func ExampleClient_WaitForAll() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	live := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	over := srv.AddJob(livetranscode.Job{Name: "morning-show", Status: livetranscode.JobStatusStopped})

	jobs, err := client.WaitForAll(context.Background(), []string{live, over}, livetranscode.JobStatusInProgress)
	for _, job := range jobs {
		fmt.Println(job.Name, "is", job.Status)
	}
	var failed *livetranscode.WaitError // the first one; Unwrap() []error of err returns them all
	if errors.As(err, &failed) {
		fmt.Printf("%s: %v\n", failed.Last.Name, failed.Err)
	}
	// Output:
	// evening-show is in progress
	// morning-show: job has stopped
}

// Why did a wait fail? The error of a failed wait holds the job as it was last read.
func ExampleWaitError() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusStopped})

	_, err := client.WaitForStatus(context.Background(), id, livetranscode.JobStatusInProgress)
	var failed *livetranscode.WaitError
	if errors.As(err, &failed) && errors.Is(err, livetranscode.ErrJobStopped) {
		fmt.Println("too late: the job is", failed.Last.Status)
	}
	// Output:
	// too late: the job is stopped
}

// How do I show the progress of a wait? OnPoll is called for every poll, not only the last.
func ExampleOnPoll() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})

	_, err := client.WaitForStatus(context.Background(), id, livetranscode.JobStatusInProgress,
		livetranscode.PollInterval(time.Millisecond, 0), // only for the emulator
		livetranscode.OnPoll(func(job *livetranscode.Job) {
			fmt.Println(job.Name, "is", job.Status)
			srv.SetStatus(id, livetranscode.JobStatusInProgress) // as time would
		}))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// evening-show is not started
	// evening-show is in progress
}

// How do I tune a wait or a watch? With the same options, but OnPoll is for waits, and Concurrency for watches and
// WaitForAll.
func ExamplePollOption() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusStopped})

	_, err := client.WaitForStatus(context.Background(), id, livetranscode.JobStatusStopped,
		livetranscode.PollInterval(5*time.Second, time.Minute), // more often at first
		livetranscode.TolerateErrors(20),                       // a longer outage
		livetranscode.NotFoundGrace(2*time.Minute),             // a job that was just submitted
	)
	fmt.Println("waited:", err == nil)

	watcher := client.NewWatcher(livetranscode.PollInterval(time.Minute, time.Minute), livetranscode.Concurrency(4))
	watcher.Add(id)
	for event := range watcher.Events(context.Background()) {
		fmt.Println("watched:", event.Kind)
		break
	}
	// Output:
	// waited: true
	// watched: stopped
}
