package livetranscode_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestWatchResume: a restart repeats nothing, and tells what has changed meanwhile.
func TestWatchResume(t *testing.T) {
	t.Parallel()
	for _, all := range []bool{false, true} {
		bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
			ids := addJobs(srv, 250, inProgress)
			w := srv.Client().NewWatcher()
			w.Add(ids...)
			collect(t, w, time.Minute)
			stored, err := json.Marshal(slices.Collect(w.Jobs()))
			if err != nil {
				t.Fatal(err)
			}
			srv.SetStatus(ids[3], stopped)
			srv.RemoveJob(ids[4])
			created := srv.AddJob(livetranscode.Job{})
			time.Sleep(time.Hour)

			var jobs []livetranscode.WatchedJob
			if err := json.Unmarshal(stored, &jobs); err != nil {
				t.Fatal(err)
			}
			w = srv.Client().NewWatcher()
			for _, job := range jobs {
				w.Resume(job.Job)
				job.Job.Status = stopped // it was copied
			}
			if all {
				w.AddAll(livetranscode.JobFilter{})
			}
			srv.ResetCalls()
			events := collect(t, w, time.Minute)
			if got := events[ids[3]]; len(got) != 1 || got[0].Kind != livetranscode.EventStopped || got[0].Previous == nil || got[0].Previous.Status != inProgress {
				t.Errorf("the stopped job: %+v", got)
			}
			if got := events[ids[4]]; len(got) != 1 || got[0].Kind != livetranscode.EventLost || got[0].Job.Name != "job4" || got[0].Previous != got[0].Job {
				t.Errorf("the deleted job: %+v", got)
			}
			if got := events[created]; all != (len(got) == 1) {
				t.Errorf("the new job: %+v", got)
			}
			if want := 2 + len(events[created]); len(events) != want {
				t.Errorf("%d jobs had events, want %d", len(events), want)
			}
		})
	}
}

func TestWatchResumeIgnores(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Name: "a"})
		w := srv.Client().NewWatcher()
		w.Resume()
		w.Resume(nil, &livetranscode.Job{Status: inProgress}, &livetranscode.Job{JobID: "over", Status: stopped})
		w.Resume(&livetranscode.Job{JobID: id, Status: livetranscode.JobStatusUnknown})
		w.Resume(&livetranscode.Job{JobID: id, Status: inProgress}) // it is watched already
		if events := collect(t, w, time.Minute); len(events) != 1 || len(events[id]) != 1 || events[id][0].Kind != livetranscode.EventFirstSeen {
			t.Errorf("got %+v", events)
		}
	})
}

// TestWatchResumeLaggingList: a job that ended just before a restart is not reported again while List lags.
func TestWatchResumeLaggingList(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		over, lost, alive := srv.AddJob(livetranscode.Job{Status: inProgress}), srv.AddJob(livetranscode.Job{Status: inProgress}), srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher(every(10 * time.Second))
		w.AddAll(livetranscode.JobFilter{})
		w.Resume(&livetranscode.Job{JobID: over, Status: stopped})
		w.Remove(lost)
		after(5*time.Minute, func() { // List is up to date
			srv.SetStatus(over, stopped)
			srv.RemoveJob(lost)
		})
		if events := collect(t, w, 30*time.Minute); len(events) != 1 || len(events[alive]) != 1 {
			t.Errorf("got %+v", events)
		}
		w.Add(over) // a new life
		if events := collect(t, w, time.Minute); len(events[over]) != 1 {
			t.Errorf("after Add: %+v", events)
		}
		w.Add(alive)
		w.Resume(&livetranscode.Job{JobID: alive, Status: stopped}) // it is watched already
		after(time.Minute, func() { srv.SetStatus(alive, stopped) })
		if events := collect(t, w, 3*time.Minute); len(events[alive]) != 1 {
			t.Errorf("a watched job was resumed as stopped: %+v", events)
		}
	})
}

// TestWatchKeepsEventsWhenCtxEnds: what was not delivered when ctx ended comes in a later range.
func TestWatchKeepsEventsWhenCtxEnds(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 50, inProgress)
		w := srv.Client().NewWatcher()
		w.Add(ids...)
		seen := map[string]int{}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for event, err := range w.Events(ctx) {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				continue
			}
			if seen[event.JobID]++; len(seen) == 5 {
				time.Sleep(time.Second) // all are read
				cancel()
			}
		}
		if len(seen) != 5 {
			t.Errorf("%d events after ctx had ended", len(seen)-5)
		}
		if n := w.Stats().Pending; n != 45 {
			t.Errorf("%d events are pending", n)
		}
		for id, events := range collect(t, w, 5*time.Second) {
			seen[id] += len(events)
		}
		for _, id := range ids {
			if seen[id] != 1 {
				t.Errorf("%s had %d events", id, seen[id])
			}
		}
	})
}

// TestWatchDeliversBeforeItsEnd: any other end of the watch comes after the events that are known.
func TestWatchDeliversBeforeItsEnd(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 50, inProgress)
		w := srv.Client().NewWatcher()
		w.Add(ids...)
		events := 0
		var end error
		for _, err := range w.Events(t.Context()) {
			if end = err; err == nil {
				if events++; events == 1 {
					srv.SetCredentials() // the next sweep is refused
					time.Sleep(time.Minute)
				}
			}
		}
		if events != 50 || !errors.Is(end, livetranscode.ErrAuthentication) {
			t.Errorf("%d events, then %v", events, end)
		}
	})
}

// TestWatchPollsJobsThatLeftTheirPage: a stop is known before all pages are read.
func TestWatchPollsJobsThatLeftTheirPage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 5000, inProgress)
		srv.Inject(livetranscodetest.Fault{Latency: time.Second, Times: -1})
		w := srv.Client().NewWatcher(livetranscode.Concurrency(1), every(300*time.Second))
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		for range ids {
			next(t, pull)
		}
		srv.ResetCalls()
		for _, page := range []int{45, 25, 5} {
			srv.SetStatus(ids[100*(49-page)+50], stopped)
		}
		for _, page := range []int{5, 25, 45} {
			event := next(t, pull)
			if calls := len(srv.Calls()); event.Kind != livetranscode.EventStopped || calls < page || calls > page+10 {
				t.Errorf("the stop of a job on page %d came with request %d: %v", page, calls, event.Kind)
			}
		}
		time.Sleep(time.Minute)             // the sweep has ended
		for _, id := range ids[1000:1050] { // a page loses half of its jobs: no reason to ask for each at once
			srv.SetStatus(id, stopped)
		}
		time.Sleep(90 * time.Second)
		for range 50 {
			next(t, pull)
		}
		if n := len(srv.Calls()); n > 53+53+60 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestWatchStates: the forms of events and jobs.
func TestWatchForms(t *testing.T) {
	t.Parallel()
	job := &livetranscode.Job{JobID: "j", Name: "n", Status: inProgress, StreamInput: livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://h/app/key"}}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	event := livetranscode.JobEvent{Kind: livetranscode.EventLost, JobID: "j", Job: job, Err: errors.New("gone"), At: at}
	text, err := json.Marshal(event)
	if want := `"Err":"gone","At":"2026-01-02T03:04:05Z"}`; err != nil || !strings.HasSuffix(string(text), want) || !strings.HasPrefix(string(text), `{"Kind":"lost","JobId":"j","Job":{"Name":"n"`) {
		t.Errorf("%s, %v", text, err)
	}
	if text := event.LogValue().String(); strings.Contains(text, "key") || !strings.Contains(text, "lost") {
		t.Error(text)
	}
	watched := livetranscode.WatchedJob{JobID: "j", Job: job, PolledAt: at, Err: errors.New("down")}
	text, err = json.Marshal(watched)
	if err != nil {
		t.Fatal(err)
	}
	var back livetranscode.WatchedJob
	if err := json.Unmarshal(text, &back); err != nil || back.Err == nil || back.Err.Error() != "down" || back.JobID != "j" || back.Job.Name != "n" || !back.PolledAt.Equal(at) {
		t.Errorf("%+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"JobId":"k"}`), &back); err != nil || back.Job == nil || back.Job.JobID != "k" || back.Job.Status != livetranscode.JobStatusUnknown || back.Err != nil {
		t.Errorf("%+v, %v", back, err)
	}
	if text := watched.LogValue().String(); strings.Contains(text, "key") || !strings.Contains(text, "down") {
		t.Error(text)
	}
	for kind, want := range map[livetranscode.EventKind]string{1: "first seen", 2: "changed", 3: "stopped", 4: "lost", 0: "EventKind(0)"} {
		if kind.String() != want {
			t.Errorf("%d is %q", kind, kind)
		}
	}
	end := &livetranscode.WatchError{Sweeps: 6, Err: fmt.Errorf("two\nlines: %w", livetranscode.ErrUnavailable)}
	if end.Error() != "livetranscode: watch: no response in 6 sweeps: two lines: service unavailable" || !errors.Is(end, livetranscode.ErrUnavailable) {
		t.Error(end)
	}
	stats := livetranscode.WatcherStats{Jobs: map[livetranscode.JobStatus]int{0: 2, 1: 3, 7: 1}, Pending: 4, OldestPoll: at, Err: errors.New("down")}
	if text, err := json.Marshal(stats); err != nil || string(text) != `{"Jobs":{"JobStatus(7)":1,"in progress":3,"not started":2},"Pending":4,"OldestPoll":"2026-01-02T03:04:05Z","Err":"down"}` {
		t.Errorf("%s, %v", text, err)
	}
	if text := (livetranscode.WatcherStats{Jobs: map[livetranscode.JobStatus]int{0: 2, 1: 3}, Err: errors.New("down")}).LogValue().String(); !strings.Contains(text, "jobs=5") || !strings.Contains(text, "down") {
		t.Error(text)
	}
}

// TestWatchJobsAndStats: what a health check and a store read.
func TestWatchJobsAndStats(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 3, inProgress)
		w := srv.Client(one()).NewWatcher(every(10*time.Second), livetranscode.NotFoundGrace(time.Hour))
		if stats := w.Stats(); !stats.OldestPoll.Equal(time.Now()) || !stats.LastSweep.IsZero() || stats.Err != nil || len(stats.Jobs) != 0 {
			t.Errorf("of no jobs: %+v", stats)
		}
		w.Add(ids...)
		w.Add("none")
		added := time.Now()
		time.Sleep(time.Minute)
		if stats := w.Stats(); !stats.OldestPoll.Equal(added) || stats.Jobs[livetranscode.JobStatusUnknown] != 4 {
			t.Errorf("before a range: %+v", stats)
		}
		for job := range w.Jobs() {
			if job.Job == nil || job.Job.JobID != job.JobID || job.Job.Status != livetranscode.JobStatusUnknown || !job.PolledAt.IsZero() || job.Err != nil {
				t.Errorf("before a range: %+v", job)
			}
			break
		}
		srv.Inject(livetranscodetest.Fault{JobID: ids[2], StatusCode: 500, Times: -1})
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
		began := time.Now()
		collect(t, w, 25*time.Second)
		stats := w.Stats()
		if !stats.OldestPoll.Equal(added) || stats.Jobs[inProgress] != 2 || stats.Jobs[livetranscode.JobStatusUnknown] != 2 || !stats.LastComplete.IsZero() ||
			stats.LastSweep.Before(began.Add(15*time.Second)) || !errors.Is(stats.Err, livetranscode.ErrUnavailable) {
			t.Errorf("one fails: %+v", stats)
		}
		var failed, known []string
		for job := range w.Jobs() {
			if job.Err != nil {
				failed = append(failed, job.JobID)
			}
			if job.Job.Status == inProgress && !job.PolledAt.Before(began.Add(15*time.Second)) {
				known = append(known, job.JobID)
			}
		}
		slices.Sort(ids[:2])
		if want := slices.Sorted(slices.Values([]string{ids[2], "none"})); !slices.Equal(failed, want) || !slices.Equal(known, ids[:2]) {
			t.Errorf("failed are %v, known are %v", failed, known)
		}
	})
}

// TestWatchOldestPending: a loop whose body is stuck shows in the statistics; a removed job waits for nothing.
func TestWatchOldestPending(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 3, inProgress)
		w := srv.Client().NewWatcher(every(10 * time.Second))
		w.Add(ids...)
		if stats := w.Stats(); !stats.OldestPending.IsZero() {
			t.Errorf("before a range: %+v", stats)
		}
		for event := range w.Events(t.Context()) {
			began := time.Now()
			time.Sleep(5 * time.Minute)
			if stats := w.Stats(); stats.Pending != 2 || !stats.OldestPending.Equal(began) || time.Since(stats.OldestPoll) > 20*time.Second {
				t.Errorf("the body is stuck: %+v", stats)
			}
			w.Remove(slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == event.JobID })...)
			if stats := w.Stats(); stats.Pending != 0 || !stats.OldestPending.IsZero() {
				t.Errorf("nothing is pending: %+v", stats)
			}
			break
		}
	})
}

// TestWatchBusy: a second range gets a bare error.
func TestWatchBusy(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		w := srv.Client().NewWatcher()
		w.Add(srv.AddJob(livetranscode.Job{}))
		for range w.Events(t.Context()) {
			for _, err := range w.Events(t.Context()) {
				if err != livetranscode.ErrWatcherBusy { //nolint:errorlint // it comes bare
					t.Errorf("got %v", err)
				}
			}
			break
		}
	})
}
