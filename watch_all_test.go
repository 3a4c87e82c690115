package livetranscode_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestWatchAll: every job of the account that has not stopped is found, and those created later.
func TestWatchAll(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 99, 100, 101, 250} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				ids := append(addJobs(srv, n/2, notStarted), addJobs(srv, n-n/2, inProgress)...)
				addJobs(srv, 150, stopped) // history
				w := srv.Client().NewWatcher(every(10 * time.Second))
				w.AddAll(livetranscode.JobFilter{})
				for id, events := range collect(t, w, time.Minute) {
					if !slices.Contains(ids, id) || len(events) != 1 || events[0].Kind != livetranscode.EventFirstSeen {
						t.Errorf("%s: %+v", id, events)
					}
				}
				if stats := w.Stats(); stats.Jobs[notStarted] != n/2 || stats.Jobs[inProgress] != n-n/2 || stats.Err != nil {
					t.Errorf("stats are %+v", stats)
				}
				srv.ResetCalls()
				var created string
				after(time.Minute, func() { created = srv.AddJob(livetranscode.Job{Name: "new"}) })
				after(3*time.Minute, func() { srv.SetStatus(created, stopped) })
				events := collect(t, w, 5*time.Minute)
				if got := events[created]; len(events) != 1 || len(got) != 2 || got[0].Kind != livetranscode.EventFirstSeen || got[1].Kind != livetranscode.EventStopped {
					t.Errorf("got %+v", events)
				}
				gets, lists := count(srv.Calls())
				if most := 31 * (n/100 + 4); gets > 1 || lists > most {
					t.Errorf("%d Gets and %d Lists in 31 sweeps of %d jobs, want %d", gets, lists, n, most)
				}
			})
		})
	}
}

// TestWatchAllShortLives: a job that starts and stops between two sweeps is seen once, as stopped; the history never
// is.
func TestWatchAllShortLives(t *testing.T) {
	t.Parallel()
	for _, batch := range []int{1, 99, 100, 101, 250} {
		t.Run(fmt.Sprint(batch), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				w := srv.Client().NewWatcher(every(10 * time.Second))
				w.AddAll(livetranscode.JobFilter{})
				short := map[string]bool{}
				for i := range 3 {
					after(time.Duration(i)*50*time.Second+45*time.Second, func() {
						for _, id := range addJobs(srv, batch, stopped) {
							short[id] = true
						}
					})
				}
				events := collect(t, w, 4*time.Minute)
				for id, got := range events {
					if !short[id] || len(got) != 1 || got[0].Kind != livetranscode.EventStopped || got[0].Previous != nil {
						t.Errorf("%s: %+v", id, got)
					}
				}
				if len(events) != len(short) || len(short) != 3*batch {
					t.Errorf("%d events of %d jobs", len(events), len(short))
				}
			})
		})
	}
}

// TestWatchAllHistory: what stopped before the watch began is not new when it comes to the first page, as it does when
// newer jobs are deleted.
func TestWatchAllHistory(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		addJobs(srv, 300, stopped)
		time.Sleep(time.Minute)
		newer := addJobs(srv, 90, stopped)
		w := srv.Client().NewWatcher(every(10 * time.Second))
		w.AddAll(livetranscode.JobFilter{})
		for i, id := range newer {
			after(time.Duration(i+1)*10*time.Second, func() { srv.RemoveJob(id) })
		}
		if events := collect(t, w, 20*time.Minute); len(events) != 0 {
			t.Errorf("got %d events, such as %+v", len(events), events)
		}
	})
}

// TestWatchAllDoesNotRevive: a job that has ended, or was removed, does not come back by an index that lags behind.
func TestWatchAllDoesNotRevive(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		index := livetranscodetest.NewServer(livetranscodetest.WithCredentials(srv.Credentials())) // of List, behind by minutes
		w := srv.Client(intercept(srv, func(req *http.Request) (*http.Response, error) {
			if isList(req) {
				return index.Transport().RoundTrip(req)
			}
			return nil, nil
		})).NewWatcher(every(10 * time.Second))
		for i := range 5 {
			job := livetranscode.Job{JobID: fmt.Sprint("job", i), Status: inProgress, CreateTime: time.Now()}
			srv.AddJob(job)
			index.AddJob(job)
		}
		w.AddAll(livetranscode.JobFilter{})
		w.Add("job1")
		// job0 is removed; job1 and job2 are asked for by the way, and found stopped, or not.
		after(15*time.Second, func() { w.Remove("job0", "job1", "job2"); w.Add("job1", "job2") })
		srv.SetStatus("job1", stopped)
		srv.RemoveJob("job2")
		after(25*time.Minute, func() {
			for i := range 5 {
				index.RemoveJob(fmt.Sprint("job", i))
			}
		})
		events := collect(t, w, 20*time.Minute)
		for id, want := range map[string][]livetranscode.EventKind{
			"job0": {livetranscode.EventFirstSeen},
			"job1": {livetranscode.EventFirstSeen, livetranscode.EventStopped},
			"job2": {livetranscode.EventFirstSeen, livetranscode.EventFirstSeen},
			"job3": {livetranscode.EventFirstSeen},
			"job4": {livetranscode.EventFirstSeen},
		} {
			var got []livetranscode.EventKind
			for _, event := range events[id] {
				got = append(got, event.Kind)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", id, got, want)
			}
		}
		collect(t, w, 20*time.Minute) // the index has caught up, and an id may be used again
		index.AddJob(livetranscode.Job{JobID: "job0", Status: inProgress})
		srv.AddJob(livetranscode.Job{JobID: "job0", Status: inProgress})
		if events := collect(t, w, time.Minute); len(events["job0"]) != 1 {
			t.Errorf("got %+v", events)
		}
	})
}

// TestWatchLaggingIndex: a page that shows a job as it was before does not turn it back.
func TestWatchLaggingIndex(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		index := livetranscodetest.NewServer(livetranscodetest.WithCredentials(srv.Credentials()))
		for i := range 5 {
			job := livetranscode.Job{JobID: fmt.Sprint("job", i), Status: notStarted, CreateTime: time.Now()}
			index.AddJob(job)
			job.Status = inProgress
			srv.AddJob(job)
			after(10*time.Minute, func() { index.SetStatus(job.JobID, inProgress) })
		}
		w := srv.Client(intercept(srv, func(req *http.Request) (*http.Response, error) {
			if isList(req) {
				return index.Transport().RoundTrip(req)
			}
			return nil, nil
		})).NewWatcher(every(10 * time.Second))
		for i := range 5 {
			w.Resume(&livetranscode.Job{JobID: fmt.Sprint("job", i), Status: inProgress, StartMode: livetranscode.StartModeImmediate, CreateTime: time.Now()})
		}
		if events := collect(t, w, 20*time.Minute); len(events) != 0 {
			t.Errorf("got %+v", events)
		}
	})
}

// TestWatchAllFilters: several filters add up, and each job has its events once.
func TestWatchAllFilters(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		timed := srv.AddJob(livetranscode.Job{Name: "a", StartMode: livetranscode.StartModeTimed})
		show := srv.AddJob(livetranscode.Job{Name: "evening-show"})
		both := srv.AddJob(livetranscode.Job{Name: "late-show", StartMode: livetranscode.StartModeTimed})
		other := srv.AddJob(livetranscode.Job{Name: "b", TemplateType: livetranscode.TemplateTypeOrigin})
		none := srv.AddJob(livetranscode.Job{Name: "c"})
		w := srv.Client().NewWatcher()
		mode := livetranscode.StartModeTimed
		w.AddAll(livetranscode.JobFilter{StartMode: &mode})
		mode = livetranscode.StartModeImmediate // it was copied
		w.AddAll(livetranscode.JobFilter{Keyword: "show"})
		w.AddAll(livetranscode.JobFilter{Keyword: "show"})
		w.AddAll(livetranscode.JobFilter{Type: livetranscode.TemplateTypeOrigin})
		events := collect(t, w, time.Minute)
		for _, id := range []string{timed, show, both, other} {
			if len(events[id]) != 1 {
				t.Errorf("%s: %+v", id, events[id])
			}
		}
		if len(events) != 4 || len(events[none]) != 0 {
			t.Errorf("%d jobs", len(events))
		}
		w.AddAll(livetranscode.JobFilter{})
		if events := collect(t, w, time.Minute); len(events) != 1 || len(events[none]) != 1 {
			t.Errorf("of all, got %+v", events)
		}
		w.AddAll(livetranscode.JobFilter{StartMode: new(livetranscode.StartMode(-2))})
		for _, err := range w.Events(t.Context()) {
			if param, ok := err.(*livetranscode.ParamError); !ok || param.Operation != "AddAll" || param.Field != "StartMode" { //nolint:errorlint // it comes bare
				t.Errorf("an invalid filter: %v", err)
			}
		}
	})
}

// TestWatchAllJobs: the convenience ends with ctx, or when List is refused.
func TestWatchAllJobs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		addJobs(srv, 150, inProgress)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		n := 0
		var end error
		for _, err := range srv.Client().WatchAllJobs(ctx, livetranscode.JobFilter{}) {
			if end = err; err == nil {
				n++
			}
		}
		var watch *livetranscode.WatchError
		if n != 150 || !errors.As(end, &watch) || !errors.Is(end, context.DeadlineExceeded) {
			t.Errorf("%d events, then %v", n, end)
		}
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
		for _, err := range srv.Client().WatchAllJobs(t.Context(), livetranscode.JobFilter{}) {
			if !errors.As(err, &watch) || !errors.Is(err, livetranscode.ErrForbidden) {
				t.Errorf("a refused List: %v", err)
			}
		}
	})
}

// TestWatchRemoveBeforeAddAll: a removed job is not discovered, in whichever order the calls are made.
func TestWatchRemoveBeforeAddAll(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
			id := srv.AddJob(livetranscode.Job{Status: inProgress})
			w := srv.Client().NewWatcher(every(10 * time.Second))
			if first {
				w.Remove(id, "")
			}
			w.AddAll(livetranscode.JobFilter{})
			if !first {
				w.Remove(id)
			}
			if events := collect(t, w, time.Minute); len(events) > 0 {
				t.Errorf("Remove first %t: got %+v", first, events)
			}
		})
	}
}
