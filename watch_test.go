package livetranscode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// next takes one event and fails the test if the watch ends instead.
func next(t *testing.T, pull func() (livetranscode.JobEvent, error, bool)) livetranscode.JobEvent {
	t.Helper()
	event, err, ok := pull()
	if err != nil || !ok {
		t.Fatalf("the watch ended: %v, %v", err, ok)
	}
	return event
}

// watch pulls the events of a watcher until the test's bubble ends.
func watch(ctx context.Context, t *testing.T, w *livetranscode.Watcher) func() (livetranscode.JobEvent, error, bool) {
	t.Helper()
	pull, stop := iter.Pull2(w.Events(ctx))
	t.Cleanup(stop)
	return pull
}

// count returns how many calls there were of each operation.
func count(calls []livetranscodetest.Call) (gets, lists int) {
	for _, call := range calls {
		switch call.Operation {
		case "GetLiveTranscodeJob":
			gets++
		case "ListLiveTranscodeJobs":
			lists++
		}
	}
	return gets, lists
}

// addJobs adds n jobs of a status.
func addJobs(srv *livetranscodetest.Server, n int, status livetranscode.JobStatus) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = srv.AddJob(livetranscode.Job{Name: fmt.Sprint("job", i), Status: status})
	}
	return ids
}

func TestWatchLifeOfAJob(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Name: "a"})
		w := srv.Client().NewWatcher()
		w.Add(id, id, "")
		pull := watch(t.Context(), t, w)
		start := time.Now()

		first := next(t, pull)
		if first.JobID != id || first.Previous != nil || first.Err != nil || first.Job.Status != notStarted || time.Since(start) != 0 {
			t.Fatalf("first sight is %+v after %v", first, time.Since(start))
		}
		after(time.Minute, func() { srv.SetStatus(id, inProgress) })
		second := next(t, pull)
		if second.Previous != first.Job || second.Job.Status != inProgress {
			t.Fatalf("second event is %+v", second)
		}
		after(time.Hour, func() { srv.SetStatus(id, stopped) })
		third := next(t, pull)
		if third.Previous != second.Job || third.Job.Status != stopped {
			t.Fatalf("third event is %+v", third)
		}
		// It has ended; added again it starts anew.
		w.Add(id)
		if again := next(t, pull); again.Previous != nil || again.Job.Status != stopped {
			t.Fatalf("added again: %+v", again)
		}
	})
}

func TestWatchJobsEnds(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 5, inProgress)
		for i, id := range ids[:4] {
			after(time.Duration(i+1)*time.Minute, func() { srv.SetStatus(id, stopped) })
		}
		after(7*time.Minute, func() { srv.RemoveJob(ids[4]) })
		seq := srv.Client().WatchJobs(t.Context(), ids)
		for i, known := range []livetranscode.JobStatus{inProgress, livetranscode.JobStatusUnknown} { // each range starts from the beginning
			last := map[string]livetranscode.JobEvent{}
			for event, err := range seq {
				if err != nil {
					t.Fatal(err)
				}
				last[event.JobID] = event
			}
			for _, id := range ids[:4] {
				if event := last[id]; event.Err != nil || event.Job.Status != stopped {
					t.Errorf("%s ended with %+v", id, event)
				}
			}
			if event := last[ids[4]]; !errors.Is(event.Err, livetranscode.ErrNotFound) || event.Kind != livetranscode.EventLost || event.Job.Status != known {
				t.Errorf("range %d: the deleted job ended with %+v", i, event)
			}
		}
	})
}

func TestWatchUsesFewRequests(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 40, 100, 101, 1000, 2500} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 10*time.Second))
				w.Add(addJobs(srv, n, inProgress)...)
				ctx, cancel := context.WithTimeout(t.Context(), 95*time.Second)
				defer cancel()
				seen := 0
				for _, err := range w.Events(ctx) {
					if err == nil {
						seen++
					}
				}
				calls := srv.Calls()
				sweeps := 1
				for _, gap := range gaps(calls) {
					if gap > 5*time.Second {
						sweeps++
					}
				}
				if most := 1.05*float64(n)/100 + 2; seen != n || sweeps < 8 || float64(len(calls)) > most*float64(sweeps) {
					t.Errorf("saw %d jobs with %d calls in %d sweeps, want at most %.1f calls a sweep", seen, len(calls), sweeps, most)
				}
			})
		})
	}
}

// Few of many jobs are looked at one by one, and the pages are tried again when that may have become cheaper.
func TestWatchChoosesThePlan(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		others := addJobs(srv, 5000, inProgress)
		// The oldest: none of them is on the first page.
		w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 10*time.Second))
		w.Add(others[:20]...)
		pull := watch(t.Context(), t, w)
		for range 20 {
			next(t, pull)
		}
		srv.ResetCalls()
		after(10*time.Minute, func() { srv.SetStatus(others[0], stopped) })
		next(t, pull)
		gets, lists := count(srv.Calls())
		if gets < 50*20 || float64(lists) > float64(gets)/19 {
			t.Errorf("in a large account: %d Gets, %d Lists", gets, lists)
		}
		for _, id := range others[20:] {
			srv.SetStatus(id, stopped)
		}
		after(5*time.Minute, func() { srv.ResetCalls() })
		after(20*time.Minute, func() { srv.SetStatus(others[1], stopped) })
		next(t, pull)
		if gets, lists = count(srv.Calls()); gets > 10 || lists < 2*80 {
			t.Errorf("in a small account: %d Gets, %d Lists", gets, lists)
		}
	})
}

// Absent from the pages is a question, and jobs that are alive and on no page make Gets the cheaper plan.
func TestWatchAsksForAbsentJobs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 50, 7) // a status that no page lists
		w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 10*time.Second))
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		for range ids {
			if event := next(t, pull); event.Err != nil || event.Job.Status != 7 {
				t.Fatalf("got %+v", event)
			}
		}
		srv.ResetCalls()
		after(10*time.Minute, func() { srv.SetStatus(ids[0], inProgress) })
		next(t, pull)
		if gets, lists := count(srv.Calls()); gets < 50*50 || lists > gets/20+2 {
			t.Errorf("%d Gets, %d Lists", gets, lists)
		}
	})
}

func TestWatchListRefused(t *testing.T) {
	t.Parallel()
	for _, fault := range []livetranscodetest.Fault{
		{Code: "Forbidden.RAM"}, {Code: "InvalidParameter"}, {Code: "ServiceUnavailable"},
	} {
		t.Run(fault.Code, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				fault.Operation, fault.Times = "ListLiveTranscodeJobs", -1
				srv.Inject(fault)
				ids := addJobs(srv, 30, inProgress)
				var log bytes.Buffer
				w := srv.Client(livetranscode.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).NewWatcher()
				w.Add(ids...)
				pull := watch(t.Context(), t, w)
				for range ids {
					next(t, pull)
				}
				after(time.Hour, func() { srv.SetStatus(ids[3], stopped) })
				if event := next(t, pull); event.JobID != ids[3] || event.Job.Status != stopped {
					t.Errorf("got %+v", event)
				}
				if _, lists := count(srv.Calls()); fault.Code != "ServiceUnavailable" && lists > 20 {
					t.Errorf("%d Lists in an hour", lists)
				}
				// It is said at the first refusal, and at each of the tries every ten minutes.
				if said := strings.Count(log.String(), "List was refused"); (fault.Code == "ServiceUnavailable") != (said == 0) || said > 7 {
					t.Errorf("it was said %d times in an hour:\n%s", said, log.String())
				}
			})
		})
	}
}

func TestWatchIntervals(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		w := srv.Client().NewWatcher()
		w.Add(id)
		start := time.Now()
		after(time.Hour, func() { srv.SetStatus(id, stopped) })
		pull := watch(t.Context(), t, w)
		next(t, pull)
		next(t, pull)
		calls := srv.Calls()
		var sum time.Duration
		var late int
		for i, gap := range gaps(calls) {
			switch elapsed := calls[i].Time.Sub(start); {
			case elapsed <= 30*time.Second && (gap < 9*time.Second || gap > 11*time.Second),
				gap < 9*time.Second || gap > 33*time.Second:
				t.Errorf("after %v the gap is %v", elapsed, gap)
			case elapsed >= 10*time.Minute:
				sum += gap
				late++
			}
		}
		if mean := sum / time.Duration(late); math.Abs(float64(mean-30*time.Second)) > float64(time.Second) {
			t.Errorf("late gaps are %v on average", mean)
		}
	})
}

// An interval that is shorter than a sweep leaves a pause as long as the sweep.
func TestWatchPauses(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		srv.Inject(livetranscodetest.Fault{Latency: 5 * time.Second, Times: -1})
		w := srv.Client().NewWatcher(livetranscode.PollInterval(time.Second, time.Second))
		w.Add(id)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		for range w.Events(ctx) {
		}
		for _, gap := range gaps(srv.Calls()) {
			if gap < 10*time.Second || gap > 11*time.Second {
				t.Errorf("sweeps of 5s begin %v apart", gap)
			}
		}
	})
}

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

func TestWatchAddAndRemove(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 4, inProgress)
		w := srv.Client().NewWatcher()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		pull := watch(ctx, t, w)

		// An empty set waits for Add, which is looked at without waiting for a sweep.
		start := time.Now()
		after(time.Hour, func() { w.Add(ids[0]) })
		if event := next(t, pull); event.JobID != ids[0] || time.Since(start) != time.Hour {
			t.Fatalf("got %+v after %v", event, time.Since(start))
		}
		after(3*time.Second, func() { w.Add(ids[1]) })
		if event := next(t, pull); event.JobID != ids[1] || time.Since(start) != time.Hour+3*time.Second {
			t.Fatalf("got %+v after %v", event, time.Since(start))
		}

		// Remove drops what is pending: ids[2] or ids[3] is when the other is delivered.
		w.Add(ids[2], ids[3])
		event := next(t, pull)
		other := ids[2]
		if event.JobID == other {
			other = ids[3]
		}
		w.Remove(other)
		after(time.Minute, func() { srv.SetStatus(other, stopped) })
		after(2*time.Minute, func() { srv.SetStatus(ids[0], stopped) })
		if event = next(t, pull); event.JobID != ids[0] {
			t.Errorf("got %+v", event)
		}

		// An id that was removed starts anew.
		w.Remove(ids[1])
		w.Add(ids[1])
		if event = next(t, pull); event.JobID != ids[1] || event.Previous != nil {
			t.Errorf("added again: %+v", event)
		}

		// Remove and Add again while a look is under way: the look does not count.
		srv.Inject(livetranscodetest.Fault{JobID: ids[1], Latency: 2 * time.Second})
		w.Remove(ids[1])
		w.Add(ids[1])
		after(time.Second, func() { w.Remove(ids[1]) })
		after(time.Minute, cancel)
		for event, err := range w.Events(t.Context()) {
			if err == nil {
				t.Errorf("a second range got %+v", event)
			}
			break
		}
		if event, err, _ := pull(); err == nil {
			t.Errorf("the removed job had an event: %+v", event)
		}
	})
}

// An older look never replaces a newer one: here it is the Get of a removed and re-added job.
func TestWatchOldLooksDoNotCount(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: notStarted})
		// The answer is made at the begin and arrives later.
		client := srv.Client(delayResponse(srv, 1, 20*time.Second))
		w := client.NewWatcher()
		w.Add(id)
		after(5*time.Second, func() {
			w.Remove(id)
			w.Add(id)
			srv.SetStatus(id, inProgress)
		})
		pull := watch(t.Context(), t, w)
		if event := next(t, pull); event.Job.Status != inProgress || event.Previous != nil {
			t.Errorf("got %+v", event)
		}
	})
}

func TestWatchOneLoopAtATime(t *testing.T) {
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
func TestWatchGoesOnAfterABreak(t *testing.T) {
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

// One job's trouble is its own.
func TestWatchOneJobsTrouble(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		good, bad, gone, broken := srv.AddJob(livetranscode.Job{}), "no such id", srv.AddJob(livetranscode.Job{}), srv.AddJob(livetranscode.Job{Status: 7})
		srv.Inject(livetranscodetest.Fault{JobID: bad, Code: "InvalidParameter.JobId", Times: -1})
		srv.Inject(livetranscodetest.Fault{JobID: broken, Code: "InternalError", Times: -1})
		w := srv.Client().NewWatcher()
		w.Add(good, bad, gone, broken)
		after(time.Minute, func() { srv.RemoveJob(gone) })
		after(time.Hour, func() { srv.SetStatus(good, stopped) })
		got := map[string][]livetranscode.JobEvent{}
		for event, err := range w.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got[event.JobID] = append(got[event.JobID], event)
			if event.JobID == good && event.Job.Status == stopped {
				break
			}
		}
		if events := got[bad]; len(events) != 1 || !errors.Is(events[0].Err, livetranscode.ErrInvalidRequest) {
			t.Errorf("the bad id: %+v", events)
		}
		if events := got[gone]; len(events) != 2 || !errors.Is(events[1].Err, livetranscode.ErrNotFound) || events[1].Previous != events[0].Job {
			t.Errorf("the deleted job: %+v", events)
		}
		if events := got[broken]; len(events) != 0 {
			t.Errorf("the job whose Get fails for now: %+v", events)
		}
	})
}

// A refused id ends alone, even if it is the only one that had to be asked for, between two sweeps or in one.
func TestWatchRefusedIDAmongListedOnes(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"InvalidParameter.JobId", "Forbidden"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				ids := addJobs(srv, 50, inProgress)
				srv.Inject(livetranscodetest.Fault{JobID: "foreign", Code: code, Times: -1})
				w := srv.Client().NewWatcher()
				w.Add(ids...)
				pull := watch(t.Context(), t, w)
				for range ids {
					next(t, pull)
				}
				after(time.Minute, func() { w.Add("foreign") })
				var api *livetranscode.APIError
				if event := next(t, pull); event.JobID != "foreign" || !errors.As(event.Err, &api) || api.Code != code {
					t.Errorf("got %+v", event)
				}
				after(time.Minute, func() { srv.SetStatus(ids[7], stopped) })
				if event := next(t, pull); event.JobID != ids[7] {
					t.Errorf("got %+v", event)
				}
			})
		})
	}
}

// Adds in an outage are no sweeps without an answer.
func TestWatchAddsInAnOutage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1}))
		w := client.NewWatcher(livetranscode.PollInterval(time.Minute, time.Minute))
		w.Add(id)
		pull := watch(t.Context(), t, w)
		next(t, pull)
		srv.Inject(livetranscodetest.Fault{StatusCode: 502, Times: -1})
		for i := range 10 {
			after(time.Duration(i+1)*time.Second, func() { w.Add(fmt.Sprint("new", i)) })
		}
		after(20*time.Second, func() {
			srv.ClearFaults()
			srv.SetStatus(id, inProgress)
		})
		if event := next(t, pull); event.Err != nil && !errors.Is(event.Err, livetranscode.ErrNotFound) {
			t.Errorf("got %+v", event)
		}
	})
}

// The grace counts from Add to when a look is made, not to when its answer comes.
func TestWatchGraceAndLateAnswers(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		// The second look, about 10 s after Add, is answered 25 s later.
		w := srv.Client(delayResponse(srv, 2, 25*time.Second)).NewWatcher()
		w.Add("late")
		after(20*time.Second, func() { srv.AddJob(livetranscode.Job{JobID: "late"}) })
		pull := watch(t.Context(), t, w)
		if event := next(t, pull); event.Err != nil || event.Job.Status != notStarted {
			t.Errorf("got %+v", event)
		}
	})
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	get := "GetLiveTranscodeJob"
	tests := []struct {
		name  string
		fault livetranscodetest.Fault
		want  error
	}{
		{"key revoked", livetranscodetest.Fault{Code: "InvalidAccessKeyId.NotFound"}, livetranscode.ErrAuthentication},
		{"wrong endpoint", livetranscodetest.Fault{Code: "InvalidAction.NotFound"}, livetranscode.ErrInvalidRequest},
		{"every Get forbidden", livetranscodetest.Fault{Operation: get, Code: "Forbidden.RAM"}, livetranscode.ErrForbidden},
		{"all forbidden", livetranscodetest.Fault{Code: "Forbidden.RAM"}, livetranscode.ErrForbidden},
		{"no answer", livetranscodetest.Fault{Drop: true}, livetranscode.ErrUnavailable},
		{"service down", livetranscodetest.Fault{StatusCode: 502, Body: "<html>"}, livetranscode.ErrUnavailable},
	}
	for _, tt := range tests {
		for _, n := range []int{1, 50} {
			t.Run(fmt.Sprint(tt.name, n), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
					ids := addJobs(srv, n, 7) // on no page, so that Gets are needed
					w := srv.Client().NewWatcher()
					w.Add(ids...)
					for i := range 2 { // the set is kept: a second range goes on
						seen := 0
						var end error
						after(time.Minute, func() {
							srv.ClearFaults()
							fault := tt.fault
							fault.Times = -1
							srv.Inject(fault)
						})
						for event, err := range w.Events(t.Context()) {
							switch {
							case end != nil:
								t.Fatal("events after the end")
							case err != nil:
								end = err
							case event.Err != nil:
								t.Fatalf("a job ended: %v", event.Err)
							default:
								seen++
							}
						}
						if want := n * (1 - i); !errors.Is(end, tt.want) || seen != want {
							t.Fatalf("range %d: %d events, then %v", i, seen, end)
						}
						srv.ClearFaults()
					}
				})
			})
		}
	}
}

func TestWatchToleratesSilence(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1})).NewWatcher(livetranscode.TolerateErrors(3))
		w.Add(id)
		pull := watch(t.Context(), t, w)
		next(t, pull)
		srv.Inject(livetranscodetest.Fault{Drop: true, Times: 3})
		after(5*time.Minute, func() { srv.SetStatus(id, inProgress) })
		next(t, pull) // three sweeps without a response are tolerated
		srv.Inject(livetranscodetest.Fault{Drop: true, Times: 4})
		_, err, _ := pull()
		var end *livetranscode.WatchError
		if !errors.As(err, &end) || end.Sweeps != 4 || !errors.Is(err, livetranscode.ErrUnavailable) {
			t.Errorf("four sweeps without a response: %v", err)
		}
	})
}

func TestWatchThrottlingOnlySlows(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 30, 7)
		w := srv.Client().NewWatcher()
		w.Add(ids...)
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", Times: -1})
		after(2*time.Hour, srv.ClearFaults)
		pull := watch(t.Context(), t, w)
		for range ids {
			if event := next(t, pull); event.Err != nil {
				t.Errorf("got %+v", event)
			}
		}
		// A sweep gives up after 30 s and is followed by a pause as long: two hours are not many calls.
		if n := len(srv.Calls()); n > 20000 {
			t.Errorf("%d calls in two throttled hours", n)
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

func TestWatchNotFoundGrace(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		w := srv.Client().NewWatcher()
		w.Add("late", "never")
		after(15*time.Second, func() { srv.AddJob(livetranscode.Job{JobID: "late"}) })
		pull := watch(t.Context(), t, w)
		start := time.Now()
		if event := next(t, pull); event.JobID != "late" || event.Err != nil {
			t.Errorf("got %+v", event)
		}
		if event := next(t, pull); event.JobID != "never" || !errors.Is(event.Err, livetranscode.ErrNotFound) {
			t.Errorf("got %+v", event)
		}
		if d := time.Since(start); d < 30*time.Second || d > 45*time.Second {
			t.Errorf("gave up after %v", d)
		}
	})
}

// TestWatchOnPoll: OnPoll is for waits.
func TestWatchOnPoll(t *testing.T) {
	t.Parallel()
	client := livetranscodetest.NewServer().Client()
	onPoll := livetranscode.OnPoll(func(*livetranscode.Job) { t.Error("called") })
	_, waitErr := client.WaitForAll(t.Context(), []string{"j"}, stopped, onPoll)
	errs := []error{waitErr}
	for _, events := range []iter.Seq2[livetranscode.JobEvent, error]{
		client.NewWatcher(onPoll).Events(t.Context()),
		client.WatchJobs(t.Context(), nil, onPoll),
		client.WatchAllJobs(t.Context(), livetranscode.JobFilter{}, onPoll),
	} {
		for _, err := range events {
			errs = append(errs, err)
		}
	}
	for _, err := range errs {
		if param, ok := err.(*livetranscode.ParamError); !ok || param.Field != "OnPoll" { //nolint:errorlint // it comes bare
			t.Errorf("got %T: %v", err, err)
		}
	}
	if len(errs) != 4 {
		t.Errorf("%d errors", len(errs))
	}
}

// No goroutine and no timer stays behind when a loop is left, whatever it was doing: the bubble would not end.
func TestWatchLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := livetranscodetest.NewServer()
		w := srv.Client().NewWatcher()
		w.Add(addJobs(srv, 300, inProgress)...)
		for range w.Events(t.Context()) {
			break
		}
	})
}

// A List that fails for now is no reason to Get each job, only the first hundred; one that continues to fail is.
func TestWatchListFailsForNow(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 500, inProgress)
		w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 10*time.Second))
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		for range ids {
			next(t, pull)
		}
		srv.ResetCalls()
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 503, Times: 9}) // a sweep and a half
		after(time.Minute, func() { srv.SetStatus(ids[0], stopped) })
		next(t, pull)
		if gets, _ := count(srv.Calls()); gets < 100 || gets > 210 {
			t.Errorf("%d Gets while List failed for now", gets)
		}
		srv.ResetCalls()
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 503, Times: -1})
		after(time.Minute, func() { srv.SetStatus(ids[1], stopped) })
		if event := next(t, pull); event.JobID != ids[1] {
			t.Errorf("got %+v", event)
		}
		if gets, _ := count(srv.Calls()); gets < 499 {
			t.Errorf("%d Gets while List did not come back", gets)
		}
	})
}

// A delay that the service asks for is heeded, however long.
func TestRetryAfterIsRespected(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 3 * time.Minute})
		if _, err := srv.Client().WaitForStatus(t.Context(), id, inProgress); err != nil {
			t.Error(err)
		}
		if calls := gaps(srv.Calls()); len(calls) != 1 || calls[0] < 3*time.Minute {
			t.Errorf("a wait came back after %v", calls)
		}
		srv.ResetCalls()
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", RetryAfter: 3 * time.Minute})
		w := srv.Client().NewWatcher()
		w.Add(id)
		next(t, watch(t.Context(), t, w))
		if calls := gaps(srv.Calls()); len(calls) != 1 || calls[0] < 3*time.Minute {
			t.Errorf("a watch came back after %v", calls)
		}
	})
}

// The longest interval there is means only on Add.
func TestWatchOnlyOnAdd(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher(livetranscode.PollInterval(1<<63-1, 0))
		w.Add(id)
		ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Hour)
		defer cancel()
		for range w.Events(ctx) {
		}
		if n := len(srv.Calls()); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestWatchAddAfterQuiet: a job that is added in a quiet time is looked at as often as any new one.
func TestWatchAddAfterQuiet(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 30*time.Minute))
		w.Add(srv.AddJob(livetranscode.Job{Status: inProgress}))
		pull := watch(t.Context(), t, w)
		next(t, pull)
		added := time.Now().Add(2 * time.Hour)
		after(2*time.Hour, func() { w.Add(id) })
		after(2*time.Hour+15*time.Second, func() { srv.SetStatus(id, inProgress) })
		next(t, pull) // not started
		next(t, pull) // in progress
		if late := time.Since(added); late > 30*time.Second {
			t.Errorf("a change 15 s after Add was seen %v after it", late)
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

// A rated transport lets one request pass every so often, and throttles the others.
type rated struct {
	http.RoundTripper
	mu    sync.Mutex
	every time.Duration
	free  time.Time
}

func (r *rated) set(every time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.every = every
}

func (r *rated) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	ok := !time.Now().Before(r.free)
	if ok {
		r.free = time.Now().Add(r.every)
	}
	r.mu.Unlock()
	if ok {
		return r.RoundTripper.RoundTrip(req)
	}
	return &http.Response{
		StatusCode: 400, Header: http.Header{}, Request: req,
		Body: io.NopCloser(strings.NewReader(`{"RequestId":"r","Code":"Throttling.User","Message":"slow"}`)),
	}, nil
}

// watchRated watches jobs through a rated transport that does not throttle yet, and has seen each.
func watchRated(t *testing.T, srv *livetranscodetest.Server, ids []string) (*rated, func() (livetranscode.JobEvent, error, bool)) {
	rt := &rated{RoundTripper: srv.Transport()}
	w := srv.Client(livetranscode.WithHTTPClient(&http.Client{Transport: rt})).NewWatcher()
	w.Add(ids...)
	pull := watch(t.Context(), t, w)
	for range ids {
		next(t, pull)
	}
	return rt, pull
}

// TestWatchThrottledReachesAll: a service that lets pass less than a sweep in half a minute is asked for the last
// pages all the same.
func TestWatchThrottledReachesAll(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 3000, inProgress)
		rt, pull := watchRated(t, srv, ids)
		rt.set(4 * time.Second) // two minutes for all pages
		srv.SetStatus(ids[17], stopped)
		start := time.Now()
		after(6*time.Hour, func() { rt.set(0) }) // so that the test ends
		if event := next(t, pull); event.JobID != ids[17] || time.Since(start) > 10*time.Minute {
			t.Errorf("%s was seen after %v", event.JobID, time.Since(start))
		}
	})
}

// TestWatchEndlessDelay: a delay beyond all measure leaves the Watcher awake.
func TestWatchEndlessDelay(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		srv.Inject(livetranscodetest.Fault{
			Code: "Throttling.User", Latency: time.Millisecond, Header: http.Header{"X-Acs-Retry-After": {"9223372036854775807"}},
		})
		w := srv.Client().NewWatcher()
		w.Add(srv.AddJob(livetranscode.Job{Status: inProgress}))
		added := srv.AddJob(livetranscode.Job{Status: inProgress})
		after(time.Minute, func() { w.Add(added) })
		start := time.Now()
		pull := watch(t.Context(), t, w)
		if event := next(t, pull); event.JobID != added || time.Since(start) > 2*time.Minute {
			t.Errorf("%+v after %v", event, time.Since(start))
		}
		if event := next(t, pull); event.JobID == added || time.Since(start) > 2*time.Hour {
			t.Errorf("%+v after %v", event, time.Since(start))
		}
	})
}

// TestWatchThrottledGets: Gets that a sweep does not get to in half a minute come first in the next, so that events and
// Add need not wait for them.
func TestWatchThrottledGets(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 500, inProgress)
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
		rt, pull := watchRated(t, srv, ids)
		rt.set(4 * time.Second)
		for _, id := range ids {
			srv.SetStatus(id, stopped)
		}
		start := time.Now()
		next(t, pull)
		if late := time.Since(start); late > 2*time.Minute {
			t.Errorf("the first event came after %v", late)
		}
		seen := map[string]bool{}
		for range len(ids) - 1 { // and all in the end
			seen[next(t, pull).JobID] = true
		}
		if len(seen) != len(ids)-1 {
			t.Errorf("%d jobs", len(seen))
		}
	})
}

// TestWatchAddInAPause: Add cuts short neither the delay that the service asks for nor the pause after a long sweep.
func TestWatchAddInAPause(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]livetranscodetest.Fault{
		"asked for":    {Code: "Throttling.User", RetryAfter: 10 * time.Minute},
		"a long sweep": {Latency: 5 * time.Minute},
	} {
		bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
			id, other := srv.AddJob(livetranscode.Job{Status: inProgress}), srv.AddJob(livetranscode.Job{Status: inProgress})
			w := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{AttemptTimeout: time.Hour})).NewWatcher()
			w.Add(id)
			fault.JobID = id
			srv.Inject(fault)
			after(5*time.Minute+time.Second, func() { w.Add(other) })
			start := time.Now()
			pull := watch(t.Context(), t, w)
			next(t, pull)
			next(t, pull)
			after(8*time.Minute, func() { srv.SetStatus(id, stopped) })
			next(t, pull)
			for _, call := range srv.Calls() {
				if at := call.Time.Sub(start); call.Query.Get("JobId") == id && at > 0 && at < 10*time.Minute {
					t.Errorf("%s: asked again after %v", name, at)
				}
			}
		})
	}
}

// TestWatchEndedByCredentials: what is wrong with the credentials is not said of List, nor held against it.
func TestWatchEndedByCredentials(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		var log bytes.Buffer
		w := srv.Client(livetranscode.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).NewWatcher()
		w.Add(addJobs(srv, 500, inProgress)...)
		srv.Inject(livetranscodetest.Fault{Code: "InvalidAccessKeyId.Inactive", Times: 2})
		for _, err := range w.Events(t.Context()) {
			if !errors.Is(err, livetranscode.ErrAuthentication) {
				t.Error(err)
			}
		}
		srv.ClearFaults()
		srv.ResetCalls()
		next(t, watch(t.Context(), t, w))
		if gets, lists := count(srv.Calls()); gets > 0 || lists == 0 || strings.Contains(log.String(), "List was refused") {
			t.Errorf("%d Gets and %d Lists, log %q", gets, lists, log.String())
		}
	})
}
