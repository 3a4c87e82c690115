package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// pagesOf returns a client of a service with n jobs in progress, whose responses are made before, and the count of
// requests.
func pagesOf(n int) (*livetranscode.Client, *atomic.Int64) {
	pages := make([][]byte, (n+99)/100)
	for i := range pages {
		pages[i] = pageBody(min(100, n-100*i), n, 100*i)
	}
	none := pageBody(0, 0, 0)
	requests := new(atomic.Int64)
	return newClient(livetranscode.WithHTTPClient(&http.Client{Transport: canned(func(req *http.Request) []byte {
		requests.Add(1)
		query := req.URL.Query()
		no, _ := strconv.Atoi(query.Get("PageNo"))
		if query.Get("Status") == "0" || no < 1 || no > len(pages) {
			return none
		}
		return pages[no-1]
	})})), requests
}

// measureSweep prints what the first sweep of a Watcher over n jobs in progress costs, its events included.
func measureSweep(n int) {
	client, requests := pagesOf(n)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%032x", i)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cpu := cpuTime()
	watcher := client.NewWatcher()
	watcher.Add(ids...)
	seen := 0
	for _, err := range watcher.Events(context.Background()) {
		if err != nil {
			panic(err)
		}
		if seen++; seen == n {
			break
		}
	}
	used := cpuTime() - cpu
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := "too few jobs to measure"
	if n >= 10_000 {
		kept = fmt.Sprintf("%d, the job's strings included", int64(after.HeapAlloc-before.HeapAlloc)/int64(n))
	}
	fmt.Printf("| %d jobs in progress | %d | %v | %s |\n", n, requests.Load(), (used / time.Duration(n)).Round(10*time.Nanosecond), kept)
	runtime.KeepAlive(watcher)
	runtime.KeepAlive(client)
}

// measureRestart prints what the first sweep costs of a Watcher that resumes n jobs, none of which has changed, and
// watches the whole account.
func measureRestart(n int) {
	client, requests := pagesOf(n)
	watcher := client.NewWatcher(livetranscode.PollInterval(time.Hour, 0))
	status := livetranscode.JobStatusInProgress
	for job, err := range client.AllLiveTranscodeJobs(context.Background(), &livetranscode.ListLiveTranscodeJobsRequest{Status: &status}) {
		if err != nil {
			panic(err)
		}
		watcher.Resume(job)
	}
	watcher.AddAll(livetranscode.JobFilter{})
	requests.Store(0)
	cpu := cpuTime()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for watcher.Stats().LastComplete.IsZero() {
			time.Sleep(time.Second)
		}
		cancel()
	}()
	events := 0
	for _, err := range watcher.Events(ctx) {
		if err == nil {
			events++
		}
	}
	used := cpuTime() - cpu
	fmt.Printf("| restart with %d unchanged jobs, all watched: %d events | %d | %v | |\n", n, events, requests.Load(), (used / time.Duration(n)).Round(10*time.Nanosecond))
}
