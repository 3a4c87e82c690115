package livetranscode

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestServerDelay: the delay that the service asks for is kept, with up to 10 % on top.
func TestServerDelay(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where synctest's clock starts
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, tt := range map[string]struct {
		header []string
		want   time.Duration // 0: none
	}{
		"milliseconds":           {[]string{"X-Acs-Retry-After", "2500"}, 2500 * time.Millisecond},
		"one millisecond":        {[]string{"X-Acs-Retry-After", "1"}, time.Millisecond},
		"spaces":                 {[]string{"X-Acs-Retry-After", " 2500 "}, 2500 * time.Millisecond},
		"longer than MaxDelay":   {[]string{"X-Acs-Retry-After", "45000"}, 45 * time.Second},
		"the longest":            {[]string{"X-Acs-Retry-After", "60000"}, time.Minute},
		"wins":                   {[]string{"X-Acs-Retry-After", "2500", "X-Ratelimit-User-Api", "TimeLeft:7000", "Retry-After", "9"}, 2500 * time.Millisecond},
		"zero, then seconds":     {[]string{"X-Acs-Retry-After", "0", "Retry-After", "9"}, 9 * time.Second},
		"malformed, then older":  {[]string{"X-Acs-Retry-After", "soon", "X-Ratelimit-User", "TimeLeft:7000"}, 7 * time.Second},
		"api":                    {[]string{"X-Ratelimit-User-Api", "Limit:1,Remain:0,TimeLeft:2000,Reset:1234"}, 2 * time.Second},
		"user":                   {[]string{"X-Ratelimit-User", "Limit:1,Remain:0,TimeLeft:3000,Reset:1234"}, 3 * time.Second},
		"both, the longer":       {[]string{"X-Ratelimit-User-Api", "TimeLeft:2000", "X-Ratelimit-User", "TimeLeft:3000"}, 3 * time.Second},
		"spaces in the list":     {[]string{"X-Ratelimit-User", "Limit: 1, Remain: 0, TimeLeft: 3000"}, 3 * time.Second},
		"seconds":                {[]string{"Retry-After", "7"}, 7 * time.Second},
		"date":                   {[]string{"Retry-After", in(7 * time.Second)}, 7 * time.Second},
		"date by its own clock":  {[]string{"Retry-After", in(time.Hour + 7*time.Second), "Date", in(time.Hour)}, 7 * time.Second},
		"empty":                  {[]string{"X-Acs-Retry-After", ""}, 0},
		"zero":                   {[]string{"X-Acs-Retry-After", "0"}, 0},
		"negative":               {[]string{"X-Acs-Retry-After", "-5"}, 0},
		"fraction":               {[]string{"X-Acs-Retry-After", "2.5"}, 0},
		"unit":                   {[]string{"X-Acs-Retry-After", "5s"}, 0},
		"too long for a number":  {[]string{"X-Acs-Retry-After", "99999999999999999999"}, 0},
		"list without time":      {[]string{"X-Ratelimit-User-Api", "Limit:1,Remain:0"}, 0},
		"list with an odd time":  {[]string{"X-Ratelimit-User-Api", "TimeLeft:soon"}, 0},
		"list with room":         {[]string{"X-Ratelimit-User-Api", "Limit:9,Remain:3,TimeLeft:2000"}, 0},
		"list without structure": {[]string{"X-Ratelimit-User-Api", ",,:,TimeLeft"}, 0},
		"date in the past":       {[]string{"Retry-After", in(-time.Hour)}, 0},
		"negative seconds":       {[]string{"Retry-After", "-7"}, 0},
		"neither":                {[]string{"Retry-After", "tomorrow"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 1 // more would be after a date in the header
				if name == "milliseconds" || name == "neither" {
					calls = 100
				}
				refusal := respondError(400, "Throttling.Api", tt.header...)
				c := clientOver(t, newScript(refusal), attempts(1))
				api, _ := errors.AsType[*APIError](getJob(t.Context(), c))
				if api == nil || api.RetryAfter != tt.want {
					t.Errorf("the error is %#v, want RetryAfter %v", api, tt.want)
				}
				delays := sample(t, calls, RetryPolicy{MaxAttempts: 2}, refusal)[0]
				least, most := tt.want, tt.want+tt.want/10
				if tt.want == 0 {
					least, most = time.Second, 4*time.Second
				}
				if calls > 1 {
					wantSpread(t, "delay", delays, least, most)
				} else if delays[0] < least || delays[0] > most {
					t.Errorf("the delay is %v, want %v to %v", delays[0], least, most)
				}
			})
		})
	}
}

// wantDate checks how far the date of a request is ahead of this machine's clock.
func wantDate(t *testing.T, s sentRequest, ahead time.Duration) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s.header.Get("x-acs-date"))
	if got := at.Sub(s.at); err != nil || (got-ahead).Abs() > time.Second {
		t.Errorf("the date is %v ahead, want %v", got, ahead)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	const expired = "InvalidTimeStamp.Expired"
	for name, tt := range map[string]struct {
		steps []step
		dates []time.Duration // how far each request's is ahead
		fails bool
		warns int
	}{
		"behind":           {[]step{dated(expired, time.Hour), success}, []time.Duration{0, time.Hour}, false, 1},
		"ahead":            {[]step{dated(expired, -20*time.Minute), success}, []time.Duration{0, -20 * time.Minute}, false, 1},
		"older code":       {[]step{dated("IllegalTimestamp", time.Hour), success}, []time.Duration{0, time.Hour}, false, 1},
		"4 minutes":        {[]step{dated(expired, 4*time.Minute), success}, []time.Duration{0, 4 * time.Minute}, false, 1},
		"less than that":   {[]step{dated(expired, 4*time.Minute-time.Second), success}, []time.Duration{0}, true, 0},
		"no difference":    {[]step{dated(expired, 0), success}, []time.Duration{0}, true, 0},
		"from a cache":     {[]step{dated(expired, time.Hour, "Age", "3600"), success}, []time.Duration{0}, true, 0},
		"no date":          {[]step{respondError(400, expired), success}, []time.Duration{0}, true, 0},
		"odd date":         {[]step{respondError(400, expired, "Date", "today"), success}, []time.Duration{0}, true, 0},
		"other codes":      {[]step{dated("InvalidParameter", time.Hour), success}, []time.Duration{0}, true, 0},
		"once a call":      {[]step{dated(expired, time.Hour), dated(expired, 3*time.Hour), success}, []time.Duration{0, time.Hour}, true, 1},
		"other trouble":    {[]step{dated(expired, time.Hour), respondError(500, ""), success}, []time.Duration{0, time.Hour, time.Hour}, false, 1},
		"after other":      {[]step{respondError(500, ""), dated(expired, time.Hour), success}, []time.Duration{0, 0, time.Hour}, false, 1},
		"a date in others": {[]step{dated("ServiceUnavailable", time.Hour), success}, []time.Duration{0, 0}, false, 0},
	} {
		if name == "a date in others" { // with its usual status
			tt.steps[0] = func(req *http.Request) (*http.Response, error) {
				return respondError(503, "ServiceUnavailable", "Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))(req)
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				book := new(logRecorder)
				rt := newScript(tt.steps...)
				c := clientOver(t, rt, book.option())
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
				if got := book.entries(t, slog.LevelWarn); len(got) != tt.warns {
					t.Errorf("the warnings are %v, want %d", got, tt.warns)
				}
				if errors.Is(err, ErrAuthentication) && !strings.Contains(err.Error(), "clock") {
					t.Errorf("the error %q does not point at the clock", err)
				}
			})
		})
	}
}

// TestClockStays: what was learnt is used by all later calls, until the service says otherwise.
func TestClockStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := new(logRecorder)
		rt := newScript(dated("InvalidTimeStamp.Expired", time.Hour), success)
		c := clientOver(t, rt, book.option())
		for range 4 {
			if err := getJob(t.Context(), c); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		for i, s := range rt.requests(t) {
			wantDate(t, s, map[bool]time.Duration{true: time.Hour}[i > 0])
		}
		if got := book.entries(t, slog.LevelWarn); len(got) != 1 {
			t.Errorf("the warnings are %v, want 1", got)
		}
		// This machine's clock was set right: back to no difference.
		rt.mu.Lock()
		rt.seen, rt.steps = nil, []step{dated("InvalidTimeStamp.Expired", 0), success}
		rt.mu.Unlock()
		for range 2 {
			if err := getJob(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
		for i, s := range rt.requests(t) {
			wantDate(t, s, map[bool]time.Duration{true: time.Hour}[i == 0])
		}
		if got := book.entries(t, slog.LevelWarn); len(got) != 2 {
			t.Errorf("the warnings are %v, want 2", got)
		}
	})
	t.Run("without a retry", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(dated("InvalidTimeStamp.Expired", time.Hour), success)
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
			book := new(logRecorder)
			rt := step(func(req *http.Request) (*http.Response, error) {
				at, _ := time.Parse(time.RFC3339, req.Header.Get("x-acs-date"))
				time.Sleep(time.Second) // so that all are in flight
				if time.Until(at) < 30*time.Minute {
					return dated("InvalidTimeStamp.Expired", time.Hour)(req)
				}
				return success(req)
			})
			c := clientOver(t, rt, book.option())
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if err := getJob(t.Context(), c); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := book.entries(t, slog.LevelWarn); len(got) != 1 {
				t.Errorf("the warnings are %v, want 1", got)
			}
		})
	})
}

// TestClockIsReadInTheMiddle: the Date is taken to be of the middle of the attempt, so that a slow answer
// does not bend the clock by its slowness.
func TestClockIsReadInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := newScript(func(req *http.Request) (*http.Response, error) {
			time.Sleep(12 * time.Second)
			resp, err := dated("InvalidTimeStamp.Expired", time.Hour)(req)
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

func FuzzRetryAfter(f *testing.F) {
	for _, header := range []string{"", "0", "-1", "1", " 2 ", "2.5", "9223372036854775807", "99999999999999999999", "+3", "1e3", "Wed, 21 Oct 2026 07:28:00 GMT", "Wednesday, 21-Oct-26 07:28:00 GMT"} {
		f.Add(header, "", "", header)
		f.Add("", header, "", "Wed, 21 Oct 2026 07:27:00 GMT")
		f.Add("", "", header, header)
	}
	now := time.Date(2026, 10, 21, 7, 27, 30, 0, time.UTC)
	f.Fuzz(func(t *testing.T, acs, proxy, limit, date string) {
		h := http.Header{"X-Acs-Retry-After": {acs}, "Retry-After": {proxy}, "X-Ratelimit-User": {limit}, "Date": {date}}
		got := retryAfter(h, now)
		want := time.Duration(0)
		for _, source := range []struct {
			value string
			unit  time.Duration
		}{{acs, time.Millisecond}, {proxy, time.Second}} {
			n, err := strconv.ParseInt(strings.TrimSpace(source.value), 10, 64)
			if want > 0 || err != nil || n <= 0 {
				continue
			}
			// In floating point there is no overflow to get wrong.
			if want = time.Duration(math.MaxInt64); float64(n)*float64(source.unit) < math.MaxInt64 {
				want = time.Duration(n) * source.unit
			}
			if source.unit == time.Second && rateLimit(limit) > 0 {
				want = rateLimit(limit)
			}
		}
		switch at, err := http.ParseTime(strings.TrimSpace(proxy)); {
		case got < 0:
			t.Errorf("the delay is %v", got)
		case want > 0 && got != want:
			t.Errorf("%v is a delay of %v, want %v", h, got, want)
		case want == 0 && rateLimit(limit) == 0 && err == nil:
			if d, dateErr := http.ParseTime(date); dateErr == nil && got != max(0, at.Sub(d)) {
				t.Errorf("%v is a delay of %v, want %v", h, got, at.Sub(d))
			}
		case want == 0 && rateLimit(limit) == 0 && got != 0:
			t.Errorf("%v is a delay of %v, want none", h, got)
		}
	})
}

func FuzzRateLimit(f *testing.F) {
	f.Add("Limit:1,Remain:0,TimeLeft:2000,Reset:1234", int64(0), int64(2000))
	f.Add("Remain:1,TimeLeft:2000", int64(1), int64(5))
	f.Add("TimeLeft:9223372036854775807", int64(-1), int64(math.MaxInt64))
	f.Add(" TimeLeft : 1 , Remain : x ,:,,", int64(0), int64(-7))
	f.Fuzz(func(t *testing.T, header string, remain, left int64) {
		if got := rateLimit(header); got < 0 || got > 0 && !strings.Contains(header, "TimeLeft") {
			t.Errorf("%q is a delay of %v", header, got)
		}
		want := toDuration(left, time.Millisecond)
		if remain > 0 {
			want = 0
		}
		for _, form := range []string{"Limit:1,Remain:%d,TimeLeft:%d,Reset:1", "TimeLeft:%[2]d,Remain:%[1]d", " Remain: %d , TimeLeft: %d "} {
			if text := fmt.Sprintf(form, remain, left); rateLimit(text) != want {
				t.Errorf("%q is a delay of %v, want %v", text, rateLimit(text), want)
			}
		}
	})
}
