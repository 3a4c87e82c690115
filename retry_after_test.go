package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRetryAfter checks that the delay that the service asks for replaces the backoff, plus up to 10 % jitter.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where synctest's clock starts
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, tt := range map[string]struct {
		header []string
		want   time.Duration // 0: none, so there is the backoff
	}{
		"milliseconds":              {[]string{"X-Acs-Retry-After", "2500"}, 2500 * time.Millisecond},
		"one millisecond":           {[]string{"X-Acs-Retry-After", "1"}, time.Millisecond},
		"spaces":                    {[]string{"X-Acs-Retry-After", " 2500 "}, 2500 * time.Millisecond},
		"longer than MaxDelay":      {[]string{"X-Acs-Retry-After", "45000"}, 45 * time.Second},
		"the longest":               {[]string{"X-Acs-Retry-After", "60000"}, time.Minute},
		"the first wins":            {[]string{"X-Acs-Retry-After", "2500", "X-Ratelimit-User-Api", "TimeLeft:7000", "Retry-After", "9"}, 2500 * time.Millisecond},
		"zero, then seconds":        {[]string{"X-Acs-Retry-After", "0", "Retry-After", "9"}, 9 * time.Second},
		"malformed, then older":     {[]string{"X-Acs-Retry-After", "soon", "X-Ratelimit-User", "TimeLeft:7000"}, 7 * time.Second},
		"api":                       {[]string{"X-Ratelimit-User-Api", "Limit:1,Remain:0,TimeLeft:2000,Reset:1234"}, 2 * time.Second},
		"user":                      {[]string{"X-Ratelimit-User", "Limit:1,Remain:0,TimeLeft:3000,Reset:1234"}, 3 * time.Second},
		"both, the longer":          {[]string{"X-Ratelimit-User-Api", "TimeLeft:2000", "X-Ratelimit-User", "TimeLeft:3000"}, 3 * time.Second},
		"spaces in the list":        {[]string{"X-Ratelimit-User", "Limit: 1, Remain: 0, TimeLeft: 3000"}, 3 * time.Second},
		"seconds":                   {[]string{"Retry-After", "7"}, 7 * time.Second},
		"date":                      {[]string{"Retry-After", in(7 * time.Second)}, 7 * time.Second},
		"date by its own clock":     {[]string{"Retry-After", in(time.Hour + 7*time.Second), "Date", in(time.Hour)}, 7 * time.Second},
		"empty":                     {[]string{"X-Acs-Retry-After", ""}, 0},
		"zero":                      {[]string{"X-Acs-Retry-After", "0"}, 0},
		"negative":                  {[]string{"X-Acs-Retry-After", "-5"}, 0},
		"fraction":                  {[]string{"X-Acs-Retry-After", "2.5"}, 0},
		"unit":                      {[]string{"X-Acs-Retry-After", "5s"}, 0},
		"too long for a number":     {[]string{"X-Acs-Retry-After", "99999999999999999999"}, 0},
		"list without time":         {[]string{"X-Ratelimit-User-Api", "Limit:1,Remain:0"}, 0},
		"list with an invalid time": {[]string{"X-Ratelimit-User-Api", "TimeLeft:soon"}, 0},
		"list with some remaining":  {[]string{"X-Ratelimit-User-Api", "Limit:9,Remain:3,TimeLeft:2000"}, 0},
		"list without structure":    {[]string{"X-Ratelimit-User-Api", ",,:,TimeLeft"}, 0},
		"date in the past":          {[]string{"Retry-After", in(-time.Hour)}, 0},
		"negative seconds":          {[]string{"Retry-After", "-7"}, 0},
		"neither number nor date":   {[]string{"Retry-After", "tomorrow"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				throttled := respondError(400, "Throttling.Api", tt.header...)
				api, _ := errors.AsType[*APIError](getJob(t.Context(), clientOver(t, throttled, attempts(1))))
				if api == nil || api.RetryAfter != tt.want {
					t.Errorf("the error is %#v, want RetryAfter %v", api, tt.want)
				}
				least, most := tt.want, tt.want+tt.want/10
				if tt.want == 0 {
					least, most = time.Second, 4*time.Second
				}
				rt := newScript(throttled, success)
				if err := getJob(t.Context(), clientOver(t, rt)); err != nil {
					t.Error(err)
				}
				if delay := rt.gaps(t)[0]; delay < least || delay > most {
					t.Errorf("the delay is %v, want %v to %v", delay, least, most)
				}
			})
		})
	}
}

// TestRetryAfterOfOthers checks that responses other than throttled ones can ask for a delay.
func TestRetryAfterOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := newScript(respond(503, "", "Retry-After", "5"), success)
		if err := getJob(t.Context(), clientOver(t, rt)); err != nil {
			t.Error(err)
		}
		if gap := rt.gaps(t)[0]; gap < 5*time.Second || gap > 5500*time.Millisecond {
			t.Errorf("the delay is %v, want 5s to 5.5s", gap)
		}
	})
}

// TestRetryAfterTooLong checks that a delay of more than a minute, or past the deadline, ends the call at once with an
// error that names it.
func TestRetryAfterTooLong(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		header     []string
		timeout    time.Duration // of the caller; 0: none
		retryAfter time.Duration
		deadline   bool // the caller's context is too short
	}{
		"above a minute":      {[]string{"X-Acs-Retry-After", "60001"}, 0, 60001 * time.Millisecond, false},
		"an hour":             {[]string{"Retry-After", "3600"}, 0, time.Hour, false},
		"an hour, long ctx":   {[]string{"Retry-After", "3600"}, 24 * time.Hour, time.Hour, false},
		"forever":             {[]string{"X-Acs-Retry-After", "9223372036854775807"}, 0, math.MaxInt64, false},
		"past the deadline":   {[]string{"X-Acs-Retry-After", "5000"}, 4 * time.Second, 5 * time.Second, true},
		"seconds past it":     {[]string{"Retry-After", "50"}, 49 * time.Second, 50 * time.Second, true},
		"shortly past it":     {[]string{"X-Acs-Retry-After", "5000"}, 5*time.Second - 1, 5 * time.Second, true},
		"older form, past it": {[]string{"X-Ratelimit-User", "TimeLeft:5000"}, time.Second, 5 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.timeout)
					defer cancel()
				}
				rt := newScript(respondError(400, "Throttling.User", tt.header...), success)
				start := time.Now()
				err := getJob(ctx, clientOver(t, rt))
				if elapsed := time.Since(start); elapsed != 0 {
					t.Errorf("the call took %v", elapsed)
				}
				api, ok := errors.AsType[*APIError](err)
				if !ok || api.RetryAfter != tt.retryAfter || api.Attempts != 1 || api.Code != "Throttling.User" {
					t.Errorf("the error is %#v, want RetryAfter %v", err, tt.retryAfter)
				}
				wantKind(t, err, ErrThrottled)
				wantOneLine(t, err)
				if errors.Is(err, context.DeadlineExceeded) != tt.deadline {
					t.Errorf("errors.Is(%q, context.DeadlineExceeded) is %t", err, !tt.deadline)
				}
				if !strings.Contains(err.Error(), "retry after") {
					t.Errorf("the error %q does not name the delay", err)
				}
				rt.wantRequests(t, 1)
			})
		})
	}
	t.Run("just before the deadline", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for range 50 { // the jitter must not exceed the deadline either
				rt := newScript(respondError(400, "Throttling.User", "X-Acs-Retry-After", "10000"), success)
				ctx, cancel := context.WithTimeout(t.Context(), 10100*time.Millisecond)
				if err := getJob(ctx, clientOver(t, rt)); err != nil {
					t.Error(err)
				}
				cancel()
				rt.wantRequests(t, 2)
			}
		})
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
