package livetranscode_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestWatchFailingJobs: jobs whose Get always fails delay no other job, and do not end the watch.
func TestWatchFailingJobs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		bad, good int
		list      bool // it is refused
		fault     string
	}{
		{10, 50, true, "InternalError"},
		// With fewer that can be read, six sweeps could miss all of them, as in an outage.
		{400, 60, true, "InternalError"},
		{400, 60, true, ""},
		{60, 100, false, "InternalError"},
	} {
		t.Run(fmt.Sprintf("%d of %d, %t, %s", tt.bad, tt.bad+tt.good, tt.list, tt.fault), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				var bad []string
				for i := range tt.bad {
					bad = append(bad, fmt.Sprint("failing", i))
				}
				good := addJobs(srv, tt.good, inProgress)
				w := watcherOfFailingJobs(srv, tt.list, tt.fault)
				w.Add(bad...)
				w.Add(good...)
				pull := watch(t.Context(), t, w)
				start := time.Now()
				for range good {
					next(t, pull)
				}
				if late := time.Since(start); late > 2*time.Minute {
					t.Errorf("all were seen after %v", late)
				}
				for range 2 {
					time.Sleep(3 * time.Minute)
					for _, id := range good[:10] {
						srv.SetStatus(id, stopped)
					}
					start = time.Now()
					for range 10 {
						if event := next(t, pull); event.Job.Status != stopped {
							t.Errorf("got %+v", event)
						}
					}
					if late := time.Since(start); late > 2*time.Minute {
						t.Errorf("ten stopped jobs came after %v", late)
					}
					good = good[10:]
				}
			})
		})
	}
}

// TestWatchManyFailingJobsAdded: jobs that fail from the start do not end a watch that can read others, however many
// they are.
func TestWatchManyFailingJobsAdded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		w := watcherOfFailingJobs(srv, true, "InternalError")
		good := addJobs(srv, 3, inProgress)
		w.Add(good...)
		pull := watch(t.Context(), t, w)
		for range good {
			next(t, pull)
		}
		for i := range 400 {
			w.Add(fmt.Sprint("failing", i))
		}
		for _, id := range good {
			srv.Inject(livetranscodetest.Fault{JobID: id, Latency: time.Second, Times: -1})
		}
		before := len(srv.Calls())
		time.Sleep(15 * time.Minute)
		if n := len(srv.Calls()) - before; n < 30 || n > 120 { // three in a sweep, in at most 40 sweeps
			t.Errorf("%d calls", n)
		}
		for _, id := range good {
			srv.SetStatus(id, stopped)
			start := time.Now()
			if event := next(t, pull); event.Job.JobID != id || event.Job.Status != stopped || time.Since(start) > 3*time.Minute {
				t.Errorf("got %+v after %v", event, time.Since(start))
			}
		}
	})
}

// watcherOfFailingJobs returns a watcher whose Gets of jobs that are called failing… fail. List is refused on request.
func watcherOfFailingJobs(srv *livetranscodetest.Server, listRefused bool, code string) *livetranscode.Watcher {
	if listRefused {
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
	}
	return srv.Client(one(), intercept(srv, func(req *http.Request) (*http.Response, error) {
		if strings.HasPrefix(req.URL.Query().Get("JobId"), "failing") {
			return failure(req, 500, code), nil
		}
		return nil, nil
	})).NewWatcher()
}
