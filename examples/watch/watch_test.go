package main

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// In the end the state agrees with the emulator, whatever happened in between, and that took few requests.
func TestStateIsCorrect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newState()
		w, err := newWatch(options{jobs: 60, seed: 7}, s)
		if err != nil {
			t.Fatal(err)
		}
		s.keepEnded = 0
		ctx, cancel := context.WithCancel(t.Context())
		traffic, done := context.WithTimeout(ctx, time.Minute)
		defer done()
		var background sync.WaitGroup
		background.Go(func() { w.simulation.Run(traffic, w.watcher.Add) })
		background.Go(func() {
			if err := w.follow(ctx, func(change) error { return nil }); err != nil {
				t.Errorf("follow: %v", err)
			}
		})
		<-traffic.Done()
		// Nothing changes from here on: two sweeps with all their retries read everything.
		time.Sleep(time.Minute)
		cancel()
		background.Wait()

		f := s.snapshot()
		total := 0
		for _, c := range f.counts {
			total += c.jobs
		}
		if total != len(f.rows) || len(f.rows) != w.simulation.Created() || f.jobs != w.simulation.Created() {
			t.Errorf("%d counted, %d rows, %d jobs created", total, len(f.rows), w.simulation.Created())
		}
		for _, r := range f.rows {
			job, ok := w.simulation.Server.Job(r.id)
			if want := job.Status.String(); ok && r.status != want || !ok && r.status != "gone" && r.status != "stopped" {
				t.Errorf("%s is %q, want %q (the job exists: %v)", r.name, r.status, want, ok)
			}
		}
		if n := len(w.simulation.Server.Calls()); f.requests != n {
			t.Errorf("%d requests counted, %d sent", f.requests, n)
		}
		if age := f.now.Sub(f.oldestPoll); age > 10*time.Second {
			t.Errorf("the oldest poll was %v ago", age)
		}
		if f.lastError == "" {
			t.Error("requests failed, but no error is shown")
		}
	})
}
