package livetranscode_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// How do I follow some jobs until they have stopped? With a loop that ends then.
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

// What do the events of a watch say? Their Kind says what has happened. A Watcher usually runs as long as its program;
// this one ends with its job.
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

// How do I add a job to a running watch? At any time, even in the loop: a new job is polled at once, before the next
// sweep.
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

// How do I stop watching a job? This program watches each job only until it is in progress.
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

// How do I continue after a restart? Resume continues from the stored jobs: only what has changed meanwhile is an
// event.
func ExampleWatcher_Resume() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	evening := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	srv.AddJob(livetranscode.Job{Name: "late-show"})

	watcher := client.NewWatcher()
	watcher.AddAll(livetranscode.JobFilter{})
	seen := 0
	for event, err := range watcher.Events(context.Background()) {
		if err = errors.Join(err, event.Err); err != nil {
			log.Fatal(err)
		}
		if seen++; seen == 2 {
			break // the process ends
		}
	}
	stored, err := json.Marshal(slices.Collect(watcher.Jobs())) // stream keys included: keep it as you keep secrets
	if err != nil {
		log.Fatal(err)
	}

	srv.SetStatus(evening, livetranscode.JobStatusStopped) // while no process runs

	var jobs []livetranscode.WatchedJob
	if err := json.Unmarshal(stored, &jobs); err != nil {
		log.Fatal(err)
	}
	watcher = client.NewWatcher()
	for _, job := range jobs {
		watcher.Resume(job.Job)
	}
	watcher.AddAll(livetranscode.JobFilter{})
	for event, err := range watcher.Events(context.Background()) {
		if err = errors.Join(err, event.Err); err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Job.Name, event.Kind, "after it was", event.Previous.Status)
		break
	}
	// Output:
	// evening-show stopped after it was in progress
}

// How do I watch all jobs, also those that are created later? AddAll adds every job of the account that has not
// stopped, and every later one.
func ExampleWatcher_AddAll() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	watcher := client.NewWatcher(livetranscode.PollInterval(time.Millisecond, 0)) // only for the emulator
	watcher.AddAll(livetranscode.JobFilter{Keyword: "show"})
	for event, err := range watcher.Events(context.Background()) {
		if err = errors.Join(err, event.Err); err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Job.Name, event.Kind)
		if event.Job.Name == "late-show" {
			break
		}
		srv.AddJob(livetranscode.Job{Name: "late-show"})
	}
	// Output:
	// evening-show first seen
	// late-show first seen
}

// How do I check that a watch is up to date? Compare the oldest poll with the longest interval: here three of 30 s, and
// 10 s for a sweep.
func ExampleWatcher_Stats() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	watcher := client.NewWatcher()
	watcher.Add(srv.AddJob(livetranscode.Job{Name: "evening-show"}))
	for range watcher.Events(context.Background()) {
		break
	}

	stats := watcher.Stats()
	if stats.LastComplete.IsZero() || time.Since(stats.OldestPoll) > 100*time.Second {
		fmt.Println("not ready:", stats.Err)
	} else {
		fmt.Println("ready:", stats.Jobs[livetranscode.JobStatusNotStarted], "job not started")
	}
	// Output:
	// ready: 1 job not started
}

// How do I follow all jobs of the account in one loop? With WatchAllJobs, if the program need not resume after a
// restart.
func ExampleClient_WatchAllJobs() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	for event, err := range client.WatchAllJobs(ctx, livetranscode.JobFilter{}) {
		if err != nil {
			fmt.Println("ended by the deadline:", errors.Is(err, context.DeadlineExceeded))
			break
		}
		fmt.Println(event.Job.Name, event.Kind)
	}
	// Output:
	// evening-show first seen
	// ended by the deadline: true
}

// What do I do when a watch ends? It keeps its jobs: when the cause is gone, range again, and nothing is lost or
// repeated.
func ExampleWatchError() {
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})
	key := srv.Credentials()
	watcher := client.NewWatcher(livetranscode.PollInterval(time.Millisecond, 0)) // only for the emulator
	watcher.Add(id)

	for range 2 { // a program: until ctx ends, with a delay in between
		for event, err := range watcher.Events(context.Background()) {
			var end *livetranscode.WatchError
			if errors.As(err, &end) {
				fmt.Println("the watch has ended:", livetranscode.ErrorKind(end))
				srv.SetCredentials(key) // somebody repairs it, and meanwhile the job stops
				srv.SetStatus(id, livetranscode.JobStatusStopped)
				break
			}
			fmt.Println(event.Job.Name, "is", event.Job.Status)
			if event.Kind == livetranscode.EventStopped {
				return
			}
			srv.SetCredentials() // the key is disabled
		}
	}
	// Output:
	// evening-show is in progress
	// the watch has ended: authentication
	// evening-show is stopped
}
