package livetranscode_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestWatchSlowReader: sweeps go on while the reader holds the loop, and what it missed comes as one event a job.
func TestWatchSlowReader(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 3, notStarted)
		w := srv.Client().NewWatcher()
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		first := map[string]*livetranscode.Job{}
		for range ids {
			event := next(t, pull)
			first[event.JobID] = event.Job
		}
		before := len(srv.Calls())
		for i := range 20 {
			time.Sleep(time.Minute)
			srv.SetStatus(ids[0], livetranscode.JobStatus(i%2)) // changes, and changes back
			srv.SetStatus(ids[1], inProgress)
			if i >= 10 {
				srv.SetStatus(ids[1], stopped)
			}
		}
		srv.SetStatus(ids[0], notStarted)
		time.Sleep(time.Minute)
		if n := len(srv.Calls()) - before; n < 40 {
			t.Errorf("%d calls while the reader held the loop for 21 minutes", n)
		}
		if stats := w.Stats(); stats.Pending != 1 || stats.Jobs[stopped] != 1 {
			t.Errorf("stats are %+v", stats)
		}
		event := next(t, pull)
		if event.JobID != ids[1] || event.Previous != first[ids[1]] || event.Kind != livetranscode.EventStopped || time.Since(event.At) < 9*time.Minute {
			t.Errorf("got %+v", event)
		}
		after(time.Hour, func() { srv.SetStatus(ids[2], inProgress) })
		if event = next(t, pull); event.JobID != ids[2] {
			t.Errorf("got %+v: a state that was passed and left again is no event", event)
		}
	})
}

// What is pending when a later sweep finds news is replaced by them.
func TestWatchMergesIntoWhatIsPending(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 2, notStarted)
		w := srv.Client().NewWatcher()
		w.Add(ids...)
		got := map[string][]livetranscode.JobStatus{}
		for event, err := range w.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got[event.JobID] = append(got[event.JobID], event.Job.Status)
			if len(got) == 1 && len(got[event.JobID]) == 1 {
				for _, id := range ids {
					srv.SetStatus(id, stopped)
				}
				time.Sleep(time.Hour) // one event is pending, and is old by now
			}
			if len(got) == 2 && event.Job.Status == stopped && len(got[ids[0]])+len(got[ids[1]]) == 3 {
				break
			}
		}
		states := slices.SortedFunc(maps.Values(got), func(a, b []livetranscode.JobStatus) int { return len(a) - len(b) })
		want := [][]livetranscode.JobStatus{{stopped}, {notStarted, stopped}}
		if !slices.EqualFunc(states, want, slices.Equal) {
			t.Errorf("got %v, want %v", states, want)
		}
	})
}

func TestWatchOneRangeAtATime(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher()
		w.Add(id)
		for event, err := range w.Events(t.Context()) {
			if err != nil || event.JobID != id {
				t.Fatal(event, err)
			}
			n := 0
			for _, err := range w.Events(t.Context()) {
				if n++; err == nil {
					t.Error("a second loop got an event")
				}
			}
			if n != 1 {
				t.Errorf("a second loop got %d errors", n)
			}
			break
		}
	})
}

// A later range delivers what was not delivered, and nothing twice.
func TestWatchContinuesAfterABreak(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 10, inProgress)
		w := srv.Client().NewWatcher()
		w.Add(ids...)
		seen := map[string]int{}
		for len(seen) < len(ids) {
			for event, err := range w.Events(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				seen[event.JobID]++
				break
			}
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s was delivered %d times", id, n)
			}
		}
		after(time.Minute, func() { srv.SetStatus(ids[0], stopped) })
		for event := range w.Events(t.Context()) {
			if event.JobID != ids[0] || event.Previous == nil {
				t.Errorf("then came %+v", event)
			}
			break
		}
	})
}

func TestWatchContext(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher()
		w.Add(id)
		for _, latency := range []time.Duration{0, time.Hour} { // between sweeps, and in the middle of one
			srv.Inject(livetranscodetest.Fault{Latency: latency})
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			var end error
			for event, err := range w.Events(ctx) {
				if end = err; err == nil && event.Err != nil {
					t.Error(event.Err)
				}
			}
			cancel()
			if !errors.Is(end, context.DeadlineExceeded) {
				t.Errorf("ended with %v", end)
			}
		}
	})
}

// TestWatchEndIsNotLost: what ends a finite watch comes after the events that are known, and no request between.
func TestWatchEndIsNotLost(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		a, b := srv.AddJob(livetranscode.Job{Status: inProgress}), srv.AddJob(livetranscode.Job{Status: inProgress})
		srv.Inject(livetranscodetest.Fault{JobID: b, Code: "InvalidAccessKeyId.Inactive"})
		start, events := time.Now(), 0
		var end error
		for _, err := range srv.Client().WatchJobs(t.Context(), []string{a, b}, livetranscode.Concurrency(1)) {
			events++
			end = err
		}
		if !errors.Is(end, livetranscode.ErrAuthentication) || events > 2 || time.Since(start) > time.Second || len(srv.Calls()) > 2 {
			t.Errorf("after %v, %d events and %d calls it ended with %v", time.Since(start), events, len(srv.Calls()), end)
		}
	})
}
