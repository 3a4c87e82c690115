package livetranscode_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestWatchAllListFails: while List fails, known jobs are polled by Gets, and the failure is logged.
func TestWatchAllListFails(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 90, inProgress)
		var log bytes.Buffer
		w := srv.Client(one(), livetranscode.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).NewWatcher(every(10 * time.Second))
		w.AddAll(livetranscode.JobFilter{})
		collect(t, w, time.Minute)
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 503, Times: -1})
		after(time.Minute, func() { srv.SetStatus(ids[7], stopped) })
		if events := collect(t, w, 2*time.Minute); len(events[ids[7]]) != 1 {
			t.Errorf("got %+v", events)
		}
		if stats := w.Stats(); !errors.Is(stats.Err, livetranscode.ErrUnavailable) || time.Since(stats.LastComplete) < time.Minute {
			t.Errorf("stats are %+v", stats)
		}
		synctest.Wait()
		if !strings.Contains(log.String(), "could not list all jobs") || strings.Contains(log.String(), "could not poll") {
			t.Errorf("the log is\n%s", log.String())
		}
		srv.ClearFaults()
		id := srv.AddJob(livetranscode.Job{})
		if events := collect(t, w, time.Minute); len(events[id]) != 1 || len(events) != 1 {
			t.Errorf("got %+v", events)
		}
	})
}

// TestWatchAllOldestPoll: with AddAll, OldestPoll is also old while List fails, though no known job is polled late.
func TestWatchAllOldestPoll(t *testing.T) {
	t.Parallel()
	const interval, sweep = 30 * time.Second, 10 * time.Second
	for _, jobs := range []int{0, 5} {
		t.Run(fmt.Sprint(jobs), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				w := srv.Client(one()).NewWatcher(every(interval))
				start := time.Now()
				w.AddAll(livetranscode.JobFilter{})
				time.Sleep(time.Hour)
				if oldest := w.Stats().OldestPoll; !oldest.Equal(start) {
					t.Errorf("before a range the oldest poll was at %v", oldest)
				}
				addJobs(srv, jobs, inProgress)
				collect(t, w, 10*time.Minute)
				if age := time.Since(w.Stats().OldestPoll); age > 2*interval+sweep {
					t.Errorf("the oldest poll was %v ago", age)
				}
				srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 500, Times: -1})
				w.Add(srv.AddJob(livetranscode.Job{Status: inProgress})) // its Gets succeed, so the watch does not end
				collect(t, w, 10*time.Minute)
				if age := time.Since(w.Stats().OldestPoll); age < 10*time.Minute {
					t.Errorf("List has failed for 10 min, but the oldest poll was %v ago", age)
				}
				srv.ClearFaults()
				collect(t, w, 10*time.Minute)
				if age := time.Since(w.Stats().OldestPoll); age > 2*interval+sweep {
					t.Errorf("List responds again, but the oldest poll was %v ago", age)
				}
			})
		})
	}
}

// TestWatchAllThrottledFilter: OldestPoll is old while the jobs of one of several filters cannot be listed.
func TestWatchAllThrottledFilter(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		addJobs(srv, 3, inProgress)
		w := srv.Client(one(), intercept(srv, func(req *http.Request) (*http.Response, error) {
			if isList(req) && req.URL.Query().Get("Type") == "narrow-band" {
				return failure(req, 400, "Throttling.User"), nil
			}
			return nil, nil
		})).NewWatcher(every(10 * time.Second))
		w.AddAll(livetranscode.JobFilter{Type: livetranscode.TemplateTypeNormal})
		w.AddAll(livetranscode.JobFilter{Type: livetranscode.TemplateTypeNarrowBand})
		collect(t, w, 20*time.Minute)
		if stats := w.Stats(); time.Since(stats.OldestPoll) < 19*time.Minute || stats.Err == nil {
			t.Errorf("stats are %+v", stats)
		}
	})
}

// TestWatchMalformedJobs: malformed jobs of others neither hide the rest nor stop the watch.
func TestWatchMalformedJobs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 100, inProgress)
		w := srv.Client(intercept(srv, func(req *http.Request) (*http.Response, error) {
			if isList(req) && req.URL.Query().Get("Status") == "0" {
				return response(req, 200, `{"RequestId":"r","TotalCount":6,"JobList":[{},null,{"JobId":""},{"JobId":"x"},{"JobId":"y","Status":null,"CreateTime":"?"},{"JobId":"z","Status":0}]}`), nil
			}
			return nil, nil
		})).NewWatcher(every(10 * time.Second))
		w.AddAll(livetranscode.JobFilter{})
		events := collect(t, w, time.Minute)
		for _, id := range append(ids, "z") {
			if len(events[id]) != 1 || events[id][0].Kind != livetranscode.EventFirstSeen {
				t.Errorf("%s: %+v", id, events[id])
			}
		}
	})
}
