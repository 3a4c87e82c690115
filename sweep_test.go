package livetranscode_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// TestWatchAddAmongMany: at one request in four seconds, an added job comes next.
func TestWatchAddAmongMany(t *testing.T) {
	t.Parallel()
	for _, list := range []bool{true, false} {
		bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
			ids := addJobs(srv, 5000, inProgress)
			limit := new(rateLimit)
			if !list {
				srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Forbidden.RAM", Times: -1})
			}
			w := srv.Client(intercept(srv, limit.respond)).NewWatcher()
			w.Add(ids...)
			seen := make(chan string, 1<<16)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			limit.set(4 * time.Second)
			done := make(chan bool)
			go func() {
				for event, err := range w.Events(ctx) {
					if err == nil && strings.HasPrefix(event.JobID, "new-") {
						seen <- event.JobID
					}
				}
				close(done)
			}()
			var sum, worst time.Duration
			const n = 20
			for i := range n {
				time.Sleep(97 * time.Second)
				id := srv.AddJob(livetranscode.Job{JobID: fmt.Sprint("new-", i), Status: inProgress})
				start := time.Now()
				w.Add(id)
				if got := <-seen; got != id {
					t.Errorf("%s came first", got)
				}
				sum, worst = sum+time.Since(start), max(worst, time.Since(start))
			}
			t.Logf("List %t: seen after %v on average, %v at worst", list, sum/n, worst)
			// Without priority it would take hours. The delays of throttled calls are random.
			if sum/n > 5*4*time.Second || worst > 20*4*time.Second {
				t.Errorf("List %t: first seen after %v on average, %v at worst", list, sum/n, worst)
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
		limit, pull := watchLimited(t, srv, ids)
		limit.set(4 * time.Second)              // 200 s for all pages
		srv.SetStatus(ids[len(ids)-1], stopped) // of the first page
		start := time.Now()
		if event := next(t, pull); event.JobID != ids[len(ids)-1] || time.Since(start) > 90*time.Second {
			t.Errorf("it was delivered after %v", time.Since(start))
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
		first := 0 // others may begin, up to four at once, before the throttled one has ended
		for atOnce[first] != 1 || atOnce[first+1] != 1 {
			if first++; first > 10 {
				t.Fatalf("never one call at a time: %v", atOnce)
			}
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

func TestWatchThrottlingOnlySlows(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 30, 7)
		w := srv.Client().NewWatcher()
		w.Add(ids...)
		srv.Inject(livetranscodetest.Fault{Code: "Throttling.User", Times: -1})
		after(time.Hour, srv.ClearFaults)
		pull := watch(t.Context(), t, w)
		for range ids {
			if event := next(t, pull); event.Err != nil {
				t.Errorf("got %+v", event)
			}
		}
		// A sweep gives up after 30 s and is followed by a pause as long: an hour is not many calls.
		if n := len(srv.Calls()); n > 10000 {
			t.Errorf("%d calls in a throttled hour", n)
		}
	})
}

// A rateLimit lets one request through per interval, and throttles the others.
type rateLimit struct {
	mu    sync.Mutex
	every time.Duration
	free  time.Time
}

func (r *rateLimit) set(every time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.every = every
}

func (r *rateLimit) respond(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.free) {
		return failure(req, 400, "Throttling.User"), nil
	}
	r.free = time.Now().Add(r.every)
	return nil, nil
}

// watchLimited watches jobs under a limit that does not throttle yet, and has seen each.
func watchLimited(t *testing.T, srv *livetranscodetest.Server, ids []string) (*rateLimit, func() (livetranscode.JobEvent, error, bool)) {
	limit := new(rateLimit)
	w := srv.Client(intercept(srv, limit.respond)).NewWatcher()
	w.Add(ids...)
	pull := watch(t.Context(), t, w)
	for range ids {
		next(t, pull)
	}
	return limit, pull
}

// TestWatchThrottledReachesAll: a service that lets pass less than a sweep in half a minute is asked for the last
// pages all the same.
func TestWatchThrottledReachesAll(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 3000, inProgress)
		limit, pull := watchLimited(t, srv, ids)
		limit.set(4 * time.Second) // two minutes for all pages
		srv.SetStatus(ids[17], stopped)
		start := time.Now()
		after(6*time.Hour, func() { limit.set(0) }) // so that the test ends
		if event := next(t, pull); event.JobID != ids[17] || time.Since(start) > 10*time.Minute {
			t.Errorf("%s was seen after %v", event.JobID, time.Since(start))
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
		limit, pull := watchLimited(t, srv, ids)
		limit.set(4 * time.Second)
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
