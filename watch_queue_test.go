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

// TestWatchQueueAfterRemove: an event that was queued before its job was removed is not delivered.
func TestWatchQueueAfterRemove(t *testing.T) {
	t.Parallel()
	w := new(Client).NewWatcher()
	w.Add("removed", "kept")
	for _, id := range []string{"removed", "kept"} {
		w.mu.Lock()
		w.recordRead(w.jobs[id], reading{job: &Job{JobID: id}, began: w.nextSeq()})
		w.mu.Unlock()
	}
	w.Remove("removed")
	if event, ok := w.dequeue(); !ok || event.JobID != "kept" {
		t.Errorf("got %+v, %t", event, ok)
	}
	if event, ok := w.dequeue(); ok {
		t.Errorf("then got %+v", event)
	}
}

// TestWatchReadingsOutOfOrder: a response to a request that was sent before the current state was read changes nothing.
func TestWatchReadingsOutOfOrder(t *testing.T) {
	t.Parallel()
	w := new(Client).NewWatcher()
	w.Add("job")
	w.mu.Lock()
	defer w.mu.Unlock()
	j, early := w.jobs["job"], w.nextSeq()
	w.recordRead(j, reading{job: &Job{JobID: "job", Status: JobStatusInProgress}, began: w.nextSeq()})
	w.recordRead(j, reading{job: &Job{JobID: "job", Status: JobStatusNotStarted}, began: early})
	if j.job.Status != JobStatusInProgress || j.polls != 1 {
		t.Errorf("the job is %v after %d polls", j.job.Status, j.polls)
	}
}
