package livetranscode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestWatchIntervals(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		w := srv.Client().NewWatcher()
		w.Add(id)
		start := time.Now()
		after(time.Hour, func() { srv.SetStatus(id, stopped) })
		pull := watch(t.Context(), t, w)
		next(t, pull)
		next(t, pull)
		calls := srv.Calls()
		var sum time.Duration
		var late int
		for i, gap := range gaps(calls) {
			switch elapsed := calls[i].Time.Sub(start); {
			case elapsed <= 30*time.Second && (gap < 9*time.Second || gap > 11*time.Second),
				gap < 9*time.Second || gap > 33*time.Second:
				t.Errorf("after %v the gap is %v", elapsed, gap)
			case elapsed >= 10*time.Minute:
				sum += gap
				late++
			}
		}
		if mean := sum / time.Duration(late); math.Abs(float64(mean-30*time.Second)) > float64(time.Second) {
			t.Errorf("late gaps are %v on average", mean)
		}
	})
}

// An interval that is shorter than a sweep leaves a pause as long as the sweep.
func TestWatchPauses(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{Status: inProgress})
		srv.Inject(livetranscodetest.Fault{Latency: 5 * time.Second, Times: -1})
		w := srv.Client().NewWatcher(livetranscode.PollInterval(time.Second, time.Second))
		w.Add(id)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		for range w.Events(ctx) {
		}
		for _, gap := range gaps(srv.Calls()) {
			if gap < 10*time.Second || gap > 11*time.Second {
				t.Errorf("sweeps of 5s begin %v apart", gap)
			}
		}
	})
}

// Adds in an outage are no sweeps without an answer.
func TestWatchAddsInAnOutage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		client := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1}))
		w := client.NewWatcher(livetranscode.PollInterval(time.Minute, time.Minute))
		w.Add(id)
		pull := watch(t.Context(), t, w)
		next(t, pull)
		srv.Inject(livetranscodetest.Fault{StatusCode: 502, Times: -1})
		for i := range 10 {
			after(time.Duration(i+1)*time.Second, func() { w.Add(fmt.Sprint("new", i)) })
		}
		after(20*time.Second, func() {
			srv.ClearFaults()
			srv.SetStatus(id, inProgress)
		})
		if event := next(t, pull); event.Err != nil && !errors.Is(event.Err, livetranscode.ErrNotFound) {
			t.Errorf("got %+v", event)
		}
	})
}

func TestWatchToleratesSweepsWithoutResponse(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client(livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{MaxAttempts: 1})).NewWatcher(livetranscode.TolerateErrors(3))
		w.Add(id)
		pull := watch(t.Context(), t, w)
		next(t, pull)
		srv.Inject(livetranscodetest.Fault{Drop: true, Times: 3})
		after(5*time.Minute, func() { srv.SetStatus(id, inProgress) })
		next(t, pull) // three sweeps without a response are tolerated
		srv.Inject(livetranscodetest.Fault{Drop: true, Times: 4})
		_, err, _ := pull()
		var end *livetranscode.WatchError
		if !errors.As(err, &end) || end.Sweeps != 4 || !errors.Is(err, livetranscode.ErrUnavailable) {
			t.Errorf("four sweeps without a response: %v", err)
		}
	})
}

// The longest interval there is means only on Add.
func TestWatchOnlyOnAdd(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher(livetranscode.PollInterval(1<<63-1, 0))
		w.Add(id)
		ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Hour)
		defer cancel()
		for range w.Events(ctx) {
		}
		if n := len(srv.Calls()); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestWatchAddAfterQuiet: a job that is added when nothing has changed for long is polled as often as any new one.
func TestWatchAddAfterQuiet(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		id := srv.AddJob(livetranscode.Job{})
		w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 30*time.Minute))
		w.Add(srv.AddJob(livetranscode.Job{Status: inProgress}))
		pull := watch(t.Context(), t, w)
		next(t, pull)
		added := time.Now().Add(2 * time.Hour)
		after(2*time.Hour, func() { w.Add(id) })
		after(2*time.Hour+15*time.Second, func() { srv.SetStatus(id, inProgress) })
		next(t, pull) // not started
		next(t, pull) // in progress
		if late := time.Since(added); late > 30*time.Second {
			t.Errorf("a change 15 s after Add was seen %v after it", late)
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

// TestWatchLogsUnreadJobs: jobs that are not polled are logged, once in ten minutes at most, and so is their
// return.
func TestWatchLogsUnreadJobs(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]livetranscodetest.Fault{
		"throttled": {Code: "Throttling.User", Times: -1},
		"List only": {Operation: "ListLiveTranscodeJobs", Code: "Throttling.User", Times: -1},
		"one job":   {JobID: "one", Code: "InternalError", Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				ids := append(addJobs(srv, 110, inProgress), srv.AddJob(livetranscode.Job{JobID: "one", Status: 7}))
				var log bytes.Buffer
				w := srv.Client(one(), livetranscode.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).NewWatcher(every(40 * time.Second))
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
				time.Sleep(31 * time.Minute)
				synctest.Wait()
				warnings := strings.Count(log.String(), "level=WARN")
				if warnings < 3 || warnings > 4 {
					t.Errorf("%d warnings in half an hour:\n%.2000s", warnings, log.String())
				}
				stats := w.Stats()
				polled := stats.OldestPoll.After(began)
				if name == "List only" { // Gets poll some jobs in each sweep
					polled = time.Since(stats.OldestPoll) > 5*time.Minute
				}
				if stats.Err == nil || polled || stats.LastComplete.After(began.Add(time.Minute)) || time.Since(stats.LastSweep) > 2*time.Minute {
					t.Errorf("stats are %+v", stats)
				}
				if name == "one job" && !strings.Contains(log.String(), "ids=[one]") {
					t.Errorf("it is not named:\n%.500s", log.String())
				}
				srv.ClearFaults()
				time.Sleep(2 * time.Minute)
				synctest.Wait()
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
