package livetranscode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

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
		// It has ended; added again, it is new.
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

func TestWatchAddAndRemove(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 4, inProgress)
		w := srv.Client().NewWatcher()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		pull := watch(ctx, t, w)

		// An empty set waits for Add; the new job is polled without waiting for a sweep.
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

		// An id that was removed is new when it is added again.
		w.Remove(ids[1])
		w.Add(ids[1])
		if event = next(t, pull); event.JobID != ids[1] || event.Previous != nil {
			t.Errorf("added again: %+v", event)
		}

		// Remove and Add again while a poll is in flight: the poll does not count.
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
		for _, n := range []int{1, 20} {
			t.Run(fmt.Sprint(tt.name, n), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
					ids := addJobs(srv, n, 7) // on no page, so that Gets are needed
					w := srv.Client().NewWatcher()
					w.Add(ids...)
					for i := range 2 { // the set is kept: a second range continues
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
		synctest.Wait()
		if gets, lists := count(srv.Calls()); gets > 0 || lists == 0 || strings.Contains(log.String(), "List was refused") {
			t.Errorf("%d Gets and %d Lists, log %q", gets, lists, log.String())
		}
	})
}
