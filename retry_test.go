package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
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

// TestRetryQuota checks that retries stop when there are too many of them, and that first attempts never do.
func TestRetryQuota(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		next  step
		calls int // whose retry fits into the quota
	}{
		"server error": {respondError(500, "InternalError"), 100},
		"throttled":    {respondError(400, "Throttling"), 100},
		"network":      {failWith(io.EOF), 100},
		"timed out":    {block, 50},
		"half a body":  {respondThenBlock(200, "{"), 50},
		"timeout":      {failWith(timeoutError{}), 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := newScript(tt.next)
				c := clientOver(t, rt, attempts(2))
				// callsThatSend makes calls and checks how many requests each sends.
				callsThatSend := func(n, calls int, next step) {
					t.Helper()
					rt.steps = []step{next}
					for i := range calls {
						before, start := len(rt.requests(t)), time.Now()
						getJob(t.Context(), c)
						if got := len(rt.requests(t)) - before; got != n {
							t.Fatalf("call %d of %d sent %d requests, want %d", i+1, calls, got, n)
						}
						if got := time.Since(start); n == 1 && got > 30*time.Second {
							t.Errorf("a call without a retry took %v", got)
						}
					}
				}
				callsThatSend(2, tt.calls, tt.next)
				callsThatSend(1, 3, tt.next)
				// A success gives back 1, so cost successes pay for a retry.
				cost := quotaSize / tt.calls
				callsThatSend(1, cost-1, success)
				callsThatSend(1, 1, tt.next)
				callsThatSend(1, 1, success)
				callsThatSend(2, 1, tt.next)
			})
		})
	}
	t.Run("a success gives back what its retries took", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := clientOver(t, step(func(req *http.Request) (*http.Response, error) {
				n++
				return []step{success, respondError(500, "InternalError"), failWith(timeoutError{})}[n%3](req)
			}))
			for i := range 200 { // 15 each, if they were not given back
				if err := getJob(t.Context(), c); err != nil {
					t.Fatalf("call %d: %v", i, err)
				}
				if c.quota.used != 0 {
					t.Fatalf("after call %d the quota lacks %d", i, c.quota.used)
				}
			}
		})
	})
	t.Run("a retry that is not sent costs nothing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			delayed := newScript(respondError(400, "Throttling.User", "X-Acs-Retry-After", "10000"))
			c := clientOver(t, delayed)
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				if err := getJob(ctx, c); !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
			}
			delayed.wantRequests(t, 200)
			if c.quota.used != 0 {
				t.Errorf("200 retries that were not made cost %d", c.quota.used)
			}

			refused := newScript(respondError(403, "InvalidSecurityToken.Expired"))
			c = clientOver(t, refused, WithCredentials(StaticCredentials("STS.id", testSecret, testToken)))
			for range 100 {
				if err := getJob(t.Context(), c); !errors.Is(err, ErrAuthentication) {
					t.Fatal(err)
				}
			}
			refused.wantRequests(t, 100)
			if c.quota.used != 0 {
				t.Errorf("100 retries without other credentials cost %d", c.quota.used)
			}
		})
	})
	t.Run("never more than full", func(t *testing.T) {
		t.Parallel()
		var q quota
		q.giveBack(1000)
		for i := range 100 {
			if ok, _ := q.take(5); !ok {
				t.Fatalf("the quota is empty after %d", i*5)
			}
		}
		if ok, exhausted := q.take(1); ok || !exhausted {
			t.Error("the quota holds more than 500")
		}
	})
	t.Run("shared by all callers", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rt := newScript(respondError(500, "InternalError"))
			c := clientOver(t, rt, attempts(4))
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() { getJob(t.Context(), c) })
			}
			wg.Wait()
			rt.wantRequests(t, 200+100)
		})
	})
}

// TestNonceUsed checks that a nonce that was used is replaced, once a call.
func TestNonceUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := newScript(respondError(400, "SignatureNonceUsed"))
		wantKind(t, getJob(t.Context(), clientOver(t, rt, attempts(9))), ErrAuthentication)
		seen := rt.requests(t)
		if len(seen) != 2 || seen[0].header.Get("x-acs-signature-nonce") == seen[1].header.Get("x-acs-signature-nonce") {
			t.Errorf("%d requests were sent, want 2 with two nonces", len(seen))
		}
	})
}

// A changingProvider returns the next credentials each time, the last one repeatedly, and records the refused ones.
type changingProvider struct {
	all   []Credentials
	asked int
	told  []Credentials
}

func (p *changingProvider) Credentials(context.Context) (Credentials, error) {
	p.asked++
	return p.all[min(p.asked, len(p.all))-1], nil
}

func (p *changingProvider) refused(c Credentials) { p.told = append(p.told, c) }

// TestStaticCredentialsAreNotRetried checks that the error of refused credentials that cannot change says nothing else.
func TestStaticCredentialsAreNotRetried(t *testing.T) {
	t.Parallel()
	var r hookRecorder
	rt := newScript(respondError(404, "InvalidAccessKeyId.NotFound"))
	err := getJob(t.Context(), clientOver(t, rt, WithHooks(r.hooks(t, "a"))))
	if len(r.attempts) != 1 || r.attempts[0].Retry || strings.Contains(err.Error(), "provider") {
		t.Errorf("%d attempts; the error is %v", len(r.attempts), err)
	}
	wantKind(t, err, ErrAuthentication)
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	session := func(n int) Credentials {
		return Credentials{AccessKeyID: fmt.Sprint("STS.", n), AccessKeySecret: fmt.Sprint("secret-", n), SecurityToken: fmt.Sprint("token-", n)}
	}
	key := Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}
	lost := Credentials{AccessKeyID: "STS.lost", AccessKeySecret: "secret"} // its token is missing
	expired := respondError(403, "InvalidSecurityToken.Expired")
	for name, tt := range map[string]struct {
		creds    []Credentials
		steps    []step
		requests int
		asked    int
		told     int
		fails    bool
	}{
		"others":               {[]Credentials{session(1), session(2)}, []step{expired, success}, 2, 2, 1, false},
		"malformed":            {[]Credentials{session(1), session(2)}, []step{respondError(400, "InvalidSecurityToken.Malformed"), success}, 2, 2, 1, false},
		"mismatch":             {[]Credentials{session(1), session(2)}, []step{respondError(400, "InvalidSecurityToken.MismatchWithAccessKey"), success}, 2, 2, 1, false},
		"missing":              {[]Credentials{lost, session(2)}, []step{respondError(400, "MissingSecurityToken"), success}, 2, 2, 1, false},
		"permanent instead":    {[]Credentials{session(1), key}, []step{expired, success}, 2, 2, 1, false},
		"the same":             {[]Credentials{session(1)}, []step{expired, success}, 1, 2, 1, true},
		"permanent":            {[]Credentials{key, session(2)}, []step{expired, success}, 2, 2, 1, false},
		"a rotated key":        {[]Credentials{key, {AccessKeyID: "id-2", AccessKeySecret: "secret-2"}}, []step{respondError(404, "InvalidAccessKeyId.NotFound"), success}, 2, 2, 1, false},
		"a rotated secret":     {[]Credentials{key, {AccessKeyID: "id", AccessKeySecret: "secret-2"}}, []step{respondError(400, "SignatureDoesNotMatch"), success}, 2, 2, 1, false},
		"the same key":         {[]Credentials{key}, []step{respondError(404, "InvalidAccessKeyId.NotFound"), success}, 1, 2, 1, true},
		"once":                 {[]Credentials{session(1), session(2), session(3)}, []step{expired, expired, success}, 2, 2, 2, true},
		"key not found":        {[]Credentials{session(1), session(2)}, []step{respondError(404, "InvalidAccessKeyId.NotFound"), success}, 2, 2, 1, false},
		"key inactive":         {[]Credentials{key, session(2)}, []step{respondError(400, "InvalidAccessKeyId.Inactive"), success}, 2, 2, 1, false},
		"key disabled":         {[]Credentials{key, session(2)}, []step{respondError(403, "Forbidden.AccessKeyDisabled"), success}, 2, 2, 1, false},
		"incomplete":           {[]Credentials{key, session(2)}, []step{respondError(400, "IncompleteSignature"), success}, 1, 1, 0, true},
		"forbidden":            {[]Credentials{session(1), session(2)}, []step{respondError(403, "Forbidden.RAM"), success}, 1, 1, 0, true},
		"throttled":            {[]Credentials{session(1)}, []step{respondError(400, "Throttling"), success}, 2, 2, 0, false},
		"then a server error":  {[]Credentials{session(1), session(2)}, []step{expired, respondError(503, ""), success}, 3, 3, 1, false},
		"after a server error": {[]Credentials{session(1), session(1), session(2)}, []step{respondError(503, ""), expired, success}, 3, 3, 1, false},
		"the refused return":   {[]Credentials{session(1), session(2), session(1)}, []step{expired, respondError(503, ""), success}, 2, 3, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt, p := newScript(tt.steps...), &changingProvider{all: tt.creds}
				err := getJob(t.Context(), clientOver(t, rt, WithCredentials(p)))
				if (err != nil) != tt.fails {
					t.Errorf("the error is %v", err)
				}
				rt.wantRequests(t, tt.requests)
				if p.asked != tt.asked {
					t.Errorf("the provider was asked %d times, want %d", p.asked, tt.asked)
				}
				if len(p.told) != tt.told {
					t.Errorf("the provider was told of %d refusals, want %d", len(p.told), tt.told)
				}
				if len(p.told) > 0 && p.told[0] != tt.creds[0] {
					t.Errorf("the provider was told of %v", p.told[0])
				}
				if err == nil {
					return
				}
				wantOneLine(t, err)
				api, ok := errors.AsType[*APIError](err)
				if !ok || api.RequestID == "" || api.Attempts != tt.requests {
					t.Errorf("the error is %#v, want the service's after %d attempts", err, tt.requests)
				}
				wantNone(t, err.Error(), "secret-1", "token-1", "secret-2", "token-2")
			})
		})
	}
}
