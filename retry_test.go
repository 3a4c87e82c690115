package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	for policy, want := range map[int]int{0: 3, 1: 1, 2: 2, 3: 3, 7: 7} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(respondError(503, "ServiceUnavailable"))
				start := time.Now()
				err := getJob(t.Context(), clientOver(t, rt, attempts(policy)))
				api, ok := errors.AsType[*APIError](err)
				if !ok || !errors.Is(err, ErrUnavailable) || api.Attempts != want {
					t.Errorf("the error is %#v, want an *APIError after %d attempts", err, want)
				}
				rt.wantRequests(t, want)
				if elapsed := time.Since(start); want == 1 && elapsed != 0 {
					t.Errorf("the only attempt took %v", elapsed)
				}

				rt = newScript(failWith(syscall.ECONNRESET))
				err = getJob(t.Context(), clientOver(t, rt, attempts(policy)))
				call, ok := errors.AsType[*CallError](err)
				if !ok || call.Attempts != want {
					t.Errorf("the error is %#v, want a *CallError after %d attempts", err, want)
				}
				if has := strings.Contains(err.Error(), fmt.Sprintf("%d attempts", want)); has != (want > 1) {
					t.Errorf("the error %q miscounts the attempts", err)
				}
			})
		})
	}
	t.Run("until it succeeds", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(respondError(500, "InternalError"), failWith(io.EOF), success)
			if err := getJob(t.Context(), clientOver(t, rt)); err != nil {
				t.Error(err)
			}
			rt.wantRequests(t, 3)
		})
	})
	t.Run("the last failure counts", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(failWith(io.EOF), respondError(500, "InternalError"), respondError(400, "InvalidParameter"), success)
			err := getJob(t.Context(), clientOver(t, rt, attempts(9)))
			if api, ok := errors.AsType[*APIError](err); !ok || api.Code != "InvalidParameter" || api.Attempts != 3 || errors.Is(err, io.EOF) {
				t.Errorf("the error is %#v", err)
			}
			rt.wantRequests(t, 3)
		})
	})
}

// sampleDelays returns the delays before attempts 2, 3, ... of many calls that fail with next.
func sampleDelays(t *testing.T, calls int, policy RetryPolicy, next step) (delays [][]time.Duration) {
	t.Helper()
	delays = make([][]time.Duration, policy.MaxAttempts-1)
	rt := newScript(next)
	c := clientOver(t, rt, WithRetryPolicy(policy))
	for range calls {
		rt.seen, c.quota.used = nil, 0
		getJob(t.Context(), c)
		rt.wantRequests(t, policy.MaxAttempts)
		for i, gap := range rt.gaps(t) {
			delays[i] = append(delays[i], gap)
		}
	}
	return delays
}

// wantSpread checks that delays lie between least and most, spread over the range. With 100 samples the probability
// that a fifth has none is 1 in 10^9.
func wantSpread(t *testing.T, name string, delays []time.Duration, least, most time.Duration) {
	t.Helper()
	low, high := slices.Min(delays), slices.Max(delays)
	if low < least || high > most {
		t.Errorf("%s: the delays are from %v to %v, want %v to %v", name, low, high, least, most)
	}
	if fifth := (most - least) / 5; low > least+fifth || high < most-fifth {
		t.Errorf("%s: the delays are from %v to %v, want them spread from %v to %v", name, low, high, least, most)
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(delays)))
	if most > least && len(sorted) < len(delays)*9/10 {
		t.Errorf("%s: only %d of %d delays differ", name, len(sorted), len(delays))
	}
	var sum time.Duration
	for _, d := range delays {
		sum += d
	}
	// The deviation of the mean of 100 is 3 % of the range: 20 % is seven of them.
	if mean, middle := sum/time.Duration(len(delays)), least+(most-least)/2; (mean - middle).Abs() > (most-least)/5 {
		t.Errorf("%s: the mean delay is %v, want about %v", name, mean, middle)
	}
}

// TestFullJitter checks that the delay before attempt n is random, up to min(MaxDelay, BaseDelay x 2^n).
func TestFullJitter(t *testing.T) {
	t.Parallel()
	const calls = 100
	for name, tt := range map[string]struct {
		policy RetryPolicy
		next   step
		least  time.Duration
		most   func(n int) time.Duration
	}{
		"server error": {RetryPolicy{MaxAttempts: 9}, respondError(500, "InternalError"), 0, func(n int) time.Duration {
			return min(20*time.Second, 100*time.Millisecond<<n)
		}},
		"network": {RetryPolicy{MaxAttempts: 4}, failWith(io.EOF), 0, func(n int) time.Duration {
			return 100 * time.Millisecond << n
		}},
		"throttled": {RetryPolicy{MaxAttempts: 5}, respondError(400, "Throttling.User"), time.Second, func(n int) time.Duration {
			return min(20*time.Second, time.Second<<n)
		}},
		"own delays": {
			RetryPolicy{MaxAttempts: 4, BaseDelay: 30 * time.Millisecond, MaxDelay: 300 * time.Millisecond},
			respondError(500, ""), 0,
			func(n int) time.Duration { return min(300*time.Millisecond, 30*time.Millisecond<<n) },
		},
		"long base delay, throttled": {
			RetryPolicy{MaxAttempts: 3, BaseDelay: 2 * time.Second},
			respondError(429, ""), time.Second,
			func(n int) time.Duration { return min(20*time.Second, 2*time.Second<<n) },
		},
		"Retry-After, plus up to 10 %": {
			RetryPolicy{MaxAttempts: 2},
			respondError(400, "Throttling.Api", "X-Acs-Retry-After", "2500"), 2500 * time.Millisecond,
			func(int) time.Duration { return 2750 * time.Millisecond },
		},
		"short maximum, throttled": {
			RetryPolicy{MaxAttempts: 3, MaxDelay: 500 * time.Millisecond},
			respondError(429, ""), 500 * time.Millisecond,
			func(int) time.Duration { return 500 * time.Millisecond },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for i, delays := range sampleDelays(t, calls, tt.policy, tt.next) {
					wantSpread(t, fmt.Sprint("before attempt ", i+2), delays, tt.least, tt.most(i+2))
				}
			})
		})
	}
}

func TestBackoffDoesNotOverflow(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		for _, base := range []time.Duration{1, time.Millisecond, time.Hour, math.MaxInt64} {
			for _, longest := range []time.Duration{1, 20 * time.Second, math.MaxInt64} {
				if d := maxBackoff(base, longest, n); d <= 0 || d > longest {
					t.Errorf("maxBackoff(%d, %d, %d) is %d", base, longest, n, d)
				}
			}
		}
	}
}

// TestDeadlineInTheDelay checks that the caller's deadline ends the backoff.
func TestDeadlineInTheDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := newScript(respondError(500, "InternalError"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := getJob(ctx, clientOver(t, rt, WithRetryPolicy(RetryPolicy{MaxAttempts: 1000, MaxDelay: time.Hour, BaseDelay: time.Minute})))
		if got := time.Since(start); got > 10*time.Second {
			t.Errorf("the call ended after %v", got)
		}
		api, ok := errors.AsType[*APIError](err)
		if !ok || api.Code != "InternalError" || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("the error is %v", err)
		}
	})
}
