package livetranscode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

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
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Request: req, Body: http.NoBody}
	if code != "" {
		resp.Body = body(`{"RequestId":"r","Code":"` + code + `","Message":"m"}`)
	}
	return resp
}

func body(text string) *readCloser { return &readCloser{strings.NewReader(text)} }

type readCloser struct{ *strings.Reader }

func (*readCloser) Close() error { return nil }

// one is a policy without retries: each call is one request.
func one() livetranscode.Option {
	return livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1})
}

// every sets one interval for all sweeps.
func every(d time.Duration) livetranscode.PollOption { return livetranscode.PollInterval(d, d) }

// TestWatchPageTroubles: whatever happens to pages, the jobs are polled on schedule.
func TestWatchPageTroubles(t *testing.T) {
	t.Parallel()
	page := func(req *http.Request) int {
		no, _ := strconv.Atoi(req.URL.Query().Get("PageNo"))
		return no
	}
	for name, trouble := range map[string]func(req *http.Request) *http.Response{
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
						return trouble(req), nil
					}
					return nil, nil
				})).NewWatcher(every(10 * time.Second))
				w.Add(ids...)
				pull := watch(t.Context(), t, w)
				for range ids {
					next(t, pull)
				}
				troubled.Store(true)
				for i := range 10 { // of all pages
					id := ids[i*25]
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

// TestWatchCutOffInList: a range whose ctx ends while one page is refused and another is under way holds up no Get.
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

// TestWatchFailedProbe: when Gets are the cheaper plan, a look whether pages have become so that fails holds up
// nothing.
func TestWatchFailedProbe(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 30_000, inProgress)[:150]
		w := srv.Client(one()).NewWatcher(every(10 * time.Second))
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		for range ids {
			next(t, pull)
		}
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 503, Times: -1})
		for _, id := range ids[len(ids)-20:] {
			srv.SetStatus(id, stopped)
			start := time.Now()
			if next(t, pull); time.Since(start) > 15*time.Second {
				t.Errorf("a change came after %v", time.Since(start))
			}
		}
	})
}

// TestWaitForAllWithoutList: List fails, Gets do not; 101 jobs are one more than a sweep then polls.
func TestWaitForAllWithoutList(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 101, inProgress)
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", StatusCode: 503, Times: -1})
		arrived, err := srv.Client(one()).WaitForAll(t.Context(), ids, inProgress, livetranscode.TolerateErrors(1))
		if err != nil || len(arrived) != len(ids) {
			t.Errorf("%d arrived, %v", len(arrived), err)
		}
	})
}

// TestWatchPoisonedJobs: jobs whose Get always fails delay no other job, and do not end the watch.
func TestWatchPoisonedJobs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		bad, good int
		list      bool // it is refused
		fault     string
	}{
		{20, 100, true, "InternalError"},
		{400, 100, true, "InternalError"},
		{400, 100, true, ""},
		{60, 100, false, "InternalError"},
	} {
		t.Run(fmt.Sprintf("%d of %d, %t, %s", tt.bad, tt.bad+tt.good, tt.list, tt.fault), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				var bad []string
				for i := range tt.bad {
					bad = append(bad, fmt.Sprint("bad", i))
				}
				good := addJobs(srv, tt.good, inProgress)
				if tt.list {
					srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
				}
				w := srv.Client(one(), intercept(srv, func(req *http.Request) (*http.Response, error) {
					if strings.HasPrefix(req.URL.Query().Get("JobId"), "bad") {
						return failure(req, 500, tt.fault), nil
					}
					return nil, nil
				})).NewWatcher()
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

// TestWatchMalformedCredentials: a provider's file that is being written ends no job, no List and no watch.
func TestWatchMalformedCredentials(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 500, inProgress)
		good := srv.Credentials()
		var calls atomic.Int32
		w := srv.Client(livetranscode.WithCredentials(livetranscode.CredentialsFunc(func(context.Context) (livetranscode.Credentials, error) {
			creds := good
			if n := calls.Add(1); n <= 2 || n%50 == 0 {
				creds.AccessKeySecret += "\n"
			}
			return creds, nil
		}))).NewWatcher(every(10 * time.Second))
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		start := time.Now()
		for range ids {
			if event := next(t, pull); event.Err != nil {
				t.Fatalf("got %+v", event)
			}
		}
		for range 20 {
			srv.SetStatus(ids[0], stopped)
			if event := next(t, pull); event.JobID != ids[0] || event.Err != nil {
				t.Errorf("got %+v", event)
			}
			ids = ids[1:]
		}
		if gets, _ := count(srv.Calls()); time.Since(start) > 8*time.Minute || gets > 2000 {
			t.Errorf("%v and %d Gets", time.Since(start), gets)
		}
	})
}

// TestWatchIsNeverStaleUnseen: jobs that are not polled are logged, once in ten minutes at most, and so is their
// return.
func TestWatchIsNeverStaleUnseen(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]livetranscodetest.Fault{
		"throttled": {Code: "Throttling.User", Times: -1},
		"List only": {Operation: "ListLiveTranscodeJobs", Code: "Throttling.User", Times: -1},
		"one job":   {JobID: "one", Code: "InternalError", Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				ids := append(addJobs(srv, 150, inProgress), srv.AddJob(livetranscode.Job{JobID: "one", Status: 7}))
				var log bytes.Buffer
				w := srv.Client(one(), livetranscode.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).NewWatcher()
				w.Add(ids...)
				pull := watch(t.Context(), t, w)
				for range ids {
					next(t, pull)
				}
				if stats := w.Stats(); stats.Err != nil || time.Since(stats.OldestPoll) > time.Minute {
					t.Errorf("at first, stats are %+v", stats)
				}
				srv.Inject(fault)
				began := time.Now()
				time.Sleep(2 * time.Hour)
				warnings := strings.Count(log.String(), "level=WARN")
				if warnings < 10 || warnings > 13 {
					t.Errorf("%d warnings in two hours:\n%.2000s", warnings, log.String())
				}
				stats := w.Stats()
				if stats.Err == nil || stats.OldestPoll.After(began) || stats.LastComplete.After(began.Add(time.Minute)) || time.Since(stats.LastSweep) > 2*time.Minute {
					t.Errorf("stats are %+v", stats)
				}
				if name == "one job" && !strings.Contains(log.String(), "ids=[one]") {
					t.Errorf("it is not named:\n%.500s", log.String())
				}
				srv.ClearFaults()
				time.Sleep(2 * time.Minute)
				if n := strings.Count(log.String(), "level=INFO"); n != 1 {
					t.Errorf("its end was said %d times", n)
				}
				if stats := w.Stats(); stats.Err != nil || time.Since(stats.OldestPoll) > 2*time.Minute {
					t.Errorf("in the end, stats are %+v", stats)
				}
			})
		})
	}
}

// TestWatchAddAmongMany: at one request in four seconds, an added job comes next.
func TestWatchAddAmongMany(t *testing.T) {
	t.Parallel()
	for _, list := range []bool{true, false} {
		bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
			ids := addJobs(srv, 20_000, inProgress)
			rt := &rated{RoundTripper: srv.Transport()}
			if !list {
				srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
			}
			w := srv.Client(livetranscode.WithHTTPClient(&http.Client{Transport: rt})).NewWatcher()
			w.Add(ids...)
			seen := make(chan string, 1<<16)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			rt.set(4 * time.Second)
			done := make(chan bool)
			go func() {
				for event, err := range w.Events(ctx) {
					if err == nil && strings.HasPrefix(event.JobID, "added") {
						seen <- event.JobID
					}
				}
				close(done)
			}()
			var sum, worst time.Duration
			const n = 20
			for i := range n {
				time.Sleep(97 * time.Second)
				id := srv.AddJob(livetranscode.Job{JobID: fmt.Sprint("added", i), Status: inProgress})
				start := time.Now()
				w.Add(id)
				if got := <-seen; got != id {
					t.Errorf("%s came first", got)
				}
				sum, worst = sum+time.Since(start), max(worst, time.Since(start))
			}
			t.Logf("List %t: seen after %v on average, %v at worst", list, sum/n, worst)
			if worst > 9*4*time.Second {
				t.Errorf("List %t: first seen after %v", list, worst)
			}
			cancel()
			<-done
		})
	}
}

// TestWatchDeliversEarly: a change is delivered as soon as it is read, not when its sweep ends.
func TestWatchDeliversEarly(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 5000, inProgress)
		rt, pull := watchRated(t, srv, ids)
		rt.set(4 * time.Second)                 // 200 s for all pages
		srv.SetStatus(ids[len(ids)-1], stopped) // of the first page
		start := time.Now()
		if event := next(t, pull); event.JobID != ids[len(ids)-1] || time.Since(start) > 90*time.Second {
			t.Errorf("it was delivered after %v", time.Since(start))
		}
	})
}

// TestWatchUserPanics: what user code does in a call is raised in the goroutine of the range, and leaves nothing
// behind.
func TestWatchUserPanics(t *testing.T) {
	t.Parallel()
	for name, exit := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		for _, at := range []int32{1, 8} {
			calls := new(atomic.Int32)
			maybe := func() {
				if calls.Add(1) == at {
					exit()
				}
			}
			for what, opt := range map[string]func(*livetranscodetest.Server) livetranscode.Option{
				"provider": func(srv *livetranscodetest.Server) livetranscode.Option {
					return livetranscode.WithCredentials(livetranscode.CredentialsFunc(func(context.Context) (livetranscode.Credentials, error) {
						maybe()
						return srv.Credentials(), nil
					}))
				},
				"limiter": func(*livetranscodetest.Server) livetranscode.Option {
					return livetranscode.WithLimiter(waiter(func(context.Context) error { maybe(); return nil }))
				},
				"transport": func(srv *livetranscodetest.Server) livetranscode.Option {
					return intercept(srv, func(*http.Request) (*http.Response, error) { maybe(); return nil, nil })
				},
			} {
				bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
					calls.Store(0)
					ids := addJobs(srv, 20, 7)
					w := srv.Client(opt(srv)).NewWatcher()
					w.Add(ids...)
					var value any
					ended := make(chan bool)
					go func() {
						returned := false
						defer func() {
							value = recover()
							ended <- returned
						}()
						for range w.Events(t.Context()) {
							returned = false
						}
						returned = true
					}()
					if returned := <-ended; returned || (value == nil) != (name == "Goexit") || value != nil && value != "boom" {
						t.Errorf("%s in the %s: the range returned: %t, panic: %v", name, what, returned, value)
					}
					added := srv.AddJob(livetranscode.Job{})
					w.Add(added)
					for event, err := range w.Events(t.Context()) { // the watcher is usable
						if err != nil {
							t.Errorf("%s in the %s: a later range ends with %v", name, what, err)
						}
						if event.JobID == added {
							break
						}
					}
				})
			}
		}
	}
}

type waiter func(context.Context) error

func (f waiter) Wait(ctx context.Context) error { return f(ctx) }

// TestWatchRetryAfter: a service that is down and says for how long is not asked before, and not given up.
func TestWatchRetryAfter(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 500} {
		bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
			ids := addJobs(srv, n, inProgress)
			w := srv.Client(one()).NewWatcher(every(10*time.Second), livetranscode.TolerateErrors(0))
			w.Add(ids...)
			pull := watch(t.Context(), t, w)
			for range ids {
				next(t, pull)
			}
			srv.Inject(livetranscodetest.Fault{StatusCode: 503, Header: http.Header{"Retry-After": {"90"}}, Times: 100})
			srv.ResetCalls()
			srv.SetStatus(ids[0], stopped)
			next(t, pull)
			var sweeps []time.Duration
			for _, gap := range gaps(srv.Calls()) {
				if gap > time.Second {
					sweeps = append(sweeps, gap)
				}
			}
			if len(sweeps) < 8 || slices.Min(sweeps[1:]) < 90*time.Second {
				t.Errorf("%d jobs: polled again after %v", n, sweeps)
			}
		})
	}
}

// TestWatchRetryAfterOfOneJob: the delay that the Get of one job asks for delays no other job.
func TestWatchRetryAfterOfOneJob(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 20, inProgress)
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
		bad := srv.AddJob(livetranscode.Job{Status: 7})
		srv.Inject(livetranscodetest.Fault{JobID: bad, StatusCode: 503, RetryAfter: time.Hour, Times: -1})
		w := srv.Client(one()).NewWatcher()
		w.Add(bad)
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		start := time.Now()
		for i := range ids {
			next(t, pull)
			after(time.Duration(i)*time.Minute+time.Minute, func() { srv.SetStatus(ids[i], stopped) })
		}
		for range ids {
			next(t, pull)
		}
		if late := time.Since(start); late > 22*time.Minute {
			t.Errorf("after %v", late)
		}
	})
}

// TestWatchNotFoundOnce: replicas can disagree for a moment; a job that was read is lost when the next sweep confirms
// it.
func TestWatchNotFoundOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher(every(10*time.Second), livetranscode.NotFoundGrace(0))
		w.Add(id)
		pull := watch(t.Context(), t, w)
		next(t, pull)
		for i := range 10 {
			after(time.Duration(i)*time.Minute, func() { srv.Inject(livetranscodetest.Fault{Code: "JobNotFound", JobID: id}) })
		}
		after(11*time.Minute, func() { srv.SetStatus(id, inProgress) })
		if event := next(t, pull); event.Err != nil || event.Job.Status != inProgress {
			t.Errorf("got %+v", event)
		}
		srv.RemoveJob(id)
		start := time.Now()
		event := next(t, pull)
		if late := time.Since(start); !errors.Is(event.Err, livetranscode.ErrNotFound) || late < 9*time.Second || late > 25*time.Second {
			t.Errorf("%+v after %v", event, time.Since(start))
		}
	})
}

// TestWatchConcurrencyAfterThrottling: one call at a time while the service throttles, and one more for each ten
// responses.
func TestWatchConcurrencyAfterThrottling(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 300, 7)
		srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
		var (
			mu                      sync.Mutex
			calls, flying, throttle int
			atOnce                  []int // calls under way, at the begin of each since the throttled one
		)
		w := srv.Client(one(), intercept(srv, func(req *http.Request) (*http.Response, error) {
			mu.Lock()
			calls++
			flying++
			throttled := calls == 100
			if throttled {
				throttle = calls
			} else if throttle > 0 && flying <= 4 {
				atOnce = append(atOnce, flying)
			}
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			flying--
			mu.Unlock()
			if throttled {
				return failure(req, 400, "Throttling.User"), nil
			}
			return nil, nil
		})).NewWatcher(livetranscode.Concurrency(4))
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		for range ids {
			next(t, pull)
		}
		mu.Lock()
		defer mu.Unlock()
		first := slices.Index(atOnce, 1) // others may begin before the throttled one has ended
		if first < 0 || first > 10 {
			t.Fatalf("never one call at a time: %v", atOnce)
		}
		atOnce = atOnce[first:]
		for i, n := range atOnce {
			if n > 1+(i+7)/10 {
				t.Fatalf("%d calls at once after %d responses: %v", n, i, atOnce)
			}
		}
		if slices.Max(atOnce[40:60]) != 4 {
			t.Errorf("never again four calls at once: %v", atOnce)
		}
	})
}

// TestWatchSweepHook: the hook says in numbers what each sweep did.
func TestWatchSweepHook(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		type sweep struct {
			start livetranscode.SweepStart
			end   livetranscode.SweepEnd
		}
		var (
			mu     sync.Mutex
			sweeps []sweep
		)
		w := srv.Client(one(), livetranscode.WithHooks(livetranscode.Hooks{Sweep: func(_ context.Context, start livetranscode.SweepStart) (context.Context, func(livetranscode.SweepEnd)) {
			return nil, func(end livetranscode.SweepEnd) {
				mu.Lock()
				defer mu.Unlock()
				sweeps = append(sweeps, sweep{start, end})
			}
		}})).NewWatcher(every(10 * time.Second))
		ids := addJobs(srv, 250, inProgress)
		w.Add(ids...)
		after(5*time.Second, func() { w.Add(srv.AddJob(livetranscode.Job{})) })
		after(15*time.Second, func() { srv.SetStatus(ids[0], stopped) })
		after(25*time.Second, func() { srv.Inject(livetranscodetest.Fault{StatusCode: 500, Times: -1}) })
		collect(t, w, 35*time.Second)
		mu.Lock()
		defer mu.Unlock()
		want := []sweep{
			{livetranscode.SweepStart{Jobs: 250, Full: true}, livetranscode.SweepEnd{Pages: 4, Events: 250}},
			{livetranscode.SweepStart{Jobs: 1}, livetranscode.SweepEnd{Gets: 1, Events: 1}},
			{livetranscode.SweepStart{Jobs: 251, Full: true}, livetranscode.SweepEnd{Pages: 4}},
			{livetranscode.SweepStart{Jobs: 251, Full: true}, livetranscode.SweepEnd{Pages: 4, Gets: 1, Events: 1}},
			{livetranscode.SweepStart{Jobs: 250, Full: true}, livetranscode.SweepEnd{Pages: 2, Gets: 39, Failed: 41, Unread: 250}},
		}
		for i := range sweeps {
			if i >= len(want) {
				break
			}
			err := sweeps[i].end.Err
			sweeps[i].end.Err = nil
			if sweeps[i] != want[i] || (err == nil) != (i < 4) {
				t.Errorf("sweep %d: %+v, %v, want %+v", i, sweeps[i], err, want[i])
			}
		}
		if len(sweeps) < len(want) {
			t.Errorf("%d sweeps", len(sweeps))
		}
	})
}
