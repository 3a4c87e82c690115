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

// The loop ends when all jobs have stopped.
func ExampleClient_WatchJobs() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})

	// Polling every millisecond is only for the emulator; the default suits the service.
	for event, err := range client.WatchJobs(context.Background(), []string{id}, livetranscode.PollInterval(time.Millisecond, 0)) {
		switch {
		case err != nil:
			log.Fatal(err)
		case event.Err != nil:
			fmt.Println(event.JobID, "is lost:", event.Err)
			continue
		}
		fmt.Println(event.Job.Name, "is", event.Job.Status)
		srv.SetStatus(id, event.Job.Status+1) // as time would
	}
	// Output:
	// evening-show is not started
	// evening-show is in progress
	// evening-show is stopped
}

// A Watcher usually runs as long as its program; this one ends with its job.
func ExampleWatcher_Events() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	watcher := client.NewWatcher(livetranscode.PollInterval(time.Millisecond, 0)) // only for the emulator
	watcher.Add(id)
	for event, err := range watcher.Events(context.Background()) {
		if err != nil {
			log.Fatal(err) // the watch has ended but keeps its jobs: range again to continue
		}
		switch event.Kind {
		case livetranscode.EventFirstSeen:
			fmt.Println("first seen", event.Job.Status)
		case livetranscode.EventChanged, livetranscode.EventStopped:
			fmt.Println("from", event.Previous.Status, "to", event.Job.Status)
		case livetranscode.EventLost:
			fmt.Println(event.JobID, "is lost:", event.Err)
		}
		if event.Kind >= livetranscode.EventStopped {
			break // it was the job's last event, and there is no other job
		}
		srv.SetStatus(id, livetranscode.JobStatusStopped) // as time would
	}
	// Output:
	// first seen in progress
	// from in progress to stopped
}

// Add may be called at any time, even in the loop: a new job is polled at once, before the next sweep.
func ExampleWatcher_Add() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	first := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	second := srv.AddJob(livetranscode.Job{Name: "late-show"})

	watcher := client.NewWatcher()
	watcher.Add(first)
	for event, err := range watcher.Events(context.Background()) {
		if err = errors.Join(err, event.Err); err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Job.Name, "is", event.Job.Status)
		if event.JobID == second {
			break
		}
		watcher.Add(second)
	}
	// Output:
	// evening-show is in progress
	// late-show is not started
}

// Remove ends the watch of a job: this program watches each job only until it is in progress.
func ExampleWatcher_Remove() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	first := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	second := srv.AddJob(livetranscode.Job{Name: "late-show", Status: livetranscode.JobStatusInProgress})

	watcher := client.NewWatcher()
	watcher.Add(first, second)
	waiting := 2
	for event, err := range watcher.Events(context.Background()) {
		if err = errors.Join(err, event.Err); err != nil {
			log.Fatal(err)
		}
		if event.Job.Status == livetranscode.JobStatusInProgress {
			fmt.Println(event.Job.Name, "is", event.Job.Status)
			watcher.Remove(event.JobID)
			waiting--
		}
		if waiting == 0 {
			break // with no job left, the loop would wait for Add
		}
	}
	// Unordered output:
	// evening-show is in progress
	// late-show is in progress
}
