package livetranscode_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestWatchUsesFewRequests(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 40, 100, 101, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 10*time.Second))
				w.Add(addJobs(srv, n, inProgress)...)
				ctx, cancel := context.WithTimeout(t.Context(), 95*time.Second)
				defer cancel()
				seen := 0
				for _, err := range w.Events(ctx) {
					if err == nil {
						seen++
					}
				}
				calls := srv.Calls()
				sweeps := 1
				for _, gap := range gaps(calls) {
					if gap > 5*time.Second {
						sweeps++
					}
				}
				if most := 1.05*float64(n)/100 + 2; seen != n || sweeps < 8 || float64(len(calls)) > most*float64(sweeps) {
					t.Errorf("saw %d jobs with %d calls in %d sweeps, want at most %.1f calls a sweep", seen, len(calls), sweeps, most)
				}
			})
		})
	}
}

// TestWatchChoosesThePlan: few of many jobs are polled by Gets, and the pages are tried again when they may have become
// cheaper.
func TestWatchChoosesThePlan(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		others := addJobs(srv, 5000, inProgress)
		// The oldest: none of them is on the first page.
		w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 10*time.Second))
		w.Add(others[:20]...)
		pull := watch(t.Context(), t, w)
		for range 20 {
			next(t, pull)
		}
		srv.ResetCalls()
		after(10*time.Minute, func() { srv.SetStatus(others[0], stopped) })
		next(t, pull)
		gets, lists := count(srv.Calls())
		if gets < 50*20 || float64(lists) > float64(gets)/19 {
			t.Errorf("in a large account: %d Gets, %d Lists", gets, lists)
		}
		for _, id := range others[20:] {
			srv.SetStatus(id, stopped)
		}
		after(5*time.Minute, func() { srv.ResetCalls() })
		after(20*time.Minute, func() { srv.SetStatus(others[1], stopped) })
		next(t, pull)
		if gets, lists = count(srv.Calls()); gets > 10 || lists < 2*80 {
			t.Errorf("in a small account: %d Gets, %d Lists", gets, lists)
		}
	})
}

// Absent from the pages is a question, and jobs that are alive and on no page make Gets the cheaper plan.
func TestWatchAsksForAbsentJobs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
		ids := addJobs(srv, 20, 7) // a status that no page lists
		w := srv.Client().NewWatcher(livetranscode.PollInterval(10*time.Second, 10*time.Second))
		w.Add(ids...)
		pull := watch(t.Context(), t, w)
		for range ids {
			if event := next(t, pull); event.Err != nil || event.Job.Status != 7 {
				t.Fatalf("got %+v", event)
			}
		}
		srv.ResetCalls()
		after(10*time.Minute, func() { srv.SetStatus(ids[0], inProgress) })
		next(t, pull)
		if gets, lists := count(srv.Calls()); gets < 50*20 || lists > gets/20+2 {
			t.Errorf("%d Gets, %d Lists", gets, lists)
		}
	})
}

// TestWatchListThrottled: a quota of List's own holds up neither the Gets nor, when it is over, the pages.
func TestWatchListThrottled(t *testing.T) {
	t.Parallel()
	for _, all := range []bool{false, true} {
		t.Run(fmt.Sprintf("AddAll %t", all), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				ids := addJobs(srv, 8, inProgress)
				w := srv.Client(one()).NewWatcher(every(10 * time.Second))
				w.Add(ids...)
				if all {
					w.AddAll(livetranscode.JobFilter{})
				}
				collect(t, w, time.Minute)
				srv.Inject(livetranscodetest.Fault{Operation: "ListLiveTranscodeJobs", Code: "Throttling.Api", Times: -1})
				for _, id := range ids[:3] {
					var seen time.Time
					after(5*time.Minute, func() { srv.SetStatus(id, stopped) })
					began := time.Now()
					for _, event := range collect(t, w, 10*time.Minute)[id] {
						seen = event.At
					}
					if late := seen.Sub(began.Add(5 * time.Minute)); late < 0 || late > 90*time.Second {
						t.Errorf("the stop was seen after %v", late)
					}
				}
				if stats := w.Stats(); all != (time.Since(stats.OldestPoll) > 25*time.Minute) {
					t.Errorf("stats are %+v", stats)
				}
				srv.ClearFaults()
				srv.ResetCalls()
				collect(t, w, 10*time.Minute)
				if stats := w.Stats(); stats.Err != nil || time.Since(stats.OldestPoll) > time.Minute {
					t.Errorf("in the end, stats are %+v", stats)
				}
				if gets, lists := count(srv.Calls()); gets > 16 || lists < 100 {
					t.Errorf("%d Gets and %d Lists after the throttling", gets, lists)
				}
			})
		})
	}
}

// TestWatchTightQuota: with one call in half a minute, every list and every job is polled in turn.
func TestWatchTightQuota(t *testing.T) {
	t.Parallel()
	for _, refill := range []time.Duration{20 * time.Second, 26 * time.Second, 32 * time.Second, 40 * time.Second} {
		t.Run(refill.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
				addJobs(srv, 3, inProgress)
				var last time.Time
				var mu sync.Mutex
				w := srv.Client(one(), intercept(srv, func(req *http.Request) (*http.Response, error) {
					mu.Lock()
					defer mu.Unlock()
					if !last.IsZero() && time.Since(last) < refill {
						return failure(req, 400, "Throttling.User"), nil
					}
					last = time.Now()
					return nil, nil
				})).NewWatcher(every(10 * time.Second))
				w.AddAll(livetranscode.JobFilter{})
				var created string
				after(5*time.Minute, func() { created = srv.AddJob(livetranscode.Job{Name: "new"}) })
				after(40*time.Minute, func() { srv.SetStatus(created, stopped) })
				if events := collect(t, w, time.Hour); len(events) != 4 || len(events[created]) != 2 {
					t.Errorf("got %+v", events)
				}
			})
		})
	}
}

// TestWatchMiscount: an empty page is the end of a list, whatever the service counts.
func TestWatchMiscount(t *testing.T) {
	t.Parallel()
	counts := regexp.MustCompile(`"TotalCount":\d+`)
	for _, total := range []string{"1000000", "9000000000000000", "-5", "-500", "7", "null"} {
		for _, jobs := range []int{0, 1, 100, 150} {
			t.Run(fmt.Sprintf("%s of %d", total, jobs), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T, srv *livetranscodetest.Server) {
					addJobs(srv, jobs, inProgress)
					w := srv.Client(intercept(srv, func(req *http.Request) (*http.Response, error) {
						if !isList(req) {
							return nil, nil
						}
						resp, err := srv.Transport().RoundTrip(req)
						if err != nil {
							return nil, err
						}
						defer resp.Body.Close()
						text, err := io.ReadAll(resp.Body)
						resp.Body = io.NopCloser(strings.NewReader(counts.ReplaceAllString(string(text), `"TotalCount":`+total)))
						resp.ContentLength = -1
						resp.Header.Del("Content-Length")
						return resp, err
					})).NewWatcher(every(10 * time.Second))
					w.AddAll(livetranscode.JobFilter{})
					events := collect(t, w, 30*time.Second)
					if len(events) != jobs || w.Stats().Err != nil {
						t.Errorf("%d events, stats are %+v", len(events), w.Stats())
					}
					if n := len(srv.Calls()); n > 5*40 {
						t.Errorf("%d requests in half a minute", n)
					}
				})
			})
		}
	}
}
