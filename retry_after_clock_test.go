package livetranscode

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wantDate checks how far the date of a request is ahead of this machine's clock.
func wantDate(t *testing.T, s sentRequest, ahead time.Duration) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s.header.Get("x-acs-date"))
	if got := at.Sub(s.at); err != nil || (got-ahead).Abs() > time.Second {
		t.Errorf("the date is %v ahead, want %v", got, ahead)
	}
}

func TestClockSkew(t *testing.T) {
	t.Parallel()
	const expired = "InvalidTimeStamp.Expired"
	for name, tt := range map[string]struct {
		steps []step
		dates []time.Duration // how far each request's is ahead
		fails bool
		warns int
	}{
		"behind":               {[]step{respondAhead(400, expired, time.Hour), success}, []time.Duration{0, time.Hour}, false, 1},
		"ahead":                {[]step{respondAhead(400, expired, -20*time.Minute), success}, []time.Duration{0, -20 * time.Minute}, false, 1},
		"older code":           {[]step{respondAhead(400, "IllegalTimestamp", time.Hour), success}, []time.Duration{0, time.Hour}, false, 1},
		"4 minutes":            {[]step{respondAhead(400, expired, 4*time.Minute), success}, []time.Duration{0, 4 * time.Minute}, false, 1},
		"less than that":       {[]step{respondAhead(400, expired, 4*time.Minute-time.Second), success}, []time.Duration{0}, true, 0},
		"no difference":        {[]step{respondAhead(400, expired, 0), success}, []time.Duration{0}, true, 0},
		"from a cache":         {[]step{respondAhead(400, expired, time.Hour, "Age", "3600"), success}, []time.Duration{0}, true, 0},
		"no date":              {[]step{respondError(400, expired), success}, []time.Duration{0}, true, 0},
		"invalid date":         {[]step{respondError(400, expired, "Date", "today"), success}, []time.Duration{0}, true, 0},
		"other codes":          {[]step{respondAhead(400, "InvalidParameter", time.Hour), success}, []time.Duration{0}, true, 0},
		"once a call":          {[]step{respondAhead(400, expired, time.Hour), respondAhead(400, expired, 3*time.Hour), success}, []time.Duration{0, time.Hour}, true, 1},
		"then another error":   {[]step{respondAhead(400, expired, time.Hour), respondError(500, ""), success}, []time.Duration{0, time.Hour, time.Hour}, false, 1},
		"after another error":  {[]step{respondError(500, ""), respondAhead(400, expired, time.Hour), success}, []time.Duration{0, 0, time.Hour}, false, 1},
		"another error's date": {[]step{respondAhead(503, "ServiceUnavailable", time.Hour), success}, []time.Duration{0, 0}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := new(logRecorder)
				rt := newScript(tt.steps...)
				c := clientOver(t, rt, log.option())
				err := getJob(t.Context(), c)
				if (err != nil) != tt.fails {
					t.Errorf("the error is %v", err)
				}
				seen := rt.requests(t)
				if len(seen) != len(tt.dates) {
					t.Fatalf("%d requests were sent, want %d", len(seen), len(tt.dates))
				}
				for i, s := range seen {
					wantDate(t, s, tt.dates[i])
				}
				if got := log.entries(t, slog.LevelWarn); len(got) != tt.warns {
					t.Errorf("the warnings are %v, want %d", got, tt.warns)
				}
				if errors.Is(err, ErrAuthentication) && !strings.Contains(err.Error(), "clock") {
					t.Errorf("the error %q does not mention the clock", err)
				}
			})
		})
	}
}

// TestClockSkewPersists checks that all later calls use the measured clock skew, until another is measured.
func TestClockSkewPersists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := new(logRecorder)
		rt := newScript(respondAhead(400, "InvalidTimeStamp.Expired", time.Hour), success)
		c := clientOver(t, rt, log.option())
		for range 4 {
			if err := getJob(t.Context(), c); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		for i, s := range rt.requests(t) {
			wantDate(t, s, map[bool]time.Duration{true: time.Hour}[i > 0])
		}
		if got := log.entries(t, slog.LevelWarn); len(got) != 1 {
			t.Errorf("the warnings are %v, want 1", got)
		}
		// This machine's clock was corrected: there is no skew any more.
		rt.mu.Lock()
		rt.seen, rt.steps = nil, []step{respondAhead(400, "InvalidTimeStamp.Expired", 0), success}
		rt.mu.Unlock()
		for range 2 {
			if err := getJob(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
		for i, s := range rt.requests(t) {
			wantDate(t, s, map[bool]time.Duration{true: time.Hour}[i == 0])
		}
		if got := log.entries(t, slog.LevelWarn); len(got) != 2 {
			t.Errorf("the warnings are %v, want 2", got)
		}
	})
	t.Run("without a retry", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(respondAhead(400, "InvalidTimeStamp.Expired", time.Hour), success)
			c := clientOver(t, rt, attempts(1))
			if err := getJob(t.Context(), c); !errors.Is(err, ErrAuthentication) {
				t.Errorf("the error is %v", err)
			}
			if err := getJob(t.Context(), c); err != nil {
				t.Error(err)
			}
			rt.wantRequests(t, 2)
			wantDate(t, rt.requests(t)[len(rt.requests(t))-1], time.Hour)
		})
	})
	t.Run("one warning for many callers", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			log := new(logRecorder)
			rt := step(func(req *http.Request) (*http.Response, error) {
				at, _ := time.Parse(time.RFC3339, req.Header.Get("x-acs-date"))
				time.Sleep(time.Second) // so that all are in flight
				if time.Until(at) < 30*time.Minute {
					return respondAhead(400, "InvalidTimeStamp.Expired", time.Hour)(req)
				}
				return success(req)
			})
			c := clientOver(t, rt, log.option())
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if err := getJob(t.Context(), c); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := log.entries(t, slog.LevelWarn); len(got) != 1 {
				t.Errorf("the warnings are %v, want 1", got)
			}
		})
	})
}

// TestClockSkewOfASlowResponse checks that the Date is compared with the midpoint of the attempt, so that a slow
// response does not distort it.
func TestClockSkewOfASlowResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := newScript(func(req *http.Request) (*http.Response, error) {
			time.Sleep(12 * time.Second)
			resp, err := respondAhead(400, "InvalidTimeStamp.Expired", time.Hour)(req)
			time.Sleep(12 * time.Second)
			return resp, err
		}, success)
		if err := getJob(t.Context(), clientOver(t, rt)); err != nil {
			t.Error(err)
		}
		rt.wantRequests(t, 2)
		wantDate(t, rt.requests(t)[len(rt.requests(t))-1], time.Hour)
	})
}
