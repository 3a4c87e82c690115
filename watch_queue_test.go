package livetranscode

import (
	"fmt"
	"testing"
)

// TestWatchQueueIsBounded: jobs that are removed while the loop's body is stuck do not stay in the queue of events.
func TestWatchQueueIsBounded(t *testing.T) {
	t.Parallel()
	w := new(Client).NewWatcher()
	w.Add("first", "second")
	for i := range 1000 {
		id := fmt.Sprint(i)
		w.Add(id)
		w.mu.Lock()
		w.recordRead(w.jobs[id], reading{job: &Job{JobID: id}, began: w.nextSeq()})
		w.mu.Unlock()
		w.Remove(id)
		if n := len(w.pending); n > 2*4 {
			t.Fatalf("%d entries in the queue of a watcher with 2 jobs", n)
		}
	}
}
