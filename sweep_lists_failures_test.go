package livetranscode_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

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
				ids := addJobs(srv, 5, inProgress)
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
				synctest.Wait()
				// It is logged at the first refusal, and at each retry every ten minutes.
				if logged := strings.Count(log.String(), "List was refused"); (fault.Code == "ServiceUnavailable") != (logged == 0) || logged > 7 {
					t.Errorf("it was logged %d times in an hour:\n%s", logged, log.String())
				}
			})
		})
	}
}

// A transient failure of List causes Gets of only the first hundred jobs, a persistent one Gets of every job.
func TestWatchListFailsTransiently(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 300, inProgress)
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
			t.Errorf("%d Gets while List failed transiently", gets)
		}
		srv.ResetCalls()
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 503, Times: -1})
		after(time.Minute, func() { srv.SetStatus(ids[1], stopped) })
		if event := next(t, pull); event.JobID != ids[1] {
			t.Errorf("got %+v", event)
		}
		// 100 in the first two sweeps, then all of them.
		if gets, _ := count(srv.Calls()); gets < 1000 {
			t.Errorf("%d Gets while List did not come back", gets)
		}
	})
}

// TestWatchFailingPages: whatever happens to pages, the jobs are polled on schedule.
func TestWatchFailingPages(t *testing.T) {
	t.Parallel()
	page := func(req *http.Request) int {
		no, _ := strconv.Atoi(req.URL.Query().Get("PageNo"))
		return no
	}
	for name, fault := range map[string]func(req *http.Request) *http.Response{
		"one page fails and another is refused": func(req *http.Request) *http.Response {
			switch page(req) {
			case 2:
				return failure(req, 503, "")
			case 3:
				return failure(req, 400, "InvalidParameter.PageNo")
			}
			return nil
		},
		"one first page fails and another is refused": func(req *http.Request) *http.Response {
			if req.URL.Query().Get("Status") == "0" {
				return failure(req, 503, "")
			}
			return failure(req, 403, "Forbidden.RAM")
		},
		"deep pages are refused": func(req *http.Request) *http.Response {
			if page(req) > 1 {
				return failure(req, 400, "InvalidParameter.PageNo")
			}
			return nil
		},
		"deep pages fail": func(req *http.Request) *http.Response {
			if page(req) > 1 {
				return failure(req, 500, "InternalError")
			}
			return nil
		},
		"pages cannot be read": func(req *http.Request) *http.Response { return failure(req, 200, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				ids := addJobs(srv, 250, inProgress)
				var troubled atomic.Bool
				w := srv.Client(one(), intercept(srv, func(req *http.Request) (*http.Response, error) {
					if troubled.Load() && isList(req) {
						return fault(req), nil
					}
					return nil, nil
				})).NewWatcher(every(10 * time.Second))
				w.Add(ids...)
				pull := watch(t.Context(), t, w)
				for range ids {
					next(t, pull)
				}
				troubled.Store(true)
				for i := range 5 { // of all pages
					id := ids[i*50]
					srv.SetStatus(id, stopped)
					start := time.Now()
					if event := next(t, pull); event.JobID != id || time.Since(start) > time.Minute {
						t.Errorf("%s came %v after %s had stopped", event.JobID, time.Since(start), id)
					}
				}
			})
		})
	}
}

// TestWatchCutOffInList: a range whose ctx ends while one page is refused and another is in flight delays no Get.
func TestWatchCutOffInList(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 500, inProgress)
		w := srv.Client().NewWatcher(every(10 * time.Second))
		w.Add(ids...)
		for range 5 {
			srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM"})
			srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Latency: time.Minute})
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			for event, err := range w.Events(ctx) {
				if err != nil && !errors.Is(err, context.DeadlineExceeded) || event.Err != nil {
					t.Errorf("got %+v, %v", event, err)
				}
			}
			cancel()
			srv.ClearFaults()
			time.Sleep(10 * time.Second)
		}
		start := time.Now()
		after(time.Second, func() { srv.SetStatus(ids[0], stopped) })
		for event, err := range w.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if event.JobID == ids[0] && event.Job.Status == stopped {
				break
			}
		}
		if late := time.Since(start); late > 30*time.Second {
			t.Errorf("after %v", late)
		}
	})
}

// TestWatchFailedProbe: while Gets are the cheaper plan, a failed check whether pages have become cheaper delays no
// job.
func TestWatchFailedProbe(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 6000, inProgress)[:30]
		w := srv.Client(one()).NewWatcher(every(10 * time.Second))
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		for range ids {
			next(t, pull)
		}
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 503, Times: -1})
		for _, id := range ids[len(ids)-10:] {
			srv.SetStatus(id, stopped)
			start := time.Now()
			if next(t, pull); time.Since(start) > 15*time.Second {
				t.Errorf("a change came after %v", time.Since(start))
			}
		}
	})
}
