package livetranscode

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// measureClockOffset returns how far the service's clock is ahead, from the Date header of a response that was
// not cached and the midpoint of the attempt.
func measureClockOffset(h http.Header, sent, received time.Time) (offset time.Duration, ok bool) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || h.Get("Age") != "" {
		return 0, false
	}
	return date.Sub(sent.Add(received.Sub(sent) / 2)), true
}

// retryAfter returns the delay that a response asks for, 0 for none: the service's header in milliseconds, that
// of its older gateways, or the standard one, which proxies send, in seconds or as a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if d := millis(h.Get("X-Acs-Retry-After")); d > 0 {
		return d
	}
	if d := max(rateLimit(h.Get("X-Ratelimit-User-Api")), rateLimit(h.Get("X-Ratelimit-User"))); d > 0 {
		return d
	}
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return toDuration(seconds, time.Second)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now))
}

// rateLimit parses "Limit:1,Remain:0,TimeLeft:2000,Reset:1234": the milliseconds until requests are allowed
// again, if none is allowed now.
func rateLimit(s string) time.Duration {
	var left time.Duration
	for part := range strings.SplitSeq(s, ",") {
		switch name, value, _ := strings.Cut(part, ":"); strings.TrimSpace(name) {
		case "Remain":
			if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil && n > 0 {
				return 0
			}
		case "TimeLeft":
			left = millis(value)
		}
	}
	return left
}

func millis(s string) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return toDuration(n, time.Millisecond)
}

// toDuration returns n units, 0 if n is negative, and the longest duration on overflow.
func toDuration(n int64, unit time.Duration) time.Duration {
	switch {
	case n <= 0:
		return 0
	case n > math.MaxInt64/int64(unit):
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}
