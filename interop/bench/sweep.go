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

// measureSweep prints what the first sweep of a Watcher over n jobs in progress costs, its events included.
func measureSweep(n int) {
	pages := make([][]byte, (n+99)/100)
	ids := make([]string, n)
	for i := range pages {
		pages[i] = pageBody(min(100, n-100*i), n, 100*i)
	}
	for i := range ids {
		ids[i] = fmt.Sprintf("%032x", i)
	}
	none := pageBody(0, 0, 0)
	var requests atomic.Int64
	client := newClient(livetranscode.WithHTTPClient(&http.Client{Transport: canned(func(req *http.Request) []byte {
		requests.Add(1)
		query := req.URL.Query()
		no, _ := strconv.Atoi(query.Get("PageNo"))
		if query.Get("Status") != "1" || no < 1 || no > len(pages) {
			return none
		}
		return pages[no-1]
	})}))
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
	runtime.KeepAlive(pages)
}
