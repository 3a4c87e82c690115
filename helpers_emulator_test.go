package livetranscode_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// This file has helpers of the tests that use the emulator, which are in a package of their own: it imports the client.

// A roundTripper makes a function a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// delayResponse delays the arrival of the n-th response. The emulator makes it in time, so it is stale when it arrives.
func delayResponse(srv *livetranscodetest.Server, n int32, delay time.Duration) livetranscode.Option {
	var calls atomic.Int32
	return livetranscode.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := srv.Transport().RoundTrip(req)
		if calls.Add(1) == n {
			time.Sleep(delay)
		}
		return resp, err
	})})
}

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

const (
	notStarted = livetranscode.JobStatusNotStarted
	inProgress = livetranscode.JobStatusInProgress
	stopped    = livetranscode.JobStatusStopped
)

// bubble runs f with an emulator, in virtual time.
func bubble(t *testing.T, f func(t *testing.T, srv *livetranscodetest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, livetranscodetest.NewServer()) })
}

// after calls f when d has passed.
func after(d time.Duration, f func()) {
	time.AfterFunc(d, func() {
		afterMu.Lock()
		defer afterMu.Unlock()
		f()
	})
}

// afterMu orders the functions of after, and what a test reads when collect has returned.
var afterMu sync.Mutex

// gaps returns the times between calls.
func gaps(calls []livetranscodetest.Call) []time.Duration {
	var all []time.Duration
	for i := 1; i < len(calls); i++ {
		all = append(all, calls[i].Time.Sub(calls[i-1].Time))
	}
	return all
}

// intercept is a transport that may respond to a request itself; otherwise the emulator does.
func intercept(srv *livetranscodetest.Server, respond func(*http.Request) (*http.Response, error)) livetranscode.Option {
	return livetranscode.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		if resp, err := respond(req); resp != nil || err != nil {
			return resp, err
		}
		return srv.Transport().RoundTrip(req)
	})})
}

func isList(req *http.Request) bool { return req.Header.Get("X-Acs-Action") == "ListLiveTranscodeJobs" }

// failure is an error response of the service.
func failure(req *http.Request, status int, code string) *http.Response {
	text := ""
	if code != "" {
		text = `{"RequestId":"r","Code":"` + code + `","Message":"m"}`
	}
	return response(req, status, text)
}

// response is a response with a body and headers, given as alternating names and values.
func response(req *http.Request, status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: req,
	}
}

// one is a policy without retries: each call is one request.
func one() livetranscode.Option {
	return livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1})
}

// every sets one interval for all sweeps.
func every(d time.Duration) livetranscode.PollOption { return livetranscode.PollInterval(d, d) }

// collect counts the events of a watcher for some time, by job.
func collect(t *testing.T, w *livetranscode.Watcher, d time.Duration) map[string][]livetranscode.JobEvent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	events := map[string][]livetranscode.JobEvent{}
	for event, err := range w.Events(ctx) {
		if err == nil {
			events[event.JobID] = append(events[event.JobID], event)
		} else if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the watch ended: %v", err)
		}
	}
	afterMu.Lock()
	defer afterMu.Unlock()
	return events
}
