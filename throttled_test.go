package livetranscode_test

import (
	"io"
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

// TestWatchThrottledReachesAll: a service that lets pass less than a sweep in half a minute is asked for the last
// pages all the same.
func TestWatchThrottledReachesAll(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 3000, inProgress)
		rt := &rated{RoundTripper: srv.Transport()}
		w := srv.Client(livetranscode.WithHTTPClient(&http.Client{Transport: rt})).NewWatcher()
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		for range ids {
			next(t, pull)
		}
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
