package livetranscode_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

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
		if gets, lists := count(srv.Calls()); gets > 0 || lists == 0 || log.Len() > 0 {
			t.Errorf("%d Gets and %d Lists, log %q", gets, lists, log.String())
		}
	})
}

// TestWaitForAllCutOffInTheFirstLook: a look that ctx cuts off is a look.
func TestWaitForAllCutOffInTheFirstLook(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		srv.Inject(livetranscodetest.Fault{Latency: 10 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := srv.Client().WaitForAll(ctx, []string{srv.AddJob(livetranscode.Job{})}, stopped)
		if wait := waitError(t, err); wait.Polls != 1 {
			t.Error(wait)
		}
	})
}
